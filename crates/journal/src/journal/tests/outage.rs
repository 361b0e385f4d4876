use crate::testing::*;
use crate::{Accepted, Error};
use futures_util::future::join_all;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio::time::Instant;

/// A wire to the database that can swallow its answers, and break.
struct Wire {
    port: u16,
    silent: Arc<AtomicBool>,
    down: Arc<AtomicBool>,
    /// How often somebody tried to connect while it was down.
    turned_away: Arc<AtomicUsize>,
    cut: broadcast::Sender<()>,
}

impl Wire {
    async fn to(database: &Database) -> (Self, Journal) {
        let (wire, url) = Self::open(database).await;
        let journal = Journal::connect(&url, 1).await.unwrap();
        // The one connection has its statements prepared: they are on their way in one piece.
        let mut claim = claimed(&journal).await;
        append_all(&journal, &mut claim, [routing(1)]).await;
        (wire, journal)
    }

    /// The wire, and the database's URL through it.
    async fn open(database: &Database) -> (Self, String) {
        let location = database.url.split_once('@').unwrap().1;
        let address = location.split_once('/').unwrap().0.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wire = Self {
            port: listener.local_addr().unwrap().port(),
            silent: Arc::default(),
            down: Arc::default(),
            turned_away: Arc::default(),
            cut: broadcast::channel(1).0,
        };
        let url = database.url.replace(&address, &format!("127.0.0.1:{}", wire.port));
        let (silent, down, cut) = (wire.silent.clone(), wire.down.clone(), wire.cut.clone());
        let turned_away = wire.turned_away.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if down.load(Ordering::SeqCst) {
                    turned_away.fetch_add(1, Ordering::SeqCst);
                    continue;
                }
                let server = TcpStream::connect(&address).await.unwrap();
                tokio::spawn(relay(client, server, silent.clone(), cut.subscribe()));
            }
        });
        (wire, url)
    }

    /// From now on no answer arrives.
    fn silence(&self) {
        self.silent.store(true, Ordering::SeqCst);
    }

    /// Breaks every connection; new ones are as good as new.
    fn cut(&self) {
        self.silent.store(false, Ordering::SeqCst);
        let _ = self.cut.send(());
    }
}

async fn relay(
    mut client: TcpStream,
    mut server: TcpStream,
    silent: Arc<AtomicBool>,
    mut cut: broadcast::Receiver<()>,
) {
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let questions = tokio::io::copy(&mut from_client, &mut to_server);
    let answers = async {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = from_server.read(&mut buffer).await {
            if !silent.load(Ordering::SeqCst) && to_client.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        _ = questions => {}
        () = answers => {}
        _ = cut.recv() => {}
    }
}

/// Makes the writing of an event wait for as long as somebody holds a lock. Unlike the wait for a
/// table, this one does not begin before the whole statement has arrived, nor end after two seconds.
const HOLD_EVENTS: &str = "
CREATE OR REPLACE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  WHILE NOT pg_try_advisory_xact_lock(1) LOOP PERFORM pg_sleep(0.005); END LOOP;
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER hold AFTER INSERT ON order_events FOR EACH ROW EXECUTE FUNCTION hold();
SELECT pg_advisory_lock(1)";

/// Runs `call` so that the database does what it asks, and the answer never arrives.
async fn with_its_answer_lost<T: Send + 'static>(
    database: &Database,
    wire: &Wire,
    written: &'static str,
    call: impl Future<Output = T> + Send + 'static,
) -> T {
    let mut witness = database.witness().await;
    let before = number(&mut witness, written).await;
    let mut blocker = database.witness().await;
    blocker.execute(HOLD_EVENTS).await.unwrap();
    let call = tokio::spawn(call);
    let held = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event = 'PgSleep'";
    until("the event is being written", async || number(&mut witness, held).await == 1).await;
    wire.silence();
    blocker.execute("SELECT pg_advisory_unlock(1)").await.unwrap();
    until("it is written", async || number(&mut witness, written).await == before + 1).await;
    assert!(!call.is_finished());
    wire.cut();
    let answer = call.await.unwrap();
    assert_eq!(number(&mut witness, written).await, before + 1);
    answer
}

#[tokio::test]
async fn an_acceptance_whose_answer_was_lost_is_found_and_not_made_again() {
    let database = Database::migrated().await;
    let (wire, journal) = Wire::to(&database).await;
    for acceptance in [acceptance(), with_key("key", 1)] {
        let (accepting, same) = (journal.clone(), acceptance.clone());
        let call = async move { accepting.orders.accept(acceptance).await };
        let orders = "SELECT count(*) FROM orders";
        let answer = match with_its_answer_lost(&database, &wire, orders, call).await {
            // On a machine so slow that the writer's patience was over: the same call tells.
            Err(Error::Unknown { .. }) => journal.orders.accept(same).await,
            answer => answer,
        };
        assert_eq!(answer.unwrap(), Accepted::New);
    }
}

#[tokio::test]
async fn an_append_whose_answer_was_lost_is_found_and_not_made_again() {
    let database = Database::migrated().await;
    let (wire, journal) = Wire::to(&database).await;
    let mut claim = claimed(&journal).await;
    let id = claim.order().id();
    append_all(&journal, &mut claim, [routing(1), route()]).await;
    let appending = journal.clone();
    let call = async move {
        let recorded = append(&appending, &mut claim, signed()).await;
        (claim, recorded)
    };
    let events = "SELECT count(*) FROM order_events";
    let (mut claim, recorded) = Box::pin(with_its_answer_lost(&database, &wire, events, call)).await;
    assert_eq!(recorded.unwrap(), journal.history.read(id, 3).await.unwrap().unwrap()[0]);
    append_all(&journal, &mut claim, [landed()]).await;
}

#[tokio::test]
async fn without_the_database_callers_are_told_in_time_and_then_it_works_again() {
    let database = Database::migrated().await;
    let (wire, journal) = Wire::to(&database).await;
    let mut claim = claimed(&journal).await;
    wire.down.store(true, Ordering::SeqCst);
    wire.cut();
    let started = Instant::now();
    let gone = |error: &Error| matches!(error, Error::Unavailable { .. } | Error::Unknown { .. });
    let many = join_all((0..600).map(|_| journal.orders.accept(acceptance()))).await;
    assert!(many.iter().all(|answer| answer.as_ref().is_err_and(gone)));
    assert!(journal.ping().await.as_ref().is_err_and(gone));
    assert!(journal.history.read(claim.order().id(), 0).await.as_ref().is_err_and(gone));
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    wire.down.store(false, Ordering::SeqCst);
    append_all(&journal, &mut claim, [routing(1)]).await;
    accepted(&journal).await;
    assert_eq!(journal.reports.backlog().await.unwrap(), 3);
}

#[tokio::test]
async fn a_database_that_is_away_at_the_start_is_waited_for() {
    let database = Database::migrated().await;
    let (wire, url) = Wire::open(&database).await;
    wire.down.store(true, Ordering::SeqCst);
    let connecting = tokio::spawn(async move { Journal::connect_patiently(&url, 1).await });
    let tries = || wire.turned_away.load(Ordering::SeqCst);
    until("the database was asked again", async || tries() >= 3).await;
    assert!(!connecting.is_finished());
    wire.down.store(false, Ordering::SeqCst);
    accepted(&connecting.await.unwrap().unwrap()).await;
}

#[tokio::test]
async fn what_waiting_does_not_mend_is_told_at_once() {
    let database = Database::empty().await;
    let missing = Journal::connect_patiently(&database.url, 1).await.unwrap_err();
    assert!(matches!(missing, Error::NotMigrated { version: 1 }), "{missing}");
    let nonsense = Journal::connect_patiently("no url", 1).await.unwrap_err();
    assert!(matches!(nonsense, Error::Unavailable { .. }), "{nonsense}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writes_survive_a_database_that_kills_its_sessions() {
    let (database, journal) = journal().await;
    let claims = join_all((0..30).map(|_| claimed(&journal))).await;
    let mut assassin = database.witness().await;
    let killed = Arc::new(AtomicUsize::new(0));
    let kills = killed.clone();
    let killing = tokio::spawn(async move {
        const WRITTEN: &str = "SELECT count(*) FROM order_events";
        let mut written = 0;
        loop {
            // As soon as something more is written: a session that gets nothing done shows nothing.
            while number(&mut assassin, WRITTEN).await == written {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            written = number(&mut assassin, WRITTEN).await;
            let sessions = number(
                &mut assassin,
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                 WHERE datname = current_database() AND application_name = 'journal' AND state = 'active'",
            )
            .await;
            kills.fetch_add(usize::try_from(sessions).unwrap(), Ordering::SeqCst);
        }
    });
    let work = claims.into_iter().map(|mut claim| {
        let journal = journal.clone();
        tokio::spawn(async move {
            append_all(&journal, &mut claim, [routing(1), route(), signed(), landed()]).await;
        })
    });
    let writing = async {
        join_all(work).await.into_iter().for_each(Result::unwrap);
        while killed.load(Ordering::SeqCst) < 5 {
            accepted(&journal).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), writing).await.unwrap();
    killing.abort();
    let mut witness = database.witness().await;
    assert_eq!(number(&mut witness, "SELECT count(*) FROM order_events WHERE seq > 1").await, 30 * 4);
    assert_eq!(number(&mut witness, "SELECT count(*) FROM transactions WHERE state = 'landed'").await, 30);
}

/// With the pool as sqlx 0.9.0 makes it, a `begin` that is dropped in flight leaves its transaction
/// open, and what the connection's next user writes is acknowledged and then lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn cancelled_callers_never_poison_the_pool() {
    let database = Database::migrated().await;
    let journal = Journal::connect(&database.url, 2).await.unwrap();
    let mut written = Vec::new();
    for round in 0..400_u64 {
        let patience = Duration::from_micros(round * 37 % 700);
        let id = order::Id(Uuid::now_v7());
        let _ = tokio::time::timeout(patience, journal.pool.begin()).await;
        let _ = tokio::time::timeout(patience, journal.history.read(id, 0)).await;
        let _ = tokio::time::timeout(patience, journal.orders.claim(id, LONG)).await;
        let _ = tokio::time::timeout(patience, journal.orders.accept(acceptance())).await;
        written.push(accepted(&journal).await);
    }
    journal.pool.close().await;
    let mut witness = database.witness().await;
    let there: Vec<Uuid> = sqlx::query_scalar("SELECT id FROM orders").fetch_all(&mut witness).await.unwrap();
    let lost = written.iter().filter(|id| !there.contains(&id.0)).count();
    assert_eq!(lost, 0, "acknowledged orders are missing");
}
