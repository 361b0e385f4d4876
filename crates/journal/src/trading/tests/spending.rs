use crate::testing::*;
use crate::{Error, Spending};
use futures_util::future::join_all;
use order_core::{AccountPolicy, UsdMicros};

const fn usd(micros: u64) -> UsdMicros {
    UsdMicros::new(micros)
}

#[tokio::test]
async fn an_order_counts_once_and_the_limit_is_exact() {
    let (_database, journal) = journal().await;
    let (first, second) = (accepted(&journal).await, accepted(&journal).await);
    assert_eq!(journal.trading.spent_today().await.unwrap(), usd(0));
    assert_eq!(
        journal.trading.spend(first, &account("tester"), usd(60), Some(usd(100))).await.unwrap(),
        Spending::Counted
    );
    // Another attempt, at another price, under a lower limit.
    assert_eq!(
        journal.trading.spend(first, &account("tester"), usd(90), Some(usd(1))).await.unwrap(),
        Spending::Counted
    );
    assert_eq!(journal.trading.spent_today().await.unwrap(), usd(60));
    let exceeded = Spending::Exceeded { of_account: false, today: usd(60), most: usd(100) };
    assert_eq!(
        journal.trading.spend(second, &account("tester"), usd(41), Some(usd(100))).await.unwrap(),
        exceeded
    );
    assert_eq!(
        journal.trading.spend(second, &account("tester"), usd(40), Some(usd(100))).await.unwrap(),
        Spending::Counted
    );
    assert_eq!(journal.trading.spent_today().await.unwrap(), usd(100));
}

/// Failed, cancelled and expired orders cost nothing, a confirmed one does; the day they were counted
/// on gets it back.
#[tokio::test]
async fn what_ends_without_a_swap_is_given_back() {
    let (_database, journal) = journal().await;
    let mut failing = claimed(&journal).await;
    let cancelled = accepted(&journal).await;
    let mut landing = claimed(&journal).await;
    for (id, amount) in [(failing.order().id(), 10), (cancelled, 20), (landing.order().id(), 40)] {
        journal.trading.spend(id, &account("tester"), usd(amount), Some(usd(100))).await.unwrap();
    }
    append_all(&journal, &mut failing, [routing(1), retry(0)]).await;
    assert_eq!(journal.trading.spent_today().await.unwrap(), usd(70), "a retry risks it again");
    let mut failing = journal.orders.claim(failing.order().id(), LONG).await.unwrap().unwrap();
    append_all(&journal, &mut failing, [routing(2), failed()]).await;
    assert_eq!(journal.trading.spent_today().await.unwrap(), usd(60));
    journal.orders.cancel(&account("tester"), cancelled).await.unwrap();
    append_all(&journal, &mut landing, [routing(1), route(), signed(), landed()]).await;
    assert_eq!(journal.trading.spent_today().await.unwrap(), usd(40));
    assert_eq!(
        journal
            .trading
            .spend(accepted(&journal).await, &account("tester"), usd(60), Some(usd(100)))
            .await
            .unwrap(),
        Spending::Counted
    );
}

#[tokio::test]
async fn no_amount_slips_through_by_its_size() {
    let (_database, journal) = journal().await;
    let id = accepted(&journal).await;
    let exceeded = Spending::Exceeded { of_account: false, today: usd(0), most: usd(100) };
    assert_eq!(
        journal.trading.spend(id, &account("tester"), usd(u64::MAX), Some(usd(100))).await.unwrap(),
        exceeded
    );
    assert_eq!(
        journal.trading.spend(id, &account("tester"), usd(101), Some(usd(100))).await.unwrap(),
        exceeded
    );
    assert_eq!(
        journal.trading.spend(id, &account("tester"), usd(0), Some(usd(0))).await.unwrap(),
        Spending::Counted
    );
}

#[tokio::test]
async fn only_an_order_can_spend() {
    let (_database, journal) = journal().await;
    let unknown = order::Id(Uuid::now_v7());
    let refused =
        journal.trading.spend(unknown, &account("tester"), usd(1), Some(usd(100))).await.unwrap_err();
    assert!(matches!(refused, Error::Refused { .. }), "{refused}");
    assert_eq!(journal.trading.spent_today().await.unwrap(), usd(0));
}

#[tokio::test]
async fn the_day_is_the_databases_and_each_has_its_own_sum() {
    let (database, journal) = journal().await;
    let (yesterdays, todays) = (accepted(&journal).await, accepted(&journal).await);
    journal.trading.spend(yesterdays, &account("tester"), usd(100), Some(usd(100))).await.unwrap();
    let mut witness = database.witness().await;
    let a_day_passes = "ALTER TABLE spending DROP CONSTRAINT spending_day_fkey;
        UPDATE spending_days SET day = day - 1; UPDATE spending SET day = day - 1";
    witness.execute(a_day_passes).await.unwrap();
    assert_eq!(journal.trading.spent_today().await.unwrap(), usd(0));
    assert_eq!(
        journal.trading.spend(todays, &account("tester"), usd(100), Some(usd(100))).await.unwrap(),
        Spending::Counted
    );
    // Its first attempt was yesterday: it is not counted into today.
    assert_eq!(
        journal.trading.spend(yesterdays, &account("tester"), usd(100), Some(usd(100))).await.unwrap(),
        Spending::Counted
    );
    assert_eq!(journal.trading.spent_today().await.unwrap(), usd(100));
    let utc = "SELECT count(*) FROM spending_days WHERE day = (now() AT TIME ZONE 'UTC')::date";
    assert_eq!(number(&mut witness, utc).await, 1);
}

/// Forty orders of 10 against a limit of 155, each of them by two executors at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn executors_that_spend_at_once_stay_within_the_limit_together() {
    let (database, one) = journal().await;
    let other = database.journal().await;
    let ids = join_all((0..40).map(|_| accepted(&one))).await;
    let spending = ids.iter().flat_map(|id| [(&one, *id), (&other, *id)]).map(async |(journal, id)| {
        (id, journal.trading.spend(id, &account("tester"), usd(10), Some(usd(155))).await.unwrap())
    });
    let mut counted = std::collections::HashSet::new();
    for (id, spending) in join_all(spending).await {
        if spending == Spending::Counted {
            counted.insert(id);
        }
    }
    assert_eq!(counted.len(), 15);
    assert_eq!(one.trading.spent_today().await.unwrap(), usd(150));
    let rows = "SELECT sum(usd_micros)::bigint FROM spending";
    assert_eq!(number(&mut database.witness().await, rows).await, 150);
}

/// The same order twice: one waits for the other's sum and must not add to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_order_that_spends_at_once_in_two_places_counts_once() {
    let (database, journal) = journal().await;
    let mut witness = database.witness().await;
    let (id, another) = (accepted(&journal).await, accepted(&journal).await);
    journal.trading.spend(another, &account("tester"), usd(1), Some(usd(100))).await.unwrap();
    let mut held = witness.begin().await.unwrap();
    held.execute("SELECT FROM spending_days FOR UPDATE").await.unwrap();
    let twice = [journal.clone(), journal.clone()].map(|journal| {
        tokio::spawn(async move {
            journal.trading.spend(id, &account("tester"), usd(10), Some(usd(100))).await.unwrap()
        })
    });
    let mut other = database.witness().await;
    const WAITING: &str = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until("both wait", async || number(&mut other, WAITING).await == 2).await;
    held.rollback().await.unwrap();
    for spending in twice {
        assert_eq!(spending.await.unwrap(), Spending::Counted);
    }
    assert_eq!(journal.trading.spent_today().await.unwrap(), usd(11));
}

#[tokio::test]
async fn an_account_keeps_its_own_limit_beside_that_of_all() {
    let (_database, journal) = journal().await;
    journal.accounts.create(&account("desk")).await.unwrap();
    let policy = AccountPolicy { max_day_value: Some(usd(50)), ..AccountPolicy::default() };
    assert!(journal.accounts.set_policy(&account("desk"), &policy).await.unwrap());
    let [first, second, others] =
        [accepted(&journal).await, accepted(&journal).await, accepted(&journal).await];
    let spend = async |id, of: &str, value, per_day| {
        journal.trading.spend(id, &account(of), usd(value), per_day).await.unwrap()
    };
    assert_eq!(spend(first, "desk", 30, None).await, Spending::Counted);
    let exceeded = Spending::Exceeded { of_account: true, today: usd(30), most: usd(50) };
    assert_eq!(spend(second, "desk", 21, None).await, exceeded);
    assert_eq!(spend(others, "tester", 60, Some(usd(100))).await, Spending::Counted, "each by itself");
    let all = Spending::Exceeded { of_account: false, today: usd(90), most: usd(100) };
    assert_eq!(spend(second, "desk", 20, Some(usd(100))).await, all);
    // What ends without a swap is given back to both.
    journal.orders.cancel(&account("tester"), first).await.unwrap();
    assert_eq!(spend(second, "desk", 40, Some(usd(100))).await, Spending::Counted);
    assert_eq!(journal.trading.spent_today().await.unwrap(), usd(100));
}
