//! Changes of a pool's accounts by a swap. Only the maths knows them; applying them to bytes is left to who
//! emulates the program.

use order_core::Pubkey;

/// A field of an account that a swap changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldWrite {
    /// The account.
    pub account: Pubkey,
    /// Where in its bytes the field begins.
    pub offset: usize,
    /// The field's new value.
    pub value: FieldValue,
}

/// An integer as it is stored, little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldValue {
    /// Four bytes, signed.
    I32(i32),
    /// Four bytes.
    U32(u32),
    /// Eight bytes.
    U64(u64),
    /// Sixteen bytes.
    U128(u128),
}

impl FieldWrite {
    pub(crate) fn i32(account: Pubkey, offset: usize, value: i32) -> Self {
        Self { account, offset, value: FieldValue::I32(value) }
    }

    pub(crate) fn u32(account: Pubkey, offset: usize, value: u32) -> Self {
        Self { account, offset, value: FieldValue::U32(value) }
    }

    pub(crate) fn u64(account: Pubkey, offset: usize, value: u64) -> Self {
        Self { account, offset, value: FieldValue::U64(value) }
    }

    pub(crate) fn u128(account: Pubkey, offset: usize, value: u128) -> Self {
        Self { account, offset, value: FieldValue::U128(value) }
    }
}

/// Collects the changes of the pool's accounts, without the balances of its vaults. A quote ignores them.
#[derive(Debug)]
pub(crate) struct Writes(Option<Vec<FieldWrite>>);

impl Writes {
    pub(crate) fn ignored() -> Self {
        Self(None)
    }

    pub(crate) fn kept() -> Self {
        Self(Some(Vec::new()))
    }

    pub(crate) fn are_kept(&self) -> bool {
        self.0.is_some()
    }

    /// Puts them at the end if they are kept.
    pub(crate) fn add<const N: usize>(&mut self, writes: impl FnOnce() -> [FieldWrite; N]) {
        if let Some(kept) = &mut self.0 {
            kept.extend(writes());
        }
    }

    pub(crate) fn into_list(self) -> Vec<FieldWrite> {
        self.0.unwrap_or_default()
    }
}
