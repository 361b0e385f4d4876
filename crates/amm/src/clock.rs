use crate::account::{DecodeError, Fields};
use order_core::Pubkey;
use solana_account::Account;

/// The address of the clock sysvar: read it in the same call as the pools, so that they agree.
pub const CLOCK_ADDRESS: Pubkey = Pubkey::from_str_const("SysvarC1ock11111111111111111111111111111111");

const LENGTH: usize = 40;

/// The cluster's own time at one snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Clock {
    /// The slot.
    pub slot: u64,
    /// The epoch, which decides between a token's older and newer transfer fee.
    pub epoch: u64,
    /// Seconds since 1970, as the validators vote them.
    pub unix_timestamp: i64,
}

impl Clock {
    /// Reads the sysvar's account.
    ///
    /// # Errors
    /// The account has fewer than 40 bytes.
    pub fn decode(account: &Account) -> Result<Self, DecodeError> {
        let fields = Fields::new(CLOCK_ADDRESS, &account.data, LENGTH)?;
        Ok(Self { slot: fields.u64(0)?, epoch: fields.u64(16)?, unix_timestamp: fields.i64(32)? })
    }
}
