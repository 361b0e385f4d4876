//! The operator's program, as it is run.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use journal::{Acceptance, Journal};
use order_core::{AccountId, Atoms, Slippage, order, token};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use std::process::Command;
use uuid::Uuid;

fn required(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("set {name}, or run `cargo xtask test`"))
}

/// A database of the test's own.
async fn database() -> String {
    let server = required("TEST_DATABASE_URL");
    let name = format!("test_{}", Uuid::now_v7().simple());
    let mut connection = PgConnection::connect(&server).await.unwrap();
    connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    let (location, query) = server.split_once('?').unwrap_or((&server, ""));
    let (location, _) = location.rsplit_once('/').unwrap();
    format!("{location}/{name}?{query}")
}

/// The queue's server, as whoever may do everything there.
async fn nats() -> async_nats::Client {
    let address: async_nats::ServerAddr = required("TEST_NATS_URL").parse().unwrap();
    let [user, password] = [address.username(), address.password()].map(|text| text.unwrap().to_owned());
    async_nats::ConnectOptions::with_user_and_password(user, password).connect(address).await.unwrap()
}

/// Output of `ops`: on one stream if it succeeded, on the other if not.
fn ops(database: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_ops"))
        .args(arguments)
        .env("DATABASE_URL", database)
        .env("NATS_URL", required("TEST_NATS_URL"))
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap().trim_end().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

#[tokio::test]
async fn an_operator_sees_what_is_and_stops_and_starts_trading() {
    let database = database().await;
    let missing = ops(&database, &["status"]).unwrap_err();
    assert_eq!(missing, "the database lacks migration 1: run `ops migrate` first");
    assert_eq!(ops(&database, &["migrate"]).unwrap(), "the database is up to date");
    assert_eq!(
        ops(&database, &["status"]).unwrap(),
        "trading:         not halted\n\
         disabled venues: none\n\
         backlog:         0 waiting, 0 being worked on, 0 to be tried again later\n\
         oldest waiting:  0 s\n\
         spent today:     0 USD\n\
         parked messages: 0"
    );
    assert!(ops(&database, &["halt"]).unwrap_err().contains("--reason"));
    let halted = ops(&database, &["halt", "--reason", "prices look wrong"]).unwrap();
    assert!(halted.starts_with("halted since ") && halted.ends_with(": prices look wrong"), "{halted}");
    assert!(ops(&database, &["status"]).unwrap().contains(&halted));
    assert_eq!(ops(&database, &["resume"]).unwrap(), "trading goes on");
    assert_eq!(ops(&database, &["resume"]).unwrap(), "trading was not halted");
    assert!(ops(&database, &["status"]).unwrap().contains("not halted"));
}

#[tokio::test]
async fn an_operator_keeps_orders_off_a_venue_and_lets_them_back() {
    let database = database().await;
    ops(&database, &["migrate"]).unwrap();
    let listed = ops(&database, &["venue", "list"]).unwrap();
    assert_eq!(listed.lines().filter(|line| line.ends_with(" enabled")).count(), 8, "{listed}");
    assert!(ops(&database, &["venue", "disable", "raydium_clmm"]).unwrap_err().contains("--reason"));
    let unknown = ops(&database, &["venue", "disable", "raydium", "--reason", "x"]).unwrap_err();
    assert!(unknown.contains("raydium_clmm"), "{unknown}");
    let disabled =
        ops(&database, &["venue", "disable", "raydium_clmm", "--reason", "it is upgraded"]).unwrap();
    assert!(disabled.starts_with("raydium_clmm: disabled since "), "{disabled}");
    assert!(disabled.ends_with(": it is upgraded"), "{disabled}");
    let state = disabled.strip_prefix("raydium_clmm: ").unwrap();
    let listed = ops(&database, &["venue", "list"]).unwrap();
    assert!(listed.lines().any(|line| line.contains("raydium_clmm ") && line.ends_with(state)), "{listed}");
    let listed = ops(&database, &["--json", "venue", "list"]).unwrap();
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let clmm = listed.as_array().unwrap().iter().find(|row| row["venue"] == "raydium_clmm").unwrap();
    assert_eq!(clmm["disabled"]["reason"], "it is upgraded");
    assert!(ops(&database, &["status"]).unwrap().contains("disabled venues: raydium_clmm\n"));
    let enable = || ops(&database, &["venue", "enable", "raydium_clmm"]).unwrap();
    assert_eq!(enable(), "raydium_clmm: enabled again");
    assert_eq!(enable(), "raydium_clmm: was not disabled");
}

#[tokio::test]
async fn an_operator_lists_replays_and_discards_what_is_parked() {
    let database = database().await;
    ops(&database, &["migrate"]).unwrap();
    let jetstream = async_nats::jetstream::new(nats().await);
    let subject = format!("ORDERS.execute.{}", Uuid::now_v7().simple());
    let park = format!(
        "INSERT INTO parked_messages (subject, payload, reason)
         SELECT '{subject}', payload, 'a test' FROM unnest(ARRAY['one\u{7}', 'two', 'three']::bytea[]) AS payload"
    );
    PgConnection::connect(&database).await.unwrap().execute(AssertSqlSafe(park)).await.unwrap();

    let micros = "SELECT id, (extract(epoch FROM first_at) * 1000000)::bigint FROM parked_messages WHERE id > 1 ORDER BY id";
    let mut witness = PgConnection::connect(&database).await.unwrap();
    let parked: Vec<(i64, i64)> = sqlx::query_as(micros).fetch_all(&mut witness).await.unwrap();
    let subjects: Vec<String> =
        parked.iter().map(|(id, micros)| format!("ORDERS.execute.parked-{id}-{micros}")).collect();

    let listed = ops(&database, &["parked", "list"]).unwrap();
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), 4, "{listed}");
    let words: Vec<&str> = lines[1].split_whitespace().collect();
    assert_eq!(words[..3], ["1", "\"one\\u{7}\"", "1"], "{listed}");
    assert!(lines[1].ends_with(" a test"), "{listed}");

    assert_eq!(ops(&database, &["parked", "discard", "1"]).unwrap(), "discarded 1");
    assert!(ops(&database, &["parked", "discard", "1"]).unwrap_err().contains("nothing is parked as 1"));
    assert_eq!(ops(&database, &["parked", "replay", "2"]).unwrap(), "replayed 1");
    assert_eq!(ops(&database, &["parked", "replay", "2"]).unwrap_err(), "nothing is parked as 2");
    assert!(ops(&database, &["parked", "replay"]).is_err());
    assert_eq!(ops(&database, &["parked", "replay", "--all"]).unwrap(), "replayed 1");
    assert_eq!(ops(&database, &["parked", "list"]).unwrap(), "no message is parked");

    // Each has a subject of its own: a subject takes one message.
    let stream = jetstream.get_stream("ORDERS").await.unwrap();
    for (parked, payload) in subjects.iter().zip(["two", "three"]) {
        let last = stream.get_last_raw_message_by_subject(parked).await.unwrap();
        assert_eq!(last.payload, payload);
        assert_eq!(stream.purge().filter(parked).await.unwrap().purged, 1);
    }
}

#[tokio::test]
async fn an_operator_issues_lists_rotates_and_revokes_keys() {
    let database = database().await;
    ops(&database, &["migrate"]).unwrap();
    assert_eq!(ops(&database, &["key", "list"]).unwrap(), "there are no keys");
    assert_eq!(ops(&database, &["account", "create", "desk"]).unwrap(), "desk: created");
    assert!(ops(&database, &["account", "create", "desk"]).unwrap_err().contains("exists already"));
    assert!(ops(&database, &["account", "create", "The Desk"]).unwrap_err().contains("a-z"));
    assert!(ops(&database, &["account", "list"]).unwrap().contains("operator"));

    let issue = ["key", "issue", "--account", "desk", "--scope", "read,trade", "--network", "10.0.0.0/8"];
    let key = ops(&database, &issue).unwrap();
    let id = key.strip_prefix("oek_").unwrap().split_once('_').unwrap().0.to_owned();
    let listed = ops(&database, &["key", "list", "--account", "desk"]).unwrap();
    assert!(
        listed.contains(&id) && listed.contains("read,trade") && listed.contains("10.0.0.0/8"),
        "{listed}"
    );
    let secret = key.rsplit_once('_').unwrap().1;
    assert!(!listed.contains(secret), "{listed}");
    assert!(
        ops(&database, &["key", "issue", "--account", "nobody"]).unwrap_err().contains("account that exists")
    );
    assert!(ops(&database, &["key", "issue", "--scope", "all"]).unwrap_err().contains("read, trade, admin"));

    let successor = ops(&database, &["key", "rotate", &id, "--overlap-minutes", "5"]).unwrap();
    assert!(successor.starts_with("oek_") && successor != key);
    assert!(ops(&database, &["key", "list"]).unwrap().contains("valid until"));
    assert_eq!(ops(&database, &["key", "revoke", &id]).unwrap(), format!("{id}: revoked"));
    assert!(ops(&database, &["key", "list"]).unwrap().contains("revoked"));
    assert!(ops(&database, &["key", "rotate", &id]).unwrap_err().contains("no valid key"));
    assert!(ops(&database, &["key", "revoke", "0123456789ab"]).unwrap_err().contains("no key"));
}

/// A role of the server that no other test has, with a password.
async fn role(database: &str) -> String {
    let name = format!("test_{}", Uuid::now_v7().simple());
    let create = format!("CREATE ROLE {name} LOGIN PASSWORD 'secret'");
    PgConnection::connect(database).await.unwrap().execute(AssertSqlSafe(create)).await.unwrap();
    name
}

/// The URL of a database for another user.
fn url_of(database: &str, user: &str, password: &str) -> String {
    let (_, rest) = database.split_once('@').unwrap();
    format!("postgres://{user}:{password}@{rest}")
}

#[tokio::test]
async fn a_service_logs_in_with_the_rights_of_its_role_alone() {
    let database = database().await;
    ops(&database, &["migrate"]).unwrap();
    let name = format!("test_{}", Uuid::now_v7().simple());
    let file = std::env::temp_dir().join(&name);
    let login = |name: &str, password: &str| {
        std::fs::write(&file, password).unwrap();
        let file = file.to_str().unwrap();
        ops(&database, &["database", "login", "gateway", "--name", name, "--password-file", file])
    };
    let expected = format!("{name} may log in, with the rights of order_gateway");
    assert_eq!(login(&name, "p@ss/w#1\n").unwrap(), expected);
    let url = url_of(&database, &name, "p%40ss%2Fw%231");
    let mut gateway = PgConnection::connect(&url).await.unwrap();
    gateway.execute("SELECT count(*) FROM orders").await.unwrap();
    let refused = gateway.execute("DELETE FROM orders").await.unwrap_err().to_string();
    assert!(refused.contains("permission denied for table orders"), "{refused}");

    assert_eq!(login(&name, "another").unwrap(), expected);
    let refused = PgConnection::connect(&url).await.unwrap_err().to_string();
    assert!(refused.contains("password authentication failed"), "{refused}");
    for (name, password, error) in [
        ("postgres", "secret", "this role owns the database"),
        ("order_executor", "secret", "a login has at most 63 letters"),
        ("x; DROP TABLE orders", "secret", "a login has at most 63 letters"),
        (&*name, "two words", "visible ASCII characters"),
        (&*name, "", "visible ASCII characters"),
    ] {
        let refused = login(name, password).unwrap_err();
        assert!(refused.contains(error), "{name}: {refused}");
    }
    std::fs::remove_file(file).unwrap();

    let stranger = url_of(&database, &role(&database).await, "secret");
    let refused = PgConnection::connect(&stranger).await.unwrap_err().to_string();
    assert!(refused.contains("permission denied for database"), "{refused}");
}

#[tokio::test]
async fn an_owner_without_power_over_the_server_migrates_and_works() {
    let database = database().await;
    let owner = role(&database).await;
    let (_, name) = database.rsplit_once('/').unwrap();
    let name = name.trim_end_matches('?');
    let give = format!("ALTER DATABASE {name} OWNER TO {owner}");
    PgConnection::connect(&database).await.unwrap().execute(AssertSqlSafe(give)).await.unwrap();
    let database = url_of(&database, &owner, "secret");
    // Twice: what is there is found.
    for _ in 0..2 {
        let said = ops(&database, &["migrate"]).unwrap();
        assert!(said.starts_with("the database is up to date"), "{said}");
    }
    ops(&database, &["halt", "--reason", "a test"]).unwrap();
    assert_eq!(ops(&database, &["resume"]).unwrap(), "trading goes on");
}

#[tokio::test]
async fn an_operator_reads_the_story_of_an_order() {
    let database = database().await;
    ops(&database, &["migrate"]).unwrap();
    let journal = Journal::connect(&database, 2).await.unwrap();
    journal.bind_cluster(&"1".repeat(32)).await.unwrap();
    let id = order::Id(Uuid::now_v7());
    let token = |symbol: &str| token::known().find(|token| token.symbol == symbol).unwrap();
    let slippage = Slippage::parse("0.01").unwrap();
    let intent =
        order::Intent::market(token("SOL"), token("USDC"), Atoms::new(5_000_000_000), slippage, None);
    let acceptance = Acceptance {
        id,
        intent: intent.unwrap(),
        account: AccountId::operator(),
        idempotency: None,
        traceparent: None,
    };
    journal.orders.accept(acceptance).await.unwrap();
    let name = id.to_string();
    let story = ops(&database, &["order", "show", &name]).unwrap();
    assert!(story.contains("intent   5 SOL to USDC, slippage 0.01 at most"), "{story}");
    assert!(story.ends_with("accepted"), "an order that was just accepted needs nobody: {story}");

    ops(&database, &["halt", "--reason", "prices look wrong"]).unwrap();
    let halted = ops(&database, &["order", "show", &name]).unwrap();
    assert!(halted.contains("Trading is halted since") && halted.contains("prices look wrong"), "{halted}");
    ops(&database, &["resume"]).unwrap();

    let lease = std::time::Duration::from_secs(60);
    let claim = journal.orders.claim(id, lease).await.unwrap().unwrap();
    journal.orders.append(claim, order::Event::RoutingStarted { attempt: 1 }).await.unwrap();
    let json = ops(&database, &["order", "show", &name, "--json"]).unwrap();
    let story: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&story["status"], &story["advice"]),
        (&"routing".into(), &serde_json::Value::Null),
        "{story}"
    );
    assert_eq!(story["events"][1]["text"], "attempt 1 begins");
    assert!(story["events"][1]["afterMs"].is_i64(), "{story}");

    let unknown = ops(&database, &["order", "show", &Uuid::now_v7().to_string()]).unwrap_err();
    assert_eq!(unknown, "there is no such order");
}
