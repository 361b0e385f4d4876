//! Tokens: their mints, their accounts, and the fees of their transfers.

use crate::account::{DecodeError, Fields, Lookup, existing, require_owner};
use crate::math;
use crate::token_extension::{self, Effect};
use order_core::token::{MAX_DECIMALS, Program, symbol};
use order_core::{Fraction, Mint, Pubkey, Token};
use solana_account::Account;

const SPL_TOKEN: Pubkey = Pubkey::from_str_const("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
const TOKEN_2022: Pubkey = Pubkey::from_str_const("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb");

/// The program that writes memos, which some pool programs want to know whether they call it or not.
pub(crate) const MEMO: Pubkey = Pubkey::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr");

/// Length of a mint without extensions, in bytes.
pub const MINT_LENGTH: usize = 82;
/// Length of a token account without extensions, in bytes.
pub const ACCOUNT_LENGTH: usize = 165;

/// Where the fields of a mint are.
pub mod mint_offset {
    #![expect(missing_docs, reason = "each is named for the program's field")]

    pub const AUTHORITY_TAG: usize = 0;
    pub const AUTHORITY: usize = 4;
    pub const SUPPLY: usize = 36;
    pub const DECIMALS: usize = 44;
    pub const INITIALIZED: usize = 45;
}

/// Where the fields of a token account are.
pub mod account_offset {
    #![expect(missing_docs, reason = "each is named for the program's field")]

    pub const MINT: usize = 0;
    pub const OWNER: usize = 32;
    pub const AMOUNT: usize = 64;
    pub const STATE: usize = 108;
    pub const IS_NATIVE: usize = 109;
    pub const NATIVE_RENT: usize = 113;
}

/// State of a token account that is neither frozen nor uninitialized.
pub const ACCOUNT_STATE_INITIALIZED: u8 = 1;

/// Where a Token-2022 account with extensions says what it is; its list of extensions follows.
pub const EXTENDED_TYPE: usize = 165;
/// The type of a mint.
pub const EXTENDED_TYPE_MINT: u8 = 1;
/// The type of a token account.
pub const EXTENDED_TYPE_ACCOUNT: u8 = 2;
/// Where the list of extensions begins: of each, two bytes of type, two of length, and its value.
pub const EXTENSIONS: usize = 166;

/// Type and length of a mint's extension with its transfer fee.
pub const TRANSFER_FEE_CONFIG: (u16, u16) = (1, 108);
/// Type and length of a token account's extension with the fees that it withholds.
pub const TRANSFER_FEE_AMOUNT: (u16, u16) = (2, 8);

/// Where the fields of a mint's transfer fee are in its extension's value.
pub mod transfer_fee_offset {
    /// The older fee and the newer one, which applies from its epoch on.
    pub const FEES: [usize; 2] = [72, 90];
    /// In a fee: its first epoch.
    pub const EPOCH: usize = 0;
    /// In a fee: the most that is withheld, in base units.
    pub const MAXIMUM: usize = 8;
    /// In a fee: its rate in ten-thousandths.
    pub const BASIS_POINTS: usize = 16;
}

/// A mint has far fewer extensions; the bound keeps a malformed list from costing time.
const MAX_EXTENSIONS: usize = 64;

const BASIS_POINTS: u64 = 10_000;
const BILLIONTHS_PER_BASIS_POINT: i64 = 100_000;

/// The address of a token program.
pub const fn token_program_id(program: Program) -> Pubkey {
    match program {
        Program::SplToken => SPL_TOKEN,
        Program::Token2022 => TOKEN_2022,
    }
}

/// Flag of a token's program in the accounts of Meteora's pools.
pub fn program_flag(program: Program) -> u8 {
    match program {
        Program::SplToken => 0,
        Program::Token2022 => 1,
    }
}

/// Fee that a token's own program withholds from each transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TransferFee {
    /// The rate in ten-thousandths, at most 10 000.
    pub basis_points: u16,
    /// The most that is withheld from one transfer, in base units.
    pub maximum: u64,
}

impl TransferFee {
    /// The rate, as a fraction of the amount that is sent; zero if nothing is ever withheld.
    pub fn rate(&self) -> Fraction {
        let basis_points = if self.maximum == 0 { 0 } else { i64::from(self.basis_points) };
        Fraction::from_billionths(basis_points.saturating_mul(BILLIONTHS_PER_BASIS_POINT))
    }

    /// Fee that is withheld when `amount` is sent, rounded up.
    pub fn of(&self, amount: u64) -> u64 {
        math::mul_div_ceil(amount, u64::from(self.basis_points), BASIS_POINTS)
            .map_or(self.maximum, |fee| fee.min(self.maximum))
    }

    /// Amount that arrives when `amount` is sent.
    pub fn after(&self, amount: u64) -> u64 {
        amount.saturating_sub(self.of(amount))
    }

    /// Amount that must be sent so that exactly `received` arrives. None if that exceeds 64 bits.
    pub fn before(&self, received: u64) -> Option<u64> {
        if self.basis_points == 0 || received == 0 {
            return Some(received);
        }
        let capped = received.checked_add(self.maximum);
        match BASIS_POINTS.checked_sub(u64::from(self.basis_points))? {
            0 => capped,
            kept => match math::mul_div_ceil(received, BASIS_POINTS, kept) {
                Some(sent) if sent.saturating_sub(received) < self.maximum => Some(sent),
                Some(_) | None => capped,
            },
        }
    }
}

/// One of the two tokens of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolToken {
    /// The token's mint.
    pub mint: Mint,
    /// Digits after the point of a whole token.
    pub decimals: u8,
    /// The program that keeps its accounts.
    pub program: Program,
    /// Fee of each transfer of it at the snapshot's epoch.
    pub transfer_fee: TransferFee,
}

impl PoolToken {
    /// The token outside of pools, with its symbol if it is a known one, else its mint's address.
    pub fn token(&self) -> Token {
        Token {
            symbol: symbol(self.mint).map_or_else(|| self.mint.to_string(), str::to_owned),
            mint: self.mint,
            decimals: self.decimals,
            program: self.program,
        }
    }

    /// Reads a mint, and refuses one whose transfers would not move what they say.
    pub(crate) fn decode(mint: Mint, account: &Account, epoch: u64) -> Result<Self, DecodeError> {
        let address = mint.pubkey();
        let program = program(address, account)?;
        let fields = Fields::new(address, &account.data, MINT_LENGTH)?;
        if fields.u8(mint_offset::INITIALIZED)? != 1 {
            return Err(DecodeError::WrongType { address, expected: "an initialized mint" });
        }
        let decimals = fields.u8(mint_offset::DECIMALS)?;
        if decimals > MAX_DECIMALS {
            let reason = format!("a token with {decimals} decimals");
            return Err(DecodeError::Unsupported { address, reason });
        }
        let transfer_fee = match (program, account.data.len()) {
            (Program::SplToken, MINT_LENGTH) | (Program::Token2022, MINT_LENGTH) => TransferFee::default(),
            (Program::SplToken, _) => {
                return Err(DecodeError::WrongType { address, expected: "a mint" });
            }
            (Program::Token2022, length) => extensions(address, fields, length, epoch)?,
        };
        Ok(Self { mint, decimals, program, transfer_fee })
    }
}

/// Balance of a pool's token account, in base units.
pub(crate) fn balance(address: Pubkey, account: &Account, mint: Mint) -> Result<u64, DecodeError> {
    program(address, account)?;
    let fields = Fields::new(address, &account.data, ACCOUNT_LENGTH)?;
    if fields.pubkey(account_offset::MINT)? != mint.pubkey() {
        return Err(DecodeError::Inconsistent {
            address,
            reason: "the vault holds another token than the pool says",
        });
    }
    if fields.u8(account_offset::STATE)? != ACCOUNT_STATE_INITIALIZED {
        let reason = "the vault is frozen or not initialized".to_owned();
        return Err(DecodeError::Unsupported { address, reason });
    }
    fields.u64(account_offset::AMOUNT)
}

/// Balances of both of a pool's token accounts, in base units.
pub(crate) fn balances(
    vaults: [Pubkey; 2],
    mints: [Mint; 2],
    accounts: Lookup<'_, '_>,
) -> Result<[u64; 2], DecodeError> {
    let [[vault_a, vault_b], [mint_a, mint_b]] = [vaults, mints.map(Mint::pubkey)];
    let read = |address: Pubkey, mint: Pubkey| {
        let account = existing(address, accounts)?;
        balance(address, account, mint.into())
    };
    Ok([read(vault_a, mint_a)?, read(vault_b, mint_b)?])
}

/// Refuses an account of another program than the original token program, which has no transfer fees.
pub(crate) fn require_original(address: Pubkey, account: &Account) -> Result<(), DecodeError> {
    require_owner(address, account, SPL_TOKEN)
}

/// Balance of a token account, in base units; zero if the account is too short to have one.
pub fn held(account: &Account) -> u64 {
    let end = account_offset::AMOUNT.saturating_add(8);
    let amount = account.data.get(account_offset::AMOUNT..end).and_then(|bytes| bytes.try_into().ok());
    amount.map_or(0, u64::from_le_bytes)
}

/// Supply of a token of the original token program, in base units.
///
/// # Errors
/// The account is no initialized mint of that program.
pub fn supply(address: Pubkey, account: &Account) -> Result<u64, DecodeError> {
    require_original(address, account)?;
    supply_of(address, account)
}

/// Supply of a token of either token program, in base units.
pub(crate) fn supply_of(address: Pubkey, account: &Account) -> Result<u64, DecodeError> {
    let fields = Fields::new(address, &account.data, MINT_LENGTH)?;
    if fields.u8(mint_offset::INITIALIZED)? != 1 {
        return Err(DecodeError::WrongType { address, expected: "an initialized mint" });
    }
    fields.u64(mint_offset::SUPPLY)
}

fn program(address: Pubkey, account: &Account) -> Result<Program, DecodeError> {
    if account.owner == TOKEN_2022 {
        return Ok(Program::Token2022);
    }
    require_owner(address, account, SPL_TOKEN).map(|()| Program::SplToken)
}

/// The transfer fee in a Token-2022 mint's list of extensions, if each of them lets plain transfers be.
fn extensions(
    address: Pubkey,
    fields: Fields<'_>,
    length: usize,
    epoch: u64,
) -> Result<TransferFee, DecodeError> {
    if fields.u8(EXTENDED_TYPE)? != EXTENDED_TYPE_MINT {
        return Err(DecodeError::WrongType { address, expected: "a mint" });
    }
    let mut transfer_fee = TransferFee::default();
    let mut offset = EXTENSIONS;
    for _ in 0..MAX_EXTENSIONS {
        let value = offset.saturating_add(4);
        // The rest may be too short for another entry; an entry of type zero ends the list.
        if value > length || fields.u16(offset)? == 0 {
            return Ok(transfer_fee);
        }
        let kind = fields.u16(offset)?;
        if token_extension::effect(address, fields, kind, value)? == Effect::TransferFee {
            transfer_fee = transfer_fee_at(address, fields, value, epoch)?;
        }
        offset = value.saturating_add(usize::from(fields.u16(offset.saturating_add(2))?));
    }
    Err(DecodeError::Inconsistent { address, reason: "the mint's list of extensions does not end" })
}

fn transfer_fee_at(
    address: Pubkey,
    fields: Fields<'_>,
    value: usize,
    epoch: u64,
) -> Result<TransferFee, DecodeError> {
    use transfer_fee_offset::{BASIS_POINTS as RATE, EPOCH, FEES, MAXIMUM};
    let [older, newer] = FEES.map(|offset| value.saturating_add(offset));
    let newer_applies = epoch >= fields.u64(newer.saturating_add(EPOCH))?;
    let start = if newer_applies { newer } else { older };
    let maximum = fields.u64(start.saturating_add(MAXIMUM))?;
    let basis_points = fields.u16(start.saturating_add(RATE))?;
    if u64::from(basis_points) > BASIS_POINTS {
        return Err(DecodeError::Inconsistent {
            address,
            reason: "the transfer fee is more than the transfer",
        });
    }
    Ok(TransferFee { basis_points, maximum })
}
