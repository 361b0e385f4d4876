//! Extensions of Token-2022 mints, and their effect on a plain transfer.

use crate::account::{DecodeError, Fields};
use order_core::Pubkey;

/// Effect of a mint's extension on a plain transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Moves the amount that it says.
    None,
    /// Withholds a fee.
    TransferFee,
    /// Calls a program, unless none is set.
    TransferHook,
    /// Fails while the flag is set.
    Paused,
    /// Fails for new accounts while they begin frozen.
    DefaultState,
    /// Always fails, or has not been checked.
    Refused,
}

/// A mint's extension.
struct Extension {
    kind: u16,
    name: &'static str,
    effect: Effect,
}

const fn extension(kind: u16, name: &'static str, effect: Effect) -> Extension {
    Extension { kind, name, effect }
}

/// Every extension that a mint can have, with its name in the program's source. The pool programs that move tokens of
/// Token-2022 all do it by plain transfers: they differ only in which extensions a new pool may have.
const EXTENSIONS: &[Extension] = &[
    extension(1, "TransferFeeConfig", Effect::TransferFee),
    extension(3, "MintCloseAuthority", Effect::None),
    // Its balances that are encrypted take no part in a plain transfer.
    extension(4, "ConfidentialTransferMint", Effect::None),
    extension(6, "DefaultAccountState", Effect::DefaultState),
    extension(9, "NonTransferable", Effect::Refused),
    extension(10, "InterestBearingConfig", Effect::None),
    extension(12, "PermanentDelegate", Effect::None),
    extension(14, "TransferHook", Effect::TransferHook),
    extension(16, "ConfidentialTransferFeeConfig", Effect::Refused),
    extension(18, "MetadataPointer", Effect::None),
    extension(19, "TokenMetadata", Effect::None),
    extension(20, "GroupPointer", Effect::None),
    extension(21, "TokenGroup", Effect::None),
    extension(22, "GroupMemberPointer", Effect::None),
    extension(23, "TokenGroupMember", Effect::None),
    extension(24, "ConfidentialMintBurn", Effect::Refused),
    extension(25, "ScaledUiAmount", Effect::None),
    extension(26, "Pausable", Effect::Paused),
    extension(28, "PermissionedBurn", Effect::Refused),
];

/// Where the hook's program is in the value of its extension.
const HOOK_PROGRAM: usize = 32;
/// Where the flag is in the value of `Pausable`.
const PAUSED: usize = 32;
/// State of an account that is neither frozen nor uninitialized.
const INITIALIZED: u8 = 1;

/// Refuses a mint for an extension that may stop, redirect or change a plain transfer, as its value is now. Returns the
/// effect of one that does not.
pub(crate) fn effect(
    address: Pubkey,
    fields: Fields<'_>,
    kind: u16,
    value: usize,
) -> Result<Effect, DecodeError> {
    let unsupported = |reason: String| DecodeError::Unsupported { address, reason };
    let known = EXTENSIONS.iter().find(|extension| extension.kind == kind);
    let Some(Extension { name, effect, .. }) = known else {
        return Err(unsupported(format!("the token's extension of type {kind}")));
    };
    let refusal = match effect {
        Effect::None | Effect::TransferFee => None,
        Effect::TransferHook => {
            let program = fields.pubkey(value.saturating_add(HOOK_PROGRAM))?;
            (program != Pubkey::default()).then_some("it runs a program of its own on each transfer")
        }
        Effect::Paused => {
            let paused = fields.u8(value.saturating_add(PAUSED))? != 0;
            paused.then_some("its transfers are paused")
        }
        Effect::DefaultState => {
            let state = fields.u8(value)?;
            (state != INITIALIZED).then_some("its new accounts are frozen")
        }
        Effect::Refused => Some("it stops transfers, or has not been checked"),
    };
    match refusal {
        Some(reason) => Err(unsupported(format!("the token's extension {name}: {reason}"))),
        None => Ok(*effect),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_extension_is_named_once_and_in_order() {
        assert!(EXTENSIONS.is_sorted_by(|one, next| one.kind < next.kind));
    }
}
