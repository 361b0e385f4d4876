//! A folder for each venue: its program's constants, account layouts, maths and swap instruction.

pub(crate) mod meteora_damm_v1;
pub(crate) mod meteora_damm_v2;
pub(crate) mod meteora_dlmm;
pub(crate) mod orca_whirlpool;
pub(crate) mod raydium_amm_v4;
pub(crate) mod raydium_clmm;
pub(crate) mod raydium_cpmm;
