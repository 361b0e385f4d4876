//! Faults of the cluster as a whole: forks, time that jumps or stands still.

use crate::pubsub::Socket;
use crate::support::{Cluster, cluster, sent, stand_still, until};
use serde_json::{Value, json};
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_signer::Signer as _;
use solana_system_interface::instruction::transfer;

async fn balance(cluster: &Cluster, address: &Pubkey) -> u64 {
    let params = json!([address.to_string(), { "commitment": "processed" }]);
    cluster.call("getBalance", params).await["value"].as_u64().unwrap()
}

async fn height(cluster: &Cluster, commitment: &str) -> u64 {
    cluster.call("getBlockHeight", json!([{ "commitment": commitment }])).await.as_u64().unwrap()
}

/// A transfer that has landed in a slot, and slots that do not go on.
async fn frozen(cluster: &Cluster, receiver: &Pubkey) -> (String, Signature, u64) {
    let (transaction, signature) =
        cluster.sign(&[transfer(&cluster.wallet.pubkey(), receiver, 2_000_000)]).await;
    cluster.send(&transaction).await;
    let slot = cluster.landed(&signature).await["slot"].as_u64().unwrap();
    cluster.fault(json!({ "fault": "freezeSlots" })).await;
    stand_still(cluster).await;
    (transaction, signature, slot)
}

fn kinds(ledger: &[Value]) -> Vec<&str> {
    ledger.iter().map(|line| line["kind"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_is_given_up_with_its_transactions_and_may_be_repeated() {
    let cluster = cluster(20).await;
    let receiver = Pubkey::new_unique();
    let mut socket = Socket::open(&cluster).await;
    let followed = json!([receiver.to_string(), { "commitment": "processed", "encoding": "base64" }]);
    let following = socket.subscribe("accountSubscribe", followed).await;
    let paid = balance(&cluster, &cluster.wallet.pubkey()).await;
    let (transaction, signature, slot) = frozen(&cluster, &receiver).await;
    assert_eq!(socket.notified(following).await["value"]["lamports"], 2_000_000);

    let newest = cluster.slot("processed").await;
    let before = height(&cluster, "processed").await;
    let slots = newest - slot + 1;
    let fork = cluster.admin("roll-back", json!({ "slots": slots })).await;
    assert_eq!(fork["rolledBack"], json!([signature.to_string()]));
    assert_eq!((&fork["slot"], &fork["parent"]), (&json!(newest + 1), &json!(slot - 1)));
    // Slots go on, blocks are fewer, and nothing of the fork is left.
    assert_eq!(cluster.slot("processed").await, newest + 1);
    assert_eq!(height(&cluster, "processed").await, before - slots + 1);
    assert_eq!(cluster.slot("confirmed").await, slot - 1);
    assert_eq!(cluster.status(&signature).await, Value::Null);
    assert_eq!(balance(&cluster, &receiver).await, 0);
    assert_eq!(balance(&cluster, &cluster.wallet.pubkey()).await, paid);
    assert_eq!(socket.notified(following).await["value"]["lamports"], 0);

    // Its blockhash is older than the fork: it may land again, and does once.
    cluster.http("DELETE", "/admin/faults", "").await;
    for _ in 0..2 {
        cluster.call("sendTransaction", json!([transaction, sent(true)])).await;
    }
    assert!(cluster.landed(&signature).await["slot"].as_u64().unwrap() > newest);
    assert_eq!(balance(&cluster, &receiver).await, 2_000_000);
    let (received, ledger) = cluster.ledger(&signature);
    assert_eq!((received, kinds(&ledger)), (3, vec!["landed", "rolled_back", "landed"]));
    assert_eq!(ledger[1]["slot"], slot);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolled_back_transaction_lands_again_by_itself_if_told_so() {
    let cluster = cluster(20).await;
    let receiver = Pubkey::new_unique();
    let (_, signature, slot) = frozen(&cluster, &receiver).await;
    // Its blockhash is older than its slot and stays.
    let slots = cluster.slot("processed").await - slot + 1;
    let fork = cluster.admin("roll-back", json!({ "slots": slots, "landAgainAfterSlots": 5 })).await;
    assert_eq!(cluster.status(&signature).await, Value::Null);
    cluster.http("DELETE", "/admin/faults", "").await;
    let again = cluster.landed(&signature).await["slot"].as_u64().unwrap();
    assert!(again >= fork["slot"].as_u64().unwrap() + 4);
    assert_eq!(kinds(&cluster.ledger(&signature).1), ["landed", "rolled_back", "landed"]);
    // What is final stays.
    let far = cluster.http("POST", "/admin/roll-back", r#"{"slots":33}"#).await;
    assert!(far["error"].as_str().unwrap().contains("from 1 to 32"), "{far}");
    until(async || (cluster.status(&signature).await["confirmationStatus"] == "finalized").then_some(()))
        .await;
    cluster.admin("roll-back", json!({ "slots": 32 })).await;
    assert_eq!(cluster.status(&signature).await["confirmationStatus"], "finalized");
    assert_eq!(balance(&cluster, &receiver).await, 2_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_final_height_never_goes_back_over_forks() {
    let cluster = cluster(20).await;
    let mut last = 0;
    for slots in [1, 31, 5, 32, 17] {
        cluster.admin("roll-back", json!({ "slots": slots })).await;
        let now = height(&cluster, "finalized").await;
        assert!(now >= last, "{now} after {last}");
        last = now;
    }
    until(async || (height(&cluster, "finalized").await > last + 5).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_blockhashes_expire_at_once() {
    let cluster = cluster(40).await;
    let receiver = Pubkey::new_unique();
    let (transaction, signature) =
        cluster.sign(&[transfer(&cluster.wallet.pubkey(), &receiver, 2_000_000)]).await;
    let latest = cluster.call("getLatestBlockhash", json!([{ "commitment": "processed" }])).await;
    cluster.admin("expire-blockhashes", json!({})).await;
    let last_valid = latest["value"]["lastValidBlockHeight"].as_u64().unwrap();
    assert!(height(&cluster, "processed").await > last_valid);
    let valid = json!([latest["value"]["blockhash"], { "commitment": "processed" }]);
    assert_eq!(cluster.call("isBlockhashValid", valid).await["value"], false);
    let error = cluster.error("sendTransaction", json!([transaction, sent(false)])).await;
    assert_eq!(error["data"]["err"], "BlockhashNotFound");
    until(async || (height(&cluster, "finalized").await > last_valid).then_some(())).await;
    assert_eq!(cluster.status(&signature).await, Value::Null);
    cluster.land(&[transfer(&cluster.wallet.pubkey(), &receiver, 2_000_000)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_freeze_and_thaw() {
    let cluster = cluster(10).await;
    let freeze = cluster.fault(json!({ "fault": "freezeSlots" })).await;
    stand_still(&cluster).await;
    let frozen = cluster.slot("processed").await;
    stand_still(&cluster).await;
    assert_eq!(cluster.slot("processed").await, frozen);
    cluster.heal(freeze).await;
    until(async || (cluster.slot("processed").await > frozen + 2).then_some(())).await;
}
