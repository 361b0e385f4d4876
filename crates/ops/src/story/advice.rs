//! Advice on an open order, for operators.

use super::{seconds, unsigned};
use journal::{Halt, Standing};
use order_core::order::{Order, Status};

/// Time that an order may wait for an executor before that is worth a word, in milliseconds: executors look each
/// second.
const WAITING_MS: i64 = 3_000;

/// Time in which transactions usually land or expire, in milliseconds.
const LANDING_MS: i64 = 120_000;

/// The advice on an order whose last event was `since_ms` ago. None if it goes on by itself.
pub(super) fn advice(
    order: &Order,
    standing: &Standing,
    halt: Option<&Halt>,
    since_ms: i64,
) -> Option<String> {
    let wallet = standing.wallet.map_or_else(
        || "the first wallet of an executor's KEYPAIR".to_owned(),
        |wallet| format!("the wallet {wallet}"),
    );
    if standing.parked {
        return Some("Its message is parked, so no executor takes it: see `ops parked list`.".to_owned());
    }
    if order.status() == Status::Submitted {
        return submitted(order, standing, &wallet, since_ms);
    }
    if !unsigned(order.status()) {
        return None;
    }
    if let Some(halt) = halt {
        return Some(format!(
            "Trading is halted since {}: {}. Its attempts fail until `ops resume`.",
            halt.at, halt.reason
        ));
    }
    if standing.expires_at.is_some_and(|expires_at| expires_at <= standing.now) {
        return Some("It has expired. Executors end such orders within a second: none runs.".to_owned());
    }
    if let Some(due_at) = standing.due_at {
        let pause = seconds(due_at.signed_duration_since(standing.now).num_milliseconds());
        return Some(format!("Its next attempt begins in {pause}."));
    }
    if standing.leased_until.is_some() || since_ms < WAITING_MS {
        return None;
    }
    Some(format!(
        "No executor has taken it for {}. It needs {wallet}: see that an executor with it runs, and has orders to \
         spare (CONCURRENCY).",
        seconds(since_ms)
    ))
}

/// The advice on an order whose transaction may land.
fn submitted(order: &Order, standing: &Standing, wallet: &str, since_ms: i64) -> Option<String> {
    if standing.leased_until.is_none() && since_ms >= WAITING_MS {
        return Some(format!(
            "Its transaction may land, and no executor follows it. It needs {wallet}: see that an executor with it runs."
        ));
    }
    if since_ms < LANDING_MS {
        return None;
    }
    let signature = order.transactions().last().map(|transaction| transaction.signature.to_string());
    Some(format!(
        "No node has decided its transaction for {}. Look up {} in two explorers; with evidence, `ops order settle {}`.",
        seconds(since_ms),
        signature.unwrap_or_default(),
        order.id()
    ))
}
