//! What clients see of orders and quotes: folded from the recorded events, by one code for REST,
//! lists, histories and sockets.

mod event;
mod order;
pub(crate) mod pools;
mod quote;
mod story;

pub(crate) use event::History;
pub(crate) use order::{Data, Failed, Frame, Order, message};
pub(crate) use quote::{Alternative, Hop, Pair, Path, Price, Quote};
pub(crate) use story::Story;

use chrono::SubsecRound as _;
use order_core::Timestamp;

/// When an answer is made, to the millisecond.
pub(crate) fn now() -> Timestamp {
    service::now().trunc_subsecs(3)
}

#[cfg(test)]
pub(crate) mod example;
