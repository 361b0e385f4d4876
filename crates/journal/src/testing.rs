//! Fixtures of the tests: a database of one test's own, orders, events.

pub(crate) use crate::{Acceptance, Appended, Claim, Idempotency, Journal, Unrecorded};
pub(crate) use order_core::order::{self, Event, Fill, Intent, Observation, Recorded, SignedTransaction};
pub(crate) use order_core::quote;
pub(crate) use order_core::route::{Hop, Path, Route};
pub(crate) use order_core::{
    AccountId, Atoms, Failure, Fraction, Mint, PoolAddress, Quote, Signature, Slippage, Timestamp, Token,
    Venue, failure, token,
};
pub(crate) use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
pub(crate) use std::time::Duration;
pub(crate) use uuid::Uuid;

/// A lease that does not run out during a test.
pub(crate) const LONG: Duration = Duration::from_secs(600);
pub(crate) const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

pub(crate) fn required(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("set {name}, or run `cargo xtask test`"))
}

/// A database of one test's own. It stays, to be looked at, if the test fails.
pub(crate) struct Database {
    pub(crate) url: String,
    server: String,
    name: String,
}

impl Database {
    pub(crate) async fn empty() -> Self {
        Self::copy("template1").await
    }

    /// A copy of the one that `cargo xtask test` has migrated: that is quicker than migrating another.
    pub(crate) async fn migrated() -> Self {
        Self::copy("migrated").await
    }

    async fn copy(template: &str) -> Self {
        let server = required("TEST_DATABASE_URL");
        let name = format!("test_{}", Uuid::now_v7().simple());
        let mut connection = PgConnection::connect(&server).await.unwrap();
        connection
            .execute(AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE {template}")))
            .await
            .unwrap();
        let (location, query) = server.split_once('?').unwrap_or((&server, ""));
        let (location, _) = location.rsplit_once('/').expect("the URL names a database");
        Self { url: format!("{location}/{name}?{query}"), server, name }
    }

    pub(crate) async fn journal(&self) -> Journal {
        Journal::connect(&self.url, 10).await.unwrap()
    }

    /// A connection that the journal knows nothing of.
    pub(crate) async fn witness(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let (server, name) = (self.server.clone(), self.name.clone());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut connection = PgConnection::connect(&server).await.unwrap();
                connection
                    .execute(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)")))
                    .await
                    .unwrap();
            });
        });
        dropping.join().unwrap();
    }
}

pub(crate) async fn journal() -> (Database, Journal) {
    let database = Database::migrated().await;
    let journal = database.journal().await;
    (database, journal)
}

/// Asks again and again until the answer is yes.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let reached = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(20), reached).await;
    in_time.unwrap_or_else(|_| panic!("never came true: {what}"));
}

pub(crate) async fn number(witness: &mut PgConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(witness).await.unwrap()
}

/// Waits until a statement of the database waits for a lock.
pub(crate) async fn until_blocked(witness: &mut PgConnection) {
    const BLOCKED: &str =
        "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
        WHERE NOT granted AND datname = current_database()";
    until("a statement waits for a lock", async || number(witness, BLOCKED).await == 1).await;
}

/// Waits until a statement of the database waits for a row.
pub(crate) async fn until_waiting(witness: &mut PgConnection) {
    const WAITING: &str = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until("a statement waits", async || number(witness, WAITING).await == 1).await;
}

pub(crate) fn token(symbol: &str) -> Token {
    token::known().find(|token| token.symbol == symbol).unwrap()
}

pub(crate) fn intent() -> Intent {
    intent_of(token("SOL"), token("USDC"), u64::MAX)
}

pub(crate) fn intent_of(token_in: Token, token_out: Token, amount_in: u64) -> Intent {
    let slippage = Slippage::parse("0.01").unwrap();
    Intent::market(token_in, token_out, Atoms::new(amount_in), slippage, None).unwrap()
}

pub(crate) fn account(name: &str) -> AccountId {
    name.parse().unwrap()
}

pub(crate) fn acceptance() -> Acceptance {
    Acceptance {
        id: order::Id(Uuid::now_v7()),
        intent: intent(),
        account: account("tester"),
        idempotency: None,
        traceparent: Some(TRACEPARENT.to_owned()),
    }
}

pub(crate) fn with_key(key: &str, request: u8) -> Acceptance {
    let idempotency = Idempotency { key: key.to_owned(), request_hash: [request; 32] };
    Acceptance { idempotency: Some(idempotency), ..acceptance() }
}

pub(crate) async fn accepted(journal: &Journal) -> order::Id {
    let acceptance = acceptance();
    let id = acceptance.id;
    journal.orders.accept(acceptance).await.unwrap();
    id
}

pub(crate) async fn claimed(journal: &Journal) -> Claim {
    let id = accepted(journal).await;
    journal.orders.claim(id, LONG).await.unwrap().unwrap()
}

/// The same claim once more, as no program has it.
pub(crate) fn copy(claim: &Claim) -> Claim {
    Claim {
        order: claim.order.clone(),
        fence: claim.fence,
        traceparent: claim.traceparent.clone(),
        created_at: claim.created_at,
    }
}

pub(crate) fn quote(venue: Venue, amount_in: Atoms, amount_out: u64) -> Quote {
    let hop = Hop {
        venue,
        pool: PoolAddress::new([3; 32]),
        mint_in: token("SOL").mint,
        mint_out: Mint::new([9; 32]),
        amount_in,
        amount_out: Atoms::new(amount_out),
    };
    Quote {
        id: quote::Id(Uuid::nil()),
        fee: Fraction::from_billionths(2_500_000),
        price_impact: Fraction::ZERO,
        transfer_fee: Fraction::ZERO,
        route: Route::new(vec![Path::direct(Fraction::ONE, hop)]).unwrap(),
        alternatives: Vec::new(),
        slot: u64::MAX,
        state_age_ms: 20,
        created_at: Timestamp::UNIX_EPOCH,
        expires_at: Timestamp::UNIX_EPOCH,
    }
}

pub(crate) fn routing(attempt: u32) -> Event {
    Event::RoutingStarted { attempt }
}

pub(crate) fn route() -> Event {
    Event::RouteChosen { quote: quote(Venue::RaydiumCpmm, Atoms::new(u64::MAX), u64::MAX - 1) }
}

/// Each call signs another transaction.
pub(crate) fn signed() -> Event {
    let mut signature = [7; 64];
    signature[..16].copy_from_slice(Uuid::now_v7().as_bytes());
    Event::TransactionSigned {
        transaction: SignedTransaction {
            signature: Signature::new(signature),
            bytes: vec![1, 2, 3],
            last_valid_block_height: u64::MAX,
            blockhash_slot: Some(u64::MAX),
            marker: None,
            tip: None,
        },
    }
}

pub(crate) fn landed() -> Event {
    let fill = Fill {
        amount_in: Atoms::new(u64::MAX),
        amount_out: Atoms::new(u64::MAX - 1),
        network_fee: Atoms::new(5000),
        tip: Atoms::ZERO,
        leftovers: Vec::new(),
        slot: 6,
    };
    Event::Observed { observation: Observation::Landed { fill: Some(fill) } }
}

pub(crate) fn no_route() -> Failure {
    Failure::new(failure::Code::NoRoute, "no pool trades the pair")
}

pub(crate) fn retry(retry_in_ms: u64) -> Event {
    Event::AttemptFailed { failure: no_route(), retry_in_ms }
}

pub(crate) fn failed() -> Event {
    Event::Failed { failure: no_route() }
}

/// Appends an event and keeps the claim in any case, as no program can.
pub(crate) async fn append(
    journal: &Journal,
    claim: &mut Claim,
    event: Event,
) -> Result<Recorded, Unrecorded> {
    match journal.orders.append(copy(claim), event).await? {
        Appended::Held { claim: next, recorded } => {
            *claim = next;
            Ok(recorded)
        }
        Appended::Ended { order, recorded, .. } => {
            claim.order = order;
            Ok(recorded)
        }
    }
}

pub(crate) async fn append_all(
    journal: &Journal,
    claim: &mut Claim,
    events: impl IntoIterator<Item = Event>,
) {
    for event in events {
        append(journal, claim, event).await.unwrap();
    }
}
