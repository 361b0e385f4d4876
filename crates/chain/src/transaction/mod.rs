//! How a swap becomes a signed transaction.

mod compile;
mod version;

use crate::marker::{self, seeded_account};
use crate::{Blockhash, Explain, Formats, Instruction, LookupTable, SignerError, TransactionFailure, Wallet};
use compile::{Compiled, compile, compile_v1, without_receivers};
use order_core::order::{self, Marker, SignedTransaction, Tip};
use order_core::{Atoms, Failure, Token, derived_address, token};
use order_core::{Signature, failure};
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_instruction::AccountMeta;
use solana_message::{VersionedMessage, v1};
use solana_pubkey::Pubkey;
use solana_system_interface::instruction::{create_account_with_seed, transfer};
use solana_transaction::versioned::VersionedTransaction;
use spl_token_interface::instruction::{close_account, initialize_account3};

pub use version::{UnknownVersion, Version};

/// Bytes of a token account without extensions: what [`Draft::token_account_rent`] is asked for.
pub const TOKEN_ACCOUNT_LENGTH: u64 = 165;
/// Most bytes that fit in one packet, and so in one transaction of version 0.
pub const LENGTH_MAX: usize = 1232;

/// Most bytes of a transaction of version 1.
pub const LENGTH_MAX_V1: usize = v1::MAX_TRANSACTION_SIZE;

/// Most bytes of accounts that the cluster loads for one transaction, and as many as one of version 0 may.
pub const LOADED_BYTES_MAX: u32 = 64 * 1024 * 1024;

/// The program that keeps wallets' accounts of tokens.
pub const ASSOCIATED_TOKEN_PROGRAM: Pubkey =
    Pubkey::from_str_const("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");

/// Most accounts that the cluster locks for one transaction, those of lookup tables among them. One of version 1 has
/// room for no more addresses.
pub const ACCOUNTS_MAX: usize = 64;

/// The draft that a transaction is built from.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The order's marker: each transaction of the order creates it.
    pub marker: Marker,
    /// The token that is spent.
    pub token_in: Token,
    /// The token that is bought.
    pub token_out: Token,
    /// The intermediate tokens, each once.
    pub intermediates: Vec<Token>,
    /// How much is spent, in input atoms.
    pub amount_in: Atoms,
    /// The pools' instructions, in their order. They take from and give to [`token_account`] of the input,
    /// the intermediates, and the output.
    pub swaps: Vec<Instruction>,
    /// Most compute units it may take.
    pub compute_unit_limit: u32,
    /// The priority fee, in micro-lamports per compute unit of the limit.
    pub compute_unit_price: u64,
    /// Most bytes of accounts that it may load. Version 0 leaves it at [`LOADED_BYTES_MAX`].
    pub loaded_bytes_limit: u32,
    /// The lamports that an account of [`TOKEN_ACCOUNT_LENGTH`] bytes must hold.
    pub token_account_rent: Atoms,
    /// The lamports that an account without data must hold: those that the marker keeps.
    pub marker_rent: Atoms,
    /// The tip that it pays at its end, if any.
    pub tip: Option<Tip>,
}

/// Why a draft makes no transaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// It is longer than its version allows.
    #[error("the transaction is {length} bytes long, version {version} has room for {}; use fewer pools", version.length_max())]
    TooLong {
        /// Its length.
        length: usize,
        /// The newest version that it may have.
        version: Version,
    },
    /// It names more accounts than the cluster locks.
    #[error("the transaction names {accounts} accounts, {ACCOUNTS_MAX} are allowed; use fewer pools")]
    TooManyAccounts {
        /// How many.
        accounts: usize,
    },
    /// It names more accounts than the format allows, or an amount is out of range.
    #[error("the transaction cannot be encoded: {0}")]
    Encoding(String),
}

/// Why a transaction is not signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// It was built for another wallet.
    #[error("the transaction was built for {expected}, not for the wallet {wallet}")]
    OtherWallet {
        /// Who must sign.
        expected: Pubkey,
        /// Who was to sign.
        wallet: Pubkey,
    },
    /// The signer gives no signature.
    #[error(transparent)]
    Signer(#[from] SignerError),
}

/// A transaction that nobody has signed: good for simulation only.
#[derive(Debug, Clone, PartialEq)]
pub struct Unsigned {
    version: Version,
    message: VersionedMessage,
    encoded: Vec<u8>,
    looked_up: Vec<Pubkey>,
    last_valid_block_height: u64,
    blockhash_slot: u64,
    marker: Option<Marker>,
    tip: Option<Tip>,
}

/// The wallet's account of a token: the associated one, or for SOL the order's temporary account,
/// which is a token account only inside its transaction.
pub fn token_account(wallet: &Pubkey, token: &Token, marker: &Marker) -> Pubkey {
    if token.is_native() { temporary_account(wallet, marker) } else { associated_account(wallet, token) }
}

fn associated_account(wallet: &Pubkey, token: &Token) -> Pubkey {
    let (mint, program) = (token.mint.pubkey(), program_id(token.program));
    derived_address(&ASSOCIATED_TOKEN_PROGRAM, &[wallet.as_ref(), program.as_ref(), mint.as_ref()])
}

/// The address of the program that keeps a token's accounts.
pub const fn program_id(program: token::Program) -> Pubkey {
    match program {
        token::Program::SplToken => Pubkey::from_str_const("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"),
        token::Program::Token2022 => Pubkey::from_str_const("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"),
    }
}

/// Builds the transaction of a draft, with `wallet` as its payer and only signer.
///
/// SOL is wrapped in and unwrapped from a temporary account; the wallet's own wrapped SOL is never touched.
/// The first instruction that moves anything creates the order's marker, so that the chain refuses every other
/// transaction of the order once this one has landed.
/// The tip is the last instruction: whatever fails before it, nothing is paid.
/// Those of the lookup tables are used that make it shorter. It has version 0 where it fits, which everybody knows,
/// else the newest of the formats.
///
/// # Errors
/// Too long, too many accounts, or an amount out of range.
pub fn build(
    wallet: &Pubkey,
    draft: &Draft,
    formats: &Formats,
    blockhash: &Blockhash,
) -> Result<Unsigned, BuildError> {
    let actions = Actions::of(wallet, draft)?;
    let of_v0 = actions.compile_v0(wallet, draft, &formats.tables, blockhash)?;
    let compiled = match (of_v0.check(), formats.newest) {
        (Err(BuildError::TooLong { .. } | BuildError::TooManyAccounts { .. }), Version::V1) => {
            let of_v1 = compile_v1(wallet, &actions.all(), config(draft)?, blockhash.hash)?;
            of_v1.check()?;
            of_v1
        }
        (checked, Version::V0 | Version::V1) => checked.map(|()| of_v0)?,
    };
    let unsigned = Unsigned::new(compiled, blockhash);
    Ok(Unsigned { marker: Some(draft.marker.clone()), tip: draft.tip, ..unsigned })
}

/// The instructions of a draft that act, in their order.
struct Actions<'a> {
    opening: Vec<Instruction>,
    swaps: &'a [Instruction],
    closing: Vec<Instruction>,
    /// At the end, so that it is paid by what the swaps gave, where that is SOL.
    tip: Option<Instruction>,
}

impl<'a> Actions<'a> {
    fn of(wallet: &Pubkey, draft: &'a Draft) -> Result<Self, BuildError> {
        let tip = draft.tip.map(|tip| transfer(wallet, &tip.account.pubkey(), tip.lamports.get()));
        Ok(Self {
            opening: opening(wallet, draft)?,
            swaps: &draft.swaps,
            closing: closing(wallet, draft)?,
            tip,
        })
    }

    fn all(&self) -> Vec<Instruction> {
        let Self { opening, swaps, closing, tip } = self;
        opening.iter().chain(*swaps).chain(closing).chain(tip).cloned().collect()
    }

    fn compile_v0(
        &self,
        wallet: &Pubkey,
        draft: &Draft,
        tables: &[LookupTable],
        blockhash: &Blockhash,
    ) -> Result<Compiled, BuildError> {
        let tables = without_receivers(tables, self.opening.iter().chain(&self.tip), wallet);
        let mut instructions = vec![
            ComputeBudgetInstruction::set_compute_unit_limit(draft.compute_unit_limit),
            ComputeBudgetInstruction::set_compute_unit_price(draft.compute_unit_price),
        ];
        instructions.extend(self.all());
        compile(wallet, &instructions, &tables, blockhash.hash)
    }
}

/// The limits and the priority fee in the head of version 1. The fee is what version 0 pays for the same limit and
/// price: in lamports, rounded up.
fn config(draft: &Draft) -> Result<v1::TransactionConfig, BuildError> {
    let fee = draft.priority_fee().ok_or_else(|| encoding("the priority fee exceeds 64 bits"))?;
    Ok(v1::TransactionConfig::empty()
        .with_priority_fee(fee.get())
        .with_compute_unit_limit(draft.compute_unit_limit)
        .with_loaded_accounts_data_size_limit(draft.loaded_bytes_limit))
}

impl Draft {
    /// The priority fee in lamports, rounded up as the cluster does; None if it exceeds 64 bits.
    pub fn priority_fee(&self) -> Option<Atoms> {
        let micro = u128::from(self.compute_unit_price).checked_mul(u128::from(self.compute_unit_limit))?;
        u64::try_from(micro.div_ceil(MICRO_LAMPORTS)).ok().map(Atoms::new)
    }
}

/// Micro-lamports of a lamport.
const MICRO_LAMPORTS: u128 = 1_000_000;

/// Any instructions as a transaction of version 0 and of any length, with `wallet` as its payer and only signer.
pub(crate) fn unsigned(
    wallet: &Pubkey,
    instructions: &[Instruction],
    tables: &[LookupTable],
    blockhash: &Blockhash,
) -> Result<Unsigned, BuildError> {
    Ok(Unsigned::new(compile(wallet, instructions, tables, blockhash.hash)?, blockhash))
}

impl Unsigned {
    fn new(compiled: Compiled, blockhash: &Blockhash) -> Self {
        let Compiled { version, message, encoded, looked_up } = compiled;
        let Blockhash { hash: _, last_valid_block_height, slot: blockhash_slot } = *blockhash;
        Self {
            version,
            message,
            encoded,
            looked_up,
            last_valid_block_height,
            blockhash_slot,
            marker: None,
            tip: None,
        }
    }

    /// The version of its format.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The bytes with an empty signature, for simulation.
    pub fn bytes(&self) -> Vec<u8> {
        self.signed_with([0; SIGNATURE_LENGTH])
    }

    /// Every account that it names by its address, the payer first. Those of lookup tables come after
    /// these in the order that nodes count by.
    pub fn accounts(&self) -> &[Pubkey] {
        self.message.static_account_keys()
    }

    /// Every account of it, in the order that nodes count by.
    pub(crate) fn every_account(&self) -> Vec<Pubkey> {
        self.accounts().iter().chain(&self.looked_up).copied().collect()
    }

    /// Why a simulation of it failed, with these logs, in the catalogue's words.
    pub fn failure(&self, failure: &TransactionFailure, logs: &[String], explain: Explain) -> Failure {
        let program = failed_program(&self.message, failure, logs);
        failure.explained(program, logs, explain, failure::Code::SimulationFailed)
    }

    /// The program that a simulation of it failed in, with these logs.
    pub fn failed_program(&self, failure: &TransactionFailure, logs: &[String]) -> Option<Pubkey> {
        failed_program(&self.message, failure, logs)
    }

    /// Signs it. From here on it can land: record it before it is sent.
    ///
    /// # Errors
    /// See [`SignError`].
    pub async fn sign(&self, wallet: &Wallet) -> Result<SignedTransaction, SignError> {
        let payer = self.accounts().first().copied().unwrap_or_default();
        if payer != wallet.pubkey() {
            return Err(SignError::OtherWallet { expected: payer, wallet: wallet.pubkey() });
        }
        let signature: [u8; SIGNATURE_LENGTH] = wallet.sign(&self.encoded).await?.into();
        Ok(SignedTransaction {
            signature: Signature::new(signature),
            bytes: self.signed_with(signature),
            last_valid_block_height: self.last_valid_block_height,
            blockhash_slot: Some(self.blockhash_slot),
            marker: self.marker.clone(),
            tip: self.tip,
        })
    }

    fn signed_with(&self, signature: [u8; SIGNATURE_LENGTH]) -> Vec<u8> {
        match self.version {
            Version::V0 => [&[ONE_SIGNATURE][..], &signature, &self.encoded].concat(),
            Version::V1 => [&self.encoded[..], &signature].concat(),
        }
    }
}

/// The transaction of signed bytes, of whatever version.
pub(crate) fn decode(bytes: &[u8]) -> Result<VersionedTransaction, BuildError> {
    wincode::deserialize(bytes).map_err(encoding)
}

/// The message of signed bytes, of whatever version.
pub(crate) fn message(bytes: &[u8]) -> Result<VersionedMessage, BuildError> {
    decode(bytes).map(|transaction| transaction.message)
}

/// The program that failed: the one that the instruction's program called, if the logs tell of one, or that
/// program itself.
pub(crate) fn failed_program(
    message: &VersionedMessage,
    failure: &TransactionFailure,
    logs: &[String],
) -> Option<Pubkey> {
    if let Some(called) = failure.custom().and_then(|code| logs.iter().find_map(|line| failing(line, code))) {
        return Some(called);
    }
    let instruction = message.instructions().get(failure.instruction()?)?;
    message.static_account_keys().get(usize::from(instruction.program_id_index)).copied()
}

/// The program that fails with a code of its own by this line of a log. The innermost is the first to.
fn failing(line: &str, code: u32) -> Option<Pubkey> {
    let (program, reason) = line.strip_prefix("Program ")?.split_once(" failed: ")?;
    let same = reason == format!("custom program error: {code:#x}");
    program.parse().ok().filter(|_| same)
}

const SIGNATURE_LENGTH: usize = 64;
/// The number of signatures, as the wire format of version 0 begins. That of version 1 ends with the signatures, and
/// the message's head says how many they are.
const ONE_SIGNATURE: u8 = 1;
/// Wrapped SOL is a token of the original program.
const WRAPPED_SOL_PROGRAM: Pubkey = program_id(token::Program::SplToken);

/// The wallet's account for wrapped SOL. Its address comes from the order's marker, so nobody can occupy it
/// before a transaction of the order is public.
pub fn temporary_account(wallet: &Pubkey, marker: &Marker) -> Pubkey {
    seeded_account(wallet, &marker.seed, &WRAPPED_SOL_PROGRAM)
}

/// The wallet's account for wrapped SOL in a transaction from before there were markers.
pub(crate) fn unmarked_temporary_account(wallet: &Pubkey, id: order::Id) -> Pubkey {
    seeded_account(wallet, &id.0.simple().to_string(), &WRAPPED_SOL_PROGRAM)
}

/// The instructions before the swaps: the marker, and the opening of every receiving account.
fn opening(wallet: &Pubkey, draft: &Draft) -> Result<Vec<Instruction>, BuildError> {
    let mut instructions = Vec::new();
    if marks_apart(draft) {
        instructions.push(marker::create(&draft.marker, draft.marker_rent));
    }
    if wraps(draft) {
        instructions.extend(open_temporary_account(wallet, draft)?);
    }
    for token in received(draft).filter(|token| !token.is_native()) {
        instructions.push(open_associated_account(wallet, token));
    }
    Ok(instructions)
}

/// The instructions after the swaps: the wrapped SOL that is left comes back, and its account becomes the marker.
fn closing(wallet: &Pubkey, draft: &Draft) -> Result<Vec<Instruction>, BuildError> {
    if !wraps(draft) {
        return Ok(Vec::new());
    }
    let temporary = temporary_account(wallet, &draft.marker);
    let close = close_account(&WRAPPED_SOL_PROGRAM, &temporary, wallet, wallet, &[]);
    let mut instructions = vec![close.map_err(encoding)?];
    if !marks_apart(draft) {
        // Closed, its address is empty again: these lamports make it the marker.
        instructions.push(transfer(wallet, &temporary, draft.marker_rent.get()));
    }
    Ok(instructions)
}

/// Creates the wallet's associated account of a token unless it is there: instruction 1 of the program. As
/// `spl-associated-token-account-interface` has it, which would derive the address anew.
fn open_associated_account(wallet: &Pubkey, token: &Token) -> Instruction {
    let accounts = vec![
        AccountMeta::new(*wallet, true),
        AccountMeta::new(associated_account(wallet, token), false),
        AccountMeta::new_readonly(*wallet, false),
        AccountMeta::new_readonly(token.mint.pubkey(), false),
        AccountMeta::new_readonly(solana_system_interface::program::ID, false),
        AccountMeta::new_readonly(program_id(token.program), false),
    ];
    Instruction { program_id: ASSOCIATED_TOKEN_PROGRAM, accounts, data: vec![1] }
}

/// The tokens that swaps of the draft give.
fn received(draft: &Draft) -> impl Iterator<Item = &Token> {
    draft.intermediates.iter().chain([&draft.token_out])
}

/// True if SOL is spent or received.
fn wraps(draft: &Draft) -> bool {
    received(draft).chain([&draft.token_in]).any(Token::is_native)
}

/// True if the marker is an account of its own, and not the one for wrapped SOL.
fn marks_apart(draft: &Draft) -> bool {
    marker::marker_program(&draft.token_in, &draft.token_out) != WRAPPED_SOL_PROGRAM
}

/// Opens the temporary account, with the SOL that is spent already in it. It fails where there are lamports:
/// then the order's marker is there.
fn open_temporary_account(wallet: &Pubkey, draft: &Draft) -> Result<[Instruction; 2], BuildError> {
    let temporary = temporary_account(wallet, &draft.marker);
    let spent = if draft.token_in.is_native() { draft.amount_in } else { Atoms::ZERO };
    let lamports = draft
        .token_account_rent
        .checked_add(spent)
        .ok_or_else(|| encoding("the amount and the rent together exceed 64 bits"))?;
    let create = create_account_with_seed(
        wallet,
        &temporary,
        wallet,
        &draft.marker.seed,
        lamports.get(),
        TOKEN_ACCOUNT_LENGTH,
        &WRAPPED_SOL_PROGRAM,
    );
    let initialise =
        initialize_account3(&WRAPPED_SOL_PROGRAM, &temporary, &token::NATIVE_MINT.pubkey(), wallet);
    Ok([create, initialise.map_err(encoding)?])
}

fn encoding(error: impl std::fmt::Display) -> BuildError {
    BuildError::Encoding(error.to_string())
}

#[cfg(test)]
mod tests;
