//! Databases that earlier versions wrote: `data/version-7.sql` by a version of flat routes and one table of orders,
//! `data/version-12.sql` by the last version of flat routes. `data/record.sh` has recorded them.

use crate::journal::migrations::MIGRATIONS;
use crate::testing::*;
use crate::{Accepted, Filter, Listed};
use order_core::Order;
use order_core::order::{RetryPolicy, Status, Step};
use std::collections::BTreeMap;

/// The last migration of a version, and what it recorded.
const DUMPS: [(i64, &str); 2] =
    [(7, include_str!("data/version-7.sql")), (12, include_str!("data/version-12.sql"))];

/// The owners became accounts, whose names have no spaces.
const NAMES: &str = "
SET session_replication_role = replica;
UPDATE orders SET owner = replace(owner, ' ', '-');
DO $$ BEGIN
  IF to_regclass('idempotency_keys') IS NOT NULL THEN
    UPDATE idempotency_keys SET owner = replace(owner, ' ', '-');
  END IF;
END $$;
SET session_replication_role = origin";

/// A database of an earlier version, brought up to this one.
struct Restored {
    database: Database,
    journal: Journal,
    /// The orders by their owners, which name their states, as they were before.
    orders: BTreeMap<String, (order::Id, Status)>,
}

impl Restored {
    async fn from(version: i64, dump: &str) -> Self {
        let database = Database::empty().await;
        let mut witness = database.witness().await;
        MIGRATIONS.run_to(version, &mut witness).await.unwrap();
        for statement in dump.split_inclusive(";\n") {
            // Triggers put ended orders where they belong, and would refuse the signatures of those that were
            // stopped.
            let role = if statement.starts_with("INSERT INTO orders ") { "origin" } else { "replica" };
            let statement = format!("SET session_replication_role = {role}; {statement}");
            witness.execute(sqlx::raw_sql(AssertSqlSafe(statement))).await.unwrap();
        }
        witness.execute(sqlx::raw_sql(AssertSqlSafe(NAMES.to_owned()))).await.unwrap();
        let orders = by_owner(&mut witness).await;
        Journal::migrate(&database.url).await.unwrap();
        let journal = database.journal().await;
        Self { database, journal, orders }
    }

    /// The number of orders that had one of these statuses.
    fn count(&self, statuses: &[Status]) -> usize {
        self.orders.values().filter(|(_, status)| statuses.contains(status)).count()
    }
}

async fn by_owner(witness: &mut PgConnection) -> BTreeMap<String, (order::Id, Status)> {
    let rows: Vec<(String, Uuid, String)> =
        sqlx::query_as("SELECT owner, id, status FROM orders").fetch_all(witness).await.unwrap();
    rows.into_iter().map(|(owner, id, status)| (owner, (order::Id(id), status.parse().unwrap()))).collect()
}

/// All orders of the lists, page by page.
async fn listed(restored: &Restored) -> Vec<Listed> {
    let mut all: Vec<Listed> = Vec::new();
    for owner in restored.orders.keys() {
        let (account, mut after) = (account(owner), None);
        loop {
            let page = restored.journal.reports.list(&account, &Filter::default(), after, 5).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            all.extend(page);
        }
    }
    all
}

#[tokio::test]
async fn recorded_orders_are_listed_with_histories_that_add_up_to_their_status() {
    for (version, dump) in DUMPS {
        let restored = Restored::from(version, dump).await;
        for status in Status::ALL {
            assert!(
                restored.count(&[status]) > 0,
                "version {version} has recorded no order that is {status}"
            );
        }
        let listed = listed(&restored).await;
        assert_eq!(listed.len(), restored.orders.len(), "version {version}");
        for (owner, (id, status)) in &restored.orders {
            let listed = listed.iter().find(|listed| listed.id == *id).unwrap();
            let history =
                listed.history.as_ref().unwrap_or_else(|error| panic!("{version}, {owner}: {error}"));
            let read = restored.journal.history.read_for(&AccountId::operator(), *id, 0).await;
            let read = read.unwrap().unwrap();
            assert_eq!(read, *history, "version {version}, {owner}");
            let order = Order::replay(*id, history).unwrap();
            assert_eq!(order.status(), *status, "version {version}, {owner}");
        }
        assert_eq!(by_owner(&mut restored.database.witness().await).await, restored.orders);
    }
}

#[tokio::test]
async fn recorded_counts_and_keys_are_kept() {
    for (version, dump) in DUMPS {
        let restored = Restored::from(version, dump).await;
        let stats = restored.journal.reports.queue_stats().await.unwrap();
        let counted = [stats.waiting + stats.active + stats.delayed, stats.completed, stats.failed];
        let open = [Status::Pending, Status::Routing, Status::Building, Status::Submitted];
        let failed = [Status::Failed, Status::Cancelled, Status::Expired];
        let expected = [&open[..], &[Status::Confirmed], &failed].map(|statuses| restored.count(statuses));
        assert_eq!(counted, expected.map(|count| u64::try_from(count).unwrap()), "version {version}");
        for (owner, (id, _)) in restored.orders.iter().filter(|(owner, _)| *owner != "expired") {
            let same = Acceptance { account: account(owner), ..with_key(&owner.replace('-', " "), 1) };
            let again = restored.journal.orders.accept(same).await.unwrap();
            assert_eq!(again, Accepted::Replayed { id: *id }, "version {version}, {owner}");
        }
    }
}

#[tokio::test]
async fn recorded_open_orders_go_on_to_their_end() {
    for (version, dump) in DUMPS {
        let Restored { database, journal, orders } = Restored::from(version, dump).await;
        for (owner, (id, before)) in &orders {
            assert_eq!(go_on(&journal, *id).await, !before.is_terminal(), "version {version}, {owner}");
            let history = journal.history.read(*id, 0).await.unwrap().unwrap();
            let expected = match owner.as_str() {
                "reverted-and-to-be-cancelled" => Status::Cancelled,
                _ if before.is_terminal() => *before,
                _ => Status::Confirmed,
            };
            assert_eq!(
                Order::replay(*id, &history).unwrap().status(),
                expected,
                "version {version}, {owner}"
            );
        }
        let after = by_owner(&mut database.witness().await).await;
        assert_eq!(after.len(), orders.len(), "version {version}");
        assert!(after.values().all(|(_, status)| status.is_terminal()), "version {version}: {after:?}");
        assert_eq!(journal.reports.backlog().await.unwrap(), 0, "version {version}");
    }
}

/// Works on an order until it has ended; false if it had.
async fn go_on(journal: &Journal, id: order::Id) -> bool {
    let mut events = 0;
    while let Some(mut claim) = journal.orders.claim(id, LONG).await.unwrap() {
        if let Some(event) = claim.order().interruption(&RetryPolicy::default(), 0) {
            append_all(journal, &mut claim, [without_pause(event)]).await;
            events += 1;
            continue;
        }
        while let Some(event) = next(claim.order()) {
            let failed = matches!(event, Event::AttemptFailed { .. });
            append_all(journal, &mut claim, [event]).await;
            events += 1;
            if failed {
                break;
            }
        }
    }
    let stopped = journal.orders.end_expired(100).await.unwrap();
    events + stopped.len() > 0
}

fn without_pause(event: Event) -> Event {
    match event {
        Event::AttemptFailed { failure, .. } => Event::AttemptFailed { failure, retry_in_ms: 0 },
        event => event,
    }
}

/// The event that an executor would record next, if all goes well.
fn next(order: &Order) -> Option<Event> {
    Some(match order.next_step() {
        Step::Begin { attempt } => routing(attempt),
        Step::Route { .. } => route(),
        Step::Sign { .. } => signed(),
        Step::Land { .. } => landed(),
        Step::Settle { failure } => {
            without_pause(order.attempt_failed(failure.clone(), &RetryPolicy::default(), 0))
        }
        Step::End => return None,
    })
}
