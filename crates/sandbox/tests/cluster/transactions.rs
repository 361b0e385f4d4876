//! Transactions over JSON-RPC: how they are accepted, executed, remembered and refused.

use crate::support::{cluster, mint, sent, until};
use serde_json::{Value, json};
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signer::Signer as _;
use solana_system_interface::instruction::transfer;
use spl_associated_token_account_interface::address::get_associated_token_address;
use spl_associated_token_account_interface::instruction::create_associated_token_account_idempotent;

const SPL_TOKEN: Pubkey = Pubkey::from_str_const("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_lands_is_paid_for_and_becomes_final() {
    let cluster = cluster(20).await;
    let (payer, receiver) = (cluster.wallet.pubkey(), Pubkey::new_unique());
    let (transaction, signature) = cluster
        .sign(&[
            ComputeBudgetInstruction::set_compute_unit_limit(1_000),
            ComputeBudgetInstruction::set_compute_unit_price(2_500_000),
            transfer(&payer, &receiver, 5_000_000),
        ])
        .await;
    assert_eq!(cluster.send(&transaction).await, signature.to_string());

    let landed = cluster.landed(&signature).await;
    let meta = &landed["meta"];
    // 5000 for the signature, 1000 units at 2.5 lamports.
    assert_eq!((&meta["err"], &meta["fee"]), (&Value::Null, &json!(7_500)));
    let keys = landed["transaction"]["message"]["accountKeys"].as_array().unwrap();
    let at = |key: &Pubkey| keys.iter().position(|each| *each == key.to_string()).unwrap();
    let delta = |key| {
        meta["postBalances"][at(key)].as_i64().unwrap() - meta["preBalances"][at(key)].as_i64().unwrap()
    };
    assert_eq!((delta(&payer), delta(&receiver)), (-5_007_500, 5_000_000));
    assert_eq!(landed["version"], 0);
    assert!(
        meta["logMessages"]
            .as_array()
            .unwrap()
            .iter()
            .any(|line| line == "Program 11111111111111111111111111111111 success")
    );
    assert_eq!(meta["computeUnitsConsumed"], 450);

    let finalized = until(async || {
        let status = cluster.status(&signature).await;
        (status["confirmationStatus"] == "finalized").then_some(status)
    })
    .await;
    assert_eq!(finalized["slot"], landed["slot"]);
    assert_eq!((&finalized["confirmations"], &finalized["err"]), (&Value::Null, &Value::Null));
    assert_eq!(finalized["status"], json!({ "Ok": null }));
    let (received, witnessed) = cluster.ledger(&signature);
    assert_eq!((received, witnessed.len()), (1, 1));
    assert_eq!(
        (&witnessed[0]["slot"], &witnessed[0]["fee"], &witnessed[0]["err"]),
        (&landed["slot"], &json!(7_500), &Value::Null)
    );
    let fees = cluster.call("getRecentPrioritizationFees", json!([[receiver.to_string()]])).await;
    let fee = fees.as_array().unwrap().iter().find(|fee| fee["slot"] == landed["slot"]).unwrap();
    assert_eq!(fee["prioritizationFee"], 2_500_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn commitments_lag_behind_one_another() {
    let cluster = cluster(40).await;
    let receiver = Pubkey::new_unique();
    let dropped =
        cluster.admin("airdrop", json!({ "address": receiver.to_string(), "amount": "12345678" })).await;
    let slot = dropped["slot"].as_u64().unwrap();
    for (commitment, lag) in [("processed", 0), ("confirmed", 1), ("finalized", 32)] {
        let config = json!({ "commitment": commitment });
        let seen = until(async || {
            let answer = cluster.call("getBalance", json!([receiver.to_string(), config])).await;
            (answer["value"] == 12_345_678).then_some(answer["context"]["slot"].as_u64().unwrap())
        })
        .await;
        assert!(seen >= slot, "{commitment} showed slot {slot} while it was at {seen}");
        assert!(cluster.slot("processed").await >= slot + lag);
    }
    let far =
        json!([receiver.to_string(), { "commitment": "confirmed", "minContextSlot": slot + 1_000_000 }]);
    let error = cluster.error("getBalance", far).await;
    assert_eq!(error["code"], -32016);
    assert!(error["data"]["contextSlot"].as_u64().unwrap() >= slot);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_account_is_made_by_its_real_program() {
    let cluster = cluster(20).await;
    let owner = Pubkey::new_unique();
    let usdc = mint("USDC").pubkey();
    let payer = cluster.wallet.pubkey();
    let create = create_associated_token_account_idempotent(&payer, &owner, &usdc, &SPL_TOKEN);
    let landed = cluster.land(std::slice::from_ref(&create)).await;
    assert_eq!(landed["meta"]["err"], Value::Null);
    assert_eq!(landed["meta"]["postTokenBalances"][0]["owner"], owner.to_string());
    assert!(!landed["meta"]["innerInstructions"].as_array().unwrap().is_empty());
    let address = get_associated_token_address(&owner, &usdc).to_string();
    let balance =
        cluster.call("getTokenAccountBalance", json!([address, { "commitment": "processed" }])).await;
    assert_eq!(
        balance["value"],
        json!({ "amount": "0", "decimals": 6, "uiAmount": 0.0, "uiAmountString": "0" })
    );
    // Again, and with tokens in it.
    assert_eq!(cluster.land(&[create]).await["meta"]["err"], Value::Null);
    let drop = json!({ "address": owner.to_string(), "mint": usdc.to_string(), "amount": 1_500_000 });
    assert_eq!(cluster.admin("airdrop", drop).await["account"], address);
    let balance =
        cluster.call("getTokenAccountBalance", json!([address, { "commitment": "processed" }])).await;
    assert_eq!(balance["value"]["uiAmountString"], "1.5");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_transaction_lands_once_however_often_it_is_sent() {
    let cluster = cluster(100).await;
    let receiver = Pubkey::new_unique();
    let (transaction, signature) =
        cluster.sign(&[transfer(&cluster.wallet.pubkey(), &receiver, 1_000_000)]).await;
    for _ in 0..3 {
        cluster.call("sendTransaction", json!([transaction, sent(true)])).await;
    }
    cluster.landed(&signature).await;
    let error = cluster.error("sendTransaction", json!([transaction, sent(false)])).await;
    assert_eq!((&error["code"], &error["data"]["err"]), (&json!(-32002), &json!("AlreadyProcessed")));
    cluster.call("sendTransaction", json!([transaction, sent(true)])).await;
    let before = cluster.slot("processed").await;
    until(async || (cluster.slot("processed").await > before + 2).then_some(())).await;
    let balance =
        cluster.call("getBalance", json!([receiver.to_string(), { "commitment": "processed" }])).await;
    assert_eq!(balance["value"], 1_000_000);
    let (received, landed) = cluster.ledger(&signature);
    assert_eq!((received, landed.len()), (5, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blockhash_expires_after_150_blocks() {
    let cluster = cluster(10).await;
    let latest = cluster.call("getLatestBlockhash", json!([{ "commitment": "processed" }])).await;
    let last_valid = latest["value"]["lastValidBlockHeight"].as_u64().unwrap();
    let (transaction, signature) =
        cluster.sign(&[transfer(&cluster.wallet.pubkey(), &Pubkey::new_unique(), 1_000_000)]).await;
    let valid = async |hash: &Value| {
        cluster.call("isBlockhashValid", json!([hash, { "commitment": "processed" }])).await["value"].clone()
    };
    assert_eq!(valid(&latest["value"]["blockhash"]).await, true);
    // The transaction's own blockhash is a few blocks younger than the one above.
    let height =
        async || cluster.call("getBlockHeight", json!([{ "commitment": "processed" }])).await.as_u64();
    until(async || (height().await > Some(last_valid + 20)).then_some(())).await;
    assert_eq!(valid(&latest["value"]["blockhash"]).await, false);

    let error = cluster.error("sendTransaction", json!([transaction, sent(false)])).await;
    assert_eq!((&error["code"], &error["data"]["err"]), (&json!(-32002), &json!("BlockhashNotFound")));
    cluster.call("sendTransaction", json!([transaction, sent(true)])).await;
    let then = cluster.slot("processed").await;
    until(async || (cluster.slot("processed").await > then + 2).then_some(())).await;
    assert_eq!(cluster.status(&signature).await, Value::Null);
    assert_eq!(cluster.ledger(&signature), (2, Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blockhash_is_unknown_to_a_commitment_that_has_not_seen_it() {
    let cluster = cluster(60).await;
    let (transaction, _) =
        cluster.sign(&[transfer(&cluster.wallet.pubkey(), &Pubkey::new_unique(), 1_000_000)]).await;
    let config = json!({ "encoding": "base64", "preflightCommitment": "finalized" });
    let error = cluster.error("sendTransaction", json!([transaction, config])).await;
    assert_eq!(error["data"]["err"], "BlockhashNotFound");
    assert_eq!(
        cluster
            .call("sendTransaction", json!([transaction, sent(false)]))
            .await
            .as_str()
            .map(str::len)
            .map(|length| length > 80),
        Some(true)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_land_leaves_no_trace() {
    let cluster = cluster(20).await;
    let poor = Keypair::new();
    let blockhash = cluster.blockhash().await.parse().unwrap();
    let instruction = transfer(&poor.pubkey(), &Pubkey::new_unique(), 1);
    let message =
        solana_message::Message::new_with_blockhash(&[instruction], Some(&poor.pubkey()), &blockhash);
    let message = solana_message::VersionedMessage::Legacy(message);
    let mut transaction =
        solana_transaction::versioned::VersionedTransaction::try_new(message, &[&poor]).unwrap();
    let signature = transaction.signatures[0];
    let text = crate::support::encode(&transaction);
    let error = cluster.error("sendTransaction", json!([text, sent(false)])).await;
    assert_eq!(error["data"]["err"], "AccountNotFound");
    cluster.call("sendTransaction", json!([text, sent(true)])).await;
    let then = cluster.slot("processed").await;
    until(async || (cluster.slot("processed").await > then + 2).then_some(())).await;
    assert_eq!(cluster.status(&signature).await, Value::Null);

    transaction.signatures[0] = solana_signature::Signature::from([7; 64]);
    let forged = crate::support::encode(&transaction);
    let error = cluster.error("sendTransaction", json!([forged, sent(false)])).await;
    assert_eq!((&error["code"], &error["data"]["err"]), (&json!(-32002), &json!("SignatureFailure")));
    // Without a look at it, it is taken all the same, and no block ever has it.
    cluster.call("sendTransaction", json!([forged, sent(true)])).await;
    let then = cluster.slot("processed").await;
    until(async || (cluster.slot("processed").await > then + 2).then_some(())).await;
    assert_eq!(cluster.status(&transaction.signatures[0]).await, Value::Null);
    assert_eq!(cluster.error("sendTransaction", json!(["%%", sent(true)])).await["code"], -32602);
    assert_eq!(cluster.error("getBalance", json!(["nowhere"])).await["code"], -32602);
    assert_eq!(cluster.error("getBlock", json!([1])).await["code"], -32601);
    assert_eq!(cluster.http("POST", "/", "{").await["error"]["code"], -32700);
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"getHealth"},{"jsonrpc":"2.0","id":2,"method":"x"}]"#;
    let answers = cluster.http("POST", "/", batch).await;
    assert_eq!((&answers[0]["result"], &answers[1]["error"]["code"]), (&json!("ok"), &json!(-32601)));
}
