//! An order's updates over a real WebSocket.

use super::server::Running;
use super::{ORDER, configuration, until};
use crate::tests::example;
use cache::Cache;
use futures_util::{SinkExt as _, StreamExt as _};
use journal::{Appended, Journal};
use order_core::AccountId;
use order_core::order::{Event, Id};
use serde_json::Value;
use sqlx::PgPool;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use uuid::Uuid;

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A gateway, and a hand on the journal behind it.
pub(super) struct Stage {
    pub(super) running: Running,
    pub(super) journal: Journal,
    cache: Cache,
    database_url: String,
}

impl Stage {
    pub(super) async fn start() -> Self {
        let redis = super::required("TEST_REDIS_URL");
        Self::with_redis(&redis).await
    }

    pub(super) async fn with_arguments(arguments: &[&str]) -> Self {
        Self::with(configuration(arguments).await).await
    }

    async fn with_redis(redis: &str) -> Self {
        Self::with(crate::Configuration { redis_url: redis.to_owned(), ..configuration(&[]).await }).await
    }

    async fn with(configuration: crate::Configuration) -> Self {
        let redis = &configuration.redis_url;
        let journal = Journal::connect(&configuration.database_url, 4).await.unwrap();
        let cache = Cache::connect(redis).unwrap();
        let database_url = configuration.database_url.clone();
        Self { running: Running::with(configuration).await, journal, cache, database_url }
    }

    pub(super) async fn open(&self, path: &str) -> Socket {
        connect_async(format!("ws://{}{path}", self.running.address)).await.unwrap().0
    }

    pub(super) async fn place(&self) -> Id {
        let id = Id(Uuid::now_v7());
        let acceptance = journal::Acceptance {
            id,
            intent: match &example::confirmed()[0].event {
                Event::Accepted { intent, .. } => intent.clone(),
                event => panic!("{event:?} comes first"),
            },
            account: AccountId::operator(),
            idempotency: None,
            traceparent: None,
        };
        self.journal.orders.accept(acceptance).await.unwrap();
        id
    }

    /// Lets the rest of a swap happen to the order. `told`: whether it is published as well.
    pub(super) async fn swap(&self, id: Id, told: bool) {
        let mut claim = self.journal.orders.claim(id, Duration::from_secs(60)).await.unwrap();
        for recorded in &example::confirmed()[1..] {
            let mut event = recorded.event.clone();
            if let Event::TransactionSigned { transaction } = &mut event {
                let mut signature = [1; 64];
                signature[..16].copy_from_slice(id.0.as_bytes());
                transaction.signature = order_core::Signature::new(signature);
            }
            let appended = self.journal.orders.append(claim.take().unwrap(), event).await.unwrap();
            let recorded = match appended {
                Appended::Held { claim: held, recorded } => {
                    claim = Some(held);
                    recorded
                }
                Appended::Ended { recorded, .. } => recorded,
            };
            if told {
                self.cache.publish(id, &recorded).await;
            }
        }
    }
}

pub(super) async fn next(socket: &mut Socket) -> Message {
    loop {
        let message = tokio::time::timeout(Duration::from_secs(20), socket.next()).await.unwrap();
        match message.unwrap().unwrap() {
            Message::Ping(_) | Message::Pong(_) => {}
            message => return message,
        }
    }
}

pub(super) async fn frame(socket: &mut Socket) -> Value {
    match next(socket).await {
        Message::Text(text) => serde_json::from_str(&text).unwrap(),
        message => panic!("no text: {message:?}"),
    }
}

/// The sequence numbers up to the close, and its code.
pub(super) async fn rest(socket: &mut Socket) -> (Vec<u64>, u16) {
    let mut seqs = Vec::new();
    loop {
        match next(socket).await {
            Message::Text(text) => {
                let frame: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(frame["type"], "order_update");
                seqs.push(frame["seq"].as_u64().unwrap());
            }
            Message::Close(Some(close)) => return (seqs, close.code.into()),
            message => panic!("unexpected: {message:?}"),
        }
    }
}

#[tokio::test]
async fn updates_come_as_they_happen_and_end_with_the_order() {
    let stage = Stage::start().await;
    let id = stage.place().await;
    let mut socket = stage.open(&format!("/api/orders/{id}/ws")).await;
    let first = frame(&mut socket).await;
    assert_eq!(
        (&first["seq"], &first["status"], &first["orderId"]),
        (&1.into(), &"pending".into(), &id.to_string().into())
    );
    stage.swap(id, true).await;
    assert_eq!(rest(&mut socket).await, (vec![2, 3, 4, 5], 1000));
    let mut late = stage.open(&format!("/api/orders/{id}/ws?after=3")).await;
    assert_eq!(rest(&mut late).await, (vec![4, 5], 1000));
    let mut over = stage.open(&format!("/api/orders/{id}/ws?after=5")).await;
    assert_eq!(rest(&mut over).await, (vec![], 1000));
    stage.running.stop().await;
}

#[tokio::test]
async fn unpublished_events_are_found_by_polling() {
    let stage = Stage::start().await;
    let id = stage.place().await;
    let mut socket = stage.open(&format!("/api/orders/{id}/ws?after=1")).await;
    stage.swap(id, false).await;
    assert_eq!(rest(&mut socket).await, (vec![2, 3, 4, 5], 1000));
    stage.running.stop().await;
}

#[tokio::test]
async fn updates_arrive_without_redis() {
    let stage = Stage::with_redis("redis://127.0.0.1:1").await;
    let id = stage.place().await;
    let mut sockets = Vec::new();
    for after in 0..3 {
        sockets.push((after, stage.open(&format!("/api/orders/{id}/ws?after={after}")).await));
    }
    stage.swap(id, true).await;
    for (after, socket) in &mut sockets {
        assert_eq!(rest(socket).await, ((*after + 1..=5).collect(), 1000));
    }
    stage.running.stop().await;
}

#[tokio::test]
async fn gap_in_published_events_is_filled_from_the_database() {
    let stage = Stage::start().await;
    let id = stage.place().await;
    let mut socket = stage.open(&format!("/api/orders/{id}/ws")).await;
    frame(&mut socket).await;
    stage.swap(id, false).await;
    let history = stage.journal.history.read(id, 0).await.unwrap().unwrap();
    for seq in [4, 2, 4] {
        stage.cache.publish(id, &history[seq - 1]).await;
    }
    assert_eq!(rest(&mut socket).await, (vec![2, 3, 4, 5], 1000));
    stage.running.stop().await;
}

#[tokio::test]
async fn an_order_that_does_not_exist_closes_the_socket() {
    let stage = Stage::start().await;
    for id in ["7", "00000000-0000-0000-0000-000000000000"] {
        let mut socket = stage.open(&format!("/api/orders/{id}/ws")).await;
        assert_eq!(rest(&mut socket).await, (vec![], 1008));
    }
    let refused = connect_async(format!("ws://{}/api/orders/7/ws?after=x", stage.running.address)).await;
    assert!(refused.unwrap_err().to_string().contains("422"));
    stage.running.stop().await;
}

#[tokio::test]
async fn shutdown_names_the_event_to_resume_from() {
    let stage = Stage::start().await;
    let id = stage.place().await;
    let mut socket = stage.open(&format!("/api/orders/{id}/ws")).await;
    frame(&mut socket).await;
    stage.running.shell.shutdown().cancel();
    match next(&mut socket).await {
        Message::Close(Some(close)) => {
            assert_eq!(
                (u16::from(close.code), close.reason.as_str()),
                (1001, "going away: resume with ?after=1")
            );
        }
        message => panic!("no close: {message:?}"),
    }
    stage.running.stop().await;
}

#[tokio::test]
async fn an_order_is_placed_and_followed_on_one_socket() {
    let stage = Stage::start().await;
    let mut socket = stage.open("/api/orders/execute").await;
    socket.send(Message::text(ORDER)).await.unwrap();
    let first = frame(&mut socket).await;
    assert_eq!((&first["seq"], &first["message"]), (&1.into(), &"Order received and queued".into()));
    let id: Id = first["orderId"].as_str().unwrap().parse().unwrap();
    stage.swap(id, true).await;
    assert_eq!(rest(&mut socket).await, (vec![2, 3, 4, 5], 1000));
    stage.running.stop().await;
}

#[tokio::test]
async fn idempotency_key_may_be_in_the_first_message() {
    let stage = Stage::start().await;
    let keyed = ORDER.replacen('{', r#"{"idempotencyKey":"k-1","#, 1);
    let mut first = stage.open("/api/orders/execute").await;
    first.send(Message::text(keyed.clone())).await.unwrap();
    let placed = frame(&mut first).await["orderId"].clone();
    let mut again = stage.open("/api/orders/execute").await;
    again.send(Message::text(keyed.clone())).await.unwrap();
    assert_eq!(frame(&mut again).await["orderId"], placed);
    let mut request =
        format!("ws://{}/api/orders/execute", stage.running.address).into_client_request().unwrap();
    request.headers_mut().insert("idempotency-key", "other".parse().unwrap());
    let (mut different, _) = connect_async(request).await.unwrap();
    different.send(Message::text(keyed)).await.unwrap();
    assert_eq!(frame(&mut different).await["problem"]["code"], "invalid_idempotency_key");
    assert_eq!(rest(&mut different).await, (vec![], 1008));
    drop((first, again));
    stage.running.stop().await;
}

#[tokio::test]
async fn accepted_order_is_named_before_its_events_can_be_read() {
    let stage = Stage::start().await;
    let database = PgPool::connect(&stage.database_url).await.unwrap();
    // What is read of the view fails; what is written to it does not.
    sqlx::raw_sql(
        "CREATE FUNCTION readable() RETURNS boolean LANGUAGE plpgsql AS
           $$ BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '53000'; END $$;
         ALTER TABLE order_events RENAME TO kept_events;
         CREATE VIEW order_events AS SELECT * FROM kept_events WHERE readable();",
    )
    .execute(&database)
    .await
    .unwrap();
    let mut socket = stage.open("/api/orders/execute").await;
    socket.send(Message::text(ORDER)).await.unwrap();
    let receipt = frame(&mut socket).await;
    assert_eq!(receipt["type"], "accepted");
    sqlx::raw_sql("DROP VIEW order_events; ALTER TABLE kept_events RENAME TO order_events;")
        .execute(&database)
        .await
        .unwrap();
    let first = frame(&mut socket).await;
    assert_eq!((&first["seq"], &first["orderId"]), (&1.into(), &receipt["orderId"]));
    stage.swap(receipt["orderId"].as_str().unwrap().parse().unwrap(), true).await;
    assert_eq!(rest(&mut socket).await, (vec![2, 3, 4, 5], 1000));
    stage.running.stop().await;
}

#[tokio::test]
async fn refused_order_gets_its_problem_and_a_close_frame() {
    let stage = Stage::start().await;
    for (body, code) in
        [("{", "malformed_json"), (r#"{"tokenIn":"SOL","tokenOut":"SOL","amount":1}"#, "equal_tokens")]
    {
        let mut socket = stage.open("/api/orders/execute").await;
        socket.send(Message::text(body)).await.unwrap();
        let refusal = frame(&mut socket).await;
        assert_eq!((&refusal["type"], &refusal["problem"]["code"]), (&"error".into(), &code.into()));
        assert_eq!(rest(&mut socket).await, (vec![], 1008));
    }
    assert!(
        stage
            .journal
            .reports
            .list(&AccountId::operator(), &journal::Filter::default(), None, 10)
            .await
            .unwrap()
            .is_empty()
    );
    stage.running.stop().await;
}

#[tokio::test]
async fn a_page_of_another_site_may_not_open_a_socket() {
    let stage = Stage::start().await;
    let mut request =
        format!("ws://{}/api/orders/execute", stage.running.address).into_client_request().unwrap();
    request.headers_mut().insert("origin", "https://evil.example".parse().unwrap());
    assert!(connect_async(request).await.unwrap_err().to_string().contains("403"));
    stage.running.stop().await;
}

#[tokio::test]
async fn lost_socket_ends_its_task() {
    let stage = Stage::start().await;
    let id = stage.place().await;
    let mut socket = stage.open(&format!("/api/orders/{id}/ws")).await;
    frame(&mut socket).await;
    let open = stage.running.shell.tasks().len();
    drop(socket);
    until("the socket's task ended", async || stage.running.shell.tasks().len() < open).await;
    stage.running.stop().await;
}

#[tokio::test]
async fn a_flood_of_small_frames_closes_its_socket_and_no_other() {
    let stage = Stage::start().await;
    let id = stage.place().await;
    let mut quiet = stage.open(&format!("/api/orders/{id}/ws?after=1")).await;
    for small in [Message::Ping(Vec::new().into()), Message::text("x")] {
        let mut socket = stage.open(&format!("/api/orders/{id}/ws?after=1")).await;
        for _ in 0..150 {
            socket.feed(small.clone()).await.unwrap();
        }
        socket.flush().await.unwrap();
        assert_eq!(rest(&mut socket).await, (vec![], 1008));
    }
    stage.swap(id, true).await;
    assert_eq!(rest(&mut quiet).await, (vec![2, 3, 4, 5], 1000));
    stage.running.stop().await;
}
