//! Version 1 of transactions: whether the cluster takes it stands in the account of its feature, as on real clusters.

use super::bank::Bank;
use crate::token;
use solana_account::{AccountSharedData, ReadableAccount as _};
use solana_message::VersionedMessage;
use solana_pubkey::Pubkey;
use solana_transaction::versioned::VersionedTransaction;

/// The owner of the accounts of features.
pub(crate) const FEATURE_PROGRAM: Pubkey =
    Pubkey::from_str_const("Feature111111111111111111111111111111111111");

/// The feature's account (SIMD-0385).
const VERSION_1: Pubkey = Pubkey::from_str_const("txv1aq4pp281K9um3tnPgkfX8UqtFT6wcVW3hNezGLL");

/// Has the cluster take version 1 from the block on that was begun, or not any more, which no real cluster does.
///
/// # Errors
/// The account cannot be written, which never happens.
pub(crate) fn set_version_1(bank: &mut Bank, active: bool) -> anyhow::Result<()> {
    let activated = [&[1][..], &bank.clock().slot.to_le_bytes()].concat();
    let account = if active {
        token::account(bank.minimum_balance(activated.len()), activated, FEATURE_PROGRAM)
    } else {
        AccountSharedData::default()
    };
    bank.write(VERSION_1, account)
}

/// True if a transaction is of a version that the cluster takes in the block after a slot.
pub(crate) fn takes(bank: &Bank, transaction: &VersionedTransaction, slot: u64) -> bool {
    match &transaction.message {
        VersionedMessage::Legacy(_) | VersionedMessage::V0(_) => true,
        VersionedMessage::V1(_) => {
            bank.account_at(&VERSION_1, slot).is_some_and(|account| account.lamports() > 0)
        }
    }
}
