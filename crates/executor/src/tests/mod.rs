//! The executor with a real database and a real queue. There is no router and no cluster: their
//! addresses are ones where nothing listens.

use crate::configuration::Configuration;
use crate::startup::{Executor, assemble, connect};
use crate::testing::intent;
use crate::worker::Permit;
use clap::Parser as _;
use journal::{Acceptance, Appended, Claim, Journal, Queue};
use order_core::order::{Event, Id};
use order_core::{AccountId, Failure, failure};
use service::{CancellationToken, TaskTracker};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;
use uuid::Uuid;

/// A lease that does not run out during a test.
const LONG: Duration = Duration::from_secs(600);

/// The public half of the key whose secret half is zeros.
const PUBLIC: [u8; 32] = [
    0x3b, 0x6a, 0x27, 0xbc, 0xce, 0xb6, 0xa4, 0x2d, 0x62, 0xa3, 0xa8, 0xd0, 0x2a, 0x6f, 0x0d, 0x73, 0x65,
    0x32, 0x15, 0x77, 0x1d, 0xe2, 0x43, 0xa6, 0x3a, 0xc0, 0x48, 0xa1, 0x8b, 0x59, 0xda, 0x29,
];

fn required(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("set {name}, or run `cargo xtask test`"))
}

/// An executor with a database of its own.
struct Fixture {
    executor: Executor,
    journal: Journal,
    queue: Queue,
    /// A connection to the database that the executor knows nothing of.
    witness: PgConnection,
}

async fn fixture() -> Fixture {
    fixture_at(&required("TEST_NATS_URL")).await
}

/// As above, with another queue than the one that the tests share.
async fn fixture_at(nats_url: &str) -> Fixture {
    let server = required("TEST_DATABASE_URL");
    let name = format!("test_{}", Uuid::now_v7().simple());
    let mut connection = PgConnection::connect(&server).await.unwrap();
    connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE migrated"))).await.unwrap();
    let (location, query) = server.split_once('?').unwrap_or((&server, ""));
    let (location, _) = location.rsplit_once('/').unwrap();
    let database = format!("{location}/{name}?{query}");

    let wallet = std::env::temp_dir().join(format!("{name}.json"));
    std::fs::write(&wallet, format!("{:?}", [[0; 32], PUBLIC].concat())).unwrap();
    std::fs::set_permissions(&wallet, Permissions::from_mode(0o600)).unwrap();
    let arguments = [
        "executor",
        "--database-url",
        &database,
        "--nats-url",
        nats_url,
        "--redis-url",
        &required("TEST_REDIS_URL"),
        "--router-url",
        "http://127.0.0.1:1",
        "--solana-rpc-url",
        "http://127.0.0.1:1",
        "--keypair",
        wallet.to_str().unwrap(),
    ];
    let (configuration, shutdown) = (Configuration::parse_from(arguments), CancellationToken::new());
    let connections = connect(&configuration, &shutdown).await.unwrap();
    std::fs::remove_file(&wallet).unwrap();
    let (journal, queue) = (connections.journal.clone(), connections.queue.clone());
    let (executor, _) = assemble(&configuration, connections, &shutdown).unwrap();
    Fixture { executor, journal, queue, witness: PgConnection::connect(&database).await.unwrap() }
}

async fn accepted(journal: &Journal) -> Id {
    let id = Id(Uuid::now_v7());
    let acceptance = Acceptance {
        id,
        intent: intent(),
        account: AccountId::operator(),
        idempotency: None,
        traceparent: None,
    };
    journal.orders.accept(acceptance).await.unwrap();
    id
}

fn permit(executor: &Executor) -> Permit {
    executor.worker.permits.take(&AccountId::operator()).unwrap()
}

async fn claim(journal: &Journal, id: Id) -> Claim {
    journal.orders.claim(id, LONG).await.unwrap().expect("the order is free")
}

/// A retry that was just claimed is in the state that the failed attempt left it in: it must not pass
/// for one that was given up already.
#[tokio::test]
async fn a_retry_whose_first_event_is_not_recorded_is_given_back() {
    let Fixture { executor, journal, mut witness, .. } = fixture().await;
    let id = accepted(&journal).await;
    let first = claim(&journal, id).await;
    let first = match journal.orders.append(first, Event::RoutingStarted { attempt: 1 }).await.unwrap() {
        Appended::Held { claim, .. } => claim,
        ended @ Appended::Ended { .. } => panic!("{ended:?}"),
    };
    let failure = Failure::new(failure::Code::NoRoute, "a test");
    journal.orders.append(first, Event::AttemptFailed { failure, retry_in_ms: 0 }).await.unwrap();
    let retry = claim(&journal, id).await;
    let refuse = "ALTER TABLE order_events ADD CONSTRAINT refuse CHECK (seq < 4)";
    witness.execute(refuse).await.unwrap();
    executor.worker.driver.drive(retry, permit(&executor)).await;
    // At once, with a lease of ten minutes.
    assert_eq!(claim(&journal, id).await.order().seq(), 3);
}

#[tokio::test]
async fn an_executor_that_is_broken_off_gives_its_order_back() {
    let Fixture { executor, journal, .. } = fixture().await;
    let id = accepted(&journal).await;
    let claimed = claim(&journal, id).await;
    executor.abort.cancel();
    executor.worker.driver.drive(claimed, permit(&executor)).await;
    claim(&journal, id).await;
}

/// The queue's server, as whoever may do everything there.
async fn nats() -> async_nats::Client {
    let address: async_nats::ServerAddr = required("TEST_NATS_URL").parse().unwrap();
    let [user, password] = [address.username(), address.password()].map(|text| text.unwrap().to_owned());
    async_nats::ConnectOptions::with_user_and_password(user, password).connect(address).await.unwrap()
}

#[tokio::test]
async fn messages_that_name_no_order_are_parked_and_taken_off_the_queue() {
    let Fixture { executor, journal, queue: ringing, .. } = fixture().await;
    let (rubbish, unknown) = (format!("rubbish {}", Uuid::now_v7()), Uuid::now_v7().to_string());
    let queue = async_nats::jetstream::new(nats().await);
    eventually("the queue is there", async || ringing.ping().await.is_ok()).await;
    for message in [rubbish.clone(), unknown.clone()] {
        let subject = format!("ORDERS.execute.{}", Uuid::now_v7());
        queue.publish(subject, message.into()).await.unwrap().await.unwrap();
    }
    let pulling = Pulling::start(executor);
    for (message, reason) in
        [(rubbish, "it names no order"), (unknown, "it names an order that does not exist")]
    {
        // Other tests may have left messages on the queue.
        let parked = async || {
            let parked = journal.parked.list().await.unwrap();
            parked.iter().any(|parked| parked.payload == message.as_bytes() && parked.reason.contains(reason))
        };
        eventually(reason, parked).await;
    }
    pulling.stop().await;
}

/// A rolling upgrade: the later version has written an event that this one does not know.
#[tokio::test]
async fn an_order_with_an_event_of_a_later_version_is_left_alone_and_not_parked() {
    // No queue: what others ring for on the shared one would come here.
    let Fixture { executor, journal, mut witness, .. } = fixture_at("nats://127.0.0.1:1").await;
    let later = accepted(&journal).await;
    let event = "WITH event AS (
            INSERT INTO order_events (order_id, seq, attempt, fence, body, at)
            SELECT id, 2, 1, 9, '{\"kind\": \"of a later version\"}', now() FROM orders)
        UPDATE orders SET seq = 2, status = 'submitted'";
    witness.execute(event).await.unwrap();
    let pulling = Pulling::start(executor);
    let fence = async |witness: &mut PgConnection| -> i64 {
        sqlx::query_scalar("SELECT fence FROM orders").fetch_one(witness).await.unwrap()
    };
    eventually("the order was met", async || fence(&mut witness).await > 0).await;
    // It goes on with others.
    let known = accepted(&journal).await;
    eventually("another order is worked on", async || {
        journal.history.read(known, 1).await.unwrap().is_some_and(|events| !events.is_empty())
    })
    .await;
    pulling.stop().await;
    assert_eq!(journal.parked.list().await.unwrap(), []);
    // Met once and given back: free for who can read it.
    assert_eq!(fence(&mut witness).await, 2);
    assert!(journal.orders.due(10, &[], &[], &[]).await.unwrap().contains(&later));
}

/// An executor that takes orders.
struct Pulling(CancellationToken, tokio::task::JoinHandle<()>);

impl Pulling {
    fn start(executor: Executor) -> Self {
        let shutdown = CancellationToken::new();
        let until = shutdown.clone();
        Self(shutdown, tokio::spawn(async move { executor.worker.pull(&until, &TaskTracker::new()).await }))
    }

    async fn stop(self) {
        self.0.cancel();
        self.1.await.unwrap();
    }
}

/// Asks again and again until the answer is yes.
async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let reached = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(20), reached).await;
    in_time.unwrap_or_else(|_| panic!("never came true: {what}"));
}
