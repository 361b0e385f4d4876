//! Takes orders from accepted to ended.
//!
//! Architecture invariants: one loop, in `drive`, moves every order; a first attempt, a
//! retry, a redelivery and the take-over from a dead executor are the same code. What a step comes
//! to is recorded before anything is done on its strength: above all, no byte of a transaction is
//! sent before the journal has it. Nothing is decided in memory: an executor may be killed at any
//! instruction, and whoever claims its orders goes on from what was recorded.

mod background;
pub mod check;
mod cluster;
mod configuration;
mod drive;
mod guard;
mod metrics;
mod serve;
mod startup;
mod steps;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod tips;
mod wallets;
mod worker;

pub use configuration::Configuration;
pub use serve::serve;
pub use startup::{Executor, bind};
