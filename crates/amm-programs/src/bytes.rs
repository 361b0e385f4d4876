//! Fields in the bytes of an account.

use amm::{FieldValue, FieldWrite};

/// Puts bytes at their offset; false, and nothing is done, if they do not fit.
pub(crate) fn put(data: &mut [u8], offset: usize, bytes: &[u8]) -> bool {
    match data.get_mut(offset..offset.saturating_add(bytes.len())) {
        None => false,
        Some(target) => {
            target.copy_from_slice(bytes);
            true
        }
    }
}

/// Changes a field of an account; false, and nothing is done, if the account is too short.
pub(crate) fn apply(write: &FieldWrite, data: &mut [u8]) -> bool {
    match write.value {
        FieldValue::I32(value) => put(data, write.offset, &value.to_le_bytes()),
        FieldValue::U32(value) => put(data, write.offset, &value.to_le_bytes()),
        FieldValue::U64(value) => put(data, write.offset, &value.to_le_bytes()),
        FieldValue::U128(value) => put(data, write.offset, &value.to_le_bytes()),
    }
}
