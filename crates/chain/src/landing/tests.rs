mod expired;
mod hostile;

use super::*;
use crate::scripted::{Answer, Node};
use crate::transaction::{self, Draft};
use crate::{Blockhash, Hash, Instruction, Wallet};
use futures_util::FutureExt as _;
use order_core::order::{Fill, Marker};
use order_core::{Atoms, Pubkey, Signature, failure, token};
use serde_json::{Value, json};
use std::collections::VecDeque;

const PACE: Pace = Pace {
    send: Duration::from_millis(20),
    status: Duration::from_millis(5),
    look: Duration::from_millis(1),
    expiry: Duration::from_millis(10),
    absence: Duration::from_millis(10),
    silence: Duration::from_secs(1),
};
/// The last block height at which the tests' transaction can land.
const LAST_VALID: u64 = 1_000;
/// The slot that its blockhash is of.
const BLOCKHASH_SLOT: u64 = 800;

fn trade() -> Trade {
    let known = |symbol: &str| token::known().find(|token| token.symbol == symbol).unwrap();
    let wallet = Wallet::for_test(7).pubkey();
    let temporary = Pubkey::new_from_array([9; 32]);
    Trade {
        wallet,
        temporary,
        token_in: known("SOL"),
        token_out: known("USDC"),
        max_in: Atoms::new(1_000_000_000),
        min_out: Atoms::new(149_000_000),
        tip: Atoms::ZERO,
        marker: None,
        kept: Vec::new(),
    }
}

fn marker() -> Marker {
    let address = Pubkey::new_from_array([11; 32]).into();
    let wallet = Wallet::for_test(7).pubkey().into();
    Marker { address, wallet, seed: "abcdefghijklmnop".to_owned(), generation: 0 }
}

/// A signed swap of 1 SOL; `salt` makes it another transaction.
fn signed(salt: u8) -> SignedTransaction {
    let (wallet, trade) = (Wallet::for_test(7), trade());
    let swap =
        Instruction { program_id: Pubkey::new_from_array([9; 32]), accounts: Vec::new(), data: vec![salt] };
    let draft = Draft {
        marker: marker(),
        token_in: trade.token_in,
        token_out: trade.token_out,
        intermediates: Vec::new(),
        amount_in: Atoms::new(1_000_000_000),
        swaps: vec![swap],
        compute_unit_limit: 200_000,
        compute_unit_price: 0,
        loaded_bytes_limit: transaction::LOADED_BYTES_MAX,
        token_account_rent: Atoms::new(2_039_280),
        marker_rent: Atoms::new(890_880),
        tip: None,
    };
    let hash = Hash::new_from_array([3; 32]);
    let blockhash = Blockhash { hash, last_valid_block_height: LAST_VALID, slot: BLOCKHASH_SLOT };
    transaction::build(&wallet.pubkey(), &draft, &crate::Formats::default(), &blockhash)
        .unwrap()
        .sign(&wallet)
        .now_or_never()
        .unwrap()
        .unwrap()
}

/// `getTransaction` of a swap of 1 SOL for 150 USDC.
fn landed(err: &Value) -> Value {
    let message = transaction::message(&signed(0).bytes).unwrap();
    let accounts = message.static_account_keys();
    let output = transaction::token_account(&trade().wallet, &trade().token_out, &marker());
    let index = accounts.iter().position(|account| *account == output).unwrap();
    let mut before = vec![0u64; accounts.len()];
    before[0] = 5_000_000_000;
    let mut after = before.clone();
    after[0] = 5_000_000_000 - 1_000_000_000 - 2_039_280 - 5_000;
    after[index] = 2_039_280;
    let usdc = json!({
        "accountIndex": index, "mint": trade().token_out.mint, "owner": trade().wallet.to_string(),
        "uiTokenAmount": { "amount": "150000000", "decimals": 6 }
    });
    json!({ "slot": 42, "transaction": ["AQ==", "base64"], "meta": {
        "err": err, "fee": 5_000, "preBalances": before, "postBalances": after,
        "preTokenBalances": [], "postTokenBalances": [usdc]
    } })
}

fn expected_fill() -> Observation {
    Observation::Landed {
        fill: Some(Fill {
            amount_in: Atoms::new(1_000_000_000),
            amount_out: Atoms::new(150_000_000),
            network_fee: Atoms::new(5_000),
            tip: Atoms::ZERO,
            leftovers: Vec::new(),
            slot: 42,
        }),
    }
}

fn statuses(status: &Value) -> Answer {
    Answer::Result(json!({ "context": { "slot": 900 }, "value": [status] }))
}

fn status(commitment: &str) -> Value {
    json!({ "slot": 42, "confirmations": 1, "err": null, "confirmationStatus": commitment })
}

fn failed_status(commitment: &str, err: &Value) -> Value {
    json!({ "slot": 42, "confirmations": 1, "err": err, "confirmationStatus": commitment })
}

fn epoch(block_height: u64) -> Answer {
    Answer::Result(json!({ "epoch": 1, "absoluteSlot": 900, "blockHeight": block_height, "slotIndex": 1 }))
}

/// A node's answers, call by call; the last of each kind stays.
struct Script {
    sends: VecDeque<Answer>,
    recent: VecDeque<Answer>,
    history: VecDeque<Answer>,
    heights: VecDeque<Answer>,
    first_blocks: VecDeque<Answer>,
    transactions: VecDeque<Answer>,
    blockhashes: VecDeque<Answer>,
    markers: VecDeque<Answer>,
    named: VecDeque<Answer>,
}

/// A state with the marker, or without it.
fn marker_there(there: bool) -> Answer {
    let account = json!({
        "lamports": 890_880, "owner": "11111111111111111111111111111111", "data": ["", "base64"],
        "executable": false, "rentEpoch": 0
    });
    let account = if there { account } else { Value::Null };
    Answer::Result(json!({ "context": { "slot": 900 }, "value": [account] }))
}

fn valid_blockhash(valid: bool) -> Answer {
    Answer::Result(json!({ "context": { "slot": 900 }, "value": valid }))
}

/// The transactions that named the marker and succeeded.
fn named(signatures: &[&str]) -> Answer {
    let named = signatures.iter().map(|signature| json!({ "signature": signature, "err": null, "slot": 42 }));
    Answer::Result(named.collect())
}

impl Script {
    /// A node that takes the bytes and knows nothing of them, long before the transaction expires.
    fn silent() -> Self {
        Self {
            sends: [Answer::Result(json!("taken"))].into(),
            recent: [statuses(&Value::Null)].into(),
            history: [statuses(&Value::Null)].into(),
            heights: [epoch(LAST_VALID - 100)].into(),
            first_blocks: [Answer::Result(json!(BLOCKHASH_SLOT))].into(),
            transactions: [Answer::Result(Value::Null)].into(),
            blockhashes: [valid_blockhash(false)].into(),
            markers: [marker_there(false)].into(),
            named: [named(&[])].into(),
        }
    }

    /// A node whose finalized chain is past the transaction.
    fn past() -> Self {
        Self { heights: [epoch(LAST_VALID + 1)].into(), ..Self::silent() }
    }

    /// A node that has the transaction, and so its marker.
    fn with_it() -> Self {
        Self {
            recent: [statuses(&status("finalized"))].into(),
            history: [statuses(&status("finalized"))].into(),
            transactions: [Answer::Result(landed(&Value::Null))].into(),
            markers: [marker_there(true)].into(),
            named: [named(&[&signed(0).signature.to_string()])].into(),
            ..Self::silent()
        }
    }

    fn answer(&mut self, method: &str, params: &Value) -> Answer {
        let queue = match method {
            "sendTransaction" => &mut self.sends,
            "getSignatureStatuses" if params[1]["searchTransactionHistory"] == true => &mut self.history,
            "getSignatureStatuses" => &mut self.recent,
            "getEpochInfo" => &mut self.heights,
            "getFirstAvailableBlock" => &mut self.first_blocks,
            "getTransaction" => &mut self.transactions,
            "isBlockhashValid" => &mut self.blockhashes,
            "getMultipleAccounts" => &mut self.markers,
            "getSignaturesForAddress" => &mut self.named,
            other => panic!("{other} was not expected"),
        };
        let answer = queue.pop_front().unwrap();
        if queue.is_empty() {
            queue.push_back(answer.clone());
        }
        answer
    }

    async fn start(mut self) -> Node {
        Node::start(move |method, params| self.answer(method, params)).await
    }
}

fn explain(_program: &Pubkey, code: u32, _logs: &[String]) -> Option<(failure::Code, &'static str)> {
    (code == 6005).then_some((failure::Code::SlippageExceeded, "ExceededSlippage"))
}

fn lander(nodes: &[&Node], commitment: Commitment) -> Lander {
    let urls: Vec<String> = nodes.iter().map(|node| node.url.clone()).collect();
    let (lander, watch) = Lander::with_pace(Client::new(&urls).unwrap(), commitment, explain, None, PACE);
    tokio::spawn(watch);
    lander
}

async fn land(nodes: &[&Node]) -> Observation {
    lander(nodes, Commitment::Confirmed).land(&signed(0), &trade()).await.unwrap()
}

#[tokio::test]
async fn null_errors_and_processed_say_nothing_and_the_same_bytes_are_sent_until_it_is_confirmed() {
    let node = Script {
        recent: [
            statuses(&Value::Null),
            Answer::Status(500),
            Answer::HangUp,
            Answer::Error(-32005, "Node is unhealthy", Value::Null),
            statuses(&status("processed")),
            statuses(&status("processed")),
            statuses(&status("processed")),
            statuses(&status("processed")),
            statuses(&status("processed")),
            statuses(&status("confirmed")),
        ]
        .into(),
        // Confirmed a moment before the node shows it.
        transactions: [
            Answer::Result(Value::Null),
            Answer::Status(503),
            Answer::Result(landed(&Value::Null)),
        ]
        .into(),
        ..Script::silent()
    }
    .start()
    .await;
    assert_eq!(land(&[&node]).await, expected_fill());
    assert_eq!((node.count("getSignatureStatuses"), node.count("getTransaction")), (10 + 2, 3));
    let sends = node.params("sendTransaction");
    assert!(sends.len() >= 2, "sent {} times", sends.len());
    assert!(sends.iter().all(|params| params == &sends[0]));
}

#[tokio::test]
async fn a_finalized_commitment_waits_for_it() {
    let node = Script {
        recent: [
            statuses(&status("confirmed")),
            statuses(&status("confirmed")),
            statuses(&status("finalized")),
        ]
        .into(),
        transactions: [Answer::Result(landed(&Value::Null))].into(),
        ..Script::silent()
    }
    .start()
    .await;
    let lander = lander(&[&node], Commitment::Finalized);
    assert_eq!(lander.land(&signed(0), &trade()).await, Ok(expected_fill()));
    assert_eq!((node.count("getSignatureStatuses"), node.count("getTransaction")), (3, 1));
    assert_eq!(node.params("getTransaction")[0][1]["commitment"], "finalized");
}

#[tokio::test]
async fn a_reverted_transaction_tells_the_programs_error_and_the_fee() {
    // The swap is the sixth instruction.
    let err = json!({ "InstructionError": [5, { "Custom": 6005 }] });
    let node = Script {
        recent: [statuses(&failed_status("finalized", &err))].into(),
        transactions: [Answer::Result(landed(&err))].into(),
        ..Script::silent()
    }
    .start()
    .await;
    let Observation::Reverted { failure, network_fee, slot } = land(&[&node]).await else { panic!() };
    assert_eq!((failure.code, network_fee, slot), (failure::Code::SlippageExceeded, Atoms::new(5_000), 42));
    assert!(failure.message.contains("ExceededSlippage"), "{failure}");
}

#[tokio::test]
async fn an_unknown_error_is_a_revert() {
    let err = json!({ "InstructionError": [5, "InvalidAccountData"] });
    let node = Script {
        recent: [statuses(&failed_status("finalized", &err))].into(),
        transactions: [Answer::Result(landed(&err))].into(),
        ..Script::silent()
    }
    .start()
    .await;
    let Observation::Reverted { failure, .. } = land(&[&node]).await else { panic!() };
    assert_eq!(failure.code, failure::Code::TransactionReverted);
}

#[tokio::test]
async fn a_failure_is_a_revert_only_when_it_is_finalized() {
    let err = json!({ "InstructionError": [5, { "Custom": 6005 }] });
    let node = Script {
        recent: [
            statuses(&failed_status("processed", &err)),
            statuses(&failed_status("confirmed", &err)),
            statuses(&failed_status("confirmed", &err)),
            statuses(&failed_status("finalized", &err)),
        ]
        .into(),
        transactions: [Answer::Result(landed(&err))].into(),
        ..Script::silent()
    }
    .start()
    .await;
    let Observation::Reverted { .. } = land(&[&node]).await else { panic!() };
    assert_eq!((node.count("getSignatureStatuses"), node.count("getTransaction")), (4, 1));
    assert_eq!(node.params("getTransaction")[0][1]["commitment"], "finalized");
}

#[tokio::test]
async fn a_confirmed_failure_in_the_history_is_neither_a_revert_nor_an_expiry() {
    let err = json!({ "InstructionError": [5, { "Custom": 6005 }] });
    let node = Script {
        heights: [epoch(LAST_VALID + 1)].into(),
        history: [
            statuses(&failed_status("confirmed", &err)),
            statuses(&failed_status("confirmed", &err)),
            statuses(&failed_status("finalized", &err)),
        ]
        .into(),
        transactions: [Answer::Result(landed(&err))].into(),
        ..Script::silent()
    }
    .start()
    .await;
    let Observation::Reverted { .. } = land(&[&node]).await else { panic!() };
    assert_eq!((node.count("getEpochInfo"), node.count("getTransaction")), (3, 1));
}

#[tokio::test]
async fn a_failure_on_a_dropped_fork_is_a_landing_where_it_lands_with_success() {
    let err = json!({ "InstructionError": [5, { "Custom": 6005 }] });
    let node = Script {
        recent: [
            statuses(&failed_status("confirmed", &err)),
            statuses(&failed_status("confirmed", &err)),
            statuses(&Value::Null),
            statuses(&status("confirmed")),
        ]
        .into(),
        // The fork that the status came from is not yet the one that is read.
        transactions: [Answer::Result(landed(&err)), Answer::Result(landed(&Value::Null))].into(),
        ..Script::silent()
    }
    .start()
    .await;
    assert_eq!(land(&[&node]).await, expected_fill());
    assert_eq!((node.count("getSignatureStatuses"), node.count("getTransaction")), (5, 2));
}

#[tokio::test]
async fn refusals_to_take_the_bytes_are_no_evidence_and_already_processed_is_good_news() {
    let preflight =
        |err: Value| Answer::Error(-32002, "Transaction simulation failed", json!({ "err": err }));
    let node = Script {
        sends: [preflight(json!("BlockhashNotFound")), preflight(json!("AlreadyProcessed"))].into(),
        recent: [statuses(&Value::Null), statuses(&Value::Null), statuses(&status("confirmed"))].into(),
        transactions: [Answer::Result(landed(&Value::Null))].into(),
        ..Script::silent()
    }
    .start()
    .await;
    assert_eq!(land(&[&node]).await, expected_fill());
}

#[tokio::test]
async fn everything_in_flight_is_asked_for_in_one_call() {
    let node = Node::start(move |method, params| match method {
        "getSignatureStatuses" => {
            let asked = params[0].as_array().unwrap().len();
            let known = if asked == 3 { status("confirmed") } else { Value::Null };
            Answer::Result(json!({ "context": { "slot": 900 }, "value": vec![known; asked] }))
        }
        "getEpochInfo" => epoch(1),
        "getTransaction" => Answer::Result(landed(&Value::Null)),
        _ => Answer::Result(json!("taken")),
    })
    .await;
    let lander = lander(&[&node], Commitment::Confirmed);
    let (trade, signed) = (trade(), [signed(1), signed(2), signed(3)]);
    // They land only in a call that asks for all three.
    let (first, second, third) = tokio::join!(
        lander.land(&signed[0], &trade),
        lander.land(&signed[1], &trade),
        lander.land(&signed[2], &trade)
    );
    for observation in [first, second, third] {
        assert_eq!(observation, Ok(expected_fill()));
    }
}

#[tokio::test]
async fn a_dropped_landing_is_forgotten_and_can_be_taken_up_again() {
    let (show, shown) = tokio::sync::watch::channel(false);
    let node = Node::start(move |method, params| match method {
        "getSignatureStatuses" => {
            let asked = params[0].as_array().unwrap().len();
            let known = if *shown.borrow() { status("confirmed") } else { Value::Null };
            Answer::Result(json!({ "context": { "slot": 900 }, "value": vec![known; asked] }))
        }
        "getEpochInfo" => epoch(1),
        "getTransaction" => Answer::Result(landed(&Value::Null)),
        _ => Answer::Result(json!("taken")),
    })
    .await;
    let lander = lander(&[&node], Commitment::Confirmed);
    let (trade, signed) = (trade(), signed(0));
    tokio::select! {
        observation = lander.land(&signed, &trade) => panic!("{observation:?}"),
        () = node.called("getSignatureStatuses", 2) => {}
    }
    show.send(true).unwrap();
    assert_eq!(lander.land(&signed, &trade).await, Ok(expected_fill()));
}

#[tokio::test]
async fn the_watch_ends_with_the_last_lander_and_a_lander_without_it_says_so() {
    let node = Script::silent().start().await;
    let client = || Client::new(std::slice::from_ref(&node.url)).unwrap();
    let (lander, watch) = Lander::new(client(), Commitment::Confirmed, explain, None);
    drop(lander.clone());
    let watch = tokio::spawn(watch);
    drop(lander);
    watch.await.unwrap();

    let (lander, watch) = Lander::new(client(), Commitment::Confirmed, explain, None);
    drop(watch);
    assert_eq!(lander.land(&signed(0), &trade()).await, Err(Stopped));
    assert_eq!(node.count("sendTransaction"), 0);
}

#[tokio::test]
async fn a_new_slot_is_a_reason_to_look_and_without_slots_the_looks_go_on() {
    // Only a slot leads to a second look within the test's time.
    let pace = Pace { status: Duration::from_secs(3_600), ..PACE };
    let node = Script {
        recent: [statuses(&Value::Null), statuses(&status("confirmed"))].into(),
        ..Script::with_it()
    };
    let node = node.start().await;
    let client = Client::new(std::slice::from_ref(&node.url)).unwrap();
    let (slot, slots) = tokio::sync::watch::channel(0);
    let (lander, watch) = Lander::with_pace(client, Commitment::Confirmed, explain, Some(slots), pace);
    tokio::spawn(watch);
    let (signed, trade) = (signed(0), trade());
    let landing = lander.land(&signed, &trade);
    let telling = async {
        node.called("getSignatureStatuses", 1).await;
        slot.send_replace(1);
    };
    assert_eq!(tokio::join!(landing, telling).0, Ok(expected_fill()));
    // The follower of the slots has ended.
    let script = Script {
        recent: [statuses(&Value::Null), statuses(&status("confirmed"))].into(),
        ..Script::with_it()
    };
    let node = script.start().await;
    let client = Client::new(std::slice::from_ref(&node.url)).unwrap();
    let (lander, watch) = Lander::with_pace(client, Commitment::Confirmed, explain, Some(closed()), PACE);
    tokio::spawn(watch);
    assert_eq!(lander.land(&signed, &trade).await, Ok(expected_fill()));
}

fn closed() -> tokio::sync::watch::Receiver<u64> {
    tokio::sync::watch::channel(0).1
}
