//! Takes orders from accepted to ended.
//!
//! Architecture invariants: one loop, in `drive`, moves every order; a first attempt, a
//! retry, a redelivery and the take-over from a dead executor are the same code. What a step comes
//! to is recorded before anything is done on its strength: above all, no byte of a transaction is
//! sent before the journal has it. Nothing is decided in memory: an executor may be killed at any
//! instruction, and whoever claims its orders goes on from what was recorded.

mod cluster;
mod configuration;
mod deadline;
mod drift;
mod drive;
mod executor;
mod fee;
mod finality;
mod guard;
mod land;
mod leases;
pub mod lookup_table;
mod marker;
mod metrics;
mod permits;
mod pools;
mod pull;
mod reclaim;
mod reconcile;
mod report;
mod route;
mod sign;
mod sweep;
mod tally;
mod tend;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use configuration::Configuration;
pub use executor::{Executor, bind, serve};
