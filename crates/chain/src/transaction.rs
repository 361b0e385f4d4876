//! How a swap becomes a signed transaction.

use crate::{Blockhash, Explain, Instruction, TransactionFailure, Wallet};
use order_core::order::{self, SignedTransaction};
use order_core::{Atoms, Failure, Token, token};
use solana_message::VersionedMessage;
use solana_pubkey::Pubkey;

/// Bytes of a token account without extensions: what [`Plan::token_account_rent`] is asked for.
pub const TOKEN_ACCOUNT_LENGTH: u64 = 165;
/// Most bytes that fit in one packet, and so in one transaction.
pub const LENGTH_MAX: usize = 1232;

/// What a transaction is built from.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Whose order it is: names the temporary account for wrapped SOL.
    pub order_id: order::Id,
    /// What is spent.
    pub token_in: Token,
    /// What is bought.
    pub token_out: Token,
    /// How much is spent, in input atoms.
    pub amount_in: Atoms,
    /// The pools' instructions, in their order. They take from [`token_account`] of the input and
    /// give to [`token_account`] of the output.
    pub swaps: Vec<Instruction>,
    /// Most compute units it may take.
    pub compute_unit_limit: u32,
    /// The priority fee, in micro-lamports per compute unit of the limit.
    pub compute_unit_price: u64,
    /// The lamports that an account of [`TOKEN_ACCOUNT_LENGTH`] bytes must hold.
    pub token_account_rent: Atoms,
}

/// Why a plan makes no transaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// It is longer than a packet.
    #[error("the transaction is {length} bytes long, {LENGTH_MAX} fit in a packet; use fewer pools")]
    TooLong {
        /// Its length.
        length: usize,
    },
    /// It names more accounts than the format allows, or an amount is out of range.
    #[error("the transaction cannot be encoded: {0}")]
    Encoding(String),
    /// It was built for another wallet.
    #[error("the transaction was built for {expected}, not for the wallet {wallet}")]
    OtherWallet {
        /// Who must sign.
        expected: Pubkey,
        /// Who was to sign.
        wallet: Pubkey,
    },
}

/// A transaction that nobody has signed: good for simulation only.
#[derive(Debug, Clone, PartialEq)]
pub struct Unsigned {
    message: VersionedMessage,
    last_valid_block_height: u64,
}

/// The wallet's account of a token: the associated one, or for SOL the order's temporary account,
/// which exists only inside its transaction.
pub fn token_account(wallet: &Pubkey, token: &Token, order_id: order::Id) -> Pubkey {
    let _ = (wallet, token, order_id);
    unimplemented!()
}

/// The address of the program that keeps a token's accounts.
pub const fn program_id(program: token::Program) -> Pubkey {
    match program {
        token::Program::SplToken => Pubkey::from_str_const("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"),
        token::Program::Token2022 => Pubkey::from_str_const("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"),
    }
}

/// Builds the transaction of a plan, with `wallet` as its payer and only signer.
///
/// SOL is wrapped in and unwrapped from a temporary account; the wallet's own wrapped SOL is never touched.
///
/// # Errors
/// Too long, or an amount out of range.
pub fn build(wallet: &Pubkey, plan: &Plan, blockhash: &Blockhash) -> Result<Unsigned, BuildError> {
    let _ = (wallet, plan, blockhash);
    unimplemented!()
}

impl Unsigned {
    /// The bytes with an empty signature, for simulation.
    pub fn bytes(&self) -> Vec<u8> {
        unimplemented!()
    }

    /// Every account it names, the payer first.
    pub fn accounts(&self) -> &[Pubkey] {
        self.message.static_account_keys()
    }

    /// Why a simulation of it failed, in the catalogue's words.
    pub fn failure(&self, failure: &TransactionFailure, explain: Explain) -> Failure {
        let _ = (failure, explain);
        unimplemented!()
    }

    /// Signs it. From here on it can land: record it before it is sent.
    ///
    /// # Errors
    /// It was built for another wallet.
    pub fn sign(&self, wallet: &Wallet) -> Result<SignedTransaction, BuildError> {
        let _ = wallet;
        unimplemented!()
    }
}
