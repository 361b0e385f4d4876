use super::*;
use crate::scripted::{Answer, Node};
use std::time::Duration;

/// No test needs longer.
const PATIENCE: Duration = Duration::from_secs(20);

fn client(nodes: &[&Node]) -> Client {
    Client::new(&nodes.iter().map(|node| node.url.clone()).collect::<Vec<_>>()).unwrap()
}

async fn answering(result: Value) -> Node {
    Node::start(move |_, _| Answer::Result(result.clone())).await
}

fn key(seed: u8) -> Pubkey {
    Pubkey::new_from_array([seed; 32])
}

#[tokio::test]
async fn accounts_come_decoded_and_in_their_order() {
    let node = answering(json!({
        "context": { "apiVersion": "3.0.0", "slot": 77 },
        "value": [null, {
            "data": ["AQID", "base64"], "executable": false, "lamports": 5, "owner": key(4).to_string(),
            "rentEpoch": u64::MAX, "space": 3
        }]
    }))
    .await;
    let snapshot = client(&[&node]).accounts(&[key(1), key(2)], Commitment::Processed).await.unwrap();
    let account =
        Account { lamports: 5, data: vec![1, 2, 3], owner: key(4), executable: false, rent_epoch: u64::MAX };
    assert_eq!(snapshot, Snapshot { slot: 77, accounts: vec![None, Some(account)] });
    assert_eq!(
        node.params("getMultipleAccounts"),
        [
            json!([[key(1).to_string(), key(2).to_string()], { "encoding": "base64", "commitment": "processed" }])
        ]
    );
}

fn shown(slot: u64) -> Value {
    json!({ "context": { "slot": slot }, "value": [null] })
}

#[tokio::test]
async fn a_node_that_is_not_far_enough_is_passed_over() {
    let behind = || Answer::Error(-32016, "Minimum context slot has not been reached", json!(null));
    let (behind, up) = (Node::start(move |_, _| behind()).await, answering(shown(9)).await);
    let client = client(&[&behind, &up]);
    let keys = [key(1)];
    let since = client.accounts_since(&keys, Commitment::Processed, 9, PATIENCE).await.unwrap();
    assert_eq!((since.0, since.1.slot), (1, 9));
    let options = json!({ "encoding": "base64", "commitment": "processed", "minContextSlot": 9 });
    let expected = json!([[key(1).to_string()], options]);
    for node in [&behind, &up] {
        assert_eq!(node.params("getMultipleAccounts"), std::slice::from_ref(&expected));
    }
}

#[tokio::test]
async fn every_node_is_heard_and_none_is_waited_for_long() {
    let (one, other) = (answering(shown(9)).await, answering(shown(10)).await);
    let down = Node::start(|_, _| Answer::Status(503)).await;
    // It takes the connection and never answers.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hanging = format!("http://{}", listener.local_addr().unwrap());
    let urls = [&one.url, &hanging, &down.url, &other.url].map(Clone::clone);
    let client = Client::new(&urls).unwrap();
    let keys = [key(1)];
    let heard = client.accounts_of_each(&keys, Commitment::Processed, PATIENCE, PATIENCE / 100).await;
    let mut heard: Vec<_> =
        heard.unwrap().into_iter().map(|(node, snapshot)| (node, snapshot.slot)).collect();
    heard.sort_unstable();
    assert_eq!(heard, [(0, 9), (3, 10)]);
    client.prefer(3);
    assert_eq!(client.accounts(&[key(1)], Commitment::Processed).await.unwrap().slot, 10);
    let none = Client::new(std::slice::from_ref(&down.url)).unwrap();
    let none = none.accounts_of_each(&[key(1)], Commitment::Processed, PATIENCE, PATIENCE).await;
    assert!(matches!(none, Err(Error::Limited { status: 503, .. })), "{none:?}");
}

#[tokio::test]
async fn a_scan_names_what_it_looks_for() {
    let node = answering(json!([])).await;
    let scan = Scan { data_size: Some(637), bytes: vec![(5, vec![1; 8])] };
    let client = client(&[&node]);
    assert_eq!(client.program_addresses(&key(1), &scan, Commitment::Confirmed).await.unwrap(), []);
    client.program_addresses(&key(1), &Scan::default(), Commitment::Confirmed).await.unwrap();
    let bytes = json!({ "memcmp": { "offset": 5, "bytes": "AQEBAQEBAQE=", "encoding": "base64" } });
    let asked = |filters: Value| {
        let nothing = json!({ "offset": 0, "length": 0 });
        let options = json!({ "encoding": "base64", "commitment": "confirmed", "filters": filters, "dataSlice": nothing });
        json!([key(1).to_string(), options])
    };
    let expected = [asked(json!([{ "dataSize": 637 }, bytes])), asked(json!([]))];
    assert_eq!(node.params("getProgramAccounts"), expected);
}

#[tokio::test]
async fn an_answer_of_another_length_is_not_believed() {
    let node = answering(json!({ "context": { "slot": 1 }, "value": [] })).await;
    let client = client(&[&node]);
    let error = client.accounts(&[key(1)], Commitment::Confirmed).await.unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
    let error = client.signature_statuses(&[Signature::new([1; 64])], false).await.unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
}

#[tokio::test]
async fn too_many_at_once_are_refused_before_they_are_sent() {
    let node = answering(json!(null)).await;
    let client = client(&[&node]);
    let accounts = client.accounts(&vec![key(1); 101], Commitment::Confirmed).await.unwrap_err();
    assert!(matches!(accounts, Error::TooMany { asked: 101, limit: 100, .. }));
    let signatures = vec![Signature::new([1; 64]); 257];
    let statuses = client.signature_statuses(&signatures, false).await.unwrap_err();
    assert!(matches!(statuses, Error::TooMany { asked: 257, limit: 256, .. }));
    assert_eq!(node.methods(), [""; 0]);
}

#[tokio::test]
async fn a_read_goes_on_to_the_node_that_answers_and_stays_there() {
    for trouble in [
        || Answer::Status(429),
        || Answer::Status(503),
        || Answer::HangUp,
        || Answer::Error(-32005, "Node is behind by 42 slots", json!({ "numSlotsBehind": 42 })),
        || Answer::Error(-32016, "Minimum context slot has not been reached", json!({ "contextSlot": 1 })),
    ] {
        let (down, up) = (Node::start(move |_, _| trouble()).await, answering(json!(9)).await);
        let client = client(&[&down, &up]);
        assert_eq!(client.slot(Commitment::Confirmed).await.unwrap(), 9);
        let asked = down.count("getSlot");
        assert_eq!(client.slot(Commitment::Confirmed).await.unwrap(), 9);
        assert_eq!((down.count("getSlot"), up.count("getSlot")), (asked, 2));
    }
}

#[tokio::test]
async fn a_nodes_no_is_an_answer_with_its_code_and_data() {
    let no = || Answer::Error(-32602, "Invalid params", json!({ "hint": 1 }));
    let (first, second) = (Node::start(move |_, _| no()).await, answering(json!(9)).await);
    let error = client(&[&first, &second]).slot(Commitment::Confirmed).await.unwrap_err();
    let Error::Answer { code: -32602, message, data, .. } = &error else { panic!("{error}") };
    assert_eq!((message.as_str(), data), ("Invalid params", &Some(json!({ "hint": 1 }))));
    assert!(!error.is_transient());
    assert_eq!(second.count("getSlot"), 0);
}

#[tokio::test]
async fn trouble_with_the_transport_is_told_from_an_answer_and_hides_the_url() {
    let node = Node::start(|_, _| Answer::HangUp).await;
    let client = Client::new(&[format!("{}/secret?api-key=secret", node.url)]).unwrap();
    let error = client.slot(Commitment::Confirmed).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }) && error.is_transient());
    assert!(!format!("{error} {error:?} {client:?}").contains("secret"), "{error}");
}

#[tokio::test]
async fn a_transaction_goes_to_every_node_and_one_that_takes_it_is_enough() {
    let refuse = || Answer::Error(-32005, "Node is unhealthy", json!(null));
    let (first, second) = (Node::start(move |_, _| refuse()).await, answering(json!("sig")).await);
    client(&[&first, &second]).broadcast(&[1, 2, 3], &Arc::default()).await.unwrap();
    let expected = json!(["AQID", {
        "encoding": "base64", "skipPreflight": true, "preflightCommitment": "confirmed", "maxRetries": 0
    }]);
    for node in [&first, &second] {
        assert_eq!(node.params("sendTransaction"), std::slice::from_ref(&expected));
    }
    let not_taken = client(&[&first]).send(&[1]).await.unwrap_err();
    assert_eq!(not_taken.0[0].code(), Some(-32005));
}

#[tokio::test]
async fn a_transaction_that_no_node_takes_says_why() {
    let refuse = || {
        let data = json!({ "err": { "InstructionError": [4, { "Custom": 1 }] }, "logs": [] });
        Answer::Error(-32002, "Transaction simulation failed", data)
    };
    let (refusing, busy) =
        (Node::start(move |_, _| refuse()).await, Node::start(|_, _| Answer::Status(429)).await);
    let not_taken = client(&[&refusing, &busy]).send(&[1]).await.unwrap_err();
    let words = not_taken.to_string();
    assert!(words.contains("Transaction simulation failed") && words.contains("429"), "{words}");
}

/// A node that takes connections and never answers.
async fn hanging() -> (tokio::net::TcpListener, String) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

#[tokio::test]
async fn a_node_that_hangs_holds_up_neither_reads_nor_sends() {
    let (_listener, silent) = hanging().await;
    let up = answering(json!("ok")).await;
    let client = Client::new(&[silent, up.url.clone()]).unwrap();
    let asked = std::time::Instant::now();
    client.health().await.unwrap();
    client.send(&[1]).await.unwrap();
    client.health().await.unwrap();
    assert!(asked.elapsed() < crate::rpc::CALL_TIMEOUT / 2, "{:?}", asked.elapsed());
    assert_eq!((up.count("getHealth"), up.count("sendTransaction")), (2, 1));
}

#[tokio::test]
async fn senders_get_the_same_bytes_as_the_nodes_and_are_asked_nothing_else() {
    let refusing = Node::start(|_, _| Answer::Status(500)).await;
    let (relay, broken) = (answering(json!("taken")).await, Node::start(|_, _| Answer::HangUp).await);
    let senders = [broken.url.clone(), relay.url.clone()];
    let client = client(&[&refusing]).with_senders(&senders, &SenderKeys::default()).unwrap();
    client.broadcast(&[1, 2, 3], &Arc::default()).await.unwrap();
    relay.called("sendTransaction", 1).await;
    refusing.called("sendTransaction", 1).await;
    assert_eq!(relay.params("sendTransaction"), refusing.params("sendTransaction"));
    assert!(client.health().await.is_err(), "a relay's word counts for nothing");
    assert_eq!((relay.methods().len(), broken.methods().len()), (1, 1));
    client.send(&[4]).await.unwrap_err();
    assert_eq!(relay.methods().len(), 1, "what an operator sends pays no tip");
}

#[tokio::test]
async fn a_node_that_limits_rates_is_left_alone_as_long_as_it_asks_for() {
    let limited = Node::start(|_, _| Answer::Limited(Some(60))).await;
    let up = answering(json!("ok")).await;
    let client = client(&[&limited, &up]);
    client.health().await.unwrap();
    client.prefer(0);
    client.health().await.unwrap();
    assert_eq!((limited.count("getHealth"), up.count("getHealth")), (1, 2));
    // Where there is no other node, it is asked all the same.
    let alone = Client::new(std::slice::from_ref(&limited.url)).unwrap();
    for _ in 0..2 {
        let error = alone.health().await.unwrap_err();
        assert!(matches!(error, Error::Limited { status: 429, .. }), "{error}");
    }
    assert_eq!(limited.count("getHealth"), 3);
}

#[tokio::test]
async fn a_rate_limit_in_the_words_of_a_provider_is_passed_over() {
    let error = |code: i64| move || Answer::Error(code, "Too many requests", json!(null));
    for code in [-32429, -32603, -32004, -32005] {
        let (limited, up) = (Node::start(move |_, _| error(code)()).await, answering(json!(9)).await);
        assert_eq!(client(&[&limited, &up]).slot(Commitment::Confirmed).await.unwrap(), 9, "{code}");
    }
}

#[tokio::test]
async fn already_processed_is_good_news() {
    let node = Node::start(|_, _| {
        let data = json!({ "err": "AlreadyProcessed", "logs": [], "unitsConsumed": 0 });
        Answer::Error(-32002, "Transaction simulation failed", data)
    })
    .await;
    client(&[&node]).send(&[1]).await.unwrap();
}

#[tokio::test]
async fn statuses_say_how_sure_they_are_also_in_the_old_form() {
    let status = |name: Value, confirmations: Value, err: Value| json!({ "slot": 5, "confirmations": confirmations, "err": err, "status": {}, "confirmationStatus": name });
    let node = answering(json!({ "context": { "slot": 8 }, "value": [
        null,
        status(json!("processed"), json!(0), json!(null)),
        status(json!("confirmed"), json!(3), json!({ "InstructionError": [2, { "Custom": 6005 }] })),
        status(json!(null), json!(null), json!(null)),
        status(json!(null), json!(1), json!(null)),
    ] }))
    .await;
    let signatures = vec![Signature::new([1; 64]); 5];
    let answer = client(&[&node]).signature_statuses(&signatures, true).await.unwrap();
    let sure: Vec<_> =
        answer.statuses.iter().map(|status| status.as_ref().map(|status| status.commitment)).collect();
    let (processed, confirmed, finalized) =
        (Commitment::Processed, Commitment::Confirmed, Commitment::Finalized);
    assert_eq!(sure, [None, Some(processed), Some(confirmed), Some(finalized), Some(processed)]);
    let failure = answer.statuses[2].as_ref().unwrap().failure.as_ref().unwrap();
    assert_eq!((failure.instruction(), failure.custom()), (Some(2), Some(6005)));
    assert_eq!(node.params("getSignatureStatuses")[0][1], json!({ "searchTransactionHistory": true }));
}

#[tokio::test]
async fn a_simulation_tells_its_failure_its_units_and_its_balances() {
    let node = answering(json!({ "context": { "slot": 8 }, "value": {
        "err": { "InstructionError": [3, { "Custom": 6005 }] }, "logs": ["Program log: no"],
        "unitsConsumed": 40_000, "accounts": [null], "fee": 5_000, "preBalances": [9_000],
        "postBalances": [4_000], "preTokenBalances": [], "postTokenBalances": []
    } }))
    .await;
    let simulation = client(&[&node]).simulate(&[1], &[key(2)], 7).await.unwrap();
    assert_eq!(simulation.failure.unwrap().custom(), Some(6005));
    assert_eq!((simulation.units, simulation.slot), (40_000, 8));
    assert_eq!(simulation.balances.unwrap().network_fee, Atoms::new(5_000));
    assert_eq!(
        node.params("simulateTransaction"),
        [json!(["AQ==", {
            "encoding": "base64", "sigVerify": false, "replaceRecentBlockhash": true,
            "commitment": "processed", "minContextSlot": 7,
            "accounts": { "encoding": "base64", "addresses": [key(2).to_string()] }
        }])]
    );
}

#[tokio::test]
async fn a_simulation_without_balances_is_still_one() {
    let value = json!({ "err": null, "logs": null, "unitsConsumed": 1, "accounts": null });
    let node = answering(json!({ "context": { "slot": 8 }, "value": value })).await;
    let simulation = client(&[&node]).simulate(&[1], &[], 0).await.unwrap();
    assert_eq!((simulation.failure, simulation.balances), (None, None));
}

#[tokio::test]
async fn a_landed_transaction_is_found_on_any_node() {
    let meta = json!({ "err": null, "fee": 5_000, "preBalances": [1], "postBalances": [2] });
    let landed = json!({ "slot": 5, "meta": meta, "transaction": ["AQ==", "base64"] });
    let (without, with) = (answering(json!(null)).await, answering(landed).await);
    let signature = Signature::new([1; 64]);
    let found = client(&[&without, &with]).transaction(&signature, Commitment::Processed).await.unwrap();
    assert_eq!(found.unwrap().slot, 5);
    assert_eq!(with.params("getTransaction")[0][1]["commitment"], "confirmed");
    assert_eq!(client(&[&without]).transaction(&signature, Commitment::Confirmed).await.unwrap(), None);
    let broken = Node::start(|_, _| Answer::Status(500)).await;
    assert!(client(&[&broken]).transaction(&signature, Commitment::Confirmed).await.is_err());
}

#[tokio::test]
async fn an_unreadable_transaction_hides_no_other_nodes_readable_one() {
    let meta = json!({ "err": null, "fee": 5_000, "preBalances": [1], "postBalances": [2] });
    let landed = json!({ "slot": 5, "meta": meta, "transaction": ["AQ==", "base64"] });
    let without_meta = json!({ "slot": 5, "meta": null, "transaction": ["AQ==", "base64"] });
    let (unreadable, readable) = (answering(without_meta).await, answering(landed).await);
    let (without, broken) = (answering(json!(null)).await, Node::start(|_, _| Answer::Status(500)).await);
    let signature = Signature::new([1; 64]);
    let found = client(&[&unreadable, &readable]).transaction(&signature, Commitment::Confirmed).await;
    assert_eq!(found.unwrap().unwrap().slot, 5);
    for nodes in [vec![&unreadable], vec![&unreadable, &without], vec![&broken, &unreadable]] {
        let error = client(&nodes).transaction(&signature, Commitment::Confirmed).await.unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{error}");
    }
}

#[tokio::test]
async fn the_small_calls_read_what_nodes_write() {
    let hash = "4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY";
    let node = Node::start(move |method, _| {
        Answer::Result(match method {
            "getLatestBlockhash" => {
                json!({ "context": { "slot": 2 }, "value": { "blockhash": hash, "lastValidBlockHeight": 162 } })
            }
            "getGenesisHash" => json!(hash),
            "getBlockHeight" => json!(12),
            "getBalance" => json!({ "context": { "slot": 2 }, "value": 7 }),
            "getMinimumBalanceForRentExemption" => json!(2_039_280),
            "getRecentPrioritizationFees" => {
                json!([{ "slot": 9, "prioritizationFee": 3 }, { "slot": 8, "prioritizationFee": 1 }])
            }
            "getHealth" => json!("ok"),
            "getProgramAccounts" => json!([{ "pubkey": key(1).to_string(), "account": {
                "data": ["", "base64"], "executable": false, "lamports": 1, "owner": key(2).to_string(), "rentEpoch": 0
            } }]),
            other => panic!("{other}"),
        })
    })
    .await;
    let client = client(&[&node]);
    let blockhash = client.latest_blockhash().await.unwrap();
    assert_eq!((blockhash.hash.to_string().as_str(), blockhash.last_valid_block_height), (hash, 162));
    assert_eq!(client.genesis_hash().await.unwrap(), blockhash.hash);
    assert_eq!(client.block_height(Commitment::Finalized).await.unwrap(), 12);
    assert_eq!(client.balance(&key(1), Commitment::Confirmed).await.unwrap(), Atoms::new(7));
    assert_eq!(client.minimum_balance(165).await.unwrap(), Atoms::new(2_039_280));
    assert_eq!(client.recent_prioritization_fees(&[key(1)]).await.unwrap(), [1, 3]);
    client.health().await.unwrap();
    let scan = Scan { data_size: Some(637), bytes: Vec::new() };
    assert_eq!(client.program_addresses(&key(2), &scan, Commitment::Confirmed).await.unwrap(), [key(1)]);
    assert_eq!(node.params("getProgramAccounts")[0][1]["filters"], json!([{ "dataSize": 637 }]));
}

/// A node at this height that gives a blockhash with this last valid block height.
async fn at_height(height: u64, last_valid_block_height: u64) -> Node {
    Node::start(move |method, _| {
        Answer::Result(match method {
            "getBlockHeight" => json!(height),
            "getLatestBlockhash" => json!({ "context": { "slot": 2 }, "value": {
                "blockhash": key(1).to_string(), "lastValidBlockHeight": last_valid_block_height
            } }),
            other => panic!("{other}"),
        })
    })
    .await
}

#[tokio::test]
async fn an_impossible_last_valid_block_height_is_refused_and_the_next_node_asked() {
    let (lies, honest) = (at_height(1_000, 1).await, at_height(1_010, 1_160).await);
    assert!(client(&[&lies]).latest_blockhash().await.is_err());
    let blockhash = client(&[&lies, &honest]).latest_blockhash().await.unwrap();
    assert_eq!(blockhash.last_valid_block_height, 1_160);
    // One that lies about its own height too is outvoted.
    let (consistent, other) = (at_height(9_000, 9_150).await, at_height(1_012, 1_162).await);
    let blockhash = client(&[&consistent, &honest, &other]).latest_blockhash().await.unwrap();
    // Of the two others the quicker one is asked.
    assert!([1_160, 1_162].contains(&blockhash.last_valid_block_height), "{blockhash:?}");
}

#[tokio::test]
async fn a_node_of_another_cluster_is_not_asked_and_one_that_comes_back_is_asked_who_it_is() {
    let genesis = |genesis: u8| {
        move |method: &str, _: &Value| match method {
            "getGenesisHash" => Answer::Result(json!(key(genesis).to_string())),
            _ => Answer::Result(json!(7)),
        }
    };
    let (other, ours) = (Node::start(genesis(2)).await, Node::start(genesis(1)).await);
    let client = client(&[&other, &ours]);
    client.require_genesis(Hash::new_from_array(key(1).to_bytes()));
    assert_eq!(client.slot(Commitment::Confirmed).await.unwrap(), 7);
    assert_eq!((other.count("getSlot"), ours.count("getSlot")), (0, 1));
    client.slot(Commitment::Confirmed).await.unwrap();
    assert_eq!(ours.count("getGenesisHash"), 1, "once is enough while it answers");

    let mut first = true;
    let moving = Node::start(move |method, _| match method {
        "getGenesisHash" => {
            Answer::Result(json!(key(if std::mem::take(&mut first) { 1 } else { 2 }).to_string()))
        }
        "getSlot" => Answer::HangUp,
        _ => Answer::Result(json!(9)),
    })
    .await;
    let client = super::tests::client(&[&moving]);
    client.require_genesis(Hash::new_from_array(key(1).to_bytes()));
    client.block_height(Commitment::Confirmed).await.unwrap();
    assert!(client.slot(Commitment::Confirmed).await.is_err());
    let error = client.block_height(Commitment::Confirmed).await.unwrap_err();
    assert!(matches!(error, Error::OtherCluster { .. }), "{error}");
}

#[test]
fn commitments_are_ordered_and_named() {
    assert!(Commitment::Processed < Commitment::Confirmed && Commitment::Confirmed < Commitment::Finalized);
    for commitment in Commitment::ALL {
        assert_eq!(commitment.name().parse(), Ok(commitment));
    }
    assert!("rooted".parse::<Commitment>().is_err());
}
