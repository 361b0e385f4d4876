use crate::Error;
use crate::testing::*;

#[tokio::test]
async fn trading_is_halted_for_every_process_until_it_is_resumed() {
    let (database, journal) = journal().await;
    let other = database.journal().await;
    assert_eq!(other.trading.halted().await.unwrap(), None);
    assert!(!journal.trading.resume().await.unwrap());
    journal.trading.halt("the market is on fire").await.unwrap();
    let halt = other.trading.halted().await.unwrap().unwrap();
    assert_eq!(halt.reason, "the market is on fire");
    // The first reason stands, and one resumption is enough.
    journal.trading.halt("again").await.unwrap();
    assert_eq!(other.trading.halted().await.unwrap(), Some(halt));
    assert!(other.trading.resume().await.unwrap());
    assert_eq!(journal.trading.halted().await.unwrap(), None);
    journal.trading.halt("once more").await.unwrap();
    let kept = "SELECT count(*) FROM halts";
    assert_eq!(number(&mut database.witness().await, kept).await, 2);
}

#[tokio::test]
async fn a_halt_needs_a_reason() {
    let (_database, journal) = journal().await;
    for reason in [String::new(), "x".repeat(1001)] {
        let refused = journal.trading.halt(&reason).await.unwrap_err();
        assert!(matches!(refused, Error::Refused { .. }), "{refused}");
    }
    assert_eq!(journal.trading.halted().await.unwrap(), None);
}

#[tokio::test]
async fn no_signature_is_recorded_while_trading_is_halted_and_what_was_signed_is_followed() {
    let (_database, journal) = journal().await;
    let (mut signed_before, mut signing) = (claimed(&journal).await, claimed(&journal).await);
    append_all(&journal, &mut signed_before, [routing(1), route(), signed()]).await;
    append_all(&journal, &mut signing, [routing(1), route()]).await;
    journal.trading.halt("the market is on fire").await.unwrap();
    let refused = append(&journal, &mut signing, signed()).await.unwrap_err();
    assert!(matches!(refused, Unrecorded::Stopped { .. }), "{refused}");
    append_all(&journal, &mut signed_before, [landed()]).await;
    append_all(&journal, &mut signing, [retry(0)]).await;
    journal.trading.resume().await.unwrap();
    let mut again = journal.orders.claim(signing.order().id(), LONG).await.unwrap().unwrap();
    append_all(&journal, &mut again, [routing(2), route(), signed()]).await;
}

/// The statement that records a signature begins before the halt, and waits while it comes.
#[tokio::test]
async fn a_signature_that_waited_for_its_order_while_trading_was_halted_is_refused() {
    let (database, journal) = journal().await;
    let (mut holder, mut witness) = (database.witness().await, database.witness().await);
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1), route()]).await;
    // The row is only locked: nothing of it changes that would be looked at again.
    holder.execute("BEGIN; SELECT FROM orders FOR UPDATE").await.unwrap();
    let signing = tokio::spawn({
        let journal = journal.clone();
        async move { append(&journal, &mut claim, signed()).await }
    });
    until_waiting(&mut witness).await;
    journal.trading.halt("the market is on fire").await.unwrap();
    holder.execute("COMMIT").await.unwrap();
    let refused = signing.await.unwrap();
    assert!(matches!(refused, Err(Unrecorded::Stopped { .. })), "{refused:?}");
    assert_eq!(number(&mut witness, "SELECT count(*) FROM transactions").await, 0);
}

/// Whatever the moment: what is there when a halt has returned is all that there will be.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_signature_follows_a_halt_that_has_returned() {
    const ROUNDS: usize = 20;
    let (database, journal) = journal().await;
    let other = database.journal().await;
    let mut witness = database.witness().await;
    for _ in 0..ROUNDS {
        let mut signing = Vec::new();
        for number in 0..8 {
            let mut claim = claimed(&journal).await;
            append_all(&journal, &mut claim, [routing(1), route()]).await;
            let by = if number % 2 == 0 { journal.clone() } else { other.clone() };
            signing.push(tokio::spawn(async move { drop(append(&by, &mut claim, signed()).await) }));
        }
        journal.trading.halt("the market is on fire").await.unwrap();
        let signatures = "SELECT count(*) FROM transactions";
        let there = number(&mut witness, signatures).await;
        for signing in signing {
            signing.await.unwrap();
        }
        assert_eq!(number(&mut witness, signatures).await, there);
        journal.trading.resume().await.unwrap();
    }
}
