//! The router: follows the pools of a cluster, and quotes the best price over them by gRPC.
//!
//! Architecture invariants: a market is built from the accounts of one call, never of two, so that
//! its reserves, its clock and its fees agree. What is quoted is no older than the configured limit:
//! a node that is silent, or stands still, makes the router refuse, not guess. Choosing a route is a
//! pure function of a book and a request. The router holds no key and sends no transaction.

mod book;
mod configuration;
mod follow;
mod formats;
mod grpc;
mod incoming;
mod metrics;
mod routing;
mod server;
mod snapshot;
#[cfg(test)]
mod testing;

pub use configuration::Configuration;
pub use server::Router;
pub use snapshot::Snapshot;
