//! Where the fields of a pool's account are.

#![expect(missing_docs, reason = "each is named for the program's field")]

pub const CLIFF_FEE_NUMERATOR: usize = 8;
pub const BASE_FEE_MODE: usize = 16;
pub const BASE_FEE_STEPS: usize = 22;
pub const BASE_FEE_SECOND: usize = 24;
pub const BASE_FEE_SECOND_HIGH: usize = 28;
pub const BASE_FEE_THIRD: usize = 32;
pub const PROTOCOL_FEE_PERCENT: usize = 48;
pub const DYNAMIC_FEE_INITIALIZED: usize = 56;
pub const VARIABLE_FEE_CONTROL: usize = 68;
pub const BIN_STEP: usize = 72;
pub const VOLATILITY_ACCUMULATOR: usize = 120;
pub const INIT_SQRT_PRICE: usize = 152;
pub const MINTS: [usize; 2] = [168, 200];
pub const VAULTS: [usize; 2] = [232, 264];
pub const LIQUIDITY: usize = 360;
pub const PROTOCOL_FEES: [usize; 2] = [392, 400];
pub const SQRT_MIN_PRICE: usize = 424;
pub const SQRT_MAX_PRICE: usize = 440;
pub const SQRT_PRICE: usize = 456;
pub const ACTIVATION_POINT: usize = 472;
pub const ACTIVATION_TYPE: usize = 480;
pub const POOL_STATUS: usize = 481;
pub const TOKEN_FLAGS: [usize; 2] = [482, 483];
pub const COLLECT_FEE_MODE: usize = 484;
pub const FEE_VERSION: usize = 486;
