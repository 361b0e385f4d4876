//! Nodes that lie, hide or keep silent.

use super::*;

#[tokio::test]
async fn a_blockhash_that_is_still_valid_contradicts_the_height() {
    // The transaction was signed with a last valid block height that a node had made up.
    let node = Script {
        blockhashes: [valid_blockhash(true), valid_blockhash(true), valid_blockhash(false)].into(),
        ..Script::past()
    }
    .start()
    .await;
    assert_eq!(land(&[&node]).await, Observation::Expired);
    assert!(node.count("isBlockhashValid") >= 4, "absence begins anew");
}

#[tokio::test]
async fn a_history_with_a_hole_is_betrayed_by_the_marker() {
    let node = Script {
        history: [statuses(&Value::Null)].into(),
        markers: [marker_there(true)].into(),
        named: [named(&[]), named(&[]), named(&[&signed(0).signature.to_string()])].into(),
        transactions: [Answer::Result(landed(&Value::Null))].into(),
        ..Script::past()
    }
    .start()
    .await;
    assert_eq!(land(&[&node]).await, expected_fill());
}

#[tokio::test]
async fn lamports_of_a_stranger_at_the_marker_are_no_landing() {
    let stranger = Signature::new([8; 64]).to_string();
    let node = Script {
        markers: [marker_there(true)].into(),
        named: [named(&[&stranger])].into(),
        ..Script::past()
    }
    .start()
    .await;
    assert_eq!(land(&[&node]).await, Observation::Expired);
}

#[tokio::test]
async fn nodes_of_one_host_are_one_witness() {
    let start = |mut script: Script| {
        Node::start_on("127.0.0.251", move |method, params| script.answer(method, params))
    };
    let (first, second) = (start(Script::past()).await, start(Script::past()).await);
    let behind = Script::silent().start().await;
    let lander = lander(&[&first, &second, &behind], Commitment::Confirmed);
    let (trade, signed) = (trade(), signed(0));
    tokio::select! {
        observation = lander.land(&signed, &trade) => panic!("{observation:?}"),
        () = first.called("isBlockhashValid", 5) => {}
    }
}

#[tokio::test]
async fn a_silent_node_is_waited_for_and_not_for_ever() {
    let silent = Script { heights: [Answer::HangUp].into(), ..Script::silent() }.start().await;
    let (first, second) = (Script::past().start().await, Script::past().start().await);
    let started = Instant::now();
    assert_eq!(land(&[&first, &second, &silent]).await, Observation::Expired);
    assert!(started.elapsed() >= PACE.silence);
}

#[tokio::test]
async fn a_fill_that_the_transaction_does_not_allow_is_not_recorded_as_told() {
    let mut forged = landed(&Value::Null);
    forged["meta"]["postTokenBalances"][0]["uiTokenAmount"]["amount"] = json!("148999999");
    let lies = Script { transactions: [Answer::Result(forged)].into(), ..Script::with_it() }.start().await;
    let honest = Script::with_it().start().await;
    assert_eq!(land(&[&honest, &lies]).await, expected_fill());
    assert!(lies.count("getTransaction") > 0, "the other node is asked first");

    let lander = lander(&[&lies], Commitment::Confirmed);
    let (trade, signed) = (trade(), signed(0));
    tokio::select! {
        observation = lander.land(&signed, &trade) => panic!("{observation:?}"),
        () = lies.called("getTransaction", 5) => {}
    }
    assert_eq!(lander.undecided(), 1, "a human is called");
}

#[tokio::test]
async fn a_revert_counts_only_once_the_node_s_finalized_state_shows_that_no_marker_came_of_it() {
    let err = json!({ "InstructionError": [5, { "Custom": 6005 }] });
    // The transaction is said to have landed in slot 42.
    let before = || Answer::Result(json!({ "context": { "slot": 41 }, "value": [null] }));
    let node = Script {
        recent: [statuses(&failed_status("finalized", &err))].into(),
        transactions: [
            Answer::Result(landed(&err)),
            Answer::Result(landed(&err)),
            Answer::Result(landed(&Value::Null)),
        ]
        .into(),
        markers: [before(), before(), marker_there(true)].into(),
        ..Script::with_it()
    }
    .start()
    .await;
    assert_eq!(land(&[&node]).await, expected_fill());
}

#[tokio::test]
async fn a_revert_that_one_node_makes_up_is_outvoted_by_the_marker() {
    let err = json!({ "InstructionError": [5, { "Custom": 6005 }] });
    let lies = Script {
        recent: [statuses(&failed_status("finalized", &err))].into(),
        transactions: [Answer::Result(landed(&err))].into(),
        ..Script::with_it()
    }
    .start()
    .await;
    let honest = Script::with_it().start().await;
    assert_eq!(land(&[&lies, &honest]).await, expected_fill());
}

#[tokio::test]
async fn one_node_alone_reverts_nothing_while_another_has_not_spoken() {
    let err = json!({ "InstructionError": [5, { "Custom": 6005 }] });
    let reverted = Script {
        recent: [statuses(&failed_status("finalized", &err))].into(),
        transactions: [Answer::Result(landed(&err))].into(),
        ..Script::silent()
    };
    let behind = Script {
        transactions: [
            Answer::Result(Value::Null),
            Answer::Result(Value::Null),
            Answer::Result(landed(&err)),
        ]
        .into(),
        ..Script::silent()
    };
    let (first, second) = (reverted.start().await, behind.start().await);
    assert!(matches!(land(&[&first, &second]).await, Observation::Reverted { .. }));
    assert!(second.count("getTransaction") >= 3);
}

#[tokio::test]
async fn a_success_needs_the_marker_on_a_second_host() {
    let lies = Script::with_it().start().await;
    let honest = Script {
        markers: [marker_there(false), marker_there(false), marker_there(true)].into(),
        ..Script::silent()
    }
    .start()
    .await;
    assert_eq!(land(&[&lies, &honest]).await, expected_fill());
    assert!(honest.count("getMultipleAccounts") >= 3);
}

#[tokio::test]
async fn a_landing_that_no_node_shows_is_settled_without_amounts() {
    let hidden = || Script { transactions: [Answer::Result(Value::Null)].into(), ..Script::with_it() };
    let (first, second) = (hidden().start().await, hidden().start().await);
    let started = Instant::now();
    assert_eq!(land(&[&first, &second]).await, Observation::Landed { fill: None });
    assert!(started.elapsed() >= PACE.silence);
}

#[tokio::test]
async fn a_revert_for_a_marker_that_a_stranger_occupies_is_one() {
    let err = json!({ "InstructionError": [2, { "Custom": 0 }] });
    let node = Script {
        recent: [statuses(&failed_status("finalized", &err))].into(),
        transactions: [Answer::Result(landed(&err))].into(),
        markers: [marker_there(true)].into(),
        named: [named(&[&Signature::new([8; 64]).to_string()])].into(),
        ..Script::silent()
    }
    .start()
    .await;
    let Observation::Reverted { failure, .. } = land(&[&node]).await else { panic!() };
    assert_eq!(failure.code, failure::Code::MarkerInUse);
}

#[tokio::test]
async fn a_node_that_tells_of_no_landing_holds_up_no_order() {
    let denies = Script { markers: [marker_there(true)].into(), ..Script::silent() }.start().await;
    let has_it = Script::with_it().start().await;
    // Long before the transaction could expire.
    assert_eq!(land(&[&denies, &has_it]).await, expected_fill());
}
