//! The state the cluster begins with: mints, pools, and the wallet's holdings.

use crate::cluster::{Bank, Commitment};
use crate::listed::{self, Listed};
use crate::pools::SeededPool;
use crate::token::{self, Holding, SPL_TOKEN, TOKEN_2022};
use amm::Market;
use amm_programs::VolumeAccount;
use anyhow::Context as _;
use order_core::token::{NATIVE_MINT, Program};
use order_core::{Atoms, Mint};
use solana_account::{AccountSharedData, ReadableAccount as _};
use solana_address_lookup_table_interface::program;
use solana_address_lookup_table_interface::state::{
    AddressLookupTable, LOOKUP_TABLE_MAX_ADDRESSES, LookupTableMeta,
};
use solana_pubkey::Pubkey;
use spl_associated_token_account_interface::address::get_associated_token_address_with_program_id;

/// An address lookup table with what the pools' swaps name. Only the wallet may add to it.
const LOOKUP_TABLE: Pubkey = Pubkey::from_str_const("4ezRjbnj3kfpF2DgfaQGvWpW3G5nxWJ5QKw6njFxfeGA");

/// The wallet's first balance, in lamports: 100 000 SOL.
const WALLET_LAMPORTS: u64 = 100_000_000_000_000;

/// The wallet's first balances of these, in whole tokens.
const WALLET_TOKENS: [(&str, u64); 6] = [
    ("USDC", 1_000_000),
    ("USDT", 1_000_000),
    ("RAY", 500_000),
    ("JUP", 2_000_000),
    ("BONK", 50_000_000_000),
    ("BERN", 500_000_000),
];

/// In existence of each token, in whole tokens, the wallet's apart: more than all pools have. SOL has no
/// supply of its own mint.
const SUPPLY: u64 = 1_000_000_000_000;

/// Writes the first state.
///
/// # Errors
/// An account cannot be written, which never happens for the lists here.
pub(crate) fn write(bank: &mut Bank, pools: &[SeededPool], wallet: &Pubkey) -> anyhow::Result<()> {
    for Listed { token, .. } in listed::tokens() {
        let supply = if token.mint == NATIVE_MINT { "0".to_owned() } else { SUPPLY.to_string() };
        let supply = Atoms::parse(&supply, token.decimals)?.get();
        let rent = |bytes| bank.minimum_balance(bytes);
        let mint = match token.program {
            Program::SplToken => token::mint(token.decimals, supply, rent(token::MINT_BYTES)),
            Program::Token2022 => {
                let rent = rent(token::TAXED_MINT_BYTES);
                token::taxed_mint(token.decimals, supply, token.transfer_fee, rent)
            }
        };
        bank.write(token.mint.pubkey(), mint)?;
    }
    for pool in pools {
        let name = || format!("seeding the {} pool of {}", pool.venue, pool.symbols.join("/"));
        pool.set_reserves(bank, pool.seed.reserves).with_context(name)?;
    }
    write_lookup_table(bank, pools, wallet)?;
    airdrop(bank, wallet, WALLET_LAMPORTS)?;
    // As if the wallet had traded before: no order of it is the first.
    let volume = VolumeAccount::of(wallet);
    let account = token::account(VolumeAccount::RENT, volume.data, VolumeAccount::PROGRAM_ID);
    bank.write(volume.address, account)?;
    for (symbol, whole) in WALLET_TOKENS {
        let token = listed::token(symbol).context("an unknown token")?;
        let amount = Atoms::parse(&whole.to_string(), token.decimals)?;
        airdrop_token(bank, wallet, token.mint, amount)?;
    }
    Ok(())
}

fn write_lookup_table(bank: &mut Bank, pools: &[SeededPool], authority: &Pubkey) -> anyhow::Result<()> {
    let markets: Vec<Market> = pools.iter().map(|pool| pool.market(bank)).collect::<Result<_, _>>()?;
    let mut addresses = amm::named_accounts(&markets);
    addresses.truncate(LOOKUP_TABLE_MAX_ADDRESSES);
    let table = AddressLookupTable { meta: LookupTableMeta::new(*authority), addresses: addresses.into() };
    let data = table.serialize_for_tests()?;
    let rent = bank.minimum_balance(data.len());
    bank.write(LOOKUP_TABLE, token::account(rent, data, program::id()))
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
/// There is no such mint; or the amount exceeds 64 bits.
pub(crate) fn airdrop_token(
    bank: &mut Bank,
    owner: &Pubkey,
    mint: Mint,
    amount: Atoms,
) -> anyhow::Result<Pubkey> {
    let mint_address = mint.pubkey();
    let mint_account = bank.account(&mint_address, Commitment::Processed).context("no such mint")?;
    let program = match *mint_account.owner() {
        SPL_TOKEN => Program::SplToken,
        TOKEN_2022 => Program::Token2022,
        other => anyhow::bail!("the mint is of {other}, which is no token program"),
    };
    if mint != NATIVE_MINT {
        let grown = token::with_more_supply(&mint_account, amount.get()).context("too large a supply")?;
        bank.write(mint_address, grown)?;
    }
    let address = get_associated_token_address_with_program_id(owner, &mint_address, mint_account.owner());
    let account = match bank.account(&address, Commitment::Processed) {
        Some(account) => {
            let holding = Holding::decode(&account).context("the associated account is not initialised")?;
            let total = holding.amount.checked_add(amount.get());
            total.and_then(|total| token::with_amount(&account, total)).context("too large a balance")?
        }
        None => {
            let first = Holding { mint: mint_address, owner: *owner, amount: amount.get() };
            holding(bank, first, program)
        }
    };
    bank.write(address, account)?;
    Ok(address)
}

/// A token account, exempt from rent.
pub(crate) fn holding(bank: &Bank, holding: Holding, program: Program) -> AccountSharedData {
    match program {
        Program::SplToken => {
            let rent = bank.minimum_balance(token::HOLDING_BYTES);
            holding.encode(rent, holding.mint == NATIVE_MINT.pubkey())
        }
        Program::Token2022 => holding.encode_taxed(bank.minimum_balance(token::TAXED_HOLDING_BYTES)),
    }
}
