//! Execution of a swap: the checks of its accounts, and the changes that it makes.

use crate::bytes::apply;
use crate::instruction::SwapInstruction;
use amm::program_error::{CONSTRAINT_ADDRESS, TOKEN_MINT_MISMATCH};
use amm::{DecodeError, FieldWrite, Limit, Market, Swapped, Trader};
use order_core::{Atoms, Mint, Pubkey};

/// A swap that a program has executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// Tokens to transfer.
    pub swapped: Swapped,
    pub(crate) writes: Vec<FieldWrite>,
}

impl Execution {
    /// The accounts whose bytes the program changes, each once.
    pub fn changed(&self) -> Vec<Pubkey> {
        let mut changed: Vec<Pubkey> = self.writes.iter().map(|write| write.account).collect();
        changed.sort_unstable();
        changed.dedup();
        changed
    }

    /// Changes the bytes of one account as the program does.
    ///
    /// # Errors
    /// The bytes are too short to be this account's.
    pub fn apply(&self, account: &Pubkey, data: &mut [u8]) -> Result<(), DecodeError> {
        let length = data.len();
        for write in self.writes.iter().filter(|write| write.account == *account) {
            if !apply(write, data) {
                return Err(DecodeError::TooShort { address: *account, length, needed: write.offset });
            }
        }
        Ok(())
    }
}

/// Refuses an instruction whose accounts are not the pool's.
///
/// # Errors
/// The custom error code with which the program fails.
pub(crate) fn check_accounts(
    market: &Market,
    instruction: &SwapInstruction,
    mint_in: Mint,
) -> Result<(), u32> {
    if instruction.mint_in.is_some_and(|named| named != mint_in) {
        return Err(TOKEN_MINT_MISMATCH);
    }
    let SwapInstruction { owner, source, destination, .. } = *instruction;
    let trader = Trader { owner, source, destination };
    // The fixed accounts follow from the pool, the trader and the direction, whatever the amounts are.
    let limit = Limit::ExactIn { amount_in: Atoms::new(1), min_out: Atoms::new(1) };
    let ours = market.instruction(&trader, mint_in, limit).map_err(|_| CONSTRAINT_ADDRESS)?;
    let ours = ours.accounts.iter().map(|meta| &meta.pubkey);
    let fits = ours.take(instruction.fixed_accounts.len()).eq(&instruction.fixed_accounts);
    if fits { Ok(()) } else { Err(CONSTRAINT_ADDRESS) }
}
