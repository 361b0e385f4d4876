//! The domain: orders, their events and states, quotes, routes, tokens and amounts.
//!
//! Architecture invariants: no I/O, no clock, no async, no float. Amounts are integers of a token's
//! smallest unit; each operation on them is checked and names its rounding. The only way an order's
//! state changes is [`order::Order::apply`]; the only place that decides what follows is
//! [`order::Order::next_step`].

#![cfg_attr(not(test), deny(clippy::float_arithmetic, clippy::arithmetic_side_effects))]

mod account;
mod address;
pub mod amount;
pub mod decimal;
mod derived;
mod environment;
pub mod failure;
mod fraction;
mod input_buffer;
mod name;
pub mod order;
mod policy;
pub mod quote;
pub mod route;
mod scope;
mod slippage;
pub mod token;
mod usd;
mod venue;

pub use account::{AccountId, InvalidAccountId};
pub use address::{AccountAddress, InvalidAddress, Mint, PoolAddress, Signature};
pub use amount::Atoms;
pub use derived::derived_address;
pub use environment::{Environment, MAINNET_GENESIS_HASH};
pub use failure::Failure;
pub use fraction::Fraction;
pub use input_buffer::{InputBuffer, InvalidInputBuffer};
pub use name::UnknownName;
pub use order::Order;
pub use policy::AccountPolicy;
pub use quote::Quote;
pub use route::Route;
pub use scope::Scope;
pub use slippage::{InvalidSlippage, Slippage};
pub use solana_pubkey::Pubkey;
pub use token::Token;
pub use usd::UsdMicros;
pub use venue::{Dex, Venue};

/// A moment, always in UTC. It comes in as an argument or from the database, never from this crate.
pub type Timestamp = chrono::DateTime<chrono::Utc>;
