//! The chain as the engine sees it: a thin Solana JSON-RPC and PubSub client, the wallet, how a
//! swap becomes a transaction, and what the chain says of a signature.
//!
//! Architecture invariants: only this crate speaks to nodes and only [`Wallet`] holds the secret key,
//! which never leaves it, or asks the signer that has it. An error of a node is never read as "not found": whether a transaction can
//! still land is decided by the finalized chain alone, in [`landing`]. No float, no wall clock, no
//! retry of anything but the same bytes.

#![cfg_attr(not(test), deny(clippy::float_arithmetic))]

mod client;
mod error;
mod failure;
mod fill;
pub mod finality;
mod formats;
mod health;
pub mod landing;
mod lookup_tables;
mod marker;
mod metrics;
mod occupant;
mod past;
mod permission;
pub mod pubsub;
mod reclaim;
mod rpc;
#[cfg(test)]
mod scripted;
mod senders;
mod tip;
pub mod transaction;
mod wallet;
mod wire;

pub use client::{
    Blockhash, Client, Commitment, EpochInfo, LandedTransaction, NotTaken, Scan, SignatureStatus, Simulation,
    Snapshot, Statuses,
};
pub use error::Error;
pub use failure::{Explain, TransactionFailure};
pub use fill::{Balances, InvalidBalances, TokenBalance, Trade};
pub use formats::{AllowedFormats, Formats, VERSION_1_FEATURE};
pub use lookup_tables::{ChangeError, InvalidTables, LookupTables};
pub use marker::{MARKER_LENGTH, SEED_LENGTH};
pub use occupant::Occupant;
pub use past::PastTransaction;
pub use permission::{NotPermitted, Permission, is_mainnet};
pub use reclaim::{RECLAIMED_AT_ONCE, ReclaimError};
pub use senders::{InvalidSenders, Receipt, SENDERS_MAX, SenderForm, SenderKeys, SenderPlace};
pub use solana_account::Account;
pub use solana_hash::Hash;
pub use solana_instruction::Instruction;
pub use solana_message::AddressLookupTableAccount as LookupTable;
pub use wallet::{InvalidFile, InvalidSigner, InvalidWallet, SignerError, Wallet};
