//! The pool programs through the public interface: recorded cases, properties, wire forms.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod accounts;
mod cases;
mod instructions;
mod meteora_damm_v1;
mod meteora_damm_v2;
mod meteora_dlmm;
mod orca_whirlpool;
mod properties;
mod raydium_amm_v4;
mod raydium_clmm;
mod raydium_cpmm;
mod recorded;
mod tokens;
mod vectors;
