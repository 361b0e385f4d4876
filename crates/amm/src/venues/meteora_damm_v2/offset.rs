//! Where the fields of a pool's account are.

pub(super) const CLIFF_FEE_NUMERATOR: usize = 8;
pub(super) const BASE_FEE_MODE: usize = 16;
pub(super) const BASE_FEE_STEPS: usize = 22;
pub(super) const BASE_FEE_SECOND: usize = 24;
pub(super) const BASE_FEE_SECOND_HIGH: usize = 28;
pub(super) const BASE_FEE_THIRD: usize = 32;
pub(super) const PROTOCOL_FEE_PERCENT: usize = 48;
pub(super) const DYNAMIC_FEE_INITIALIZED: usize = 56;
pub(super) const VARIABLE_FEE_CONTROL: usize = 68;
pub(super) const BIN_STEP: usize = 72;
pub(super) const VOLATILITY_ACCUMULATOR: usize = 120;
pub(super) const INIT_SQRT_PRICE: usize = 152;
pub(super) const MINTS: [usize; 2] = [168, 200];
pub(super) const VAULTS: [usize; 2] = [232, 264];
pub(super) const LIQUIDITY: usize = 360;
pub(super) const PROTOCOL_FEES: [usize; 2] = [392, 400];
pub(super) const SQRT_MIN_PRICE: usize = 424;
pub(super) const SQRT_MAX_PRICE: usize = 440;
pub(super) const SQRT_PRICE: usize = 456;
pub(super) const ACTIVATION_POINT: usize = 472;
pub(super) const ACTIVATION_TYPE: usize = 480;
pub(super) const POOL_STATUS: usize = 481;
pub(super) const TOKEN_FLAGS: [usize; 2] = [482, 483];
pub(super) const COLLECT_FEE_MODE: usize = 484;
pub(super) const FEE_VERSION: usize = 486;
