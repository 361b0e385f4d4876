use crate::testing::*;
use order_core::AccountAddress;
use order_core::order::{Marker, SignedTransaction};

const AGE: Duration = Duration::from_secs(3_600);
const WALLET: AccountAddress = AccountAddress::new([5; 32]);

/// A transaction that creates a marker of its own order.
fn marked(order: &Claim, generation: u32, last_valid_block_height: u64) -> SignedTransaction {
    let mut address = [0; 32];
    address[..16].copy_from_slice(order.order().id().0.as_bytes());
    address[31] = u8::try_from(generation).unwrap();
    let address = AccountAddress::new(address);
    let seed = "abcdefghijklmnop".to_owned();
    let Event::TransactionSigned { transaction } = signed() else { panic!() };
    let marker = Some(Marker { address, wallet: WALLET, seed, generation });
    SignedTransaction { marker, last_valid_block_height, ..transaction }
}

fn sign(transaction: &SignedTransaction) -> Event {
    Event::TransactionSigned { transaction: transaction.clone() }
}

fn expired() -> Event {
    Event::Observed { observation: Observation::Expired }
}

async fn old(journal: &Journal) -> Vec<(AccountAddress, u64)> {
    let old = journal.markers.old(&WALLET.to_string(), AGE, 8).await.unwrap();
    old.into_iter().map(|old| (old.marker.address, old.last_valid_block_height)).collect()
}

#[tokio::test]
async fn a_marker_is_given_out_only_when_its_order_has_ended_and_its_last_transaction_is_old() {
    let (database, journal) = journal().await;
    let mut witness = database.witness().await;
    let mut claim = claimed(&journal).await;
    let (first, second) = (marked(&claim, 0, 90), marked(&claim, 0, 70));
    append_all(&journal, &mut claim, [routing(1), route(), sign(&first), expired(), retry(0)]).await;
    let mut claim = journal.orders.claim(claim.order().id(), LONG).await.unwrap().unwrap();
    append_all(&journal, &mut claim, [routing(2), route(), sign(&second)]).await;
    let age = "UPDATE order_markers SET signed_at = now() - interval '2 hours'";
    witness.execute(age).await.unwrap();
    assert_eq!(old(&journal).await, [], "the order is open");
    append_all(&journal, &mut claim, [landed()]).await;
    witness.execute("UPDATE order_markers SET signed_at = now() - interval '59 minutes'").await.unwrap();
    assert_eq!(old(&journal).await, [], "a transaction is young");
    witness.execute(age).await.unwrap();
    let address = first.marker.unwrap().address;
    assert_eq!(old(&journal).await, [(address, 90)], "the height is the highest of both");
    assert_eq!(old(&journal).await, [], "somebody tries it already");
    assert_eq!(journal.markers.forget(&[address.to_string()]).await.unwrap(), 1);
    assert_eq!(number(&mut witness, "SELECT count(*) FROM order_markers").await, 0);
}

#[tokio::test]
async fn an_expired_transaction_that_is_found_is_open_again_even_while_trading_is_halted() {
    let (database, journal) = journal().await;
    let mut witness = database.witness().await;
    let mut claim = claimed(&journal).await;
    let transaction = marked(&claim, 0, 90);
    append_all(&journal, &mut claim, [routing(1), route(), sign(&transaction), expired()]).await;
    let refused = witness.execute("UPDATE transactions SET state = 'landed'").await;
    assert!(refused.is_err(), "only an order that waits for it again may change it");
    journal.trading.halt("a restore").await.unwrap();
    witness.execute("UPDATE orders SET expires_at = now()").await.unwrap();
    let found = Event::TransactionFound { transaction: transaction.clone() };
    append_all(&journal, &mut claim, [found]).await;
    let open = "SELECT count(*) FROM transactions WHERE state = 'open' AND observed_at IS NULL";
    assert_eq!(number(&mut witness, open).await, 1);
    append_all(&journal, &mut claim, [landed()]).await;
    assert_eq!(number(&mut witness, "SELECT count(*) FROM transactions WHERE state = 'landed'").await, 1);
}

#[tokio::test]
async fn a_landing_without_amounts_is_confirmed() {
    let (database, journal) = journal().await;
    let mut claim = claimed(&journal).await;
    let unknown = Event::Observed { observation: Observation::Landed { fill: None } };
    append_all(&journal, &mut claim, [routing(1), route(), signed(), unknown]).await;
    let confirmed = "SELECT count(*) FROM orders WHERE status = 'confirmed' AND executed_out IS NULL";
    assert_eq!(number(&mut database.witness().await, confirmed).await, 1);
}
