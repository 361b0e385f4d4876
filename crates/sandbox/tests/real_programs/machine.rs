//! A virtual machine with real programs, a trader, and one pool.

use amm::{Clock, Limit, Market, Pool, Trader};
use amm_programs::{Seed, Seeded};
use litesvm::LiteSVM;
use order_core::token::{NATIVE_MINT, Program};
use order_core::{Atoms, Mint, Pubkey, Venue};
use solana_account::Account;
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_keypair::Keypair;
use solana_message::{VersionedMessage, v0};
use solana_signer::Signer as _;
use solana_transaction::versioned::VersionedTransaction;
use std::collections::HashMap;
use std::path::PathBuf;

/// The trader has so much of each token, in base units.
pub(crate) const HELD: u64 = 1 << 62;
/// The most compute units of one transaction.
const UNITS_MAX: u32 = 1_400_000;
const ACCOUNT_RENT: u64 = 2_039_280;

pub(crate) struct Machine {
    svm: LiteSVM,
    trader: Keypair,
    /// Makes every transaction another one.
    sent: u32,
}

/// The accounts that make a pool, by address.
pub(crate) type Accounts = HashMap<Pubkey, Account>;

impl Machine {
    pub(crate) fn new(programs: &[(Pubkey, PathBuf)]) -> Self {
        let mut svm = LiteSVM::new().with_sigverify(false);
        for (address, file) in programs {
            svm.add_program_from_file(*address, file).unwrap();
        }
        let trader = Keypair::new();
        svm.airdrop(&trader.pubkey(), 1 << 40).unwrap();
        Self { svm, trader, sent: 0 }
    }

    /// Puts the pool's accounts on the machine, and gives the pool as we read it.
    pub(crate) fn market(
        &mut self,
        seeded: &Seeded,
        accounts: &Accounts,
    ) -> Result<Market, amm::DecodeError> {
        for (address, account) in accounts {
            self.svm.set_account(*address, account.clone()).unwrap();
        }
        let clock: solana_clock::Clock = self.svm.get_sysvar();
        let clock = Clock { slot: clock.slot, epoch: clock.epoch, unix_timestamp: clock.unix_timestamp };
        let pool = Pool::decode(seeded.pool, &accounts[&seeded.pool.pubkey()])?;
        pool.load(|address| accounts.get(address), clock)
    }

    /// Tokens that the trader loses and gains by a swap, and the changes of the pool's vaults; None if the program
    /// refuses it.
    pub(crate) fn swap(&mut self, market: &Market, mint_in: Mint, limit: Limit) -> Option<[i128; 4]> {
        let owner = self.trader.pubkey();
        let [one, other] = market.tokens();
        let (token_in, token_out) = if one.mint == mint_in { (one, other) } else { (other, one) };
        let [source, destination] = [1, 2].map(|seed| Pubkey::new_from_array([seed; 32]));
        for (address, token) in [(source, token_in), (destination, token_out)] {
            self.svm.set_account(address, holding(token.mint, owner, HELD, token.program)).unwrap();
        }
        let vaults = market.vaults();
        let [vault_in, vault_out] = if one.mint == mint_in { vaults } else { [vaults[1], vaults[0]] };
        let watched = [source, destination, vault_in, vault_out];
        let before = watched.map(|address| self.held(&address));
        let trader = Trader { owner, source, destination };
        let swap = market.instruction(&trader, mint_in, limit).unwrap();
        self.sent += 1;
        let budget = ComputeBudgetInstruction::set_compute_unit_limit(UNITS_MAX - self.sent % 1_000_000);
        let message =
            v0::Message::try_compile(&owner, &[budget, swap], &[], self.svm.latest_blockhash()).unwrap();
        let transaction =
            VersionedTransaction::try_new(VersionedMessage::V0(message), &[&self.trader]).unwrap();
        self.svm.send_transaction(transaction).ok()?;
        let mut changes = [0; 4];
        for ((change, address), before) in changes.iter_mut().zip(watched).zip(before) {
            *change = i128::from(self.held(&address)) - i128::from(before);
        }
        Some(changes)
    }

    fn held(&self, address: &Pubkey) -> u64 {
        self.svm.get_account(address).map_or(0, |account| amm::token::held(&account))
    }
}

/// The accounts of a seeded pool, with mints of this supply.
pub(crate) fn accounts(seed: &Seed, seeded: &Seeded, supply: u64) -> Accounts {
    let mut accounts = Accounts::new();
    for one in &seeded.accounts {
        accounts.insert(one.address, account(one.owner, one.data.clone()));
    }
    for vault in &seeded.vaults {
        let held = holding(vault.mint, vault.authority, vault.amount.get(), vault.program);
        accounts.insert(vault.address, held);
    }
    for token in seed.tokens {
        let data = amm_programs::token::mint_data(None, supply, token.decimals);
        accounts.insert(token.mint.pubkey(), account(amm::token_program_id(token.program), data));
    }
    accounts
}

/// Changes the bytes of an account.
pub(crate) fn put(accounts: &mut Accounts, address: Pubkey, offset: usize, bytes: &[u8]) {
    let account = accounts.get_mut(&address).unwrap();
    account.data[offset..offset + bytes.len()].copy_from_slice(bytes);
}

fn account(owner: Pubkey, data: Vec<u8>) -> Account {
    Account { lamports: 1 << 40, data, owner, executable: false, rent_epoch: u64::MAX }
}

pub(crate) fn holding(mint: Mint, owner: Pubkey, amount: u64, program: Program) -> Account {
    let native = (mint == NATIVE_MINT).then_some(ACCOUNT_RENT);
    let data = amm_programs::token::account_data(mint.pubkey(), owner, amount, native);
    let lamports = ACCOUNT_RENT + if native.is_some() { amount } else { 0 };
    Account { lamports, ..account(amm::token_program_id(program), data) }
}

/// A limit that every swap keeps.
pub(crate) fn any(mode: order_core::quote::Mode, amount: u64) -> Limit {
    match mode {
        order_core::quote::Mode::ExactIn => {
            Limit::ExactIn { amount_in: Atoms::new(amount), min_out: Atoms::new(1) }
        }
        order_core::quote::Mode::ExactOut => {
            Limit::ExactOut { amount_out: Atoms::new(amount), max_in: Atoms::new(HELD) }
        }
    }
}

/// How many swaps were compared, and how many of them the program did.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) swapped: usize,
    pub(crate) refused: usize,
}

impl Tally {
    /// Compares a swap by our maths with the program's.
    pub(crate) fn compare(&mut self, machine: &mut Machine, market: &Market, mint_in: Mint, limit: Limit) {
        let ours = market.swap(mint_in, limit).ok().map(|swapped| {
            let [taken, given] = [swapped.amount_in, swapped.received].map(|amount| i128::from(amount.get()));
            let [by_trader, by_vault] =
                [amm::Payer::Trader, amm::Payer::Vault].map(|payer| i128::from(swapped.paid_by(payer).get()));
            [-taken, given, taken - by_trader, -given - by_vault]
        });
        let theirs = machine.swap(market, mint_in, limit);
        assert_eq!(ours, theirs, "{} {mint_in} {limit:?}: {market:?}", Venue::name(market.venue()));
        if ours.is_some() { self.swapped += 1 } else { self.refused += 1 }
    }
}
