//! Liquidity that is spread over ranges of prices: a swap walks from one range's end to the next.
//!
//! Raydium CLMM and Orca Whirlpool share every step of it. What differs is their table of prices, and
//! which ticks their programs find: both come in as `Stop`s.

mod arrays;
mod order;
mod place;
mod reserves;
mod step;
mod volatility;
mod walk;

pub(crate) use arrays::{TickArrayAddress, TickArrays};
pub use place::{Place, TICK_MAX};
pub(crate) use place::{Stop, tick_between};
pub(crate) use reserves::reserves;
pub use reserves::{Rounding, amount_a, amount_b};
pub(crate) use step::{FeeSide, RATE_ONE};
pub(crate) use volatility::{GroupRules, GrowingFee, Volatility, VolatilitySettings};
pub(crate) use walk::{Beyond, Share, TickSwap, Walked, walk};
