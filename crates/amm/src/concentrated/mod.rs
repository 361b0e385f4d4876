//! Liquidity that is spread over ranges of prices: a swap walks from one range's end to the next.
//!
//! Raydium CLMM and Orca Whirlpool share every step of it. What differs is their table of prices, and
//! which ticks their programs find: both come in as [`Stop`]s.

mod arrays;
mod full_range;
mod place;
mod reserves;
mod step;
mod walk;

pub(crate) use arrays::{TickArrayAddress, TickArrays};
pub(crate) use full_range::{FullRange, Tick};
pub(crate) use place::{Place, Stop, TICK_MAX, tick_between};
pub(crate) use reserves::reserves;
pub(crate) use step::RATE_ONE;
pub(crate) use walk::{Share, TickSwap, Walked, walk};
