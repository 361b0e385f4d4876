//! Gathers the evidence when everything has come to rest.

use crate::checker::{Balances, Evidence, Queue, Secret, Writing};
use crate::log::Line;
use crate::nemesis::Tally;
use crate::stage::{NODE_KEY, Stage};
use crate::witness::Order;
use crate::{nats, witness};
use anyhow::{Context, Result};
use futures_util::StreamExt as _;
use order_core::order::Event;
use order_core::{Pubkey, Signature, token};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use system_tests::{Cluster, Wallet, is_terminal};
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

/// The tokens that the clients trade.
const SYMBOLS: [&str; 3] = ["SOL", "USDC", "USDT"];

/// How often the journal is asked whether all orders have ended.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// How long the story of an ended order may take to come.
const REPLAY_WITHIN: Duration = Duration::from_secs(20);

/// The wallet's balances by the cluster's word.
pub(crate) async fn balances(stage: &Stage) -> Result<Balances> {
    let cluster = Cluster::new(stage.stack.sandbox.address);
    let wallet = Wallet::read(&stage.stack.wallet).address;
    let mut balances = Balances::new();
    for symbol in SYMBOLS {
        let known = token::known().find(|token| token.symbol == symbol);
        let token = known.with_context(|| format!("{symbol} is not known"))?;
        let atoms = match token.is_native() {
            true => cluster.lamports(wallet).await,
            false => cluster.tokens(wallet, token.mint).await,
        };
        balances.insert(symbol, i128::from(atoms.get()));
    }
    Ok(balances)
}

/// Waits until every order has ended, every landing is finalized, and the queue has nothing more to deliver, or
/// the time is over: then the checker says what has not.
pub(crate) async fn quiet(stage: &Stage, deadline: Instant) -> Result<()> {
    while (open_orders(stage)? > 0
        || unfinalized(stage)? > 0
        || nats::left(&stage.servers.nats.operator)?.1 > 0)
        && Instant::now() < deadline
    {
        sleep(POLL_INTERVAL).await;
    }
    Ok(())
}

pub(crate) async fn gather(
    stage: &mut Stage,
    lines: Vec<Line>,
    balances_before: Balances,
    tally: Tally,
) -> Result<Evidence> {
    let orders = witness::journal(stage)?;
    let unknown = crate::restore::unknown(stage)?;
    let gateways: Vec<SocketAddr> = stage.stack.gateways.iter().map(|gateway| gateway.address).collect();
    let mut replays = BTreeMap::new();
    for (order, gateway) in orders.values().zip(gateways.iter().cycle()) {
        let Some(Event::Accepted { account, .. }) = order.events.first().map(|event| &event.event) else {
            // The checker says that it has no beginning.
            continue;
        };
        replays.insert(order.id.clone(), replay(*gateway, order, stage.key(account)?).await?);
    }
    let writings = writings(stage).await?;
    let mut breakdowns = tally.breakdowns;
    breakdowns.extend(panics(&writings));
    let (messages, deliverable) = nats::left(&stage.servers.nats.operator)?;
    Ok(Evidence {
        lines,
        orders,
        ledger: witness::ledger(&stage.stack.ledger)?,
        balances_before,
        balances_after: balances(stage).await?,
        replays,
        queue: Queue { messages, deliverable, killed: tally.nats_killed, parked: parked(stage)? },
        secrets: secrets(stage)?,
        writings,
        leftovers: leftovers(stage)?,
        lost: tally.lost,
        unknown,
        breakdowns,
    })
}

fn parked(stage: &Stage) -> Result<Vec<String>> {
    let rows = stage.query("SELECT encode(payload, 'escape') FROM parked_messages")?;
    Ok(rows.into_iter().flatten().flatten().collect())
}

fn open_orders(stage: &Stage) -> Result<u64> {
    count(stage, "SELECT count(*) FROM orders WHERE ended_at IS NULL")
}

fn unfinalized(stage: &Stage) -> Result<u64> {
    count(stage, "SELECT count(*) FROM landings")
}

fn count(stage: &Stage, statement: &str) -> Result<u64> {
    let rows = stage.query(statement)?;
    let value = rows.first().and_then(|row| row.first()).and_then(Option::as_deref);
    value.with_context(|| format!("no answer to `{statement}`"))?.parse().context("counting")
}

/// The updates of an order as they are told now. Of one that is stuck there is no end to wait for.
async fn replay(gateway: SocketAddr, order: &Order, key: &str) -> Result<Vec<Value>> {
    let url = format!("ws://{gateway}/api/orders/{}/ws?after=0", order.id);
    let stuck = !is_terminal(&order.status);
    let mut request = url.as_str().into_client_request()?;
    request.headers_mut().insert("Authorization", format!("Bearer {key}").parse()?);
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.with_context(|| url.clone())?;
    let mut updates = Vec::new();
    while let Ok(Some(message)) = timeout(REPLAY_WITHIN, socket.next()).await {
        match message.with_context(|| url.clone())? {
            Message::Text(text) => {
                let frame: Value = serde_json::from_str(&text).context("reading a frame")?;
                if frame["type"] == "order_update" {
                    updates.push(frame);
                } else {
                    // A heartbeat: there is nothing more to tell.
                    break;
                }
                if stuck && updates.len() >= order.events.len() {
                    break;
                }
            }
            Message::Close(_) => break,
            Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => {}
        }
    }
    Ok(updates)
}

/// Rows and keys that should be gone from the stores.
fn leftovers(stage: &Stage) -> Result<Vec<String>> {
    let questions = [
        ("sessions idle in a transaction", IDLE),
        ("advisory locks", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"),
        (
            "ended orders with a lease",
            "SELECT count(*) FROM orders WHERE ended_at IS NOT NULL AND lease_until IS NOT NULL",
        ),
        ("landings that nobody has seen finalized", "SELECT count(*) FROM landings"),
        (
            "events changed or removed",
            "SELECT sum(n_tup_upd + n_tup_del) FROM pg_stat_user_tables WHERE relname = 'order_events'",
        ),
    ];
    let mut leftovers = Vec::new();
    for (what, statement) in questions {
        let count = count(stage, statement)?;
        if count > 0 {
            leftovers.push(format!("{count} {what}"));
        }
    }
    Ok(leftovers)
}

/// Longer than any statement takes: a session that is just being served is not leaked.
const IDLE: &str = "
SELECT count(*) FROM pg_stat_activity
WHERE state LIKE 'idle in transaction%' AND state_change < now() - interval '2 seconds'";

/// The writings of the services: their logs, and their metrics as they are now.
async fn writings(stage: &mut Stage) -> Result<Vec<Writing>> {
    let mut writings = Vec::new();
    for entry in std::fs::read_dir(stage.path().join("logs")).context("reading the logs")? {
        let path = entry?.path();
        let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
        writings.push(Writing { place: path.display().to_string(), text });
    }
    for service in stage.stack.services() {
        let page = system_tests::http().get(format!("http://{}/metrics", service.admin)).send().await?;
        let place = format!("the metrics of {}", service.process.name());
        writings.push(Writing { place, text: page.text().await? });
    }
    Ok(writings)
}

/// Secrets that must not be in the writings.
fn secrets(stage: &Stage) -> Result<Vec<Secret>> {
    let bytes = std::fs::read(&stage.stack.wallet).context("reading the wallet")?;
    let bytes: Vec<u8> = serde_json::from_slice(&bytes).context("reading the wallet")?;
    let (pair, key) = (<[u8; 64]>::try_from(bytes.as_slice())?, <[u8; 32]>::try_from(&bytes[..32])?);
    let list = |separator: &str| key.map(|byte| byte.to_string()).join(separator);
    let wallet = [
        list(","),
        list(", "),
        key.map(|byte| format!("{byte:02x}")).concat(),
        // What is written in base58 as signatures and public keys are.
        Signature::new(pair).to_string(),
        Pubkey::from(key).to_string(),
    ];
    let wallet = wallet.into_iter().map(|text| Secret { name: "the wallet's key", text });
    let passwords = stage.stores.passwords().into_iter().map(|text| ("a store's password", text));
    let others = passwords.chain([("the key of the nodes", NODE_KEY)]);
    let others = others.map(|(name, text)| Secret { name, text: text.to_owned() });
    // The part before is the key's id, which is no secret.
    let secret = |key: &String| key.rsplit('_').next().unwrap_or_default().to_owned();
    let keys = stage.keys.iter().map(|key| Secret { name: "the secret of an API key", text: secret(key) });
    Ok(wallet.chain(others).chain(keys).collect())
}

fn panics(writings: &[Writing]) -> Vec<String> {
    let lines = writings.iter().flat_map(|writing| writing.text.lines().map(move |line| (writing, line)));
    let panics = lines.filter(|(_, line)| line.contains("panicked"));
    panics.map(|(writing, line)| format!("{}: {line}", writing.place)).collect()
}
