//! Lies of single nodes about blocks, histories and transactions.

use crate::support::{Cluster, cluster_of, until};
use serde_json::{Value, json};
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_signer::Signer as _;
use solana_system_interface::instruction::transfer;

/// A payment that landed.
async fn paid(cluster: &Cluster) -> (Signature, u64) {
    let payment = transfer(&cluster.wallet.pubkey(), &Pubkey::new_unique(), 1_000_000);
    let (transaction, signature) = cluster.sign(&[payment]).await;
    cluster.send(&transaction).await;
    let landed = cluster.landed(&signature).await;
    (signature, landed["slot"].as_u64().unwrap())
}

/// The status of a signature in a node's history.
async fn status(cluster: &Cluster, node: usize, signature: &Signature) -> Value {
    let params = json!([[signature.to_string()], { "searchTransactionHistory": true }]);
    cluster.ask(node, "getSignatureStatuses", params).await["result"]["value"][0].take()
}

async fn transaction(cluster: &Cluster, node: usize, signature: &Signature) -> Value {
    let config = json!({ "commitment": "finalized", "maxSupportedTransactionVersion": 0 });
    cluster.ask(node, "getTransaction", json!([signature.to_string(), config])).await["result"].take()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_may_claim_other_heights_and_another_genesis() {
    let cluster = cluster_of(2, 20).await;
    let ask = async |node, method| {
        cluster.ask(node, method, json!([{ "commitment": "processed" }])).await["result"].take()
    };
    cluster.fault(json!({ "fault": { "claimLastValidBlockHeight": { "height": 1 } }, "node": 1 })).await;
    cluster.fault(json!({ "fault": { "claimBlockHeight": { "ahead": 1_000_000 } }, "node": 1 })).await;
    let other = Pubkey::new_unique().to_string();
    cluster.fault(json!({ "fault": { "claimGenesisHash": { "hash": other } }, "node": 1 })).await;
    let last_valid =
        async |node| ask(node, "getLatestBlockhash").await["value"]["lastValidBlockHeight"].as_u64().unwrap();
    let height = ask(0, "getBlockHeight").await.as_u64().unwrap();
    assert_eq!(last_valid(1).await, 1);
    assert!((height..height + 1_000).contains(&last_valid(0).await));
    assert!(ask(1, "getBlockHeight").await.as_u64().unwrap() >= height + 1_000_000);
    assert!(ask(1, "getEpochInfo").await["blockHeight"].as_u64().unwrap() >= height + 1_000_000);
    assert!(ask(0, "getEpochInfo").await["blockHeight"].as_u64().unwrap() < height + 1_000_000);
    let genesis = async |node| cluster.ask(node, "getGenesisHash", json!([])).await["result"].take();
    assert_eq!(genesis(1).await, other);
    assert_ne!(genesis(0).await, other);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_with_a_hole_claims_to_reach_back_to_the_first_block() {
    let cluster = cluster_of(2, 20).await;
    let (signature, slot) = paid(&cluster).await;
    for (from, until, has) in
        [(0, slot, false), (slot, slot, false), (0, slot - 1, true), (slot + 1, slot + 9, true)]
    {
        let fault = json!({ "fault": { "historyHole": { "from": from, "until": until } }, "node": 1 });
        let hole = cluster.fault(fault).await;
        assert_eq!(status(&cluster, 1, &signature).await.is_object(), has, "{from} to {until}");
        assert!(status(&cluster, 0, &signature).await.is_object());
        assert_eq!(cluster.ask(1, "getFirstAvailableBlock", json!([])).await["result"], 0);
        cluster.heal(hole).await;
    }
    until(async || transaction(&cluster, 1, &signature).await.is_object().then_some(())).await;
    cluster.fault(json!({ "fault": { "historyHole": {} }, "node": 1 })).await;
    assert!(transaction(&cluster, 1, &signature).await.is_null());
    // What it has is right otherwise.
    let height = cluster.ask(1, "getBlockHeight", json!([])).await["result"].as_u64().unwrap();
    assert!(height > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_is_told_without_its_transaction() {
    let cluster = cluster_of(2, 20).await;
    cluster.fault(json!({ "fault": "withholdTransactions", "node": 1, "count": 1 })).await;
    let (withheld, spared) = (paid(&cluster).await.0, paid(&cluster).await.0);
    until(async || transaction(&cluster, 0, &spared).await.is_object().then_some(())).await;
    for _ in 0..2 {
        assert!(transaction(&cluster, 1, &withheld).await.is_null());
        assert!(transaction(&cluster, 1, &spared).await.is_object());
    }
    assert!(transaction(&cluster, 0, &withheld).await.is_object());
    assert!(status(&cluster, 1, &withheld).await.is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_landing_is_told_as_a_finalized_revert() {
    let cluster = cluster_of(2, 20).await;
    cluster.fault(json!({ "fault": "forgeRevert", "node": 1 })).await;
    let (signature, _) = paid(&cluster).await;
    let told = status(&cluster, 1, &signature).await;
    assert_eq!(told["confirmationStatus"], "finalized", "{told}");
    assert!(told["err"].is_object(), "{told}");
    let shown = transaction(&cluster, 1, &signature).await;
    assert_eq!(shown["meta"]["err"], told["err"]);
    let (before, after) = (&shown["meta"]["preBalances"], &shown["meta"]["postBalances"]);
    assert_eq!(before[1], after[1]);
    assert_eq!(
        before[0].as_u64().unwrap() - after[0].as_u64().unwrap(),
        shown["meta"]["fee"].as_u64().unwrap()
    );
    assert!(status(&cluster, 0, &signature).await["err"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_are_forged_and_a_disguised_refusal_has_its_body() {
    let cluster = cluster_of(2, 20).await;
    let (signature, _) = paid(&cluster).await;
    until(async || transaction(&cluster, 0, &signature).await.is_object().then_some(())).await;
    cluster.fault(json!({ "fault": { "forgeFill": { "moreInputBps": 5_000 } }, "node": 1 })).await;
    let spent = async |node| {
        let meta = transaction(&cluster, node, &signature).await["meta"].take();
        let [before, after] = ["preBalances", "postBalances"].map(|key| meta[key][0].as_u64().unwrap());
        before - after - meta["fee"].as_u64().unwrap()
    };
    assert_eq!((spent(0).await, spent(1).await), (1_000_000, 1_500_000));

    let body = r#"{"jsonrpc":"2.0","error":{"code":-32429,"message":"slow down"},"id":1}"#;
    let how = json!({ "http": { "status": 429, "body": body, "contentType": "application/json", "retryAfterSeconds": 3 } });
    cluster.fault(json!({ "fault": { "fail": { "how": how } }, "method": "getSlot", "node": 1 })).await;
    let response = cluster.raw(1, "getSlot", json!([])).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 429 ") && response.contains("retry-after: 3\r\n"), "{response}");
    assert!(
        response.contains("content-type: application/json\r\n") && response.ends_with(body),
        "{response}"
    );
    let empty = json!({ "http": { "status": 200, "body": "" } });
    cluster.fault(json!({ "fault": { "fail": { "how": empty } }, "method": "getVersion", "node": 1 })).await;
    let response = cluster.raw(1, "getVersion", json!([])).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 200 ") && response.ends_with("\r\n\r\n"), "{response}");
}
