use crate::testing::*;
use order_core::order::Status;

const NONE: Duration = Duration::ZERO;

async fn confirmed(journal: &Journal) -> Claim {
    let mut claim = claimed(journal).await;
    append_all(journal, &mut claim, [routing(1), route(), signed(), landed()]).await;
    claim
}

async fn replayed(journal: &Journal, id: order::Id) -> order_core::Order {
    order_core::Order::replay(id, &journal.history.read(id, 0).await.unwrap().unwrap()).unwrap()
}

#[tokio::test]
async fn a_landing_is_given_to_one_caller_until_it_is_finalized() {
    let (_database, journal) = journal().await;
    let claim = confirmed(&journal).await;
    let id = claim.order().id();
    assert_eq!(journal.landings.take(LONG, NONE, 8).await.unwrap(), [], "it is young");
    let landings = journal.landings.take(NONE, LONG, 8).await.unwrap();
    let signature = claim.order().state().transaction().unwrap().signature;
    assert_eq!(landings.len(), 1);
    assert_eq!((landings[0].order_id, landings[0].signature), (id, signature));
    assert_eq!(landings[0].slot, Some(slot_of(&landed())));
    assert_eq!(journal.landings.take(NONE, LONG, 8).await.unwrap(), [], "somebody looks already");
    journal.landings.finalized(&[id]).await.unwrap();
    assert_eq!(journal.landings.take(NONE, NONE, 8).await.unwrap(), []);
    let refused = journal.landings.roll_back(id, Observation::Expired).await.unwrap();
    assert!(refused.is_none(), "what is finalized stays");
    assert_eq!(replayed(&journal, id).await.status(), Status::Confirmed);
}

fn slot_of(event: &Event) -> u64 {
    let Event::Observed { observation: Observation::Landed { fill: Some(fill) } } = event else { panic!() };
    fill.slot
}

#[tokio::test]
async fn a_landing_that_was_dropped_corrects_the_end_of_its_order_once() {
    let (database, journal) = journal().await;
    let mut witness = database.witness().await;
    let id = confirmed(&journal).await.order().id();
    let recorded = journal.landings.roll_back(id, Observation::Expired).await.unwrap().unwrap();
    assert_eq!(recorded.event, Event::RolledBack { observation: Observation::Expired });
    assert_eq!(replayed(&journal, id).await.status(), Status::Failed);
    let row = "SELECT count(*) FROM orders WHERE status = 'failed' AND executed_out IS NULL AND seq = 6";
    assert_eq!(number(&mut witness, row).await, 1);
    assert_eq!(number(&mut witness, "SELECT count(*) FROM transactions WHERE state = 'expired'").await, 1);
    assert!(journal.landings.roll_back(id, Observation::Expired).await.unwrap().is_none());
}

#[tokio::test]
async fn a_landing_that_landed_again_keeps_the_order_confirmed_with_its_new_amounts() {
    let (database, journal) = journal().await;
    let id = confirmed(&journal).await.order().id();
    let Event::Observed { observation: Observation::Landed { fill: Some(mut fill) } } = landed() else {
        panic!()
    };
    fill.amount_out = Atoms::new(fill.amount_out.get() - 1);
    let again = Observation::Landed { fill: Some(fill.clone()) };
    assert!(journal.landings.roll_back(id, again).await.unwrap().is_some());
    let out = "SELECT executed_out::text FROM orders WHERE status = 'confirmed'";
    let out: String = sqlx::query_scalar(out).fetch_one(&mut database.witness().await).await.unwrap();
    assert_eq!(out, fill.amount_out.get().to_string());
}

#[tokio::test]
async fn an_ended_order_is_corrected_only_after_the_event_that_says_why() {
    let (database, journal) = journal().await;
    let mut witness = database.witness().await;
    confirmed(&journal).await;
    let change = "UPDATE orders SET status = 'failed', executed_out = NULL, seq = seq + 1";
    assert!(witness.execute(change).await.is_err(), "the schema refuses it");
    assert!(witness.execute("UPDATE transactions SET state = 'expired'").await.is_err());
}
