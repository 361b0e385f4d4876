use crate::testing::*;

#[tokio::test]
async fn signatures_that_no_order_has_are_unknown_until_an_operator_adopts_them() {
    let (_database, journal) = journal().await;
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1), route(), signed()]).await;
    let ours = claim.order().state().transaction().unwrap().signature;
    let unknown = Signature::new([9; 64]);
    assert_eq!(journal.landings.unknown(&[unknown, ours]).await.unwrap(), [unknown]);
    journal.landings.adopt(&unknown, "an order of the lost database").await.unwrap();
    journal.landings.adopt(&unknown, "twice is no error").await.unwrap();
    assert_eq!(journal.landings.unknown(&[unknown, ours]).await.unwrap(), []);
}
