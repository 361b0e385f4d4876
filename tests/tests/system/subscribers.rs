use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream;
use serde_json::json;
use system_tests::{Engine, Part, eventually, http, market_order, setting};

const SUBSCRIBERS: usize = 2_000;

/// Orders that one executor takes, and as many that wait besides: each is followed by a hundred sockets.
const ORDERS: usize = 20;

/// How many sockets are opened at once.
const OPENED_AT_ONCE: usize = 50;

/// How many events the order has whose reader does not read. They are several times what the buffers of
/// the operating system hold.
const EVENTS: u64 = 30_001;

/// The most memory that the gateway may ever have had.
const MEMORY_MAX_KB: u64 = 300 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_subscribers_and_one_that_does_not_read_fit_into_300_mb() {
    let files = system_number("/proc/self/limits", "Max open files");
    assert!(files > SUBSCRIBERS as u64 + 500, "only {files} open files are allowed: raise `ulimit -n`");
    // All subscribers have one address here.
    let share = setting("gateway", "MAX_SOCKETS_PER_CLIENT", &(SUBSCRIBERS + 1).to_string());
    let mut engine = Engine::start(1, 1, vec![share]);
    let (gateway, cluster) = (engine.gateway(0), engine.cluster());
    let order = market_order("SOL", "USDC", "0.01", "0.05");
    let endless = forge(&engine, &gateway.place(&order).await);

    // Without blocks the orders do not end before everybody listens.
    cluster.freeze().await;
    let ids = join_all((0..ORDERS).map(|_| gateway.place(&order))).await;
    let opened = ids.iter().cycle().take(SUBSCRIBERS).map(async |id| {
        let mut updates = gateway.follow(id, 0).await;
        assert_eq!(updates.next().await["seq"], 1);
        updates
    });
    let mut readers: Vec<_> = stream::iter(opened)
        .buffer_unordered(OPENED_AT_ONCE)
        .map(|updates| tokio::spawn(updates.to_the_end(2)))
        .collect()
        .await;
    let gp = engine.service(Part::Gateway(0)).unwrap().process.id();
    let st = |w: &str| {
        println!(
            "{w} {} rss {}",
            system_number(&format!("/proc/{gp}/status"), "VmHWM"),
            system_number(&format!("/proc/{gp}/status"), "VmRSS")
        )
    };
    st("opened");
    let mut slow = gateway.follow(&endless, 0).await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    st("slow");
    cluster.heal().await;
    // Each expects a run without a gap, the end, and the code after it.
    for stories in join_all(&mut readers).await {
        assert_eq!(stories.unwrap().last().unwrap()["status"], "confirmed");
    }

    st("read");
    // It begins to read when the gateway has lost patience: then it is told where to go on.
    let admin = engine.service(Part::Gateway(0)).unwrap().admin;
    let client = http();
    eventually("the slow reader is given up", async || {
        let page = client.get(format!("http://{admin}/metrics")).send().await.unwrap();
        page.text().await.unwrap().contains("gateway_sockets_closed_total{code=\"1013\"} 1").then_some(())
    })
    .await;
    let (seqs, code) = slow.to_the_close().await;
    assert_eq!(code, Some(1013));
    let read = u64::try_from(seqs.len()).unwrap();
    assert!(read < EVENTS && seqs.into_iter().eq(1..=read), "{read} updates of {EVENTS}");

    let process = engine.service(Part::Gateway(0)).unwrap().process.id();
    let memory_kb = system_number(&format!("/proc/{process}/status"), "VmHWM");
    println!(
        "{SUBSCRIBERS} subscribers: {} MB at the most; the slow one had {read} updates",
        memory_kb / 1024
    );
    assert!(memory_kb < MEMORY_MAX_KB, "the gateway had {memory_kb} kB");
}

/// An order that was retried more often than any is: like this one, with thousands of events. Its id.
fn forge(engine: &Engine, like: &str) -> String {
    let id = uuid::Uuid::now_v7().to_string();
    let row = json!({
        "id": id, "status": "failed", "seq": EVENTS, "attempt": EVENTS / 2, "fence": 1, "executed_out": null,
        "idempotency_key": null, "request_hash": null, "lease_until": null, "next_attempt_at": null,
    });
    let failure = json!({ "code": "no_route", "message": "because" });
    let retried = json!({ "kind": "attempt_failed", "failure": failure, "retry_in_ms": 1 });
    let failed = json!({ "kind": "failed", "failure": failure });
    engine.sql(&format!(
        "INSERT INTO orders SELECT (jsonb_populate_record(orders,
           '{row}' || jsonb_build_object('ended_at', now()))).* FROM orders WHERE id = '{like}';
         INSERT INTO order_events (order_id, seq, attempt, fence, body, at)
           SELECT '{id}', seq, attempt, fence, body, at FROM order_events WHERE order_id = '{like}' AND seq = 1;
         INSERT INTO order_events (order_id, seq, attempt, fence, body, at)
           SELECT '{id}', seq, seq / 2, 1, CASE
             WHEN seq % 2 = 0 THEN jsonb_build_object('kind', 'routing_started', 'attempt', seq / 2)
             WHEN seq = {EVENTS} THEN '{failed}'
             ELSE '{retried}' END, now()
           FROM generate_series(2, {EVENTS}) seq;"
    ));
    id
}

/// The first number after a name, in one of the files in which Linux tells about processes.
fn system_number(path: &str, name: &str) -> u64 {
    let text = std::fs::read_to_string(path).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    let mut words = line.split_whitespace().map(|word| word.trim_matches(':'));
    words.find_map(|word| word.parse().ok()).unwrap()
}
