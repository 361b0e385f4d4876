use crate::testing::*;

#[tokio::test]
async fn a_database_belongs_to_the_first_cluster_and_orders_of_another_are_not_claimed() {
    let (database, journal) = journal().await;
    let mut witness = database.witness().await;
    assert_eq!(journal.cluster().await.unwrap(), None);
    let before = acceptance();
    journal.orders.accept(before.clone()).await.unwrap();
    assert_eq!(journal.bind_cluster("one").await.unwrap(), "one");
    assert_eq!(journal.bind_cluster("another").await.unwrap(), "one");
    assert!(journal.orders.claim(before.id, LONG).await.unwrap().is_none(), "it was accepted for no cluster");
    let ours = acceptance();
    journal.orders.accept(ours.clone()).await.unwrap();
    witness.execute("UPDATE cluster SET genesis_hash = 'another'").await.unwrap();
    assert!(journal.orders.claim(ours.id, LONG).await.unwrap().is_none());
    witness.execute("UPDATE cluster SET genesis_hash = 'one'").await.unwrap();
    assert!(journal.orders.claim(ours.id, LONG).await.unwrap().is_some());
}
