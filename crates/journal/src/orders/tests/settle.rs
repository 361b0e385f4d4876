use crate::testing::*;

#[tokio::test]
async fn an_operator_settles_what_is_submitted_and_the_executor_lets_go() {
    let (_database, journal) = journal().await;
    for (did_land, status) in [(true, "confirmed"), (false, "failed")] {
        let mut claim = claimed(&journal).await;
        let id = claim.order().id();
        append_all(&journal, &mut claim, [routing(1), route()]).await;
        let error = journal.orders.settle(id, did_land, "two explorers").await.unwrap_err();
        assert!(matches!(error, crate::SettleError::NotSubmitted), "{error}");
        append_all(&journal, &mut claim, [signed()]).await;
        journal.orders.settle(id, did_land, "two explorers").await.unwrap();
        let refused = append(&journal, &mut claim, landed()).await.unwrap_err();
        assert!(matches!(refused, Unrecorded::Fenced), "{refused}");
        let history = journal.history.read(id, 0).await.unwrap().unwrap();
        let order = order_core::Order::replay(id, &history).unwrap();
        assert_eq!(order.status().name(), status);
        let evidence = Event::Settled { landed: did_land, evidence: "two explorers".to_owned() };
        assert_eq!(history.last().unwrap().event, evidence);
    }
}
