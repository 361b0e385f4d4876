//! Faults of single nodes, for as long as a script says.

use crate::pubsub::Socket;
use crate::support::{Cluster, account, cluster, cluster_of, sent, stand_still, until};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_signer::Signer as _;
use solana_system_interface::instruction::transfer;
use std::time::Duration;
use tokio::time::Instant;

async fn payment(cluster: &Cluster) -> (String, Signature) {
    cluster.sign(&[transfer(&cluster.wallet.pubkey(), &Pubkey::new_unique(), 1_000_000)]).await
}

async fn slots(cluster: &Cluster, count: u64) {
    let then = cluster.slot("processed").await;
    until(async || (cluster.slot("processed").await > then + count).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_transaction_is_taken_and_never_executed() {
    let cluster = cluster_of(2, 10).await;
    let (transaction, signature) = payment(&cluster).await;
    let drop = cluster.fault(json!({ "fault": "dropTransactions", "node": 0, "count": 1 })).await;
    for _ in 0..2 {
        assert_eq!(cluster.send(&transaction).await, signature.to_string());
    }
    // The next one is spared.
    let (spared, other) = payment(&cluster).await;
    cluster.send(&spared).await;
    cluster.landed(&other).await;
    slots(&cluster, 3).await;
    assert_eq!(cluster.status(&signature).await, Value::Null);
    // The honest node does not drop it.
    let answer = cluster.ask(1, "sendTransaction", json!([transaction, sent(false)])).await;
    assert_eq!(answer["result"], signature.to_string());
    cluster.landed(&signature).await;
    let (received, ledger) = cluster.ledger(&signature);
    assert_eq!((received, ledger.len()), (3, 1));
    assert_eq!(cluster.heal(drop).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delayed_transaction_lands_later_or_just_before_its_end() {
    let cluster = cluster(10).await;
    let delay = cluster.fault(json!({ "fault": { "delayTransactions": { "slots": 20 } } })).await;
    let (transaction, signature) = payment(&cluster).await;
    let then = cluster.slot("processed").await;
    cluster.send(&transaction).await;
    cluster.send(&transaction).await;
    let landed = cluster.landed(&signature).await;
    assert!(landed["slot"].as_u64().unwrap() > then + 20);
    assert_eq!(cluster.heal(delay).await, 1);

    let before = json!({ "fault": { "delayTransactions": { "beforeExpiry": 0 } } });
    let delay = cluster.fault(before).await;
    let (transaction, last_moment) = payment(&cluster).await;
    cluster.send(&transaction).await;
    cluster.heal(delay).await;
    let after = json!({ "fault": { "delayTransactions": { "afterExpiry": 1 } } });
    let delay = cluster.fault(after).await;
    let (transaction, too_late) = payment(&cluster).await;
    cluster.send(&transaction).await;
    cluster.heal(delay).await;

    let landed = cluster.landed(&last_moment).await;
    let hash = landed["transaction"]["message"]["recentBlockhash"].clone();
    let valid = json!([hash, { "commitment": "processed" }]);
    until(async || (cluster.call("isBlockhashValid", valid.clone()).await["value"] == false).then_some(()))
        .await;
    slots(&cluster, 10).await;
    assert_eq!(cluster.status(&too_late).await, Value::Null);
    assert_eq!(cluster.status(&last_moment).await["err"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_block_of_a_blockhash_is_the_one_it_was_promised() {
    let cluster = cluster(10).await;
    let freeze = cluster.fault(json!({ "fault": "freezeSlots" })).await;
    stand_still(&cluster).await;
    cluster.fault(json!({ "fault": { "delayTransactions": { "beforeExpiry": 2 } } })).await;
    let latest = cluster.call("getLatestBlockhash", json!([{ "commitment": "processed" }])).await;
    let (transaction, signature) = payment(&cluster).await;
    let slot = cluster.slot("processed").await;
    let height = cluster.call("getBlockHeight", json!([{ "commitment": "processed" }])).await;
    cluster.send(&transaction).await;
    cluster.heal(freeze).await;
    let landed = cluster.landed(&signature).await["slot"].as_u64().unwrap();
    let last_valid = latest["value"]["lastValidBlockHeight"].as_u64().unwrap();
    assert_eq!(height.as_u64().unwrap() + (landed - slot), last_valid - 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_lands_although_its_sender_was_told_otherwise() {
    let cluster = cluster(20).await;
    let failures = [
        json!({ "http": { "status": 500 } }),
        json!({ "rpc": { "code": -32005 } }),
        json!("reset"),
        json!("hang"),
    ];
    for how in failures {
        let script = json!({
            "fault": { "fail": { "how": how, "performed": true } }, "method": "sendTransaction", "count": 1,
        });
        let fault = cluster.fault(script).await;
        let (transaction, signature) = payment(&cluster).await;
        let answered = cluster.raw(0, "sendTransaction", json!([transaction, sent(false)]));
        match tokio::time::timeout(Duration::from_secs(1), answered).await {
            Ok(Ok(response)) => assert!(!response.contains(&signature.to_string()), "{response}"),
            Ok(Err(error)) => {
                assert_eq!((error.kind(), &how), (std::io::ErrorKind::ConnectionReset, &json!("reset")))
            }
            Err(_) => assert_eq!(how, "hang"),
        }
        cluster.landed(&signature).await;
        assert_eq!(cluster.heal(fault).await, 1, "{how}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_fails_without_being_performed() {
    let cluster = cluster_of(2, 20).await;
    let script = |how: Value| json!({ "fault": { "fail": { "how": how } }, "node": 1, "method": "getSlot" });
    let limited = script(json!({ "http": { "status": 429, "retryAfterSeconds": 2 } }));
    let fault = cluster.fault(limited).await;
    let response = cluster.raw(1, "getSlot", json!([])).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 429 "), "{response}");
    assert!(response.contains("retry-after: 2\r\n"), "{response}");
    assert!(cluster.ask(1, "getBlockHeight", json!([])).await["result"].is_u64());
    assert!(cluster.ask(0, "getSlot", json!([])).await["result"].is_u64());
    assert_eq!(cluster.heal(fault).await, 1);

    let fault = cluster.fault(script(json!({ "rpc": { "code": -32005 } }))).await;
    let error = cluster.ask(1, "getSlot", json!([])).await["error"].take();
    assert_eq!(error, json!({ "code": -32005, "message": "Node is unhealthy" }));
    cluster.heal(fault).await;

    cluster.fault(json!({ "fault": { "fail": { "how": "reset" } }, "method": "sendTransaction" })).await;
    let (transaction, signature) = payment(&cluster).await;
    let error = cluster.raw(0, "sendTransaction", json!([transaction, sent(true)])).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    slots(&cluster, 3).await;
    assert_eq!((cluster.status(&signature).await, cluster.ledger(&signature)), (Value::Null, (0, vec![])));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_method_answers_later_and_others_do_not() {
    let cluster = cluster(20).await;
    let script = json!({ "fault": { "slow": { "milliseconds": 400 } }, "method": "getSlot", "count": 1 });
    cluster.fault(script).await;
    let asked = Instant::now();
    cluster.call("getSlot", json!([])).await;
    assert!(asked.elapsed() >= Duration::from_millis(400));
    let asked = Instant::now();
    cluster.call("getBlockHeight", json!([])).await;
    assert!(asked.elapsed() < Duration::from_millis(400));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_landed_transaction_is_hidden_from_statuses_or_from_everybody() {
    let cluster = cluster_of(2, 20).await;
    let (transaction, signature) = payment(&cluster).await;
    cluster.send(&transaction).await;
    cluster.landed(&signature).await;
    let status = async |node, history| {
        let params = json!([[signature.to_string()], { "searchTransactionHistory": history }]);
        cluster.ask(node, "getSignatureStatuses", params).await["result"]["value"][0].take()
    };
    let shallow = cluster.fault(json!({ "fault": { "hideTransactions": {} }, "node": 1, "count": 2 })).await;
    assert_eq!((status(1, false).await, status(1, false).await), (Value::Null, Value::Null));
    assert!(status(1, false).await.is_object() && status(0, false).await.is_object());
    assert_eq!(cluster.heal(shallow).await, 2);
    let shallow = cluster.fault(json!({ "fault": { "hideTransactions": {} } })).await;
    assert!(status(1, true).await.is_object() && status(0, false).await.is_null());
    cluster.heal(shallow).await;
    let deep = json!({ "fault": { "hideTransactions": { "fromHistory": true } }, "node": 1 });
    cluster.fault(deep).await;
    assert!(status(1, true).await.is_null() && status(0, true).await.is_object());
    let found =
        json!([signature.to_string(), { "commitment": "confirmed", "maxSupportedTransactionVersion": 0 }]);
    assert!(cluster.ask(1, "getTransaction", found.clone()).await["result"].is_null());
    assert!(cluster.ask(0, "getTransaction", found).await["result"].is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_is_pruned_says_how_far_back_it_reaches() {
    let cluster = cluster_of(2, 20).await;
    let (transaction, signature) = payment(&cluster).await;
    cluster.send(&transaction).await;
    let slot = cluster.landed(&signature).await["slot"].as_u64().unwrap();
    cluster.fault(json!({ "fault": "freezeSlots" })).await;
    stand_still(&cluster).await;
    let now = cluster.ask(1, "getSlot", json!([{ "commitment": "processed" }])).await["result"].as_u64();
    let has = async |node| {
        let params = json!([[signature.to_string()], { "searchTransactionHistory": true }]);
        cluster.ask(node, "getSignatureStatuses", params).await["result"]["value"][0].is_object()
    };
    let first = async |node| cluster.ask(node, "getFirstAvailableBlock", json!([])).await["result"].as_u64();
    assert_eq!((first(1).await, has(1).await), (Some(0), true));
    for (kept, found) in [(now.unwrap() - slot, true), (now.unwrap() - slot - 1, false)] {
        let fault = json!({ "fault": { "pruneHistory": { "slots": kept } }, "node": 1 });
        let pruned = cluster.fault(fault).await;
        assert_eq!((first(1).await, has(1).await), (Some(now.unwrap() - kept), found));
        assert_eq!((first(0).await, has(0).await), (Some(0), true));
        cluster.heal(pruned).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lagging_node_answers_from_the_past() {
    let cluster = cluster_of(2, 20).await;
    let receiver = Pubkey::new_unique();
    cluster.fault(json!({ "fault": "freezeSlots" })).await;
    stand_still(&cluster).await;
    let lag = cluster.fault(json!({ "fault": { "lag": { "slots": 40 } }, "node": 1 })).await;
    let airdrop = json!({ "address": receiver.to_string(), "amount": 5_000_000 });
    let slot = cluster.admin("airdrop", airdrop).await["slot"].as_u64().unwrap();
    for (commitment, behind) in [("processed", 40), ("confirmed", 41), ("finalized", 72)] {
        let config = json!({ "commitment": commitment });
        let params = json!([receiver.to_string(), config]);
        let old = cluster.ask(1, "getBalance", params).await["result"].take();
        assert_eq!((&old["context"]["slot"], &old["value"]), (&json!(slot - behind), &json!(0)));
        assert_eq!(cluster.ask(1, "getSlot", json!([config])).await["result"], slot - behind);
        let late = json!([{ "commitment": commitment, "minContextSlot": slot }]);
        assert_eq!(cluster.ask(1, "getSlot", late).await["error"]["code"], -32016);
    }
    let newest = json!([receiver.to_string(), { "commitment": "processed" }]);
    assert_eq!(cluster.ask(0, "getBalance", newest).await["result"]["value"], 5_000_000);

    // A blockhash that the node has not heard of yet, and a simulation on its own state.
    let (transaction, signature) = payment(&cluster).await;
    let answer = cluster.ask(1, "sendTransaction", json!([transaction, sent(false)])).await;
    assert_eq!(answer["error"]["data"]["err"], "BlockhashNotFound", "{answer}");
    let config = json!({ "encoding": "base64", "replaceRecentBlockhash": true, "commitment": "processed",
                         "accounts": { "addresses": [receiver.to_string()], "encoding": "base64" } });
    let (again, _) = cluster.sign(&[transfer(&cluster.wallet.pubkey(), &receiver, 1_000_000)]).await;
    for (node, held) in [(1, 1_000_000), (0, 6_000_000)] {
        let simulated = cluster.ask(node, "simulateTransaction", json!([again, config])).await;
        assert_eq!(simulated["result"]["value"]["accounts"][0]["lamports"], held, "{simulated}");
    }
    cluster.ask(1, "sendTransaction", json!([transaction, sent(true)])).await;
    cluster.admin("airdrop", json!({ "address": receiver.to_string(), "amount": 1 })).await;
    let params = json!([[signature.to_string()]]);
    assert!(cluster.ask(1, "getSignatureStatuses", params.clone()).await["result"]["value"][0].is_null());
    cluster.heal(lag).await;
    assert!(cluster.ask(1, "getSignatureStatuses", params).await["result"]["value"][0].is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_fall_silent_lag_and_are_cut() {
    let cluster = cluster(20).await;
    let mut socket = Socket::open(&cluster).await;
    let following = socket.subscribe("slotSubscribe", json!([])).await;
    let mut last = socket.notified(following).await["slot"].as_u64().unwrap();
    let mute = cluster.fault(json!({ "fault": "muteSubscriptions", "count": 5 })).await;
    let missed = loop {
        let slot = socket.notified(following).await["slot"].as_u64().unwrap();
        if slot != last + 1 {
            break slot - last - 1;
        }
        last = slot;
    };
    assert_eq!((missed, cluster.heal(mute).await), (5, 5));

    cluster.fault(json!({ "fault": { "lag": { "slots": 10 } } })).await;
    let shown = until(async || {
        let slot = cluster.slot("processed").await;
        (slot > last + 40).then_some(slot)
    })
    .await;
    // What comes now was held back, and nothing is left out.
    let mut previous = socket.notified(following).await["slot"].as_u64().unwrap();
    while previous < shown {
        let slot = socket.notified(following).await["slot"].as_u64().unwrap();
        assert_eq!(slot, previous + 1);
        previous = slot;
    }

    cluster.fault(json!({ "fault": "freezeSlots" })).await;
    cluster.fault(json!({ "fault": "cutSubscriptions", "count": 1 })).await;
    let cut = tokio::time::timeout(Duration::from_secs(10), async {
        while let Some(Ok(message)) = socket.0.next().await {
            assert!(!message.is_close(), "{message:?}");
        }
    });
    cut.await.expect("the connection was not cut");
    // One was enough: the next connection lasts.
    let mut socket = Socket::open(&cluster).await;
    socket.subscribe("slotSubscribe", json!([])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_listed_and_removed() {
    let cluster = cluster(20).await;
    let first =
        cluster.fault(json!({ "fault": { "slow": { "milliseconds": 1 } }, "durationMs": 60_000 })).await;
    let second = cluster.fault(json!({ "fault": "freezeSlots", "count": 1 })).await;
    let listed = cluster.http("GET", "/admin/faults", "").await;
    assert_eq!(listed[0]["id"], first);
    assert_eq!(listed[0]["fault"], json!({ "slow": { "milliseconds": 1 } }));
    assert_eq!((&listed[1]["id"], &listed[1]["count"]), (&json!(second), &json!(1)));
    cluster.heal(first).await;
    let error = cluster.http("DELETE", &format!("/admin/faults/{first}"), "").await;
    assert_eq!(error["error"], format!("there is no fault {first}"));
    let wrong = cluster.http("POST", "/admin/faults", r#"{"fault":"dropTransactions","node":1}"#).await;
    assert_eq!(wrong["error"], "there are only 1 nodes, from 0");
    assert_eq!(cluster.http("DELETE", "/admin/faults", "").await.as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_may_claim_another_slot_and_mix_two_states() {
    let cluster = cluster_of(2, 10).await;
    let clock = amm::CLOCK_ADDRESS.to_string();
    let slots = async |node: usize| {
        let config = json!({ "commitment": "processed", "encoding": "base64" });
        let mut answer = cluster.ask(node, "getMultipleAccounts", json!([[clock, clock], config])).await;
        let clocks = answer["result"]["value"].take();
        let slot = |index: usize| amm::Clock::decode(&account(&clocks[index])).unwrap().slot;
        [answer["result"]["context"]["slot"].as_u64().unwrap(), slot(0), slot(1)]
    };
    let claim = cluster.fault(json!({ "fault": { "claimSlot": { "ahead": 40 } }, "node": 1 })).await;
    let mix = cluster.fault(json!({ "fault": { "mixAccounts": { "slots": 7 } }, "node": 1 })).await;
    let [claimed, first, second] = slots(1).await;
    assert_eq!((claimed - first, first - second), (40, 7));
    let [claimed, first, second] = slots(0).await;
    assert_eq!((claimed, first), (first, second));
    assert!(cluster.heal(claim).await > 0 && cluster.heal(mix).await > 0);
}
