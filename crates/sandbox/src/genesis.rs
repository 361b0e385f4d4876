//! The state the cluster begins with: mints, pools, and the wallet's holdings.

use crate::cluster::{Bank, Commitment};
use crate::pools::SeededPool;
use crate::token::{self, Holding, SPL_TOKEN};
use anyhow::Context as _;
use order_core::token::{NATIVE_MINT, known};
use order_core::{Atoms, Mint};
use solana_account::ReadableAccount as _;
use solana_pubkey::Pubkey;
use spl_associated_token_account_interface::address::get_associated_token_address_with_program_id;

/// What the wallet begins with, in lamports: 100 000 SOL.
const WALLET_LAMPORTS: u64 = 100_000_000_000_000;

/// What the wallet begins with of each of these, in whole tokens.
const WALLET_TOKENS: [(&str, u64); 2] = [("USDC", 1_000_000), ("USDT", 1_000_000)];

/// In existence of each token, in whole tokens; SOL has no supply of its own mint.
const SUPPLY: u64 = 1_000_000_000;

/// Writes the first state.
///
/// # Errors
/// An account cannot be written, which never happens for the lists here.
pub(crate) fn write(bank: &mut Bank, pools: &[SeededPool], wallet: &Pubkey) -> anyhow::Result<()> {
    for token in known() {
        let supply = Atoms::parse(&SUPPLY.to_string(), token.decimals)?;
        let supply = if token.is_native() { Atoms::ZERO } else { supply };
        let rent = bank.minimum_balance(token::MINT_BYTES);
        bank.write(token.mint.pubkey(), token::mint(token.decimals, supply.get(), rent))?;
    }
    for pool in pools {
        let name = || format!("seeding the {} pool of {}", pool.venue, pool.symbols.join("/"));
        pool.set_reserves(bank, pool.seed.reserves).with_context(name)?;
    }
    airdrop(bank, wallet, WALLET_LAMPORTS)?;
    for (symbol, whole) in WALLET_TOKENS {
        let token = known().find(|token| token.symbol == symbol).context("an unknown token")?;
        let amount = Atoms::parse(&whole.to_string(), token.decimals)?;
        airdrop_token(bank, wallet, token.mint, amount)?;
    }
    Ok(())
}

/// Gives lamports to an account.
///
/// # Errors
/// It would have more than 64 bits of them.
pub(crate) fn airdrop(bank: &mut Bank, address: &Pubkey, lamports: u64) -> anyhow::Result<()> {
    let mut account = bank
        .account(address, Commitment::Processed)
        .unwrap_or_else(|| token::account(0, Vec::new(), Pubkey::default()));
    let total = account.lamports().checked_add(lamports).context("more lamports than an account holds")?;
    solana_account::WritableAccount::set_lamports(&mut account, total);
    bank.write(*address, account)
}

/// Mints tokens to an owner's associated account, which is made if there is none. Answers with
/// its address.
///
/// # Errors
/// There is no such mint of the original token program; or the amount exceeds 64 bits.
pub(crate) fn airdrop_token(
    bank: &mut Bank,
    owner: &Pubkey,
    mint: Mint,
    amount: Atoms,
) -> anyhow::Result<Pubkey> {
    let mint_address = mint.pubkey();
    let mint_account = bank.account(&mint_address, Commitment::Processed).context("no such mint")?;
    anyhow::ensure!(*mint_account.owner() == SPL_TOKEN, "only tokens of the SPL Token program are minted");
    let native = mint == NATIVE_MINT;
    if !native {
        let grown = token::with_more_supply(&mint_account, amount.get()).context("too large a supply")?;
        bank.write(mint_address, grown)?;
    }
    let address = get_associated_token_address_with_program_id(owner, &mint_address, &SPL_TOKEN);
    let account = match bank.account(&address, Commitment::Processed) {
        Some(account) => {
            let holding = Holding::decode(&account).context("the associated account is not initialised")?;
            let total = holding.amount.checked_add(amount.get());
            total.and_then(|total| token::with_amount(&account, total)).context("too large a balance")?
        }
        None => {
            let rent = bank.minimum_balance(token::HOLDING_BYTES);
            Holding { mint: mint_address, owner: *owner, amount: amount.get() }.encode(rent, native)
        }
    };
    bank.write(address, account)?;
    Ok(address)
}
