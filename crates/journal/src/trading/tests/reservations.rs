use crate::testing::*;
use crate::{Need, Short};
use futures_util::future::join_all;
use order_core::AccountAddress;

const WALLET: AccountAddress = AccountAddress::new([7; 32]);

fn need(symbol: &str, amount: u64, balance: u64) -> Need {
    Need { mint: token(symbol).mint, amount: Atoms::new(amount), balance: Atoms::new(balance) }
}

fn short(symbol: &str, reserved: u64) -> Option<Short> {
    Some(Short { mint: token(symbol).mint, reserved: Atoms::new(reserved) })
}

/// Reserves as of a slot.
async fn reserve(journal: &Journal, id: order::Id, needs: &[Need], slot: u64) -> Option<Short> {
    journal.trading.reserve(id, &WALLET, needs, slot).await.unwrap()
}

#[tokio::test]
async fn orders_side_by_side_share_a_balance() {
    let (_database, journal) = journal().await;
    let [first, second] = [accepted(&journal).await, accepted(&journal).await];
    let both = |usdc, sol| [need("USDC", usdc, 100), need("SOL", sol, 10)];
    assert_eq!(reserve(&journal, first, &both(60, 5), 1).await, None);
    assert_eq!(reserve(&journal, first, &both(61, 5), 1).await, None, "its own does not count against it");
    assert_eq!(reserve(&journal, second, &both(40, 5), 1).await, short("USDC", 61));
    assert_eq!(reserve(&journal, second, &both(39, 6), 1).await, short("SOL", 5));
    assert_eq!(reserve(&journal, second, &both(39, 5), 1).await, None);
    let elsewhere = AccountAddress::new([8; 32]);
    let other_wallet = journal.trading.reserve(second, &elsewhere, &both(100, 10), 1).await.unwrap();
    assert_eq!(other_wallet, None, "each wallet by itself");
    let lamports = journal.trading.reserved_lamports().await.unwrap();
    assert_eq!(lamports, [(WALLET, Atoms::new(5)), (elsewhere, Atoms::new(10))].into(), "of SOL alone");
    append_all(
        &journal,
        &mut journal.orders.claim(second, LONG).await.unwrap().unwrap(),
        [routing(1), failed()],
    )
    .await;
    let lamports = journal.trading.reserved_lamports().await.unwrap();
    assert_eq!(lamports, [(WALLET, Atoms::new(5))].into(), "an order that has ended takes nothing");
}

#[tokio::test]
async fn a_single_order_is_left_to_its_simulation() {
    let (_database, journal) = journal().await;
    let id = accepted(&journal).await;
    assert_eq!(reserve(&journal, id, &[need("USDC", u64::MAX, 0)], 1).await, None);
    assert_eq!(reserve(&journal, accepted(&journal).await, &[need("USDC", 0, u64::MAX)], 1).await, None);
}

#[tokio::test]
async fn what_ended_without_a_swap_is_free_and_a_landing_counts_until_a_balance_shows_it() {
    let (database, journal) = journal().await;
    let cancelled = accepted(&journal).await;
    let mut landing = claimed(&journal).await;
    let id = landing.order().id();
    assert_eq!(reserve(&journal, cancelled, &[need("USDC", 10, 100)], 1).await, None);
    assert_eq!(reserve(&journal, id, &[need("USDC", 80, 100)], 1).await, None);
    journal.orders.cancel(&account("tester"), cancelled).await.unwrap();
    let next = accepted(&journal).await;
    assert_eq!(reserve(&journal, next, &[need("USDC", 21, 100)], 1).await, short("USDC", 80));

    append_all(&journal, &mut landing, [routing(1), route(), signed(), landed()]).await;
    let mut witness = database.witness().await;
    let slot = number(&mut witness, "SELECT slot FROM landings").await.unsigned_abs();
    assert_eq!(reserve(&journal, next, &[need("USDC", 21, 100)], slot - 1).await, short("USDC", 80));
    assert_eq!(reserve(&journal, next, &[need("USDC", 20, 20)], slot).await, None, "the balance shows it");
    journal.landings.finalized(&[id]).await.unwrap();
    assert_eq!(reserve(&journal, next, &[need("USDC", 20, 20)], slot - 1).await, None);
    assert_eq!(number(&mut witness, "SELECT count(*) FROM reservations").await, 1, "the others are gone");
}

#[tokio::test]
async fn of_orders_that_ask_together_a_large_one_takes_nothing_from_a_small_one_after_it() {
    let (_database, journal) = journal().await;
    let ids = join_all((0..4).map(|_| accepted(&journal))).await;
    let amounts = [60, 50, 40, 1];
    let together = ids
        .iter()
        .zip(amounts)
        .map(async |(id, amount)| reserve(&journal, *id, &[need("USDC", amount, 100)], 1).await);
    let outcomes = join_all(together).await;
    assert_eq!(outcomes, [None, short("USDC", 60), None, short("USDC", 100)]);
}

/// Forty orders of 10 against a balance of 155.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn executors_that_reserve_at_once_stay_within_the_balance_together() {
    let (database, one) = journal().await;
    let other = database.journal().await;
    let ids = join_all((0..40).map(|_| accepted(&one))).await;
    let needs = [need("SOL", 10, 155), need("USDC", 10, 155)];
    let reserving = ids.iter().enumerate().map(|(index, id)| {
        let journal = if index % 2 == 0 { &one } else { &other };
        async move { reserve(journal, *id, &needs, 1).await }
    });
    let outcomes = join_all(reserving).await;
    assert_eq!(outcomes.into_iter().filter(Option::is_none).count(), 15);
    let sum = "SELECT sum(amount)::bigint FROM reservations";
    assert_eq!(number(&mut database.witness().await, sum).await, 300);
}
