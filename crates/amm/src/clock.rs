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

    /// The timestamp where a program has it without a sign.
    pub(crate) fn seconds(self) -> u64 {
        u64::try_from(self.unix_timestamp).unwrap_or(0)
    }

    /// The time in a unit that a pool has chosen.
    pub(crate) fn in_unit(self, unit: TimeUnit) -> u64 {
        match unit {
            TimeUnit::Slot => self.slot,
            TimeUnit::Second => self.seconds(),
        }
    }
}

/// Unit of time of a pool of Meteora's programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeUnit {
    Slot,
    /// Since 1970.
    Second,
}

impl TimeUnit {
    /// Reads a pool's activation type.
    pub(crate) fn decode(address: Pubkey, activation_type: u8) -> Result<Self, DecodeError> {
        match activation_type {
            0 => Ok(Self::Slot),
            1 => Ok(Self::Second),
            other => Err(DecodeError::Unsupported { address, reason: format!("activation type {other}") }),
        }
    }
}
