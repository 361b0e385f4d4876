//! A few accounts as a cluster would hold them, and what a swap does to them.

use amm::{Clock, DecodeError, Market, Payer, Pool, TransferFee, token_program_id};
use amm_programs::{Execution, Seed, Seeded};
use order_core::token::Program;
use order_core::{Mint, PoolAddress, Pubkey, Venue};
use solana_account::Account;
use std::collections::HashMap;

pub(crate) const MINT_A: Mint = Mint::new([1; 32]);
pub(crate) const MINT_B: Mint = Mint::new([2; 32]);
pub(crate) const POOL: PoolAddress = PoolAddress::new([3; 32]);

pub(crate) const NOW: Clock = Clock { slot: 1000, epoch: 10, unix_timestamp: 1_800_000_000 };

/// Accounts by address.
#[derive(Clone, Default)]
pub(crate) struct Cluster {
    pub(crate) accounts: HashMap<Pubkey, Account>,
}

impl Cluster {
    pub(crate) fn put(&mut self, address: Pubkey, owner: Pubkey, data: Vec<u8>) {
        self.accounts.insert(address, Account { lamports: 1, data, owner, executable: false, rent_epoch: 0 });
    }

    pub(crate) fn data(&mut self, address: Pubkey) -> &mut Vec<u8> {
        &mut self.accounts.get_mut(&address).unwrap().data
    }

    pub(crate) fn market(&self, pool: PoolAddress, clock: Clock) -> Result<Market, DecodeError> {
        Pool::decode(pool, &self.accounts[&pool.pubkey()])?.load(|address| self.accounts.get(address), clock)
    }

    pub(crate) fn put_mint(&mut self, mint: Mint, fee: TransferFee) {
        let program = if fee.basis_points == 0 { Program::SplToken } else { Program::Token2022 };
        self.put(mint.pubkey(), token_program_id(program), mint_data(fee));
    }

    pub(crate) fn put_vault(&mut self, address: Pubkey, mint: Mint, program: Program, amount: u64) {
        let mut data = vec![0; 165];
        data[..32].copy_from_slice(&mint.to_bytes());
        data[64..72].copy_from_slice(&amount.to_le_bytes());
        data[108] = 1;
        self.put(address, token_program_id(program), data);
    }

    pub(crate) fn balance(&self, vault: Pubkey) -> u64 {
        u64::from_le_bytes(self.accounts[&vault].data[64..72].try_into().unwrap())
    }

    /// A cluster with one seeded pool.
    pub(crate) fn seeded(venue: Venue, seed: &Seed) -> (Self, Seeded) {
        let seeded = amm_programs::seed(venue, seed).unwrap();
        let mut cluster = Self::default();
        for account in seeded.accounts.clone() {
            cluster.put(account.address, account.owner, account.data);
        }
        for token in seed.tokens {
            cluster.put_mint(token.mint, token.transfer_fee);
        }
        for vault in seeded.vaults {
            cluster.put_vault(vault.address, vault.mint, vault.program, vault.amount.get());
        }
        (cluster, seeded)
    }

    /// Moves the tokens and changes the pool as the cluster would.
    pub(crate) fn apply(&mut self, execution: &Execution) {
        let swapped = &execution.swapped;
        let [by_trader, by_vault] = [Payer::Trader, Payer::Vault].map(|payer| swapped.paid_by(payer).get());
        for payment in &swapped.payments {
            let held = self.balance(payment.account).checked_add(payment.amount.get()).unwrap();
            self.data(payment.account)[64..72].copy_from_slice(&held.to_le_bytes());
        }
        let arrives = swapped.token_in.transfer_fee.after(swapped.amount_in.get() - by_trader);
        let vault_in = self.balance(swapped.vault_in).checked_add(arrives).unwrap();
        let vault_out =
            self.balance(swapped.vault_out).checked_sub(swapped.amount_out.get() + by_vault).unwrap();
        self.data(swapped.vault_in)[64..72].copy_from_slice(&vault_in.to_le_bytes());
        self.data(swapped.vault_out)[64..72].copy_from_slice(&vault_out.to_le_bytes());
        self.apply_writes(execution);
    }

    /// Changes the accounts of the pool's program alone.
    pub(crate) fn apply_writes(&mut self, execution: &Execution) {
        for address in execution.changed() {
            execution.apply(&address, self.data(address)).unwrap();
        }
    }
}

/// A mint of six decimals; of Token-2022 if transfers cost something.
pub(crate) fn mint_data(fee: TransferFee) -> Vec<u8> {
    let mut data = vec![0; 82];
    data[44] = 6;
    data[45] = 1;
    if fee.basis_points > 0 {
        data.resize(165, 0);
        data.push(1);
        data.extend(1u16.to_le_bytes());
        data.extend(108u16.to_le_bytes());
        let mut value = vec![0; 108];
        value[90..98].copy_from_slice(&0u64.to_le_bytes());
        value[98..106].copy_from_slice(&fee.maximum.to_le_bytes());
        value[106..108].copy_from_slice(&fee.basis_points.to_le_bytes());
        data.extend(value);
    }
    data
}

/// Puts little-endian fields into an account's bytes.
pub(crate) fn write(data: &mut [u8], offset: usize, bytes: &[u8]) {
    data[offset..offset + bytes.len()].copy_from_slice(bytes);
}
