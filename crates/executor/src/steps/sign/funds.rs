//! The funds that a transaction may take from its wallet.

use super::ground::Ground;
use crate::guard::Funds;
use chain::transaction::{self, Draft};
use journal::Need;
use order_core::failure::Code;
use order_core::token::NATIVE_MINT;
use order_core::{Atoms, Failure, Pubkey};

/// The fee of a transaction's single signature, in lamports.
const SIGNATURE_FEE: Atoms = Atoms::new(5_000);

/// The most that the transaction takes: of the token that it spends, and of lamports for its fees, its tip, its marker and
/// the accounts that it may have to create. The balances are those of the survey.
pub(super) fn needed(draft: &Draft, ground: &Ground) -> Result<Funds, Failure> {
    let wallet = draft.marker.wallet;
    let balance = |of: Option<u64>| Atoms::new(of.unwrap_or_default());
    let lamports = balance(ground.pools.lamports(&wallet.pubkey()));
    let costs = costs(draft).ok_or_else(out_of_range)?;
    let needs = if draft.token_in.is_native() {
        let amount = costs.checked_add(draft.amount_in).ok_or_else(out_of_range)?;
        vec![Need { mint: NATIVE_MINT, amount, balance: lamports }]
    } else {
        let source: Pubkey = transaction::token_account(&wallet.pubkey(), &draft.token_in, &draft.marker);
        let spent = Need {
            mint: draft.token_in.mint,
            amount: draft.amount_in,
            balance: balance(ground.pools.token_balance(&source)),
        };
        vec![spent, Need { mint: NATIVE_MINT, amount: costs, balance: lamports }]
    };
    Ok(Funds { wallet, needs, slot: ground.pools.slot() })
}

/// Most lamports that the transaction takes besides the amount: an upper bound, as which accounts exist is not asked.
/// None if that is more than there can be.
fn costs(draft: &Draft) -> Option<Atoms> {
    let priority = draft.priority_fee()?;
    // That of the output, those of the intermediates, one for wrapped SOL, and those that pool programs keep for the
    // wallet, which are shorter.
    let kept = amm::trader_accounts(&draft.marker.wallet.pubkey());
    let named = |account: &&Pubkey| {
        let mut named = draft.swaps.iter().flat_map(|swap| &swap.accounts);
        named.any(|meta| meta.pubkey == **account)
    };
    let more = kept.iter().filter(named).count().checked_add(2)?;
    let accounts = u64::try_from(draft.intermediates.len().checked_add(more)?).ok()?;
    let rent = Atoms::new(draft.token_account_rent.get().checked_mul(accounts)?);
    let tip = draft.tip.map_or(Atoms::ZERO, |tip| tip.lamports);
    SIGNATURE_FEE.checked_add(priority)?.checked_add(tip)?.checked_add(rent)?.checked_add(draft.marker_rent)
}

fn out_of_range() -> Failure {
    Failure::new(Code::InsufficientFunds, "the order needs more lamports than there can be")
}
