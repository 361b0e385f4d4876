use super::*;
use crate::{AppendError, Error};

#[tokio::test]
async fn trading_is_halted_for_every_process_until_it_is_resumed() {
    let (database, journal) = journal().await;
    let other = database.journal().await;
    assert_eq!(other.halted().await.unwrap(), None);
    assert!(!journal.resume().await.unwrap());
    journal.halt("the market is on fire").await.unwrap();
    let halt = other.halted().await.unwrap().unwrap();
    assert_eq!(halt.reason, "the market is on fire");
    // The first reason stands, and one resumption is enough.
    journal.halt("again").await.unwrap();
    assert_eq!(other.halted().await.unwrap(), Some(halt));
    assert!(other.resume().await.unwrap());
    assert_eq!(journal.halted().await.unwrap(), None);
    journal.halt("once more").await.unwrap();
    let kept = "SELECT count(*) FROM halts";
    assert_eq!(number(&mut database.witness().await, kept).await, 2);
}

#[tokio::test]
async fn a_halt_needs_a_reason() {
    let (_database, journal) = journal().await;
    for reason in [String::new(), "x".repeat(1001)] {
        let refused = journal.halt(&reason).await.unwrap_err();
        assert!(matches!(refused, Error::Refused { .. }), "{refused}");
    }
    assert_eq!(journal.halted().await.unwrap(), None);
}

#[tokio::test]
async fn no_signature_is_recorded_while_trading_is_halted_and_what_was_signed_is_followed() {
    let (_database, journal) = journal().await;
    let (mut signed_before, mut signing) = (claimed(&journal).await, claimed(&journal).await);
    append_all(&journal, &mut signed_before, [routing(1), route(), signed()]).await;
    append_all(&journal, &mut signing, [routing(1), route()]).await;
    journal.halt("the market is on fire").await.unwrap();
    let refused = journal.append(&mut signing, signed()).await.unwrap_err();
    assert!(matches!(refused, AppendError::Fenced), "{refused}");
    append_all(&journal, &mut signed_before, [landed()]).await;
    append_all(&journal, &mut signing, [retry(0)]).await;
    journal.resume().await.unwrap();
    let mut again = journal.claim(signing.order().id(), LONG).await.unwrap().unwrap();
    append_all(&journal, &mut again, [routing(2), route(), signed()]).await;
}
