//! Cases that were refused without need, or quoted though the program refuses them: recorded accounts with what is
//! expected of them, which are not part of this repository.

use crate::accounts::Cluster;
use crate::orca_whirlpool;
use crate::recorded::{bytes, read_file};
use crate::vectors::{cases, flag, number};
use amm::{Clock, Limit, Market, Pool, Trader};
use amm_programs::Execution;
use order_core::quote::Mode;
use order_core::{Atoms, Mint, PoolAddress, Pubkey};
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

impl Case {
    /// The swap as the program does it, which sees the accounts that its instruction names and no other.
    fn swap_of_named(&self, market: &Market, mint: Mint, limit: Limit) -> Option<Execution> {
        let stranger = Pubkey::new_from_array([9; 32]);
        let trader = Trader { owner: stranger, source: stranger, destination: stranger };
        let named = market.instruction(&trader, mint, limit).ok()?.accounts;
        let read = |address: &Pubkey| {
            let is_named = named.iter().any(|meta| meta.pubkey == *address);
            is_named.then(|| self.cluster.accounts.get(address).unwrap_or(&amm::ABSENT))
        };
        let market = market.pool().load(read, self.clock).ok()?;
        amm_programs::swap(&market, mint, limit).ok()
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

#[test]
fn pool_with_a_limit_order_quotes_as_without_it_where_the_order_is_not_reached() {
    let Some(file) = read_file("clmm_one_limit_order") else { return };
    let [without, with] = ["without_order", "with_order"].map(|name| &file[name]);
    let [alone, ordered] = [without, with].map(|case| Case::new(case).market());
    let mut agreed = 0;
    for quote in cases(with, "quotes") {
        let (alone, ordered) = (quoted(&alone, quote), quoted(&ordered, quote));
        // The order is one unit: a swap that reaches it gives that much more or less.
        match (alone, ordered) {
            (Some(alone), Some(ordered)) => {
                assert!(alone.0.abs_diff(ordered.0) <= 1 && alone.1.abs_diff(ordered.1) <= 1, "{quote}");
                agreed += usize::from(alone == ordered);
            }
            (alone, ordered) => assert_eq!(alone, ordered, "{quote}"),
        }
    }
    assert!(agreed > 0);
    println!("{agreed} of {} quotes are equal", cases(with, "quotes").len());
}

/// Runs of a program's own source: what each swap gives, and the state that it leaves.
fn agrees_with_source(name: &str, check: impl Fn(&Case, &Execution, &Value, &Value)) {
    let Some(file) = read_file(name) else { return };
    let (mut agreed, mut refused) = (0, 0);
    for case in cases(&file, "cases") {
        let pool = Case::new(case);
        let market = pool.market();
        for quote in cases(case, "quotes") {
            let mint = market.mints()[usize::from(quote["side"] == 1)];
            let amount = Atoms::new(number(quote, "amount"));
            let limit = if quote["mode"] == "in" {
                Limit::ExactIn { amount_in: amount, min_out: Atoms::new(1) }
            } else {
                Limit::ExactOut { amount_out: amount, max_in: Atoms::new(u64::MAX) }
            };
            let expected = (number(quote, "in"), number(quote, "out"));
            let told = (&case["name"], &quote["side"], &quote["mode"], &quote["amount"], &quote["error"]);
            match amm_programs::swap(&market, mint, limit) {
                Err(_) => {
                    assert_eq!(expected, (0, 0), "{told:?}: {:?}", market.swap(mint, limit));
                    refused += 1;
                }
                Ok(executed) => {
                    let swapped = &executed.swapped;
                    assert_eq!((swapped.amount_in.get(), swapped.amount_out.get()), expected, "{told:?}");
                    check(&pool, &executed, case, quote);
                    assert_eq!(pool.swap_of_named(&market, mint, limit), Some(executed), "{told:?}");
                    agreed += 1;
                }
            }
        }
    }
    println!("{name}: {agreed} runs of the source agree, {refused} are refused by both");
}

#[test]
fn raydium_clmm_does_what_its_source_does() {
    agrees_with_source("native_clmm", |pool, executed, _, quote| check_state(pool, executed, quote));
}

#[test]
fn orca_whirlpool_does_what_its_source_does() {
    agrees_with_source("native_whirlpool", |pool, executed, case, quote| {
        let mut cluster = pool.cluster.clone();
        cluster.apply_writes(executed);
        let (ours, theirs) = (cluster.data(pool.pool.pubkey()), bytes(&quote["pool"]));
        assert_eq!(ours[49..101], theirs[49..101], "the price and the fees of {quote}");
        if quote["oracle"].is_string() {
            let oracle = cluster.data(case["oracle"].as_str().unwrap().parse().unwrap());
            assert_eq!(oracle[..126], bytes(&quote["oracle"])[..126], "the oracle of {quote}");
        }
    });
}

/// The price, the fees, the dynamic fee and the limit orders after a swap.
fn check_state(case: &Case, executed: &Execution, quote: &Value) {
    let mut cluster = case.cluster.clone();
    cluster.apply_writes(executed);
    let (ours, theirs) = (cluster.data(case.pool.pubkey()).clone(), bytes(&quote["pool"]));
    for field in [237..253, 253..269, 269..273, 309..325, 1064..1080, 1096..1126] {
        assert_eq!(ours[field.clone()], theirs[field.clone()], "{field:?} of {:?}", quote["amount"]);
    }
    for tick in quote["orders"].as_array().unwrap() {
        let number = |place: usize| -> u128 { tick[place].as_str().unwrap().parse().unwrap() };
        let base = usize::try_from(number(1)).unwrap();
        let array = cluster.data(tick[0].as_str().unwrap().parse().unwrap());
        let read = |offset: usize| u64::from_le_bytes(array[base + offset..][..8].try_into().unwrap());
        let ratio = u128::from_le_bytes(array[base + 140..][..16].try_into().unwrap());
        let ours = [u128::from(read(116)), u128::from(read(124)), u128::from(read(132)), ratio];
        assert_eq!(ours, [number(2), number(3), number(4), number(5)], "{tick}");
    }
}
