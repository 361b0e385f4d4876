//! However many orders have ended: what is open is read alone, each filter has an index, counts are kept,
//! and months can be taken away.

use crate::testing::*;
use crate::{Accepted, Error, Filter};
use order_core::Dex;
use order_core::order::Status;

/// Ended orders of many months of an hour each would take long: these are made by the server, as of the
/// last days, one every five seconds, the rare ones first.
const HISTORY: &str = "
INSERT INTO orders (id, owner, intent, status, seq, attempt, token_in, token_out, amount_in, dex, quoted_out,
  executed_out, created_at, ended_at)
SELECT id, 'owner', '{}', CASE WHEN rare THEN 'failed' ELSE 'confirmed' END, 1, 1,
  CASE WHEN rare THEN 'rare in' ELSE 'in' END, CASE WHEN rare THEN 'rare out' ELSE 'out' END, 5,
  CASE WHEN rare THEN 'Meteora' ELSE 'Raydium' END, 5, CASE WHEN NOT rare THEN 5 END, at, at
FROM (
  SELECT (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008' || lpad(number::text, 15, '0'))::uuid
    AS id, at, number <= 3 AS rare
  FROM (SELECT number, now() - interval '2 days' + number * interval '5 seconds' AS at
    FROM generate_series(1, 20000) AS number) AS numbered
) AS made";

/// The pages of tables and indexes that a statement reads. Pages of the catalogue come on top the first
/// time, and each time that the server has analysed a table since: the least of a few readings is without.
async fn pages_read(witness: &mut PgConnection, statement: String) -> i64 {
    const READINGS: usize = 5;
    let explain = format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}");
    let mut least = i64::MAX;
    for _ in 0..READINGS {
        let plan: sqlx::types::JsonValue =
            sqlx::query_scalar(AssertSqlSafe(explain.clone())).fetch_one(&mut *witness).await.unwrap();
        let plan = &plan[0]["Plan"];
        least = least
            .min(plan["Shared Hit Blocks"].as_i64().unwrap() + plan["Shared Read Blocks"].as_i64().unwrap());
    }
    least
}

/// As [`pages_read`], again for some seconds until that is no more than `most`. Beside other tests, now and then all
/// readings of a moment have the catalogue's pages on top. A statement that needs more never gets there.
async fn pages_needed(witness: &mut PgConnection, statement: String, most: i64) -> i64 {
    const LOOKS_MAX: usize = 100;
    let mut read = i64::MAX;
    for _ in 0..LOOKS_MAX {
        read = pages_read(witness, statement.clone()).await;
        if read <= most {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    read
}

/// The statement with these in place of its parameters.
fn filled(statement: &str, parameters: &[&str]) -> String {
    let mut filled = statement.to_owned();
    for (place, value) in parameters.iter().enumerate().rev() {
        filled = filled.replace(&format!("${}", place + 1), value);
    }
    filled
}

#[tokio::test]
async fn each_filter_of_the_list_reads_as_many_pages_as_it_needs_whatever_the_history() {
    const PAGES_MAX: i64 = 400;
    let (database, _journal) = journal().await;
    let mut witness = database.witness().await;
    witness.execute(HISTORY).await.unwrap();
    witness.execute("ANALYZE").await.unwrap();
    let (nil, max) = ("'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'");
    let ago = "(now() - interval '36 hours')";
    let middle = "first_id(now() - interval '36 hours')";
    for (low, high, from, to, status, dex, token_in, token_out) in [
        (nil, max, "NULL", "NULL", "NULL", "NULL", "NULL", "NULL"),
        (nil, max, "NULL", "NULL", "'failed'", "NULL", "NULL", "NULL"),
        (nil, max, "NULL", "NULL", "'expired'", "NULL", "NULL", "NULL"),
        (nil, max, "NULL", "NULL", "'routing'", "NULL", "NULL", "NULL"),
        (nil, max, "NULL", "NULL", "NULL", "'Meteora'", "NULL", "NULL"),
        (nil, max, "NULL", "NULL", "'confirmed'", "'Meteora'", "NULL", "NULL"),
        (nil, max, "NULL", "NULL", "NULL", "NULL", "'rare in'", "NULL"),
        (nil, max, "NULL", "NULL", "NULL", "NULL", "NULL", "'rare out'"),
        (nil, max, "NULL", "NULL", "'confirmed'", "NULL", "NULL", "'rare out'"),
        (nil, max, "NULL", "NULL", "NULL", "NULL", "'in'", "'rare out'"),
        (nil, middle, "NULL", ago, "NULL", "NULL", "NULL", "NULL"),
        (middle, max, ago, "NULL", "NULL", "'Meteora'", "NULL", "NULL"),
        (nil, middle, "NULL", "NULL", "NULL", "NULL", "NULL", "'rare out'"),
    ] {
        let parameters = [low, high, from, to, status, dex, token_in, token_out, "50", "'owner'"];
        let list = filled(crate::reading::LIST, &parameters);
        let read = pages_needed(&mut witness, list, PAGES_MAX).await;
        assert!(read <= PAGES_MAX, "{read} pages: {parameters:?}");
    }
    witness.execute("SELECT count_ended()").await.unwrap();
    for statement in [
        crate::reading::BACKLOG,
        crate::reading::BACKLOG_BY_ACCOUNT,
        crate::reading::QUEUE_STATS,
        crate::reading::WAITING_FOR_OTHER_WALLETS,
    ] {
        let read = pages_needed(&mut witness, filled(statement, &["ARRAY['wallet']"]), PAGES_MAX).await;
        assert!(read <= PAGES_MAX, "{read} pages: {statement}");
    }
}

#[tokio::test]
async fn a_filter_without_an_index_is_refused() {
    let (_database, journal) = journal().await;
    let filter = Filter { dex: Some(Dex::Orca), token_out: Some(token("USDC").mint), ..Filter::default() };
    let refused = journal.reports.list(&account("tester"), &filter, None, 10).await;
    assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
}

#[tokio::test]
async fn an_order_that_has_ended_leaves_the_open_ones_and_is_found_by_every_reader() {
    let (database, journal) = journal().await;
    let mut claim = claimed(&journal).await;
    let id = claim.order().id();
    append_all(&journal, &mut claim, [routing(1), route(), signed(), landed()]).await;
    let open = accepted(&journal).await;
    let mut witness = database.witness().await;
    assert_eq!(number(&mut witness, "SELECT count(*) FROM ONLY orders").await, 1);
    assert_eq!(number(&mut witness, "SELECT count(*) FROM ended_orders").await, 1);
    // As programs of the version before read it.
    assert_eq!(number(&mut witness, "SELECT count(*) FROM orders").await, 2);
    assert_eq!(journal.history.read(id, 0).await.unwrap().unwrap().len(), 5);
    let listed: Vec<_> = journal
        .reports
        .list(&account("tester"), &Filter::default(), None, 10)
        .await
        .unwrap()
        .into_iter()
        .map(|listed| listed.id)
        .collect();
    assert_eq!(listed, [open, id]);
    let confirmed = Filter { status: Some(Status::Confirmed), ..Filter::default() };
    assert_eq!(journal.reports.list(&account("tester"), &confirmed, None, 10).await.unwrap().len(), 1);
}

/// Lists wait for one another. Whoever writes does not wait for them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn lists_that_hang_take_no_connection_of_those_that_write() {
    let (database, journal) = journal().await;
    // Without an event, nobody asks for the months.
    accepted(&journal).await;
    let mut witness = database.witness().await;
    witness.execute("BEGIN; LOCK TABLE order_months IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let lists: Vec<_> = (0..24)
        .map(|_| {
            let journal = journal.clone();
            tokio::spawn(async move {
                journal.reports.list(&account("tester"), &Filter::default(), None, 50).await.map(drop)
            })
        })
        .collect();
    let mut other = database.witness().await;
    until_blocked_by(&mut other, i64::from(crate::database::pools::REPORT_CONNECTIONS)).await;
    let accepting = tokio::time::timeout(Duration::from_secs(1), journal.orders.accept(acceptance())).await;
    assert!(accepting.unwrap().is_ok());
    for list in lists {
        assert!(matches!(list.await.unwrap(), Err(Error::Unavailable { .. })));
    }
    witness.execute("ROLLBACK").await.unwrap();
    journal.reports.list(&account("tester"), &Filter::default(), None, 50).await.unwrap();
}

async fn until_blocked_by(witness: &mut PgConnection, many: i64) {
    const BLOCKED: &str = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until("the lists wait", async || number(witness, BLOCKED).await == many).await;
}

/// A snapshot keeps the vacuum from the entries of what ends. Readers of the open orders skip them.
#[tokio::test]
async fn while_a_snapshot_is_held_open_readers_of_the_open_orders_skip_what_has_ended() {
    const ENDED: usize = 300;
    const PAGES_MAX: i64 = 100;
    let (database, journal) = journal().await;
    let (mut backup, mut witness) = (database.witness().await, database.witness().await);
    let stuck = accepted(&journal).await;
    backup.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM orders").await.unwrap();
    for _ in 0..ENDED {
        let mut claim = claimed(&journal).await;
        append_all(&journal, &mut claim, [routing(1), route(), failed()]).await;
    }
    let young = accepted(&journal).await;
    let due = filled(crate::orders::DUE, &["100", "'{}'", "'{}'", "'{}'", "'{}'"]);
    let before = pages_read(&mut witness, due.clone()).await;
    until("the mark is past what has ended", async || {
        journal.upkeep.tend().await.unwrap();
        number(&mut witness, "SELECT count(*) FROM open_mark WHERE cardinality(older) = 2").await == 1
    })
    .await;
    let after = pages_read(&mut witness, due).await;
    assert!(after < PAGES_MAX && after * 4 < before, "{before} pages, then {after}");
    assert_eq!(journal.orders.due(100, &[], &[], &[]).await.unwrap(), [stuck, young]);
    assert_eq!(journal.reports.backlog().await.unwrap(), 2);
}

/// The id of a gateway whose clock is late lies behind the mark.
#[tokio::test]
async fn an_order_with_an_id_behind_the_mark_is_open_all_the_same() {
    let (database, journal) = journal().await;
    let mut witness = database.witness().await;
    let late = Acceptance { id: order::Id(Uuid::now_v7()), ..acceptance() };
    witness.execute("UPDATE open_mark SET id = first_id(now() + interval '1 hour')").await.unwrap();
    let id = late.id;
    journal.orders.accept(late).await.unwrap();
    assert_eq!(journal.orders.due(10, &[], &[], &[]).await.unwrap(), [id]);
    assert_eq!(journal.reports.backlog().await.unwrap(), 1);
    let mut claim = journal.orders.claim(id, LONG).await.unwrap().unwrap();
    append_all(&journal, &mut claim, [routing(1), failed()]).await;
    assert_eq!(journal.reports.backlog().await.unwrap(), 0);
}

/// So that a test can take it away.
const LET_THE_FIRST_MONTH_BE_OVER: &str =
    "UPDATE order_months SET until = first_id(now() - interval '2 days') WHERE name = 'month_before'";

/// It came before the mark moved, and is committed after.
#[tokio::test]
async fn an_acceptance_that_takes_long_is_found_wherever_the_mark_is() {
    const ACCEPT: &str = "BEGIN; INSERT INTO orders (id, owner, intent, status, seq, attempt, token_in, token_out, amount_in)
      SELECT first_id(clock_timestamp() - seconds * interval '1 second'), 'owner', '{}', 'pending', 1, 0, 'in', 'out', 5
      FROM unnest(ARRAY[0.0, 1.5, 10.0]) AS seconds";
    let (database, journal) = journal().await;
    let (mut slow, mut witness) = (database.witness().await, database.witness().await);
    slow.execute(ACCEPT).await.unwrap();
    let began = tokio::time::Instant::now();
    while began.elapsed() < Duration::from_secs(5) {
        journal.upkeep.tend().await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    slow.execute("COMMIT").await.unwrap();
    assert_eq!(journal.reports.backlog().await.unwrap(), 3);
    until("the mark is past them", async || {
        journal.upkeep.tend().await.unwrap();
        assert_eq!(journal.reports.backlog().await.unwrap(), 3);
        number(&mut witness, "SELECT cardinality(older)::bigint FROM open_mark").await == 3
    })
    .await;
    // What the mark does not know all the same is found again.
    witness.execute("UPDATE open_mark SET older = '{}'").await.unwrap();
    assert_eq!(journal.reports.backlog().await.unwrap(), 0);
    journal.upkeep.find_stragglers().await.unwrap();
    assert_eq!(journal.reports.backlog().await.unwrap(), 3);
}

/// Transaction numbers of the server before may be higher than any of the new one's, and clocks later.
#[tokio::test]
async fn a_database_that_was_restored_on_another_server_counts_and_finds_on() {
    let (database, journal) = journal().await;
    let mut witness = database.witness().await;
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1), failed()]).await;
    let open = accepted(&journal).await;
    witness
        .execute(
            "UPDATE ended_uncounted SET by = '900000000000';
            UPDATE ended_counts SET counted = '800000000000';
            UPDATE open_mark SET id = first_id(now() + interval '1 hour'), next_id = first_id(now() + interval '1 hour'),
              older = ARRAY(SELECT id FROM ONLY orders), next_xid = '800000000000'",
        )
        .await
        .unwrap();
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1), failed()]).await;
    let young = accepted(&journal).await;
    assert_eq!(journal.orders.due(10, &[], &[], &[]).await.unwrap(), [open, young]);
    until("both are counted, and the mark is back", async || {
        journal.upkeep.tend().await.unwrap();
        assert_eq!(journal.orders.due(10, &[], &[], &[]).await.unwrap(), [open, young]);
        number(&mut witness, "SELECT failed FROM ended_counts").await == 2
            && number(&mut witness, "SELECT count(*) FROM open_mark WHERE id < first_id(now())").await == 1
    })
    .await;
    assert_eq!(journal.reports.queue_stats().await.unwrap().failed, 2);
}

#[tokio::test]
async fn what_has_ended_is_counted_once_across_the_counters_and_a_detached_month() {
    let (database, journal) = journal().await;
    let mut witness = database.witness().await;
    let keyed = with_key("key", 1);
    let id = keyed.id;
    journal.orders.accept(keyed).await.unwrap();
    let mut claim = journal.orders.claim(id, LONG).await.unwrap().unwrap();
    let (signed, signature) = {
        let signed = signed();
        let Event::TransactionSigned { transaction } = &signed else { panic!() };
        let signature = transaction.signature;
        (signed, signature)
    };
    append_all(&journal, &mut claim, [routing(1), route(), signed, landed()]).await;
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1), failed()]).await;
    let refused = journal.upkeep.detach_month("month_before").await.unwrap_err();
    assert!(refused.to_string().contains("not over"), "{refused}");
    let counted = async || {
        let stats = journal.reports.queue_stats().await.unwrap();
        (stats.completed, stats.failed)
    };
    assert_eq!(counted().await, (1, 1));
    // Other tests of the same server write at the same time.
    until("all is counted", async || {
        journal.upkeep.tend().await.unwrap();
        number(&mut witness, "SELECT confirmed + failed FROM ended_counts").await == 2
    })
    .await;
    assert_eq!(number(&mut witness, "SELECT count(*) FROM ended_uncounted").await, 0);
    assert_eq!(counted().await, (1, 1));
    witness.execute(LET_THE_FIRST_MONTH_BE_OVER).await.unwrap();
    // Of the month as it is now.
    let landing = "INSERT INTO landings (order_id) VALUES (first_id(now() - interval '3 days'))";
    witness.execute(landing).await.unwrap();
    let refused = journal.upkeep.detach_month("month_before").await.unwrap_err();
    assert!(refused.to_string().contains("finalized"), "{refused}");
    witness.execute("DELETE FROM landings").await.unwrap();
    journal.upkeep.detach_month("month_before").await.unwrap();
    assert_eq!(counted().await, (1, 1));
    assert_eq!(
        journal.reports.list(&account("tester"), &Filter::default(), None, 10).await.unwrap().len(),
        0
    );
    assert_eq!(journal.history.read(id, 0).await.unwrap(), None);
    assert_eq!(number(&mut witness, "SELECT count(*) FROM month_before.ended_orders").await, 2);
    assert_eq!(number(&mut witness, "SELECT count(*) FROM month_before.order_events").await, 8);
    assert!(journal.upkeep.months().await.unwrap()[0].detached_at.is_some());
    // What keeps an order from being executed again is kept.
    assert_eq!(journal.orders.accept(with_key("key", 1)).await.unwrap(), Accepted::Replayed { id });
    assert_eq!(journal.landings.unknown(&[signature]).await.unwrap(), []);
    let again = journal.upkeep.detach_month("month_before").await.unwrap_err();
    assert!(matches!(again, Error::Refused { .. }), "{again}");
}

/// Of a gateway whose clock is a month late.
#[tokio::test]
async fn an_order_with_an_id_of_a_detached_month_goes_its_way_and_is_listed() {
    let (database, journal) = journal().await;
    let mut witness = database.witness().await;
    witness.execute(LET_THE_FIRST_MONTH_BE_OVER).await.unwrap();
    journal.upkeep.detach_month("month_before").await.unwrap();
    witness.execute("DROP SCHEMA month_before CASCADE").await.unwrap();
    let mut claim = claimed(&journal).await;
    append_all(&journal, &mut claim, [routing(1), route(), signed(), landed()]).await;
    let listed = journal.reports.list(&account("tester"), &Filter::default(), None, 10).await.unwrap();
    assert_eq!(listed.iter().map(|listed| listed.id).collect::<Vec<_>>(), [claim.order().id()]);
}

/// Where the tables of a month were not made in time, and are made of a later one.
#[tokio::test]
async fn orders_without_a_month_are_listed_in_their_place() {
    let (database, journal) = journal().await;
    let mut witness = database.witness().await;
    // The first month ends now; the next one that there is begins in an hour.
    witness
        .execute("UPDATE order_months SET until = first_id(now()) WHERE name = 'month_before'")
        .await
        .unwrap();
    witness
        .execute(
            "DELETE FROM order_months WHERE name <> 'month_before';
            SELECT make_month_tables('month_next', first_id(now() + interval '10 years'), first_id(now() + interval '11 years'));
            INSERT INTO order_months (name, since, until)
            VALUES ('month_next', first_id(now() + interval '10 years'), first_id(now() + interval '11 years'))",
        )
        .await
        .unwrap();
    let now_ms = number(&mut witness, "SELECT (extract(epoch FROM now()) * 1000)::bigint").await;
    let mut ids = Vec::new();
    for years in [-1_i64, 0, 10, 12] {
        let at = u128::try_from(now_ms + years * 367 * 86_400_000 + 60_000).unwrap();
        let id = order::Id(Uuid::from_u128((at << 80) | 7));
        journal.orders.accept(Acceptance { id, ..acceptance() }).await.unwrap();
        let mut claim = journal.orders.claim(id, LONG).await.unwrap().unwrap();
        append_all(&journal, &mut claim, [routing(1), failed()]).await;
        ids.insert(0, id);
    }
    assert_eq!(number(&mut witness, "SELECT count(*) FROM month_beyond.ended_orders").await, 2);
    for filter in [Filter::default(), Filter { token_in: Some(token("SOL").mint), ..Filter::default() }] {
        let mut listed: Vec<order::Id> = Vec::new();
        for _ in 0..ids.len() {
            let page =
                journal.reports.list(&account("tester"), &filter, listed.last().copied(), 1).await.unwrap();
            listed.extend(page.iter().map(|listed| listed.id));
        }
        assert_eq!(listed, ids);
    }
}

#[tokio::test]
async fn a_month_with_an_open_order_is_not_detached() {
    let (database, journal) = journal().await;
    accepted(&journal).await;
    let shorten = "UPDATE order_months SET since = '00000000-0000-0000-0000-000000000000',
        until = first_id(now() + interval '1 day') WHERE name = 'month_before'";
    database.witness().await.execute(shorten).await.unwrap();
    let refused = journal.upkeep.detach_month("month_before").await.unwrap_err();
    assert!(matches!(refused, Error::Refused { .. }), "{refused}");
}

#[tokio::test]
async fn months_are_made_once_and_keep_the_rules() {
    let (database, journal) = journal().await;
    journal.upkeep.make_months().await.unwrap();
    let months = journal.upkeep.months().await.unwrap();
    journal.upkeep.make_months().await.unwrap();
    assert_eq!(journal.upkeep.months().await.unwrap(), months);
    assert!(months.len() >= 3, "{months:?}");
    // The months follow one another without a gap.
    assert!(months.windows(2).all(|pair| pair[1].since == Some(pair[0].until)), "{months:?}");
    let last = &months[months.len() - 1];
    let far = u128::try_from(last.until.timestamp_millis() - 1_000).unwrap();
    let id = order::Id(Uuid::from_u128((far << 80) | 7));
    journal.orders.accept(Acceptance { id, ..acceptance() }).await.unwrap();
    let mut claim = journal.orders.claim(id, LONG).await.unwrap().unwrap();
    append_all(&journal, &mut claim, [routing(1), route(), signed(), landed()]).await;
    let mut witness = database.witness().await;
    let name = &last.name;
    for (sql, rule) in [
        ("DELETE FROM ended_orders".to_owned(), "orders_kept"),
        (format!("DELETE FROM {name}.ended_orders"), "orders_kept"),
        (format!("UPDATE {name}.ended_orders SET owner = 'x'"), "orders_ended_is_final"),
        (format!("DELETE FROM {name}.order_events"), "order_events_append_only"),
        (format!("UPDATE {name}.order_events SET fence = 9"), "order_events_append_only"),
        (
            format!("INSERT INTO transactions (signature, order_id, attempt, last_valid_block_height, state, signed_at, observed_at)
                VALUES ('another', '{}', 1, 5, 'expired', now(), now())", id.0),
            "transactions_order_id_fkey",
        ),
        (
            format!("INSERT INTO {name}.order_events (order_id, seq, attempt, fence, body, at)
                VALUES ('{}', 9, 1, 1, '{{\"kind\": \"failed\"}}', now())", id.0),
            "order_events_no_gap",
        ),
        (
            format!("INSERT INTO transactions (signature, order_id, attempt, last_valid_block_height, state, signed_at)
                VALUES ('another', '{}', 1, 5, 'open', now())", id.0),
            "transactions_one_open_or_landed",
        ),
    ] {
        match witness.execute(AssertSqlSafe(sql.clone())).await {
            Err(sqlx::Error::Database(error)) => assert_eq!(error.constraint(), Some(rule), "{sql}"),
            other => panic!("`{sql}` was not refused: {other:?}"),
        }
    }
}
