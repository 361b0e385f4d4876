//! Emulation of the pool programs: decoding of their instructions, execution of swaps, and pools to begin with.
//!
//! Architecture invariants: only the local cluster and tests use this crate. Layouts, account orders and maths
//! come from `amm`; only accounts that no client reads are laid out here. No bytes of a transaction can panic
//! here. Imports point down: `program` describes an emulated program, `venues` implements it, `registry`
//! lists them.

#![cfg_attr(not(test), deny(clippy::float_arithmetic, clippy::arithmetic_side_effects))]

mod anchor;
mod bytes;
mod execution;
mod full_range;
mod instruction;
mod program;
mod registry;
mod root;
mod seed;
pub mod token;
mod venues;

pub use execution::Execution;
pub use instruction::SwapInstruction;
pub use registry::{execute, seed, swap};
pub use seed::{Seed, SeedError, Seeded, SeededAccount, SeededVault};
pub use venues::meteora_damm_v1::{VaultAccounts, VaultCall, VaultChange};
pub use venues::pump_swap::VolumeAccount;
