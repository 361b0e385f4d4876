use order_core::{Mint, Pubkey};
use solana_account::Account;

/// Why an account is not what it should be, or cannot be traded on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No known pool program owns the account.
    #[error("account {address} is owned by {owner}, which is no supported pool program")]
    UnknownProgram {
        /// The account.
        address: Pubkey,
        /// Its owner.
        owner: Pubkey,
    },
    /// The account does not exist, or was not given.
    #[error("account {address} is missing")]
    Missing {
        /// The account.
        address: Pubkey,
    },
    /// Another program than the expected one owns the account.
    #[error("account {address} is owned by {owner}, not by {expected}")]
    WrongOwner {
        /// The account.
        address: Pubkey,
        /// Its owner.
        owner: Pubkey,
        /// Who should own it.
        expected: Pubkey,
    },
    /// The account has fewer bytes than its layout.
    #[error("account {address} has {length} bytes, its layout needs {needed}")]
    TooShort {
        /// The account.
        address: Pubkey,
        /// Length of its bytes.
        length: usize,
        /// Length of its layout.
        needed: usize,
    },
    /// The first bytes name another type of account.
    #[error("account {address} is not {expected}")]
    WrongType {
        /// The account.
        address: Pubkey,
        /// Type that it should be of.
        expected: &'static str,
    },
    /// The account contradicts itself or the pool it belongs to.
    #[error("account {address} is inconsistent: {reason}")]
    Inconsistent {
        /// The account.
        address: Pubkey,
        /// The contradiction.
        reason: &'static str,
    },
    /// The account is sound, but has a feature that this engine does not quote.
    #[error("account {address} is not supported: {reason}")]
    Unsupported {
        /// The account.
        address: Pubkey,
        /// The feature that is not supported.
        reason: String,
    },
}

/// The first eight bytes by which Anchor programs tell their accounts and instructions apart.
pub type Discriminator = [u8; 8];

/// Refuses an account of another program: several programs share discriminators and lengths.
pub(crate) fn require_owner(address: Pubkey, account: &Account, expected: Pubkey) -> Result<(), DecodeError> {
    if account.owner == expected {
        Ok(())
    } else {
        Err(DecodeError::WrongOwner { address, owner: account.owner, expected })
    }
}

/// An account that the cluster does not have. Lookups give it for an address that was read and has no account; they
/// give nothing for an address that was not read.
pub static ABSENT: Account =
    Account { lamports: 0, data: Vec::new(), owner: SYSTEM_PROGRAM, executable: false, rent_epoch: 0 };

/// Owner of the addresses that no program has taken.
const SYSTEM_PROGRAM: Pubkey = Pubkey::new_from_array([0; 32]);

/// True if no program has made an account at the address: it is absent, or somebody has only sent lamports to it.
pub(crate) fn is_vacant(account: &Account) -> bool {
    account.owner == SYSTEM_PROGRAM && account.data.is_empty()
}

/// An account of a snapshot that must be there.
pub(crate) fn existing<'account>(
    address: Pubkey,
    accounts: Lookup<'_, 'account>,
) -> Result<&'account Account, DecodeError> {
    accounts(&address).filter(|account| **account != ABSENT).ok_or(DecodeError::Missing { address })
}

/// Finds an account of a snapshot: nothing if it was not read, [`ABSENT`] or nothing if it does not exist.
pub(crate) type Lookup<'lookup, 'account> = &'lookup dyn Fn(&Pubkey) -> Option<&'account Account>;

/// Little-endian fields at fixed offsets of an account's bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    address: Pubkey,
    data: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The bytes of an account that has at least `needed` of them.
    pub(crate) fn new(address: Pubkey, data: &'a [u8], needed: usize) -> Result<Self, DecodeError> {
        if data.len() < needed {
            return Err(DecodeError::TooShort { address, length: data.len(), needed });
        }
        Ok(Self { address, data })
    }

    /// The bytes of an Anchor account named `expected` in messages.
    pub(crate) fn anchor(
        address: Pubkey,
        data: &'a [u8],
        needed: usize,
        discriminator: Discriminator,
        expected: &'static str,
    ) -> Result<Self, DecodeError> {
        let fields = Self::new(address, data, needed)?;
        if data.starts_with(&discriminator) {
            Ok(fields)
        } else {
            Err(DecodeError::WrongType { address, expected })
        }
    }

    pub(crate) fn u8(&self, offset: usize) -> Result<u8, DecodeError> {
        self.bytes(offset).map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&self, offset: usize) -> Result<u16, DecodeError> {
        self.bytes(offset).map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&self, offset: usize) -> Result<u32, DecodeError> {
        self.bytes(offset).map(u32::from_le_bytes)
    }

    pub(crate) fn i32(&self, offset: usize) -> Result<i32, DecodeError> {
        self.bytes(offset).map(i32::from_le_bytes)
    }

    pub(crate) fn u64(&self, offset: usize) -> Result<u64, DecodeError> {
        self.bytes(offset).map(u64::from_le_bytes)
    }

    pub(crate) fn i64(&self, offset: usize) -> Result<i64, DecodeError> {
        self.bytes(offset).map(i64::from_le_bytes)
    }

    pub(crate) fn u128(&self, offset: usize) -> Result<u128, DecodeError> {
        self.bytes(offset).map(u128::from_le_bytes)
    }

    pub(crate) fn pubkey(&self, offset: usize) -> Result<Pubkey, DecodeError> {
        self.bytes(offset).map(Pubkey::new_from_array)
    }

    /// One for each of the pool's tokens.
    pub(crate) fn u64s(&self, [first, second]: [usize; 2]) -> Result<[u64; 2], DecodeError> {
        Ok([self.u64(first)?, self.u64(second)?])
    }

    /// One for each of the pool's tokens.
    pub(crate) fn pubkeys(&self, [first, second]: [usize; 2]) -> Result<[Pubkey; 2], DecodeError> {
        Ok([self.pubkey(first)?, self.pubkey(second)?])
    }

    /// The pool's tokens.
    pub(crate) fn mints(&self, offsets: [usize; 2]) -> Result<[Mint; 2], DecodeError> {
        Ok(self.pubkeys(offsets)?.map(Mint::from))
    }

    pub(crate) fn bytes<const N: usize>(&self, offset: usize) -> Result<[u8; N], DecodeError> {
        let needed = offset.saturating_add(N);
        self.data.get(offset..needed).and_then(|bytes| bytes.try_into().ok()).ok_or(DecodeError::TooShort {
            address: self.address,
            length: self.data.len(),
            needed,
        })
    }
}
