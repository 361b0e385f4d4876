//! From a route to a transaction: the plan of an order's swaps.
//!
//! A [`SwapPlan`] is made from a route, the bounds that the order sets, and the pools as a [`PoolReader`] or the
//! router has read them. The router
//! asks it if the transaction fits into a packet. The executor takes from it what it signs, and what it expects
//! the swaps to do. So both mean the same transaction.

mod allocation;
mod hop;
mod plan;
mod pools;
#[cfg(test)]
mod testing;

pub use allocation::{Allocation, Bounds, allocate};
pub use hop::PlannedHop;
pub use plan::SwapPlan;
pub use pools::{PoolReader, PoolSnapshot};
