//! Each service may do its own work on the stores, and no other: whoever has taken a service over has its rights.

use serde_json::json;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;
use system_tests::{Engine, Part, market_order};
use xtask::stack::Access;
use xtask::{Login, postgres};

/// A server on this machine answers at once; a loaded one takes its time.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Statements that neither service may run, with the error of each.
const NOBODY: [(&str, &str); 24] = [
    ("UPDATE accounts SET id = 'mine'", "permission denied for table accounts"),
    ("UPDATE spending_days SET usd_micros = 0", "permission denied for table spending_days"),
    ("DELETE FROM order_events", "permission denied for table order_events"),
    ("UPDATE order_events SET body = '{}'", "permission denied for table order_events"),
    ("TRUNCATE order_events", "permission denied for table order_events"),
    ("DELETE FROM orders", "permission denied for table orders"),
    ("UPDATE orders SET intent = '{}'", "permission denied for table orders"),
    ("UPDATE orders SET owner = 'me'", "permission denied for table orders"),
    ("DELETE FROM transactions", "permission denied for table transactions"),
    ("UPDATE transactions SET signature = 'x'", "permission denied for table transactions"),
    ("UPDATE halts SET resumed_at = now()", "permission denied for table halts"),
    ("DELETE FROM halts", "permission denied for table halts"),
    ("UPDATE venue_disablings SET enabled_at = now()", "permission denied for table venue_disablings"),
    ("UPDATE cluster SET genesis_hash = 'x'", "permission denied for table cluster"),
    (
        "INSERT INTO adopted_transactions VALUES ('x', 'y')",
        "permission denied for table adopted_transactions",
    ),
    ("SELECT FROM month_beyond.ended_orders", "permission denied for schema month_beyond"),
    ("SELECT detach_month('month_before')", "permission denied for function detach_month"),
    ("DROP TRIGGER order_events_append_only ON order_events", "must be owner of relation order_events"),
    ("ALTER TABLE transactions DISABLE TRIGGER ALL", "must be owner of table transactions"),
    ("ALTER TABLE orders DROP CONSTRAINT orders_status_known", "must be owner of table orders"),
    ("DROP FUNCTION refuse_change() CASCADE", "must be owner of function refuse_change"),
    ("CREATE TABLE mine ()", "permission denied for schema public"),
    ("CREATE TEMPORARY TABLE orders ()", "permission denied to create temporary tables in database"),
    ("SET session_replication_role = replica", "permission denied to set parameter"),
];

const GATEWAY: [(&str, &str); 18] = [
    ("UPDATE transactions SET state = 'landed'", "permission denied for table transactions"),
    ("SELECT signature FROM transactions", "permission denied for table transactions"),
    ("INSERT INTO halts (reason) VALUES ('x')", "permission denied for table halts"),
    (
        "INSERT INTO venue_disablings (venue, reason) VALUES ('x', 'y')",
        "permission denied for table venue_disablings",
    ),
    ("INSERT INTO cluster (genesis_hash) VALUES ('x')", "permission denied for table cluster"),
    ("SELECT usd_micros FROM spending_days", "permission denied for table spending_days"),
    ("SELECT FROM order_markers", "permission denied for table order_markers"),
    ("DELETE FROM landings", "permission denied for table landings"),
    ("DELETE FROM parked_messages", "permission denied for table parked_messages"),
    ("DELETE FROM api_keys", "permission denied for table api_keys"),
    ("UPDATE api_keys SET secret_hash = '\\x00'", "permission denied for table api_keys"),
    ("UPDATE idempotency_keys SET owner = 'me'", "permission denied for table idempotency_keys"),
    ("UPDATE shared_keys SET value = '\\x00'", "permission denied for table shared_keys"),
    ("SELECT make_month(now())", "permission denied for function make_month"),
    ("SELECT count_ended()", "permission denied for function count_ended"),
    ("SET ROLE order_executor", "permission denied to set role \"order_executor\""),
    (
        "INSERT INTO order_events (order_id, seq, attempt, fence, body, at)
        SELECT id, seq + 1, attempt, fence, '{\"kind\": \"failed\"}', now() FROM ONLY orders",
        "new row violates row-level security policy for table \"order_events\"",
    ),
    (
        "UPDATE ONLY orders SET status = 'failed', ended_at = now()",
        "new row violates row-level security policy for table \"orders\"",
    ),
];

const EXECUTOR: [(&str, &str); 14] = [
    ("UPDATE accounts SET max_day_usd_micros = NULL", "permission denied for table accounts"),
    ("SELECT secret_hash FROM api_keys", "permission denied for table api_keys"),
    ("INSERT INTO api_keys (id) VALUES ('x')", "permission denied for table api_keys"),
    ("INSERT INTO accounts (id) VALUES ('mine')", "permission denied for table accounts"),
    ("SELECT value FROM shared_keys", "permission denied for table shared_keys"),
    ("SELECT request_hash FROM idempotency_keys", "permission denied for table idempotency_keys"),
    ("INSERT INTO orders (id) VALUES (gen_random_uuid())", "permission denied for table orders"),
    ("DELETE FROM spending", "permission denied for table spending"),
    (
        "INSERT INTO venue_disablings (venue, reason) VALUES ('x', 'y')",
        "permission denied for table venue_disablings",
    ),
    ("INSERT INTO drift_observations (pool) VALUES ('x')", "permission denied for table drift_observations"),
    ("DELETE FROM parked_messages", "permission denied for table parked_messages"),
    (
        "INSERT INTO ended_uncounted (confirmed, failed) VALUES (1, 0)",
        "permission denied for table ended_uncounted",
    ),
    ("SET ROLE order_gateway", "permission denied to set role \"order_gateway\""),
    (
        "INSERT INTO order_events (order_id, seq, attempt, fence, body, at)
        VALUES (gen_random_uuid(), 1, 0, 0, '{\"kind\": \"accepted\"}', now())",
        "new row violates row-level security policy for table \"order_events\"",
    ),
];

/// Commands that a user of Redis may not run, with the beginning of the error of each.
const REDIS_GATEWAY: [(&str, &str); 9] = [
    ("FLUSHALL", "-NOPERM"),
    ("CONFIG GET *", "-NOPERM"),
    ("KEYS *", "-NOPERM"),
    ("ACL LIST", "-NOPERM"),
    ("GET another", "-NOPERM"),
    ("DEL orders:quote:1", "-NOPERM"),
    ("SET orders:executors:1 x", "-NOPERM"),
    ("SUBSCRIBE another", "-NOPERM"),
    ("EVAL \"return redis.call('FLUSHALL')\" 0", "-ERR The user executing the script can't run this command"),
];

const REDIS_EXECUTOR: [(&str, &str); 7] = [
    ("FLUSHALL", "-NOPERM"),
    ("GET orders:quote:1", "-NOPERM"),
    ("SET orders:quote:1 x", "-NOPERM"),
    ("SET orders:rate:1 x", "-NOPERM"),
    ("SUBSCRIBE orders:events", "-NOPERM"),
    ("PUBLISH another x", "-NOPERM"),
    ("EVAL \"return 1\" 0", "-NOPERM"),
];

/// Subjects that a user of NATS may not publish to, or hear.
const NATS_GATEWAY: [&str; 10] = [
    "PUB $JS.API.STREAM.DELETE.ORDERS",
    "PUB $JS.API.STREAM.PURGE.ORDERS",
    "PUB $JS.API.STREAM.CREATE.ORDERS",
    "PUB $JS.API.STREAM.UPDATE.ORDERS",
    "PUB $JS.API.STREAM.MSG.GET.ORDERS",
    "PUB $JS.API.CONSUMER.CREATE.ORDERS",
    "PUB $JS.API.CONSUMER.MSG.NEXT.ORDERS.executor",
    "PUB $JS.ACK.ORDERS.executor.1.1.1.1.1",
    "SUB ORDERS.execute.*",
    "SUB _INBOX.executor.>",
];

const NATS_EXECUTOR: [&str; 6] = [
    "PUB ORDERS.execute.1",
    "PUB $JS.API.STREAM.DELETE.ORDERS",
    "PUB $JS.API.STREAM.PURGE.ORDERS",
    "PUB $JS.API.CONSUMER.DELETE.ORDERS.executor",
    "SUB ORDERS.execute.*",
    "SUB _INBOX.gateway.>",
];

/// Work of the gateway for keys that may administer, which no other test here has it do.
const GATEWAY_MAY: [&str; 5] = [
    "INSERT INTO accounts (id) VALUES ('made')",
    "UPDATE accounts SET max_order_usd_micros = 1, max_day_usd_micros = 1, max_slippage_billionths = 1,
        tokens = '{x}', venues = '{x}', max_working = 1, wallet = 'x'",
    "INSERT INTO api_keys (id, account, label, secret_hash, scopes, networks)
        VALUES ('0123456789ab', 'operator', '', sha256('x'), '{read}', '{}')",
    "UPDATE api_keys SET expires_at = now(), revoked_at = now(), last_used_at = now()",
    "SELECT id, secret_hash FROM api_keys",
];

/// The error of a statement; None if it was done.
fn sql(access: &Access, statement: &str) -> Option<String> {
    postgres::execute(&access.postgres, &access.database, statement).err().map(|error| format!("{error:#}"))
}

fn connect(login: &Login) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(login.address).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    BufReader::new(stream)
}

fn line(stream: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

fn redis(login: &Login, command: &str) -> String {
    let mut stream = connect(login);
    write!(stream.get_mut(), "AUTH {} {}\r\n{command}\r\n", login.user, login.password).unwrap();
    assert_eq!(line(&mut stream), "+OK");
    line(&mut stream)
}

/// The server's word on a message to a subject, or on a subscription: an error, or that there is none.
fn nats(login: &Login, command: &str) -> String {
    let mut stream = connect(login);
    let connect = json!({ "verbose": false, "user": login.user, "pass": login.password });
    let rest = if command.starts_with("PUB") { " 2\r\n{}" } else { " 1" };
    write!(stream.get_mut(), "CONNECT {connect}\r\n{command}{rest}\r\nPING\r\n").unwrap();
    loop {
        let line = line(&mut stream);
        if line == "PONG" || line.starts_with("-ERR") {
            return line;
        }
    }
}

#[tokio::test]
async fn a_service_may_do_its_own_work_and_no_other() {
    let mut engine = Engine::start(1, 1, vec![]);
    let gateway = engine.gateway(0);
    let done = gateway.place(&market_order("SOL", "USDC", "0.1", "0.05")).await;
    assert_eq!(gateway.ended(&done).await["status"], "confirmed");
    // One that stays open.
    engine.kill(Part::Executor(0));
    gateway.place(&market_order("SOL", "USDC", "0.1", "0.05")).await;
    let stores = engine.stores();

    let mut wrong = Vec::new();
    let mut expect = |who: &Login, what: &str, answer: String, error: &str| {
        if !answer.contains(error) {
            wrong.push(format!("{who:?}: {what}: `{answer}` and not `{error}`"));
        }
    };
    for (access, own) in [(&stores.gateway, GATEWAY.as_slice()), (&stores.executor, EXECUTOR.as_slice())] {
        for (statement, error) in NOBODY.iter().chain(own) {
            let answer = sql(access, statement).unwrap_or_else(|| "done".to_owned());
            expect(&access.postgres, statement, answer, error);
        }
    }
    for statement in GATEWAY_MAY {
        let answer = sql(&stores.gateway, &format!("BEGIN; {statement}; ROLLBACK"));
        expect(&stores.gateway.postgres, statement, answer.unwrap_or_else(|| "done".to_owned()), "done");
    }
    for (login, commands) in [
        (&stores.gateway.redis, REDIS_GATEWAY.as_slice()),
        (&stores.executor.redis, REDIS_EXECUTOR.as_slice()),
    ] {
        for (command, error) in commands {
            expect(login, command, redis(login, command), error);
        }
    }
    for (login, commands) in
        [(&stores.gateway.nats, NATS_GATEWAY.as_slice()), (&stores.executor.nats, NATS_EXECUTOR.as_slice())]
    {
        for command in commands {
            expect(login, command, nats(login, command), "-ERR 'Permissions Violation");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The engine's end looks for what its services were refused.
    assert_eq!(redis(&engine.redis.operator, "ACL LOG RESET"), "+OK");
}
