//! Cases that were refused without need, or quoted though the program refuses them: recorded accounts with what is
//! expected of them, which are not part of this repository.

use crate::accounts::Cluster;
use crate::orca_whirlpool;
use crate::recorded::{bytes, read_file};
use crate::vectors::{cases, flag, number};
use amm::{Clock, Market, Pool};
use order_core::quote::Mode;
use order_core::{Atoms, PoolAddress, Pubkey};
use serde_json::Value;

/// A pool with all accounts of its cluster, and the time there.
pub(crate) struct Case {
    pub(crate) cluster: Cluster,
    pub(crate) pool: PoolAddress,
    clock: Clock,
}

impl Case {
    pub(crate) fn new(case: &Value) -> Self {
        let mut cluster = Cluster::default();
        for (address, account) in case["accounts"].as_object().unwrap() {
            let owner = account["owner"].as_str().unwrap().parse().unwrap();
            cluster.put(address.parse().unwrap(), owner, bytes(&account["data"]));
        }
        let clock = &case["clock"];
        Self {
            cluster,
            pool: case["pool"].as_str().unwrap().parse().unwrap(),
            clock: Clock {
                slot: number(clock, "slot"),
                epoch: number(clock, "epoch"),
                unix_timestamp: number(clock, "unix_timestamp"),
            },
        }
    }

    /// All of its accounts are read: those that are not there do not exist.
    pub(crate) fn market(&self) -> Market {
        let pool = Pool::decode(self.pool, &self.cluster.accounts[&self.pool.pubkey()]).unwrap();
        let read = |address: &Pubkey| self.cluster.accounts.get(address).or(Some(&amm::ABSENT));
        pool.load(read, self.clock).unwrap()
    }
}

/// The amounts that a case asks for, in and out; None where there is no quote.
fn quoted(market: &Market, quote: &Value) -> Option<(u64, u64)> {
    let mint = market.mints()[usize::from(quote["side"] == 1)];
    let mode = if quote["mode"] == "in" { Mode::ExactIn } else { Mode::ExactOut };
    let quoted = market.quote(mint, mode, Atoms::new(number(quote, "amount"))).ok()?;
    Some((quoted.amount_in.get(), quoted.amount_out.get()))
}

#[test]
fn whirlpool_whose_arrays_are_not_initialised_quotes_as_its_program() {
    let Some(file) = read_file("whirlpool_arrays_not_initialised") else { return };
    let market = Case::new(&file["case"]).market();
    for quote in cases(&file, "expected") {
        let out: u64 = number(quote, "out");
        assert_eq!(quoted(&market, quote).map_or(0, |(_, received)| received), out, "{quote}");
    }
}

#[test]
fn whirlpool_whose_current_array_is_missing_quotes_as_with_an_empty_one() {
    let Some(file) = read_file("whirlpool_current_array_missing") else { return };
    let market = Case::new(&file["case"]).market();
    let mut agreed = 0;
    for mint in market.mints() {
        for amount in [1_000, 1_000_000, 100_000_000] {
            agreed += usize::from(market.quote(mint, Mode::ExactIn, Atoms::new(amount)).is_ok());
        }
    }
    assert_eq!(agreed, 6);
}

#[test]
fn whirlpool_refuses_what_its_program_refuses_past_the_last_tick() {
    let Some(file) = read_file("orca_last_tick") else { return };
    for case in cases(&file, "svm_cases") {
        assert_eq!(number::<u64>(case, "expected_out"), 0);
        assert!(!flag(case, "a_to_b") && orca_whirlpool::quote_vm_case(case).is_err(), "{case}");
    }
}

#[test]
fn transfer_fee_is_told_apart_from_the_fee_and_the_price_impact() {
    let Some(file) = read_file("transfer_fee_not_told") else { return };
    let market = Case::new(&file["case"]).market();
    let quote = market.quote(market.mints()[0], Mode::ExactIn, Atoms::new(1_000_000)).unwrap();
    assert_eq!((quote.amount_out.get(), quote.withheld_out.get()), (82, 82_002 - 82));
}
