//! The whole engine as real processes, and the clients that a test drives it with.
//!
//! Architecture invariants: it knows the engine as its users do, by HTTP, WebSocket, gRPC and the
//! cluster's JSON-RPC, and by no other crates of ours than the words of `order-core` and the contract of
//! `proto`. Every engine has its own database, queue, Redis, cluster and ports, so tests run side by side.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod cluster;
pub mod conversation;
mod engine;
mod gateway;
mod nodes;
mod proxy;
mod random;
mod senders;
mod times;
mod updates;

pub use cluster::{Cluster, Wallet, write_other_keypair};
pub use engine::{Engine, Part, eventually, setting};
pub use gateway::{Answer, Gateway, http, is_terminal, market_order};
pub use nodes::Nodes;
pub use proxy::{Ailment, Proxy};
pub use random::Random;
pub use senders::{Form, Sender};
pub use times::Times;
pub use updates::Updates;
