//! A folder for each venue: its program's constants, account layouts, maths and swap instruction.

pub mod meteora_damm_v1;
pub mod meteora_damm_v2;
pub mod meteora_dlmm;
pub mod orca_whirlpool;
pub mod pump_swap;
pub mod raydium_amm_v4;
pub mod raydium_clmm;
pub mod raydium_cpmm;
