use super::bank::Bank;
use crate::token;
use solana_account::{AccountSharedData, ReadableAccount as _, WritableAccount as _};
use solana_message::inner_instruction::InnerInstructionsList;
use solana_message::{AddressLoader as _, VersionedMessage, v1};
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_error::TransactionError;
use std::collections::HashSet;

/// The largest transaction that fits in a packet.
pub(crate) const TRANSACTION_BYTES_MAX: usize = 1232;

/// The largest transaction of version 1.
pub(crate) const TRANSACTION_V1_BYTES_MAX: usize = v1::MAX_TRANSACTION_SIZE;

/// Micro-lamports of a lamport.
const MICRO_LAMPORTS: u128 = 1_000_000;

const COMPUTE_BUDGET: Pubkey = Pubkey::from_str_const("ComputeBudget111111111111111111111111111111");

/// A transaction with everything a node remembers of it.
#[derive(Clone)]
pub(crate) struct Landed {
    /// Where it landed.
    pub(crate) slot: u64,
    /// Its place among the transactions of its block, from 0.
    pub(crate) index: usize,
    /// When, in seconds.
    pub(crate) block_time: i64,
    /// Its name.
    pub(crate) signature: Signature,
    /// The transaction that was sent.
    pub(crate) transaction: VersionedTransaction,
    /// All accounts it names, those of lookup tables last.
    pub(crate) accounts: Accounts,
    /// How it ended; None is success.
    pub(crate) error: Option<TransactionError>,
    /// The fee that it paid, priority fee included, in lamports.
    pub(crate) fee: u64,
    /// The compute units that it used.
    pub(crate) compute_units: u64,
    /// The log lines of its programs.
    pub(crate) logs: Vec<String>,
    /// The instructions that its programs called.
    pub(crate) inner_instructions: InnerInstructionsList,
    /// The balances of its accounts before and after.
    pub(crate) balances: [Balances; 2],
}

/// The balances of a transaction's accounts at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Balances {
    /// Lamports of each account.
    pub(crate) lamports: Vec<u64>,
    /// Tokens of those that are token accounts.
    pub(crate) tokens: Vec<TokenBalance>,
}

/// The balance of a token account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenBalance {
    /// Which of the transaction's accounts.
    pub(crate) index: usize,
    /// The token account's content.
    pub(crate) holding: token::Holding,
    /// The decimals of its mint.
    pub(crate) decimals: u8,
    /// The token program.
    pub(crate) program: Pubkey,
}

impl Balances {
    /// Reads the accounts of a transaction, in the order of its message.
    pub(crate) fn read(bank: &Bank, state: &[Option<AccountSharedData>]) -> Self {
        let mut balances = Self { lamports: Vec::with_capacity(state.len()), tokens: Vec::new() };
        for (index, account) in state.iter().enumerate() {
            balances.lamports.push(account.as_ref().map_or(0, |account| account.lamports()));
            let token = account.as_ref().and_then(|account| TokenBalance::read(bank, index, account));
            balances.tokens.extend(token);
        }
        balances
    }
}

impl TokenBalance {
    fn read(bank: &Bank, index: usize, account: &AccountSharedData) -> Option<Self> {
        let holding = token::Holding::decode(account)?;
        let mint = bank.svm().accounts_db().get_account(&holding.mint)?;
        Some(Self { index, holding, decimals: token::decimals(&mint)?, program: *account.owner() })
    }
}

/// The accounts that a transaction names.
#[derive(Debug, Clone)]
pub(crate) struct Accounts {
    /// All addresses, in the order of the message.
    pub(crate) addresses: Vec<Pubkey>,
    /// How many are in the transaction itself.
    fixed: usize,
    /// How many of those from lookup tables, which come first among them, are writable.
    pub(crate) loaded_writable: usize,
}

impl Accounts {
    /// Resolves the lookup tables of a transaction.
    pub(crate) fn resolve(bank: &Bank, transaction: &VersionedTransaction) -> Result<Self, TransactionError> {
        let mut addresses = transaction.message.static_account_keys().to_vec();
        let lookups = transaction.message.address_table_lookups().unwrap_or_default();
        let loaded = bank.svm().accounts_db().load_addresses(lookups)?;
        let (fixed, loaded_writable) = (addresses.len(), loaded.writable.len());
        addresses.extend(loaded.writable);
        addresses.extend(loaded.readonly);
        Ok(Self { addresses, fixed, loaded_writable })
    }

    /// Those from lookup tables.
    pub(crate) fn loaded(&self) -> &[Pubkey] {
        self.addresses.get(self.fixed..).unwrap_or_default()
    }

    /// True if the transaction asks to write an account.
    pub(crate) fn is_writable(&self, transaction: &VersionedTransaction, index: usize) -> bool {
        let fixed = transaction.message.static_account_keys().len();
        if index >= fixed {
            return index < fixed.saturating_add(self.loaded_writable);
        }
        let reserved = None::<&HashSet<Pubkey>>;
        transaction.message.is_maybe_writable_with_reserved_addresses(index, reserved)
    }
}

/// Runs a transaction in the block that was begun, after `index` others. None if it may not be in a block at all, for
/// instance because its payer cannot pay: it is then dropped without a trace, as on real clusters.
pub(crate) fn execute(bank: &mut Bank, transaction: VersionedTransaction, index: usize) -> Option<Landed> {
    let signature = *transaction.signatures.first()?;
    let accounts = Accounts::resolve(bank, &transaction).ok()?;
    let (before, result) = bank.run(transaction.clone(), &accounts.addresses);
    let (error, meta) = match result {
        Ok(meta) => (None, meta),
        // The VM gives the signature of what it ran and none of what it refused to run.
        Err(failed) if failed.meta.signature == Signature::default() => {
            let charged = is_charged(&failed.err).then(|| charge(bank, &accounts, failed.meta.fee)).flatten();
            if charged.is_none() {
                tracing::debug!(%signature, error = %failed.err, "transaction dropped");
                return None;
            }
            (Some(failed.err), failed.meta)
        }
        Err(failed) => (Some(failed.err), failed.meta),
    };
    let after = accounts.addresses.iter().map(|address| bank.svm().accounts_db().get_account(address));
    let after: Vec<_> = after.collect();
    let balances = [Balances::read(bank, &before), Balances::read(bank, &after)];
    Some(Landed {
        slot: bank.clock().slot,
        index,
        block_time: bank.clock().unix_timestamp,
        signature,
        transaction,
        error,
        fee: meta.fee,
        compute_units: meta.compute_units_consumed,
        logs: meta.logs,
        inner_instructions: meta.inner_instructions,
        balances,
        accounts,
    })
}

/// True for an error by which a transaction is not run and pays its fee all the same: its accounts are too much.
pub(crate) fn is_charged(error: &TransactionError) -> bool {
    *error == TransactionError::MaxLoadedAccountsDataSizeExceeded
}

/// Takes a fee from the payer; None if it has too little.
fn charge(bank: &mut Bank, accounts: &Accounts, fee: u64) -> Option<()> {
    let payer = accounts.addresses.first()?;
    let mut account = bank.svm().accounts_db().get_account(payer)?;
    let left = account.lamports().checked_sub(fee)?;
    account.set_lamports(left);
    bank.write(*payer, account).ok()
}

/// The units that a transaction takes of its block, near to how real nodes count them: signatures, locks of accounts
/// that are written, bytes of instructions, and what its programs used.
pub(crate) fn cost_units(landed: &Landed) -> u64 {
    const SIGNATURE: u64 = 720;
    const WRITE_LOCK: u64 = 300;
    const BYTES_OF_A_UNIT: u64 = 4;
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let written = (0..landed.accounts.addresses.len())
        .filter(|index| landed.accounts.is_writable(&landed.transaction, *index))
        .count();
    let instructions = landed.transaction.message.instructions().iter();
    let bytes: usize = instructions.map(|instruction| instruction.data.len()).sum();
    let signatures = count(landed.transaction.signatures.len()).saturating_mul(SIGNATURE);
    let locks = count(written).saturating_mul(WRITE_LOCK);
    let data = count(bytes) / BYTES_OF_A_UNIT;
    [signatures, locks, data, landed.compute_units].into_iter().fold(0, u64::saturating_add)
}

/// The price for a compute unit that a transaction offers, in micro-lamports.
pub(crate) fn compute_unit_price(transaction: &VersionedTransaction) -> u64 {
    match &transaction.message {
        VersionedMessage::Legacy(_) | VersionedMessage::V0(_) => instructed_price(transaction),
        VersionedMessage::V1(message) => {
            let fee = u128::from(message.config.priority_fee.unwrap_or(0));
            let limit = u128::from(message.config.compute_unit_limit.unwrap_or(0));
            let price = fee.saturating_mul(MICRO_LAMPORTS).checked_div(limit).unwrap_or(0);
            u64::try_from(price).unwrap_or(u64::MAX)
        }
    }
}

/// The price that an instruction of the Compute Budget program names.
fn instructed_price(transaction: &VersionedTransaction) -> u64 {
    let keys = transaction.message.static_account_keys();
    let instructions = transaction.message.instructions().iter();
    let mut budget = instructions.filter(|instruction| {
        keys.get(usize::from(instruction.program_id_index)).is_some_and(|program| *program == COMPUTE_BUDGET)
    });
    let price = budget.find_map(|instruction| match instruction.data.split_first() {
        Some((3, price)) => price.try_into().ok().map(u64::from_le_bytes),
        Some(_) | None => None,
    });
    price.unwrap_or(0)
}
