//! A folder for each venue: how its program reads instructions, how it fails, and how its pools are made.

pub(crate) mod meteora_damm_v1;
pub(crate) mod meteora_damm_v2;
pub(crate) mod meteora_dlmm;
pub(crate) mod orca_whirlpool;
pub(crate) mod pump_swap;
pub(crate) mod raydium_amm_v4;
pub(crate) mod raydium_clmm;
pub(crate) mod raydium_cpmm;
