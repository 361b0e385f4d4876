//! The queue only rings: orders are taken from PostgreSQL, whatever becomes of NATS, and a permit is
//! held for work and not for waiting.

use futures_util::future::join_all;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use system_tests::{Engine, Gateway, Part, eventually, market_order, setting};
use xtask::Login;

/// The delay of a new order by what stands in its way is less than this, over what an order takes on this
/// machine when nothing does.
const SOON: Duration = Duration::from_secs(2);

/// As many as an executor works on at once.
const PERMITS: usize = 10;

fn order() -> Value {
    market_order("SOL", "USDC", "0.1", "0.05")
}

async fn until_status(gateway: &Gateway, id: &str, status: &str) {
    eventually(&format!("order {id} is {status}"), async || {
        (gateway.order(id).await["status"] == status).then_some(())
    })
    .await;
}

/// How long a new order takes to be confirmed.
async fn time_to_confirm(gateway: &Gateway) -> Duration {
    let began = Instant::now();
    let id = gateway.place(&order()).await;
    let ended = gateway.ended(&id).await;
    let took = began.elapsed();
    assert_eq!(ended["status"], "confirmed", "{ended}");
    took
}

#[tokio::test]
async fn orders_that_wait_for_the_chain_hold_no_permit() {
    // A minute passes before a transaction expires.
    let engine = Engine::start(1, 1, vec![setting("sandbox", "SLOT_MS", "400")]);
    let (gateway, cluster) = (engine.gateway(0), engine.cluster());
    let undisturbed = time_to_confirm(&gateway).await;
    cluster.fault(json!({ "fault": "dropTransactions", "count": PERMITS })).await;
    let lost = join_all((0..PERMITS).map(async |_| gateway.place(&order()).await)).await;
    for id in &lost {
        until_status(&gateway, id, "submitted").await;
    }
    let took = time_to_confirm(&gateway).await;
    assert!(took < undisturbed + SOON, "the eleventh order took {took:?}, the first {undisturbed:?}");
    for id in &lost {
        assert_eq!(gateway.order(id).await["status"], "submitted", "it was decided meanwhile");
    }
}

#[tokio::test]
async fn orders_are_executed_without_nats() {
    let mut engine = Engine::start(2, 1, vec![]);
    let gateway = engine.gateway(0);
    let undisturbed = time_to_confirm(&gateway).await;
    engine.kill(Part::Nats);
    let ids = join_all((0..20).map(async |_| gateway.place(&order()).await)).await;
    for id in &ids {
        let ended = gateway.ended(id).await;
        assert_eq!(ended["status"], "confirmed", "{ended}");
    }
    let took = time_to_confirm(&gateway).await;
    assert!(took < undisturbed + SOON, "without a bell an order took {took:?}, with it {undisturbed:?}");
}

/// How many messages are on the stream of orders.
fn messages(operator: &Login) -> u64 {
    let mut stream = BufReader::new(TcpStream::connect(operator.address).unwrap());
    let connect = json!({ "verbose": false, "user": operator.user, "pass": operator.password });
    let question = format!(
        "CONNECT {connect}\r\nSUB _INBOX.test 1\r\nPUB $JS.API.STREAM.INFO.ORDERS _INBOX.test 0\r\n\r\n"
    );
    stream.get_mut().write_all(question.as_bytes()).unwrap();
    loop {
        let mut line = String::new();
        assert!(stream.read_line(&mut line).unwrap() > 0, "NATS closed the connection");
        let Some(length) = line.strip_prefix("MSG ").and_then(|head| head.trim_end().rsplit(' ').next())
        else {
            continue;
        };
        let mut body = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut body).unwrap();
        let info: Value = serde_json::from_slice(&body).unwrap();
        return info["state"]["messages"].as_u64().unwrap();
    }
}

#[tokio::test]
async fn an_order_has_one_message_on_the_queue() {
    const ORDERS: u64 = 20;
    let mut engine = Engine::start(1, 1, vec![]);
    let (gateway, queue) = (engine.gateway(0), engine.nats.operator.clone());
    engine.kill(Part::Executor(0));
    let before = messages(&queue);
    for _ in 0..ORDERS {
        gateway.place(&order()).await;
    }
    eventually("a message of each order", async || (messages(&queue) >= before + ORDERS).then_some(())).await;
    assert_eq!(messages(&queue), before + ORDERS);
}

/// How long the router is away. Longer shows the same.
const OUTAGE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_backlog_leaves_nothing_on_the_queue_that_a_new_order_waits_behind() {
    const ORDERS: usize = 2_000;
    let outage = std::env::var("OUTAGE_SECONDS")
        .map_or(OUTAGE, |seconds| Duration::from_secs(seconds.parse().unwrap()));
    let settings = vec![
        setting("gateway", "ORDERS_PER_MINUTE", "1000000"),
        setting("gateway", "ORDER_TTL_SECONDS", "1800"),
        setting("executor", "ATTEMPTS", "100"),
    ];
    let mut engine = Engine::start(1, 1, settings);
    let (gateway, queue) = (engine.gateway(0), engine.nats.operator.clone());
    let undisturbed = time_to_confirm(&gateway).await;
    engine.kill(Part::Router);
    let began = Instant::now();
    for _ in 0..ORDERS / 50 {
        join_all((0..50).map(async |_| gateway.place(&order()).await)).await;
    }
    let mut most = 0;
    while began.elapsed() < outage {
        most = most.max(messages(&queue));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(most <= ORDERS as u64, "{most} messages stood for {ORDERS} orders");
    engine.restart(Part::Router);
    let open = async || {
        let stats = gateway.get("/api/queue/stats").await;
        ["waiting", "active", "delayed"].iter().map(|key| stats[key].as_u64().unwrap()).sum::<u64>()
    };
    let backlog_gone = async {
        loop {
            let (left, messages) = (open().await, messages(&queue));
            most = most.max(messages);
            if left == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(600), backlog_gone).await.expect("the backlog ends");
    let took = time_to_confirm(&gateway).await;
    assert!(took < undisturbed + SOON, "a new order took {took:?} behind a backlog that was gone");
    assert!(most <= ORDERS as u64, "{most} messages stood for {ORDERS} orders");
}
