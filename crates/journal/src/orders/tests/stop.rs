use crate::Cancellation;
use crate::testing::*;
use order_core::Order;
use order_core::order::{Expiry, Status};

fn expiring(milliseconds: u64) -> Acceptance {
    let acceptance = acceptance();
    Acceptance { intent: acceptance.intent.expiring(Expiry::AfterMs(milliseconds)), ..acceptance }
}

async fn claimed_expiring(journal: &Journal, milliseconds: u64) -> Claim {
    let acceptance = expiring(milliseconds);
    let id = acceptance.id;
    journal.orders.accept(acceptance).await.unwrap();
    journal.orders.claim(id, LONG).await.unwrap().unwrap()
}

/// Lets the expiry of every order that has one pass.
async fn let_expire(journal: &Journal) {
    let expire = "UPDATE orders SET expires_at = now() WHERE expires_at > now()";
    sqlx::query(expire).execute(&journal.pool).await.unwrap();
}

async fn replayed(journal: &Journal, id: order::Id) -> Order {
    Order::replay(id, &journal.history.read(id, 0).await.unwrap().unwrap()).unwrap()
}

#[tokio::test]
async fn an_order_expires_by_the_database_s_clock_from_its_acceptance_or_when_its_client_says() {
    let (database, journal) = journal().await;
    journal.orders.accept(expiring(60_000)).await.unwrap();
    let relative = "SELECT count(*) FROM orders WHERE expires_at = created_at + interval '60 s'";
    assert_eq!(number(&mut database.witness().await, relative).await, 1);
    let moment = Timestamp::from_timestamp(4_000_000_000, 0).unwrap();
    let named = acceptance();
    let named = Acceptance { intent: named.intent.expiring(Expiry::At(moment)), ..named };
    journal.orders.accept(named).await.unwrap();
    let absolute = "SELECT count(*) FROM orders WHERE extract(epoch FROM expires_at) = 4000000000";
    assert_eq!(number(&mut database.witness().await, absolute).await, 1);
}

#[tokio::test]
async fn what_is_not_signed_by_its_expiry_ends_expired_whoever_holds_it() {
    let (_database, journal) = journal().await;
    let mut building = claimed_expiring(&journal, 60_000).await;
    append_all(&journal, &mut building, [routing(1), route()]).await;
    let pending = expiring(60_000);
    let pending_id = pending.id;
    journal.orders.accept(pending).await.unwrap();
    let endless = accepted(&journal).await;
    assert_eq!(journal.orders.end_expired(10).await.unwrap(), []);
    let_expire(&journal).await;
    // Not before the sweep, and not by a claim either.
    let stopped = append(&journal, &mut building, signed()).await;
    assert!(matches!(stopped, Err(Unrecorded::Stopped { .. })), "{stopped:?}");
    assert!(journal.orders.claim(pending_id, LONG).await.unwrap().is_none());
    assert_eq!(journal.orders.due(10, &[], &[], &[]).await.unwrap(), [endless]);
    let ended = journal.orders.end_expired(10).await.unwrap();
    assert_eq!(ended.len(), 2);
    for (id, recorded) in ended {
        assert_eq!(recorded.event, Event::Expired);
        let order = replayed(&journal, id).await;
        assert_eq!((order.status(), order.seq()), (Status::Expired, recorded.seq));
    }
    assert!(matches!(append(&journal, &mut building, retry(0)).await, Err(Unrecorded::Fenced)));
    assert_eq!(journal.orders.end_expired(10).await.unwrap(), []);
}

#[tokio::test]
async fn what_is_signed_is_followed_past_its_expiry_and_no_attempt_comes_after_it() {
    let (_database, journal) = journal().await;
    let mut lands = claimed_expiring(&journal, 60_000).await;
    let mut reverts = claimed_expiring(&journal, 60_000).await;
    for claim in [&mut lands, &mut reverts] {
        append_all(&journal, claim, [routing(1), route(), signed()]).await;
    }
    let_expire(&journal).await;
    assert_eq!(journal.orders.end_expired(10).await.unwrap(), []);
    append_all(&journal, &mut lands, [landed()]).await;
    assert_eq!(lands.order().status(), Status::Confirmed);
    let expired = Event::Observed { observation: Observation::Expired };
    append_all(&journal, &mut reverts, [expired]).await;
    // Its transaction is dead, but whoever holds it has not said yet what follows.
    assert_eq!(journal.orders.end_expired(10).await.unwrap(), []);
    append_all(&journal, &mut reverts, [retry(0)]).await;
    let id = reverts.order().id();
    assert!(journal.orders.claim(id, LONG).await.unwrap().is_none());
    assert_eq!(journal.orders.end_expired(10).await.unwrap().len(), 1);
    assert_eq!(replayed(&journal, id).await.status(), Status::Expired);
}

#[tokio::test]
async fn an_unsigned_order_is_cancelled_at_once_whoever_holds_it() {
    let (_database, journal) = journal().await;
    assert_eq!(journal.orders.cancel(&account("tester"), order::Id(Uuid::now_v7())).await.unwrap(), None);
    let pending = accepted(&journal).await;
    let Some(Cancellation::Now(recorded)) = journal.orders.cancel(&account("tester"), pending).await.unwrap()
    else {
        panic!()
    };
    assert_eq!((recorded.seq, &recorded.event), (2, &Event::Cancelled));
    assert_eq!(journal.history.read(pending, 1).await.unwrap().unwrap(), [*recorded]);
    assert_eq!(journal.orders.cancel(&account("tester"), pending).await.unwrap(), Some(Cancellation::Before));
    let mut building = claimed(&journal).await;
    append_all(&journal, &mut building, [routing(1), route()]).await;
    let id = building.order().id();
    journal.trading.halt("a cancel works all the same").await.unwrap();
    assert!(matches!(
        journal.orders.cancel(&account("tester"), id).await.unwrap(),
        Some(Cancellation::Now(_))
    ));
    journal.trading.resume().await.unwrap();
    assert!(matches!(append(&journal, &mut building, signed()).await, Err(Unrecorded::Fenced)));
    assert_eq!(journal.orders.renew(&[(id, building.fence())], LONG).await.unwrap(), []);
    assert_eq!(replayed(&journal, id).await.status(), Status::Cancelled);
}

#[tokio::test]
async fn a_cancel_after_the_signature_is_too_late_and_lets_no_attempt_follow() {
    let (_database, journal) = journal().await;
    let mut claim = claimed(&journal).await;
    let id = claim.order().id();
    append_all(&journal, &mut claim, [routing(1), route(), signed()]).await;
    let too_late = Some(Cancellation::TooLate(Status::Submitted));
    assert_eq!(journal.orders.cancel(&account("tester"), id).await.unwrap(), too_late);
    assert_eq!(journal.orders.cancel(&account("tester"), id).await.unwrap(), too_late);
    let expired = Event::Observed { observation: Observation::Expired };
    append_all(&journal, &mut claim, [expired, retry(0)]).await;
    assert!(journal.orders.claim(id, LONG).await.unwrap().is_none());
    let ended = journal.orders.end_expired(10).await.unwrap();
    assert!(matches!(&ended[..], [(ended, recorded)] if *ended == id && recorded.event == Event::Cancelled));
    assert_eq!(journal.orders.cancel(&account("tester"), id).await.unwrap(), Some(Cancellation::Before));
    let mut lands = claimed(&journal).await;
    append_all(&journal, &mut lands, [routing(1), route(), signed()]).await;
    assert_eq!(journal.orders.cancel(&account("tester"), lands.order().id()).await.unwrap(), too_late);
    append_all(&journal, &mut lands, [landed()]).await;
    let confirmed = Some(Cancellation::TooLate(Status::Confirmed));
    assert_eq!(journal.orders.cancel(&account("tester"), lands.order().id()).await.unwrap(), confirmed);
}

/// The statement that records the signature begins before the expiry, and waits while it passes.
#[tokio::test]
async fn a_signature_that_waited_for_its_order_past_the_expiry_is_refused() {
    let (database, journal) = journal().await;
    let (mut holder, mut witness) = (database.witness().await, database.witness().await);
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1), route()]).await;
    let soon = "UPDATE orders SET expires_at = clock_timestamp() + interval '1500 ms'";
    holder.execute(soon).await.unwrap();
    holder.execute("BEGIN; SELECT FROM orders FOR UPDATE").await.unwrap();
    let signing = tokio::spawn({
        let journal = journal.clone();
        async move { append(&journal, &mut claim, signed()).await }
    });
    until_waiting(&mut witness).await;
    let passed = "SELECT count(*) FROM orders WHERE expires_at <= clock_timestamp()";
    until("the expiry has passed", async || number(&mut witness, passed).await == 1).await;
    holder.execute("COMMIT").await.unwrap();
    let refused = signing.await.unwrap();
    assert!(matches!(refused, Err(Unrecorded::Stopped { .. })), "{refused:?}");
    assert_eq!(number(&mut witness, "SELECT count(*) FROM transactions").await, 0);
}

/// Of a cancel and a signature that race one wins, and the loser is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_order_is_cancelled_or_signed_and_never_both() {
    const ORDERS: usize = 60;
    let (database, journal) = journal().await;
    let other = database.journal().await;
    let mut witness = database.witness().await;
    let tester = account("tester");
    for _ in 0..ORDERS {
        let mut claim = claimed(&journal).await;
        let id = claim.order().id();
        append_all(&journal, &mut claim, [routing(1), route()]).await;
        let signing = append(&journal, &mut claim, signed());
        let (signed, cancelled) = tokio::join!(signing, other.orders.cancel(&tester, id));
        match (signed, cancelled.unwrap().unwrap()) {
            (Ok(_), Cancellation::TooLate(Status::Submitted))
            | (Err(Unrecorded::Fenced), Cancellation::Now(_)) => {}
            outcome => panic!("{outcome:?}"),
        }
    }
    let both = "SELECT count(*) FROM orders JOIN transactions ON order_id = orders.id
        WHERE orders.status = 'cancelled'";
    assert_eq!(number(&mut witness, both).await, 0);
}
