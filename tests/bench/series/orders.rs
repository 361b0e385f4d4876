use super::{Answers, Begun, order};
use crate::client::Connection;
use crate::report::Row;
use crate::stage::{Engine, Setup, Stage};
use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use hyper::StatusCode;
use serde_json::Value;
use std::cell::Cell;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// Orders that are open at the same time. The executor works on them all: nothing waits for a permit.
const OPEN: usize = 600;

/// Connections that place them.
const CONNECTIONS: usize = 16;

/// Pause between two looks at how many have ended.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Longest time for the last orders to end.
const END_TIMEOUT: Duration = Duration::from_secs(60);

/// Orders that fill caches before anything is measured.
const FIRST_ORDERS: usize = 100;

/// Most orders on a page of the list.
const PAGE: usize = 100;

pub(super) async fn run(engine: Engine<'_>, length: Duration) -> Result<Vec<Row>> {
    let stage = Stage::start(engine, Setup { concurrency: OPEN, ..Setup::USUAL })?;
    let row = sustained(&stage, "orders", format!("{OPEN} open, slot 10 ms"), OPEN, length).await?;
    stage.stop()?;
    Ok(vec![row])
}

/// Keeps so many orders open for this long, and waits until the last one has ended.
pub(super) async fn sustained(
    stage: &Stage,
    series: &'static str,
    setting: String,
    open: usize,
    length: Duration,
) -> Result<Row> {
    let first = place_while(stage, open, 0, |placed| placed < FIRST_ORDERS).await?;
    let begun = Begun::now(stage)?;
    let until = begun.at + length;
    let placed = place_while(stage, open, first, |_| Instant::now() < until).await?;
    let row = begun.end(stage, series, setting, Answers::default())?;
    let answers = ended(stage, placed).await?;
    Ok(Row { times: answers.times, refusals: answers.refusals, ..row })
}

/// Places orders while `wanted` of their number says so, and waits until all have ended. `before` have ended
/// already. Gives their number.
async fn place_while(
    stage: &Stage,
    open: usize,
    before: usize,
    wanted: impl Fn(usize) -> bool,
) -> Result<usize> {
    let (permits, placed, placing) = (Semaphore::new(open), Cell::new(0), Cell::new(CONNECTIONS));
    let place = async || {
        let mut connection = Connection::open(stage.gateway()).await?;
        while wanted(placed.get()) {
            permits.acquire().await.context("waiting for an order to end")?.forget();
            placed.set(placed.get() + 1);
            let (status, body) = connection.post("/api/orders/execute", order(placed.get())).await?;
            ensure!(status == StatusCode::ACCEPTED, "{status}: {}", String::from_utf8_lossy(&body));
        }
        placing.set(placing.get() - 1);
        Ok(())
    };
    let watch = async {
        let mut connection = Connection::open(stage.gateway()).await?;
        let (mut seen, mut deadline) = (0, None);
        while placing.get() > 0 || seen < placed.get() {
            if placing.get() == 0 {
                let deadline = *deadline.get_or_insert_with(|| Instant::now() + END_TIMEOUT);
                ensure!(Instant::now() < deadline, "{} orders do not end", placed.get() - seen);
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
            let now = number_ended(&connection.get("/api/queue/stats").await?)?.saturating_sub(before);
            permits.add_permits(now - seen);
            seen = now;
        }
        Ok(())
    };
    let (places, watched) = tokio::join!(try_join_all((0..CONNECTIONS).map(|_| place())), watch);
    places?;
    watched?;
    Ok(before + placed.get())
}

fn number_ended(stats: &Value) -> Result<usize> {
    let number = |name: &str| stats[name].as_u64().with_context(|| format!("reading {name} of {stats}"));
    Ok(usize::try_from(number("completed")? + number("failed")?)?)
}

/// The times from acceptance to confirmation of the newest orders, by the engine's own clock; the others are
/// refusals. The first orders are left out.
async fn ended(stage: &Stage, orders: usize) -> Result<Answers> {
    let mut connection = Connection::open(stage.gateway()).await?;
    let mut answers = Answers::default();
    let mut cursor = String::new();
    let mut left = orders - FIRST_ORDERS;
    while left > 0 {
        let limit = left.min(PAGE);
        let page = connection.get(&format!("/api/orders?limit={limit}{cursor}")).await?;
        let listed = page["orders"].as_array().context("reading the list of orders")?;
        ensure!(!listed.is_empty(), "the list ends {left} orders too early");
        for order in listed {
            if order["status"] == "confirmed" {
                answers.times.add(time(order)?);
            } else {
                answers.refusals.push(format!("{}: {}", order["status"], order["data"]["error"]));
            }
        }
        left -= listed.len();
        cursor = page["nextCursor"].as_str().map(|next| format!("&cursor={next}")).unwrap_or_default();
    }
    Ok(answers)
}

fn time(order: &Value) -> Result<Duration> {
    let at = |name: &str| {
        let text = order[name].as_str().with_context(|| format!("reading {name} of {order}"))?;
        chrono::DateTime::parse_from_rfc3339(text).with_context(|| format!("reading {name}"))
    };
    (at("updatedAt")? - at("createdAt")?).to_std().context("an order ended before it began")
}
