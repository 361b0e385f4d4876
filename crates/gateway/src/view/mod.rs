//! What clients see of orders and quotes: folded from the recorded events, by one code for REST,
//! lists, histories and sockets.

mod event;
mod order;
pub(crate) mod pools;
mod quote;
mod story;

pub(crate) use event::History;
pub(crate) use order::{Data, Failed, Frame, Order, message};
pub(crate) use quote::{Alternative, Pair, Price, Quote, Step};
pub(crate) use story::Story;

#[cfg(test)]
pub(crate) mod example;
