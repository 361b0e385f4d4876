//! Transactions that can never land.

use super::*;

#[tokio::test]
async fn it_expires_only_when_the_finalized_chain_is_past_it_and_its_history_lacks_it() {
    let node = Script {
        sends: [Answer::HangUp].into(),
        // The last valid height itself can still hold it.
        heights: [epoch(LAST_VALID - 1), epoch(LAST_VALID), Answer::Status(500), epoch(LAST_VALID + 1)]
            .into(),
        history: [
            Answer::Error(-32011, "Transaction history is not available", Value::Null),
            Answer::HangUp,
            statuses(&Value::Null),
        ]
        .into(),
        ..Script::silent()
    }
    .start()
    .await;
    assert_eq!(land(&[&node]).await, Observation::Expired);
    let is_history = |params: &Value| params[1]["searchTransactionHistory"] == true;
    let asked = node.params("getSignatureStatuses").iter().filter(|params| is_history(params)).count();
    assert!(asked >= 2 + 2, "absence must hold at two looks, and two failed: {asked}");
    // The history is not even asked before the finalized chain is past the last valid height.
    assert_eq!(node.count("getEpochInfo"), 3 + asked);
    for params in node.params("getEpochInfo") {
        assert_eq!(params, json!([{ "commitment": "finalized" }]));
    }
}

#[tokio::test]
async fn a_history_from_before_the_height_is_no_evidence() {
    let behind = Answer::Result(json!({ "context": { "slot": 899 }, "value": [null] }));
    let node = Script {
        heights: [epoch(LAST_VALID + 1)].into(),
        history: [behind.clone(), behind, statuses(&status("finalized"))].into(),
        transactions: [Answer::Result(landed(&Value::Null))].into(),
        ..Script::silent()
    }
    .start()
    .await;
    assert_eq!(land(&[&node]).await, expected_fill());
}

#[tokio::test]
async fn a_history_that_begins_after_the_blockhash_is_no_evidence() {
    let node = Script {
        heights: [epoch(LAST_VALID + 1)].into(),
        first_blocks: [
            Answer::Result(json!(BLOCKHASH_SLOT + 1)),
            Answer::Error(-32601, "Method not found", Value::Null),
            Answer::Result(json!(BLOCKHASH_SLOT)),
        ]
        .into(),
        ..Script::silent()
    }
    .start()
    .await;
    assert_eq!(land(&[&node]).await, Observation::Expired);
    assert!(node.count("getFirstAvailableBlock") >= 4);
}

#[tokio::test]
async fn a_transaction_from_before_the_slot_was_recorded_expires_all_the_same() {
    let node = Script {
        heights: [epoch(LAST_VALID + 1)].into(),
        first_blocks: [Answer::Result(json!(BLOCKHASH_SLOT + 1))].into(),
        ..Script::silent()
    }
    .start()
    .await;
    let old = SignedTransaction { blockhash_slot: None, ..signed(0) };
    assert_eq!(lander(&[&node], Commitment::Confirmed).land(&old, &trade()).await, Ok(Observation::Expired));
}

#[tokio::test]
async fn found_late_wins_over_expired() {
    let node = Script {
        heights: [epoch(LAST_VALID + 50)].into(),
        history: [statuses(&status("finalized"))].into(),
        transactions: [Answer::Result(Value::Null), Answer::Result(landed(&Value::Null))].into(),
        ..Script::silent()
    }
    .start()
    .await;
    assert_eq!(land(&[&node]).await, expected_fill());
}

#[tokio::test]
async fn one_node_that_has_it_outweighs_another_that_does_not() {
    // A hole in its history: the state knows better.
    let without = Script { markers: [marker_there(true)].into(), ..Script::past() }.start().await;
    let with = Script {
        heights: [Answer::Status(500), Answer::Status(500), epoch(LAST_VALID + 1)].into(),
        history: [statuses(&status("finalized"))].into(),
        transactions: [Answer::Result(landed(&Value::Null))].into(),
        ..Script::silent()
    }
    .start()
    .await;
    assert_eq!(land(&[&without, &with]).await, expected_fill());
}

#[tokio::test]
async fn with_two_nodes_both_must_lack_it() {
    let first = Script { heights: [epoch(LAST_VALID + 1)].into(), ..Script::silent() }.start().await;
    let second = Script {
        heights: [Answer::HangUp, epoch(LAST_VALID), epoch(LAST_VALID + 1)].into(),
        ..Script::silent()
    }
    .start()
    .await;
    assert_eq!(land(&[&first, &second]).await, Observation::Expired);
    assert!(second.count("getEpochInfo") >= 3);
}
