use crate::testing::*;
use futures_util::future::join_all;
use order_core::Order;

/// Renewals and sweeps write the same rows as appends, at the same time, and take nothing
/// from them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn appends_go_through_while_the_same_rows_are_renewed() {
    let (database, journal) = journal().await;
    let mut claims = join_all((0..20).map(|_| claimed(&journal))).await;
    let held: Vec<_> = claims.iter().map(|claim| (claim.order().id(), claim.fence())).collect();
    let disturbances: Vec<_> = (0..3)
        .map(|_| {
            let (journal, mut held) = (journal.clone(), held.clone());
            tokio::spawn(async move {
                loop {
                    held.reverse();
                    let kept = journal.orders.renew(&held, LONG).await.unwrap();
                    assert!(!kept.is_empty());
                    assert_eq!(journal.orders.end_expired(100).await.unwrap(), []);
                }
            })
        })
        .collect();
    let appended = claims.iter_mut().map(async |claim| {
        append_all(&journal, claim, [routing(1), route(), signed()]).await;
    });
    join_all(appended).await;
    for disturbance in &disturbances {
        assert!(!disturbance.is_finished());
        disturbance.abort();
    }
    let written = "SELECT count(*) FROM order_events";
    assert_eq!(number(&mut database.witness().await, written).await, 20 * 4);
}

/// Many owners with leases that are over at once fight for few orders: whatever happens, the
/// events of each order are 1..n, legal, and written by owners in the order of their claims.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn histories_stay_whole_however_owners_interleave() {
    let (database, one) = journal().await;
    let other = database.journal().await;
    let ids = join_all((0..4).map(|_| accepted(&one))).await;
    let fights = (0..8).map(|number: usize| {
        let journal = if number.is_multiple_of(2) { one.clone() } else { other.clone() };
        let ids = ids.clone();
        tokio::spawn(async move {
            let mut fenced = 0;
            for round in 0..40 {
                let id = ids[(round + number) % ids.len()];
                let Some(mut claim) = journal.orders.claim(id, Duration::ZERO).await.unwrap() else {
                    continue;
                };
                if let Err(Unrecorded::Fenced) = one_step(&journal, &mut claim).await {
                    fenced += 1;
                }
            }
            fenced
        })
    });
    let fenced: usize = join_all(fights).await.into_iter().map(Result::unwrap).sum();
    assert!(fenced > 0, "the owners never met");
    let mut witness = database.witness().await;
    for id in ids {
        let history = one.history.read(id, 0).await.unwrap().unwrap();
        let order = Order::replay(id, &history).unwrap();
        assert!(order.seq() > 10, "{}", order.seq());
    }
    let backwards = "SELECT count(*) FROM order_events AS later JOIN order_events AS earlier
        ON earlier.order_id = later.order_id AND earlier.seq = later.previous
        WHERE later.fence < earlier.fence OR later.at < earlier.at";
    assert_eq!(number(&mut witness, backwards).await, 0);
    let apart = "SELECT count(*) FROM orders
        WHERE seq <> (SELECT max(seq) FROM order_events WHERE order_id = orders.id)
           OR seq <> (SELECT count(*) FROM order_events WHERE order_id = orders.id)";
    assert_eq!(number(&mut witness, apart).await, 0);
}

async fn one_step(journal: &Journal, claim: &mut Claim) -> Result<(), Unrecorded> {
    let event = match claim.order().state() {
        order::State::Pending { .. } => routing(claim.order().attempt() + 1),
        _ => retry(0),
    };
    append(journal, claim, event).await.map(drop)
}
