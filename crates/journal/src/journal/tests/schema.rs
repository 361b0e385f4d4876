use crate::Error;
use crate::database::error::RULES;
use crate::testing::*;
use std::collections::BTreeSet;

/// The rule that a statement breaks.
async fn broken(witness: &mut PgConnection, sql: &'static str) -> String {
    match witness.execute(sql).await {
        Err(sqlx::Error::Database(error)) => error.constraint().unwrap_or(error.message()).to_owned(),
        other => panic!("`{sql}` was not refused: {other:?}"),
    }
}

#[tokio::test]
async fn every_rule_of_the_schema_has_its_sentence() {
    let database = Database::migrated().await;
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT conname::text FROM pg_constraint
         WHERE connamespace IN (SELECT oid FROM pg_namespace WHERE nspname = 'public' OR nspname LIKE 'month\\_%')
           AND conrelid <> '_sqlx_migrations'::regclass
         UNION SELECT tgname::text FROM pg_trigger WHERE NOT tgisinternal
         UNION SELECT indexrelid::regclass::text FROM pg_index
           WHERE indisunique AND indrelid IN (
             SELECT oid FROM pg_class
             WHERE relnamespace = 'public'::regnamespace AND relname <> '_sqlx_migrations'
           )",
    )
    .fetch_all(&mut database.witness().await)
    .await
    .unwrap();
    let named: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(RULES.into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>(), named);
}

#[tokio::test]
async fn events_are_never_changed_and_ended_orders_are_final() {
    let (database, journal) = journal().await;
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1), route(), signed(), landed()]).await;
    let mut witness = database.witness().await;
    for (sql, rule) in [
        ("UPDATE order_events SET fence = 9 WHERE seq = 1", "order_events_append_only"),
        ("DELETE FROM order_events", "order_events_append_only"),
        ("TRUNCATE order_events", "order_events_append_only"),
        ("UPDATE orders SET owner = 'x'", "orders_ended_is_final"),
        ("DELETE FROM orders", "orders_kept"),
        ("TRUNCATE orders, order_events, transactions, spending, drift_observations", "orders_kept"),
        ("UPDATE transactions SET state = 'expired'", "transactions_observed_is_final"),
        ("DELETE FROM transactions", "transactions_kept"),
    ] {
        assert_eq!(broken(&mut witness, sql).await, rule, "{sql}");
    }
}

#[tokio::test]
async fn the_schema_itself_refuses_gaps_and_second_transactions() {
    let (database, journal) = journal().await;
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1), route(), signed()]).await;
    let mut witness = database.witness().await;
    for (sql, rule) in [
        (
            "INSERT INTO order_events (order_id, seq, attempt, fence, body, at)
             SELECT id, 6, 1, 1, '{\"kind\": \"failed\"}', now() FROM orders",
            "order_events_no_gap",
        ),
        (
            "INSERT INTO order_events (order_id, seq, attempt, fence, body, at)
             SELECT id, 4, 1, 1, '{\"kind\": \"failed\"}', now() FROM orders",
            "order_events_pkey",
        ),
        (
            "INSERT INTO order_events (order_id, seq, attempt, fence, body, at)
             SELECT id, 5, 1, 1, '{\"kind\": \"accepted\"}', now() FROM orders",
            "order_events_begins_with_acceptance",
        ),
        (
            "INSERT INTO transactions (signature, order_id, attempt, last_valid_block_height, state, signed_at)
             SELECT 'another', id, 1, 5, 'open', now() FROM orders",
            "transactions_one_open_or_landed",
        ),
        ("UPDATE orders SET status = 'confirmed'", "orders_ended_whole"),
        ("UPDATE orders SET executed_out = 1", "orders_executed_when_confirmed"),
    ] {
        assert_eq!(broken(&mut witness, sql).await, rule, "{sql}");
    }
}

#[tokio::test]
async fn an_order_has_no_transaction_after_one_that_landed() {
    let (database, journal) = journal().await;
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1), route(), signed(), landed()]).await;
    let sql =
        "INSERT INTO transactions (signature, order_id, attempt, last_valid_block_height, state, signed_at)
        SELECT 'another', id, 1, 5, 'open', now() FROM orders";
    assert_eq!(broken(&mut database.witness().await, sql).await, "transactions_one_open_or_landed");
}

#[tokio::test]
async fn a_database_without_the_migrations_is_refused() {
    let database = Database::empty().await;
    let error = Journal::connect(&database.url, 1).await.unwrap_err();
    assert!(matches!(error, Error::NotMigrated { version: 1 }), "{error}");
    Journal::migrate(&database.url).await.unwrap();
    Journal::migrate(&database.url).await.unwrap();
    Journal::connect(&database.url, 1).await.unwrap().ping().await.unwrap();
}

#[tokio::test]
async fn each_session_has_its_limits() {
    let (_database, journal) = journal().await;
    let setting = async |name: &'static str| -> String {
        sqlx::query_scalar("SELECT current_setting($1)").bind(name).fetch_one(&journal.pool).await.unwrap()
    };
    assert_eq!(setting("statement_timeout").await, "5s");
    assert_eq!(setting("lock_timeout").await, "2s");
    assert_eq!(setting("idle_in_transaction_session_timeout").await, "10s");
    assert_eq!(setting("synchronous_commit").await, "on");
}
