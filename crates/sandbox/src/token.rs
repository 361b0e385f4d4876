//! Mints and token accounts, as their programs lay them out.

use amm::token::{
    ACCOUNT_LENGTH, EXTENDED_TYPE, EXTENDED_TYPE_ACCOUNT, EXTENDED_TYPE_MINT, MINT_LENGTH,
    TRANSFER_FEE_AMOUNT, TRANSFER_FEE_CONFIG, account_offset, mint_offset, transfer_fee_offset,
};
use amm::{TransferFee, token_program_id};
use amm_programs::token::{account_data, mint_data};
use order_core::Atoms;
use order_core::token::Program;
use solana_account::{Account, AccountSharedData, ReadableAccount as _};
use solana_instruction::{AccountMeta, Instruction};
use solana_pubkey::Pubkey;

/// The original token program.
pub(crate) const SPL_TOKEN: Pubkey = token_program_id(Program::SplToken);
/// The token program with extensions.
pub(crate) const TOKEN_2022: Pubkey = token_program_id(Program::Token2022);

/// Bytes of a mint without extensions.
pub(crate) const MINT_BYTES: usize = MINT_LENGTH;
/// Bytes of a mint whose transfers cost a fee.
pub(crate) const TAXED_MINT_BYTES: usize = 278;
/// Bytes of a token account without extensions.
pub(crate) const HOLDING_BYTES: usize = ACCOUNT_LENGTH;
/// Bytes of a token account that may be sent tokens whose transfers cost a fee.
pub(crate) const TAXED_HOLDING_BYTES: usize = 178;

/// The tags of the instructions that change a supply.
const MINT_TO: u8 = 7;
const BURN: u8 = 8;

/// The contents of a token account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holding {
    /// Of which token.
    pub(crate) mint: Pubkey,
    /// Whose.
    pub(crate) owner: Pubkey,
    /// How much, in atoms.
    pub(crate) amount: u64,
}

impl Holding {
    /// Reads a token account; None if it is not one, or not initialised.
    pub(crate) fn decode(account: &AccountSharedData) -> Option<Self> {
        let data = account.data();
        let sized = match *account.owner() {
            SPL_TOKEN => data.len() == HOLDING_BYTES,
            TOKEN_2022 => {
                data.len() == HOLDING_BYTES || data.get(EXTENDED_TYPE) == Some(&EXTENDED_TYPE_ACCOUNT)
            }
            _ => false,
        };
        if !sized || *data.get(account_offset::STATE)? == 0 {
            return None;
        }
        Some(Self {
            mint: Pubkey::new_from_array(field(data, account_offset::MINT)?),
            owner: Pubkey::new_from_array(field(data, account_offset::OWNER)?),
            amount: u64::from_le_bytes(field(data, account_offset::AMOUNT)?),
        })
    }

    /// A token account of the original program. One of wrapped SOL says how many of its lamports
    /// are rent.
    pub(crate) fn encode(&self, rent: u64, native: bool) -> AccountSharedData {
        let data = account_data(self.mint, self.owner, self.amount, native.then_some(rent));
        let lamports = if native { rent.saturating_add(self.amount) } else { rent };
        account(lamports, data, SPL_TOKEN)
    }

    /// A token account of the program with extensions, with room for what is withheld from transfers to it.
    pub(crate) fn encode_taxed(&self, rent: u64) -> AccountSharedData {
        let mut data =
            extended(self.encode(rent, false).data().to_vec(), EXTENDED_TYPE_ACCOUNT, TRANSFER_FEE_AMOUNT);
        data.resize(TAXED_HOLDING_BYTES, 0);
        account(rent, data, TOKEN_2022)
    }
}

/// A field of an account's bytes. None if they end before it.
fn field<const LENGTH: usize>(data: &[u8], offset: usize) -> Option<[u8; LENGTH]> {
    data.get(offset..)?.first_chunk().copied()
}

/// The bytes of an account, up to the value of the one extension that it has.
fn extended(mut data: Vec<u8>, kind: u8, (extension, length): (u16, u16)) -> Vec<u8> {
    data.resize(EXTENDED_TYPE, 0);
    data.push(kind);
    data.extend(extension.to_le_bytes());
    data.extend(length.to_le_bytes());
    data
}

/// A token account with another amount, and the lamports that belong to it if it is wrapped SOL.
pub(crate) fn with_amount(account: &AccountSharedData, amount: u64) -> Option<AccountSharedData> {
    let mut data = account.data().to_vec();
    *data.get_mut(account_offset::AMOUNT..)?.first_chunk_mut()? = amount.to_le_bytes();
    let native = u32::from_le_bytes(field(&data, account_offset::IS_NATIVE)?) == 1;
    let rent = u64::from_le_bytes(field(&data, account_offset::NATIVE_RENT)?);
    let lamports = if native { rent.checked_add(amount)? } else { account.lamports() };
    Some(self::account(lamports, data, *account.owner()))
}

/// A mint of the original program without any authority.
pub(crate) fn mint(decimals: u8, supply: u64, rent: u64) -> AccountSharedData {
    account(rent, mint_data(None, supply, decimals), SPL_TOKEN)
}

/// A mint of the program with extensions, without any authority, each of whose transfers costs a fee.
pub(crate) fn taxed_mint(decimals: u8, supply: u64, fee: TransferFee, rent: u64) -> AccountSharedData {
    let mut data =
        extended(mint(decimals, supply, rent).data().to_vec(), EXTENDED_TYPE_MINT, TRANSFER_FEE_CONFIG);
    // Nobody may change the fee or take what is withheld, and nothing is yet.
    data.resize(data.len().saturating_add(transfer_fee_offset::FEES[0]), 0);
    // The same before and from the first epoch on.
    for _ in 0..2 {
        data.extend(0_u64.to_le_bytes());
        data.extend(fee.maximum.to_le_bytes());
        data.extend(fee.basis_points.to_le_bytes());
    }
    account(rent, data, TOKEN_2022)
}

/// A mint with `minted` more in existence; None if it is not one, or of more than 64 bits.
pub(crate) fn with_more_supply(account: &AccountSharedData, minted: u64) -> Option<AccountSharedData> {
    let mut data = account.data().to_vec();
    let supply = data.get_mut(mint_offset::SUPPLY..)?.first_chunk_mut()?;
    *supply = u64::from_le_bytes(*supply).checked_add(minted)?.to_le_bytes();
    Some(self::account(account.lamports(), data, *account.owner()))
}

/// How much exists of a mint; None if it is not one.
pub(crate) fn supply(account: &AccountSharedData) -> Option<u64> {
    decimals(account)?;
    field(account.data(), mint_offset::SUPPLY).map(u64::from_le_bytes)
}

/// The instruction that makes tokens of the original program.
pub(crate) fn mint_to(mint: Pubkey, account: Pubkey, authority: Pubkey, amount: Atoms) -> Instruction {
    let accounts = [AccountMeta::new(mint, false), AccountMeta::new(account, false)];
    change_of_supply(MINT_TO, accounts, authority, amount)
}

/// The instruction that destroys tokens of the original program.
pub(crate) fn burn(account: Pubkey, mint: Pubkey, owner: Pubkey, amount: Atoms) -> Instruction {
    let accounts = [AccountMeta::new(account, false), AccountMeta::new(mint, false)];
    change_of_supply(BURN, accounts, owner, amount)
}

fn change_of_supply(tag: u8, accounts: [AccountMeta; 2], signer: Pubkey, amount: Atoms) -> Instruction {
    let mut data = vec![tag];
    data.extend(amount.get().to_le_bytes());
    let mut accounts = accounts.to_vec();
    accounts.push(AccountMeta::new_readonly(signer, true));
    Instruction { program_id: SPL_TOKEN, accounts, data }
}

/// The decimals of a mint; None if it is not one.
pub(crate) fn decimals(account: &AccountSharedData) -> Option<u8> {
    let data = account.data();
    let mint =
        matches!(*account.owner(), SPL_TOKEN | TOKEN_2022) && *data.get(mint_offset::INITIALIZED)? == 1;
    if mint { data.get(mint_offset::DECIMALS).copied() } else { None }
}

/// An account that exempts itself from rent for ever, as every new account does.
pub(crate) fn account(lamports: u64, data: Vec<u8>, owner: Pubkey) -> AccountSharedData {
    Account { lamports, data, owner, executable: false, rent_epoch: u64::MAX }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let holding = Holding { mint: Pubkey::new_unique(), owner: Pubkey::new_unique(), amount: 7 };
        let account = holding.encode(2_039_280, true);
        assert_eq!((account.data().len(), account.lamports()), (HOLDING_BYTES, 2_039_287));
        assert_eq!(Holding::decode(&account), Some(holding));
        let more = with_amount(&account, 9).unwrap();
        assert_eq!((Holding::decode(&more).unwrap().amount, more.lamports()), (9, 2_039_289));
        assert_eq!(decimals(&account), None);
        let mint = with_more_supply(&mint(6, 5, 1), 4).unwrap();
        assert_eq!((decimals(&mint), mint.data()[36]), (Some(6), 9));
        let taxed = holding.encode_taxed(2);
        assert_eq!((taxed.data().len(), taxed.lamports()), (TAXED_HOLDING_BYTES, 2));
        assert_eq!(Holding::decode(&taxed), Some(holding));
        let taxed = taxed_mint(6, 5, TransferFee { basis_points: 100, maximum: 7 }, 3);
        assert_eq!(
            (taxed.data().len(), decimals(&taxed), supply(&taxed)),
            (TAXED_MINT_BYTES, Some(6), Some(5))
        );
    }
}
