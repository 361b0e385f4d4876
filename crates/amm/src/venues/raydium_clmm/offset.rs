//! Places of the fields of a pool's account.

#![expect(missing_docs, reason = "each is named for the program's field")]

pub const BUMP: usize = 8;
pub const CONFIG: usize = 9;
pub const MINTS: [usize; 2] = [73, 105];
pub const VAULTS: [usize; 2] = [137, 169];
pub const OBSERVATION: usize = 201;
pub const DECIMALS: [usize; 2] = [233, 234];
pub const TICK_SPACING: usize = 235;
pub const LIQUIDITY: usize = 237;
pub const SQRT_PRICE: usize = 253;
pub const TICK: usize = 269;
pub const PROTOCOL_FEES: [usize; 2] = [309, 317];
pub const STATUS: usize = 389;
pub const FEE_ON: usize = 390;
pub const BITMAP: usize = 904;
pub const FUND_FEES: [usize; 2] = [1064, 1072];
pub const OPEN_TIME: usize = 1080;
pub const DYNAMIC_FEE: usize = 1096;
