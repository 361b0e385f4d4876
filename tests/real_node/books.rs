//! The node's own word on the orders: how often each landed, and what the wallet has.

use crate::stage::Stage;
use anyhow::{Context, Result};
use order_core::{Atoms, Token, token};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use system_tests::Cluster;

/// The tokens that orders here spend and buy.
const TOKENS: [&str; 5] = ["SOL", "USDC", "USDT", "BONK", "RAY"];

/// The lamports that an order's marker holds until they are taken back.
const MARKER_RENT: i128 = 890_880;

/// A block is final 32 slots later: half a minute is usual, a node that was killed may take longer.
const PATIENCE: Duration = Duration::from_secs(120);

const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// The wallet's balances, in base units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Balances(BTreeMap<&'static str, i128>);

impl Balances {
    /// As the node's confirmed chain has them.
    pub(crate) async fn read(stage: &Stage) -> Result<Self> {
        let cluster = Cluster::new(stage.validator.rpc);
        let mut balances = BTreeMap::new();
        for symbol in TOKENS {
            let token = known(symbol)?;
            let balance = match token.is_native() {
                true => cluster.lamports(stage.wallet.address).await,
                false => cluster.tokens(stage.wallet.address, token.mint).await,
            };
            balances.insert(symbol, i128::from(balance.get()));
        }
        Ok(Self(balances))
    }

    /// The faults in these balances, if these orders are all that has changed them since `before`.
    pub(crate) fn faults(&self, before: &Self, orders: &[Value]) -> Result<Vec<String>> {
        let mut expected = before.0.clone();
        for order in orders {
            let data = &order["data"];
            if order["status"] == "confirmed" {
                add(&mut expected, order["tokenIn"].as_str(), &data["executedInput"], -1)?;
                add(&mut expected, order["tokenOut"].as_str(), &data["executedOutput"], 1)?;
                *expected.entry("SOL").or_default() -= MARKER_RENT;
                for left in data["leftovers"].as_array().into_iter().flatten() {
                    add(&mut expected, left["token"].as_str(), &left["amount"], 1)?;
                }
            }
            if data["networkFee"].is_string() {
                add(&mut expected, Some("SOL"), &data["networkFee"], -1)?;
            }
        }
        let wrong = self.0.iter().filter(|(symbol, has)| expected.get(*symbol) != Some(has));
        let faults = wrong.map(|(symbol, has)| {
            let expected = expected.get(symbol).copied().unwrap_or_default();
            format!("the wallet has {has} base units of {symbol}, by its orders it had {expected}")
        });
        Ok(faults.collect())
    }
}

fn known(symbol: &str) -> Result<Token> {
    token::known().find(|token| token.symbol == symbol).with_context(|| format!("{symbol} is known"))
}

fn add(
    balances: &mut BTreeMap<&'static str, i128>,
    symbol: Option<&str>,
    amount: &Value,
    sign: i128,
) -> Result<()> {
    let symbol =
        TOKENS.into_iter().find(|token| Some(*token) == symbol).context("a token of these orders")?;
    let text = amount.as_str().with_context(|| format!("{amount} is no amount"))?;
    let amount = Atoms::parse(text, known(symbol)?.decimals)?;
    *balances.entry(symbol).or_default() += sign * i128::from(amount.get());
    Ok(())
}

/// Waits until the node's finalized chain has come as far as its newest block now is.
pub(crate) async fn settle(stage: &Stage) -> Result<()> {
    let cluster = Cluster::new(stage.validator.rpc);
    let newest = cluster.slot().await;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let finalized = cluster.call("getSlot", json!([{ "commitment": "finalized" }])).await;
        if finalized.as_u64() > Some(newest) {
            return Ok(());
        }
        anyhow::ensure!(Instant::now() < deadline, "slot {newest} does not become final: {finalized}");
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// The orders that landed another number of times than they say, by the node's finalized history of their markers.
pub(crate) async fn landings(stage: &Stage, orders: &[Value]) -> Result<Vec<String>> {
    let cluster = Cluster::new(stage.validator.rpc);
    let mut landed: BTreeMap<String, usize> = BTreeMap::new();
    for row in stage.query("SELECT order_id, address FROM order_markers")? {
        let [Some(order), Some(marker)] = row.as_slice() else { continue };
        let naming =
            cluster.call("getSignaturesForAddress", json!([marker, { "commitment": "finalized" }])).await;
        let naming = naming.as_array().context("a list of signatures")?;
        let well = naming.iter().filter(|found| found["err"].is_null()).count();
        *landed.entry(order.clone()).or_default() += well;
    }
    let faults = orders.iter().filter_map(|order| {
        let id = order["orderId"].as_str()?;
        let times = landed.get(id).copied().unwrap_or_default();
        let expected = usize::from(order["status"] == "confirmed");
        (times != expected).then(|| format!("order {id} is {} and landed {times} times", order["status"]))
    });
    Ok(faults.collect())
}
