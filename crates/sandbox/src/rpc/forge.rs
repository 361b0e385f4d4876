//! Transactions that landed, as nodes that lie tell of them.

use crate::cluster::{Balances, Landed, Status};
use crate::faults::Forgery;
use solana_instruction::error::InstructionError;
use solana_transaction_error::TransactionError;

/// All of an amount, in ten-thousandths.
const ALL_BPS: u64 = 10_000;

/// The code that a made-up revert has.
const CUSTOM: u32 = 6_000;

/// A status that tells a transaction as reverted.
pub(super) fn status(status: &Status) -> Status {
    Status { error: Some(error(0)), ..status.clone() }
}

/// A transaction told as reverted: it has moved nothing but its fee.
pub(super) fn reverted(landed: &Landed) -> Landed {
    let [before, _] = &landed.balances;
    let mut after = before.clone();
    if let Some(payer) = after.lamports.first_mut() {
        *payer = payer.saturating_sub(landed.fee);
    }
    let error = Some(error(0));
    Landed { error, balances: [before.clone(), after], ..landed.clone() }
}

/// A transaction told with other amounts than its payer has spent and received.
pub(super) fn filled(landed: &Landed, forgery: Forgery) -> Landed {
    let [before, after] = &landed.balances;
    let payer = landed.accounts.addresses.first();
    let mut told = after.clone();
    for balance in told.tokens.iter_mut().filter(|balance| Some(&balance.holding.owner) == payer) {
        let held = tokens(before, balance.index);
        balance.holding.amount = forge(held, balance.holding.amount, forgery);
    }
    if let (Some(held), Some(holds)) = (before.lamports.first(), told.lamports.first_mut()) {
        // The fee is told apart, and is the true one.
        let held = held.saturating_sub(landed.fee);
        *holds = forge(held, *holds, forgery);
    }
    Landed { balances: [before.clone(), told], ..landed.clone() }
}

/// The same error for the status and the transaction.
fn error(instruction: u8) -> TransactionError {
    TransactionError::InstructionError(instruction, InstructionError::Custom(CUSTOM))
}

fn tokens(balances: &Balances, index: usize) -> u64 {
    let held = balances.tokens.iter().find(|balance| balance.index == index);
    held.map_or(0, |balance| balance.holding.amount)
}

/// A balance after a transaction, with less received or more spent.
fn forge(before: u64, after: u64, forgery: Forgery) -> u64 {
    let part = |amount: u64, bps: u16| {
        amount / ALL_BPS * u64::from(bps) + amount % ALL_BPS * u64::from(bps) / ALL_BPS
    };
    match after.checked_sub(before) {
        Some(received) => after.saturating_sub(part(received, forgery.less_output_bps)),
        None => after.saturating_sub(part(before.saturating_sub(after), forgery.more_input_bps)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_is_received_and_more_is_spent() {
        let forgery = Forgery { less_output_bps: 100, more_input_bps: 1_000 };
        assert_eq!(forge(50, 1_050, forgery), 1_040);
        assert_eq!(forge(5_000, 4_000, forgery), 3_900);
        assert_eq!(forge(7, 7, forgery), 7);
        let honest = Forgery { less_output_bps: 0, more_input_bps: 0 };
        assert_eq!((forge(1, 9, honest), forge(9, 1, honest)), (9, 1));
    }
}
