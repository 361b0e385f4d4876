//! A database of the version before, with work on it, becomes one of this version.

use crate::journal::migrations::MIGRATIONS;
use crate::testing::*;
use crate::{Accepted, Filter};

/// The last migration of the version before.
const BEFORE: i64 = 7;

/// The statements of the version before, on the tables of this one.
#[tokio::test]
async fn programs_of_the_version_before_go_on_working() {
    const TAKE_ON: &str =
        "INSERT INTO orders (id, owner, idempotency_key, request_hash, intent, status, seq, attempt,
        token_in, token_out, amount_in)
      VALUES ($1, 'owner', 'key', sha256('request'), '{}', 'pending', 1, 0, 'in', 'out', 5)
      ON CONFLICT DO NOTHING RETURNING id";
    const END: &str = "WITH owned AS MATERIALIZED (
        SELECT id FROM orders WHERE id = $1 AND ended_at IS NULL FOR NO KEY UPDATE OF orders)
      UPDATE orders SET status = 'failed', ended_at = now() FROM owned WHERE orders.id = owned.id
      RETURNING orders.id";
    let (database, journal) = journal().await;
    let mut witness = database.witness().await;
    let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
    let mut written = Vec::new();
    for (statement, id) in
        [(TAKE_ON, first), (TAKE_ON, second), (END, first), (END, first), (TAKE_ON, second)]
    {
        let ids: Vec<Uuid> = sqlx::query_scalar(statement).bind(id).fetch_all(&mut witness).await.unwrap();
        written.push(ids.len());
    }
    assert_eq!(written, [1, 0, 1, 0, 0]);
    let read = "SELECT count(*) FROM orders WHERE ended_at IS NOT NULL AND owner = 'owner'";
    assert_eq!(number(&mut witness, read).await, 1);
    let same = Idempotency { key: "key".to_owned(), request_hash: [0; 32] };
    assert!(journal.orders.accepted(&account("owner"), &same).await.unwrap().is_some());
}

/// As the version before takes an order on.
const ACCEPT_BEFORE: &str = "
WITH accepted AS (
  INSERT INTO orders (id, owner, idempotency_key, request_hash, intent, status, seq, attempt, token_in, token_out, amount_in)
  VALUES ($1, 'tester', $2, sha256('request'), '{}', 'pending', 1, 0, 'in', 'out', 5)
  ON CONFLICT DO NOTHING RETURNING id
), event AS (
  INSERT INTO order_events (order_id, seq, attempt, fence, body, at)
  SELECT id, 1, 0, 0, '{\"kind\": \"accepted\"}', now() FROM accepted
)
SELECT id FROM accepted";

async fn accept_before(witness: &mut PgConnection, key: &str) -> Option<Uuid> {
    let id = Uuid::now_v7();
    sqlx::query_scalar(ACCEPT_BEFORE).bind(id).bind(key).fetch_optional(witness).await.unwrap()
}

#[tokio::test]
async fn keys_counts_and_orders_of_before_are_kept_at_each_step() {
    let database = Database::empty().await;
    let mut witness = database.witness().await;
    MIGRATIONS.run_to(BEFORE, &mut witness).await.unwrap();
    let first = accept_before(&mut witness, "first").await.unwrap();
    let ended = accept_before(&mut witness, "ended").await.unwrap();
    witness
        .execute("UPDATE orders SET status = 'failed', ended_at = now() WHERE idempotency_key = 'ended'")
        .await
        .unwrap();
    for version in BEFORE + 1..BEFORE + 4 {
        MIGRATIONS.run_to(version, &mut witness).await.unwrap();
        assert_eq!(accept_before(&mut witness, "first").await, None, "{version}");
        assert_eq!(accept_before(&mut witness, "ended").await, None, "{version}");
        assert!(accept_before(&mut witness, &version.to_string()).await.is_some());
    }
    // Ended after the tables were changed, and before what had ended was counted.
    witness
        .execute("UPDATE orders SET status = 'confirmed', ended_at = now() WHERE idempotency_key = '8'")
        .await
        .unwrap();
    Journal::migrate(&database.url).await.unwrap();
    let journal = database.journal().await;
    for (key, id) in [("first", first), ("ended", ended)] {
        let kept: Uuid =
            sqlx::query_scalar("SELECT order_id FROM idempotency_keys WHERE idempotency_key = $1")
                .bind(key)
                .fetch_one(&mut witness)
                .await
                .unwrap();
        assert_eq!(kept, id);
        let again = journal.orders.accept(with_key(key, 1)).await.unwrap();
        assert_eq!(again, Accepted::Conflict { id: order::Id(id) }, "another request");
    }
    let stats = journal.reports.queue_stats().await.unwrap();
    assert_eq!((stats.completed, stats.failed, stats.waiting), (1, 1, 3));
    assert_eq!(
        journal.reports.list(&account("tester"), &Filter::default(), None, 10).await.unwrap().len(),
        5
    );
    assert_eq!(number(&mut witness, "SELECT count(*) FROM pg_index WHERE NOT indisvalid").await, 0);
    assert_eq!(number(&mut witness, "SELECT count(*) FROM pg_constraint WHERE NOT convalidated").await, 0);
    // Each month has the indexes of the others.
    let indexes = "SELECT count(DISTINCT indexes) FROM (SELECT array_agg(indexname ORDER BY indexname) AS indexes
        FROM pg_indexes WHERE tablename = 'ended_orders' AND indexname LIKE 'ended_orders_%' AND indexname <> 'ended_orders_pkey'
        GROUP BY schemaname) AS months";
    assert_eq!(number(&mut witness, indexes).await, 1);
}

/// Programs that work meanwhile wait half a second at most.
#[tokio::test]
async fn a_migration_that_gets_no_lock_lets_others_work_and_tries_again() {
    let database = Database::empty().await;
    let mut witness = database.witness().await;
    MIGRATIONS.run_to(BEFORE, &mut witness).await.unwrap();
    let mut backup = database.witness().await;
    backup.execute("BEGIN; LOCK TABLE orders, order_events IN ACCESS SHARE MODE").await.unwrap();
    let working = async {
        const APPLIED: &str = "SELECT max(version) FROM _sqlx_migrations WHERE success";
        for number in 0..8 {
            until_blocked(&mut witness).await;
            let asked = tokio::time::Instant::now();
            accept_before(&mut witness, &number.to_string()).await.unwrap();
            assert!(asked.elapsed() < Duration::from_millis(1_500), "{:?}", asked.elapsed());
        }
        assert_eq!(number(&mut witness, APPLIED).await, BEFORE);
        backup.execute("COMMIT").await.unwrap();
    };
    let (migrated, ()) = tokio::join!(Journal::migrate(&database.url), working);
    migrated.unwrap();
    assert_eq!(database.journal().await.reports.backlog().await.unwrap(), 8);
}
