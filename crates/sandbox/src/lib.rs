//! A local Solana cluster in one process: JSON-RPC and PubSub over an in-process VM, with seeded
//! pools whose programs are built in.
//!
//! Architecture invariants: nobody but this crate knows that the cluster is not a real one; it is
//! reached by the network only. What an account is at a commitment, which blockhashes are valid,
//! and what has landed follow the rules of real clusters. The ledger file is written before the
//! cluster answers, so that it can testify against everybody else.

mod admin;
mod cluster;
mod genesis;
mod node;
mod pools;
mod prices;
mod programs;
mod pubsub;
mod rpc;
mod server;
mod token;
mod wallet;

pub use programs::ProgramFile;
pub use server::{Configuration, Server, bind};

pub(crate) use server::App;
