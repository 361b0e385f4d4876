//! Every recorded case of Orca Whirlpool. The offsets here are written out again, from the program's source.

use crate::accounts::{Cluster, MINT_A, MINT_B, NOW, POOL, write};
use crate::vectors::{Counts, cases, file, flag, number, number_or, parse, require_fields};
use amm::{DecodeError, Limit, Market, Pool, QuoteError, TransferFee};
use order_core::quote::Mode;
use order_core::{Atoms, Mint, Pubkey, Venue};
use serde_json::Value;
use std::collections::BTreeMap;

/// A pool's state, its arrays of ticks, and where liquidity begins or ends in them.
#[derive(Clone)]
struct Setting {
    liquidity: u128,
    sqrt_price: u128,
    tick: i32,
    spacing: u16,
    fee_rate: u16,
    arrays: Vec<i32>,
    ticks: BTreeMap<i32, i128>,
    dynamic: bool,
}

fn array(start: i32) -> Pubkey {
    let program = amm::program_id(Venue::OrcaWhirlpool);
    Pubkey::find_program_address(&[b"tick_array", &POOL.to_bytes(), start.to_string().as_bytes()], &program).0
}

fn fixed_array(start: i32, ticks: &[(usize, i128)]) -> Vec<u8> {
    let mut data = vec![0; 9988];
    write(&mut data, 0, &[0x45, 0x61, 0xbd, 0xbe, 0x6e, 0x07, 0x42, 0xbb]);
    write(&mut data, 8, &start.to_le_bytes());
    write(&mut data, 9956, POOL.pubkey().as_ref());
    for (place, net) in ticks {
        let base = 12 + place * 113;
        data[base] = 1;
        write(&mut data, base + 1, &net.to_le_bytes());
        write(&mut data, base + 17, &net.unsigned_abs().to_le_bytes());
    }
    data
}

fn dynamic_array(start: i32, ticks: &[(usize, i128)]) -> Vec<u8> {
    let mut data = vec![0x11, 0xd8, 0xf6, 0x8e, 0xe1, 0xc7, 0xda, 0x38];
    data.extend(start.to_le_bytes());
    data.extend(POOL.to_bytes());
    data.extend(ticks.iter().fold(0_u128, |bits, (place, _)| bits | 1 << place).to_le_bytes());
    for place in 0..88 {
        match ticks.iter().find(|(used, _)| *used == place) {
            None => data.push(0),
            Some((_, net)) => {
                data.push(1);
                data.extend(net.to_le_bytes());
                data.extend(net.unsigned_abs().to_le_bytes());
                data.extend([0; 80]);
            }
        }
    }
    data
}

fn cluster(setting: &Setting) -> Cluster {
    let program = amm::program_id(Venue::OrcaWhirlpool);
    let mut pool = vec![0; 653];
    write(&mut pool, 0, &[0x3f, 0x95, 0xd1, 0x0c, 0xe1, 0x80, 0x63, 0x09]);
    write(&mut pool, 41, &setting.spacing.to_le_bytes());
    write(&mut pool, 43, &setting.spacing.to_le_bytes());
    write(&mut pool, 45, &setting.fee_rate.to_le_bytes());
    write(&mut pool, 47, &1300u16.to_le_bytes());
    write(&mut pool, 49, &setting.liquidity.to_le_bytes());
    write(&mut pool, 65, &setting.sqrt_price.to_le_bytes());
    write(&mut pool, 81, &setting.tick.to_le_bytes());
    write(&mut pool, 101, &MINT_A.to_bytes());
    write(&mut pool, 133, &[4; 32]);
    write(&mut pool, 181, &MINT_B.to_bytes());
    write(&mut pool, 213, &[5; 32]);
    let mut cluster = Cluster::default();
    cluster.put(POOL.pubkey(), program, pool);
    let spacing = i32::from(setting.spacing);
    for start in &setting.arrays {
        let ticks = setting.ticks.range(start..&(start + 88 * spacing));
        let place = |tick: i32| usize::try_from((tick - start) / spacing).unwrap();
        let ticks: Vec<_> = ticks.map(|(tick, net)| (place(*tick), *net)).collect();
        let data = if setting.dynamic { dynamic_array(*start, &ticks) } else { fixed_array(*start, &ticks) };
        cluster.put(array(*start), program, data);
    }
    cluster.put_mint(MINT_A, TransferFee::default());
    cluster.put_mint(MINT_B, TransferFee::default());
    cluster
}

fn quote(setting: &Setting, mint: Mint, mode: Mode, amount: u64) -> Result<(u64, u64), QuoteError> {
    let market = cluster(setting).market(POOL, NOW).unwrap();
    let quote = market.quote(mint, mode, Atoms::new(amount))?;
    Ok((quote.amount_in.get(), quote.amount_out.get()))
}

const UNIT_TESTS: &str = "orca_unit_tests";
const VM: &str = "svm_cases";
const POOL_FIELDS: &[&str] =
    &["liquidity", "sqrt_price", "tick_current", "tick_spacing", "fee_rate", "ticks"];
const SWAP: &[&str] = &["a_to_b", "exact_in", "amount"];

fn vectors() -> Value {
    file(Venue::OrcaWhirlpool, &[UNIT_TESTS, VM])
}

/// The amount that a case's pool gives or takes.
fn quote_case(case: &Value, setting: &Setting) -> Result<u64, QuoteError> {
    let mint_in = if flag(case, "a_to_b") { MINT_A } else { MINT_B };
    let mode = if flag(case, "exact_in") { Mode::ExactIn } else { Mode::ExactOut };
    let amount = number(case, "amount");
    let (paid, received) = quote(setting, mint_in, mode, amount)?;
    let (fixed, other) = if flag(case, "exact_in") { (paid, received) } else { (received, paid) };
    assert_eq!(fixed, amount, "{case}");
    Ok(other)
}

/// The amount that the pool of a case from a virtual machine gives or takes.
pub(crate) fn quote_vm_case(case: &Value) -> Result<u64, QuoteError> {
    quote_case(case, &vm_setting(case, false))
}

fn vm_setting(case: &Value, dynamic: bool) -> Setting {
    let ticks = case["ticks"].as_object().unwrap();
    let starts = case["tick_array_starts"].as_array().unwrap();
    Setting {
        liquidity: number(case, "liquidity"),
        sqrt_price: number(case, "sqrt_price"),
        tick: number(case, "tick_current"),
        spacing: number(case, "tick_spacing"),
        fee_rate: number(case, "fee_rate"),
        arrays: starts.iter().map(|start| parse(start, "the start of an array")).collect(),
        ticks: ticks.iter().map(|(tick, net)| (tick.parse().unwrap(), parse(net, tick))).collect(),
        dynamic,
    }
}

#[test]
fn agrees_with_the_program_in_an_svm_in_both_kinds_of_arrays() {
    let file = vectors();
    for dynamic in [false, true] {
        let mut counts = Counts::default();
        for case in cases(&file, VM) {
            require_fields(case, &[POOL_FIELDS, SWAP, &["tick_array_starts", "expected_in", "expected_out"]]);
            let quoted = quote_case(case, &vm_setting(case, dynamic));
            let expected = [number(case, "expected_in"), number(case, "expected_out")];
            // What is bought for nothing is refused, whichever of both was asked for.
            let other = if expected.contains(&0) { 0 } else { expected[usize::from(flag(case, "exact_in"))] };
            counts.compare(quoted, other, case);
        }
        counts.print(Venue::OrcaWhirlpool, &file, VM);
    }
}

/// The pool of the program's own unit tests: each tick of five arrays is used.
fn crowded(liquidity: u128) -> Setting {
    let starts = [-352, -176, 0, 176, 352];
    let ticks = starts.iter().flat_map(|start| {
        (0..88).map(move |place| (start + place * 2, if *start < 0 { 1000 } else { -1000 }))
    });
    Setting {
        liquidity,
        sqrt_price: 1 << 64,
        tick: 0,
        spacing: 2,
        fee_rate: 3000,
        ticks: ticks.collect(),
        arrays: starts.to_vec(),
        dynamic: false,
    }
}

/// Its price and fee are the cases'; a text is expected of those at the end of its liquidity.
#[test]
fn agrees_with_the_programs_own_unit_tests() {
    let file = vectors();
    let mut counts = Counts::default();
    for case in cases(&file, UNIT_TESTS) {
        require_fields(case, &[POOL_FIELDS, SWAP, &["test", "expected", "expected_trade_fee"]]);
        let setting = Setting {
            sqrt_price: number_or(case, "sqrt_price", 1 << 64),
            tick: number_or(case, "tick_current", 0),
            spacing: number_or(case, "tick_spacing", 2),
            fee_rate: number(case, "fee_rate"),
            ..crowded(number(case, "liquidity"))
        };
        let quoted = quote_case(case, &setting);
        match case["expected"].as_str() {
            Some(text) if text.starts_with("ok") => counts.compare(quoted.clone(), quoted.unwrap(), case),
            Some(_) => counts.compare(quoted, 0, case),
            None => counts.compare(quoted, number(case, "expected"), case),
        }
    }
    counts.print(Venue::OrcaWhirlpool, &file, UNIT_TESTS);
}

#[test]
fn a_swap_through_ticks_leaves_the_state_that_the_next_one_needs() {
    let setting = crowded(265_000);
    let mut cluster = cluster(&setting);
    let limit = Limit::ExactIn { amount_in: Atoms::new(1000), min_out: Atoms::new(1) };
    let executed = amm_programs::swap(&cluster.market(POOL, NOW).unwrap(), MINT_A, limit).unwrap();
    cluster.apply_writes(&executed);
    let data = cluster.data(POOL.pubkey()).clone();
    let tick = i32::from_le_bytes(data[81..85].try_into().unwrap());
    let price = u128::from_le_bytes(data[65..81].try_into().unwrap());
    let liquidity = u128::from_le_bytes(data[49..65].try_into().unwrap());
    assert!((-90..-60).contains(&tick) && price < 1 << 64, "{tick}");
    // Each used tick from zero down to the price took its part away: one that ends, the others begin.
    let crossed = u128::try_from(-(tick + 1) / 2).unwrap();
    assert_eq!(liquidity, 265_000 + 1000 - crossed * 1000);
    let owed = u64::from_le_bytes(data[85..93].try_into().unwrap());
    assert!(owed <= 4, "an eighth of 38, rounded down at each step: {owed}");
}

#[test]
fn arrays_are_needed_as_far_as_an_instruction_names_them() {
    let mut setting = crowded(265_000);
    let market = cluster(&setting).market(POOL, NOW).unwrap();
    assert_eq!(market.swap_accounts().len(), 1 + 5);
    let trader =
        amm::Trader { owner: MINT_A.pubkey(), source: MINT_A.pubkey(), destination: MINT_A.pubkey() };
    let limit = Limit::ExactIn { amount_in: Atoms::new(1), min_out: Atoms::new(1) };
    let named = |mint| {
        let accounts = market.instruction(&trader, mint, limit).unwrap().accounts;
        accounts[11..14].iter().map(|meta| meta.pubkey).collect::<Vec<_>>()
    };
    assert_eq!(named(MINT_A), [0, -176, -352].map(array));
    assert_eq!(named(MINT_B), [0, 176, 352].map(array));
    // The nearest array that was not read is the end of what is known.
    setting.arrays.retain(|start| *start != -176);
    assert_eq!(quote(&setting, MINT_A, Mode::ExactIn, 100_000), Err(QuoteError::BeyondAccounts));
    assert!(quote(&setting, MINT_B, Mode::ExactIn, 1000).is_ok());
}

/// Reads every address that the pool names, as the program does: an array that is not there has no ticks.
fn read_by_all(cluster: &Cluster) -> Market {
    let pool = Pool::decode(POOL, &cluster.accounts[&POOL.pubkey()]).unwrap();
    pool.load(|address| cluster.accounts.get(address).or(Some(&amm::ABSENT)), NOW).unwrap()
}

#[test]
fn array_that_is_not_initialised_has_no_ticks() {
    let ticks = [(-200, 1_000_000), (200, -1_000_000)];
    let setting = Setting { ticks: ticks.into(), ..crowded(1_000_000) };
    let all = read_by_all(&cluster(&setting));
    // The array of the price has no tick in use: it may as well not exist.
    let without = Setting { arrays: vec![-352, 176], ..setting.clone() };
    let missing = cluster(&without);
    let mut vacant = missing.clone();
    vacant.put(array(0), Pubkey::new_from_array([0; 32]), Vec::new());
    vacant.put(array(-176), Pubkey::new_from_array([0; 32]), Vec::new());
    for mint in [MINT_A, MINT_B] {
        for amount in [10, 1000, 9000, 12_000] {
            let quoted = all.quote(mint, Mode::ExactIn, Atoms::new(amount));
            assert_eq!(read_by_all(&missing).quote(mint, Mode::ExactIn, Atoms::new(amount)), quoted);
            assert_eq!(read_by_all(&vacant).quote(mint, Mode::ExactIn, Atoms::new(amount)), quoted);
            assert_eq!(quoted.is_ok(), amount < 12_000, "{amount}");
        }
        // None of it is known before the arrays are read.
        assert_eq!(quote(&without, mint, Mode::ExactIn, 10), Err(QuoteError::BeyondAccounts));
    }
}

/// The program looks for a fourth array then, and fails with 6038.
#[test]
fn swap_does_not_go_past_a_tick_in_the_last_place_of_the_last_array() {
    let last = 352 + 87 * 2;
    let ticks = BTreeMap::from([(-352, 1_000_000), (last, 5)]);
    let setting = Setting { ticks, ..crowded(1_000_000) };
    let exactly = |amount| quote(&setting, MINT_B, Mode::ExactIn, amount);
    let most = (1..).take_while(|thousands| exactly(thousands * 100).is_ok()).last().unwrap() * 100;
    let end = (most..).find(|amount| exactly(*amount).is_err()).unwrap();
    assert_eq!(exactly(end), Err(QuoteError::BeyondAccounts));
    // In the place before it is no such end: the array's end is half a percent of a percent farther.
    let before = Setting { ticks: BTreeMap::from([(-352, 1_000_000), (last - 2, 5)]), ..setting.clone() };
    assert!(quote(&before, MINT_B, Mode::ExactIn, end).is_ok());
    let market = cluster(&setting).market(POOL, NOW).unwrap();
    let limit = Limit::ExactIn { amount_in: Atoms::new(end), min_out: Atoms::new(1) };
    assert_eq!(amm_programs::swap(&market, MINT_B, limit), Err(6038));
}

/// Bytes of an oracle with an adaptive fee: seconds of filter and decay, reduction, control, maximum, group, threshold.
fn oracle(opens: i64, last_reference: i64, last_major_swap: i64, accumulator: u32) -> Vec<u8> {
    let mut data = vec![0; 254];
    write(&mut data, 0, &[0x8b, 0xc2, 0x83, 0xb3, 0x8c, 0xb3, 0xe5, 0xf4]);
    write(&mut data, 8, &POOL.to_bytes());
    write(&mut data, 40, &opens.to_le_bytes());
    for (offset, value) in [(48, 30_u16), (50, 600), (52, 5_000), (62, 2), (64, 64)] {
        write(&mut data, offset, &value.to_le_bytes());
    }
    write(&mut data, 54, &20_000u32.to_le_bytes());
    write(&mut data, 58, &350_000u32.to_le_bytes());
    write(&mut data, 82, &last_reference.to_le_bytes());
    write(&mut data, 90, &last_major_swap.to_le_bytes());
    write(&mut data, 106, &accumulator.to_le_bytes());
    data
}

fn oracle_address() -> Pubkey {
    let program = amm::program_id(Venue::OrcaWhirlpool);
    Pubkey::find_program_address(&[b"oracle", &POOL.to_bytes()], &program).0
}

fn adaptive(oracle: Vec<u8>) -> Cluster {
    let mut cluster = cluster(&crowded(1_000_000_000));
    write(cluster.data(POOL.pubkey()), 43, &1025u16.to_le_bytes());
    cluster.put(oracle_address(), amm::program_id(Venue::OrcaWhirlpool), oracle);
    cluster
}

#[test]
fn adaptive_fee_is_read_from_the_oracle_and_decays_with_time() {
    let now = NOW.unix_timestamp;
    let rate = |oracle| adaptive(oracle).market(POOL, NOW).unwrap().fee().billionths();
    let grown =
        |reference: i64| 3_000_000 + 20_000 * (reference * 2).pow(2) / (100_000 * 10_000 * 10_000) * 1000;
    assert_eq!(rate(oracle(0, now - 700, 0, 300_000)), 3_000_000);
    assert_eq!(rate(oracle(0, now - 100, 0, 300_000)), grown(150_000));
    // A major swap keeps the volatility, but not for longer than an hour.
    assert_eq!(rate(oracle(0, now - 3_600, now - 100, 300_000)), grown(150_000));
    assert_eq!(rate(oracle(0, now - 3_601, now - 100, 300_000)), 3_000_000);
}

#[test]
fn adaptive_fee_grows_on_the_way_and_leaves_the_state_that_the_next_swap_needs() {
    let now = NOW.unix_timestamp;
    let mut cluster = adaptive(oracle(0, now - 700, 0, 0));
    let market = cluster.market(POOL, NOW).unwrap();
    assert!(market.swap_accounts().contains(&oracle_address()));
    let quote = |amount| market.quote(MINT_A, Mode::ExactIn, Atoms::new(amount)).unwrap();
    assert!(quote(100).fee < quote(1_000_000).fee && quote(1_000_000).fee < quote(8_000_000).fee);
    let limit = Limit::ExactIn { amount_in: Atoms::new(4_000_000), min_out: Atoms::new(1) };
    cluster.apply_writes(&amm_programs::swap(&market, MINT_A, limit).unwrap());
    let data = cluster.data(oracle_address());
    let field = |offset: usize| i64::from_le_bytes(data[offset..offset + 8].try_into().unwrap());
    // Of 79 ticks, which are more than the 64 of a major swap, 35 groups count.
    assert_eq!((field(82), field(90)), (now, now));
    assert_eq!(data[106..110], 350_000u32.to_le_bytes());
    // The reference stands while the filter lasts.
    let again = cluster.market(POOL, NOW).unwrap();
    assert!(again.fee() > market.fee());
}

#[test]
fn pool_is_closed_until_the_time_of_its_oracle() {
    let now = NOW.unix_timestamp;
    let error =
        |oracle| adaptive(oracle).market(POOL, NOW).unwrap().quote(MINT_A, Mode::ExactIn, Atoms::new(1000));
    assert!(matches!(error(oracle(now + 1, 0, 0, 0)), Err(QuoteError::Closed { .. })));
    assert!(matches!(error(oracle(0, 0, now + 1, 0)), Err(QuoteError::Closed { .. })));
    assert!(error(oracle(now, now, now, 0)).is_ok());
}

#[test]
fn what_is_not_the_pools_is_refused_by_name() {
    let mut missing = adaptive(oracle(0, 0, 0, 0));
    missing.accounts.remove(&oracle_address());
    assert_eq!(missing.market(POOL, NOW).unwrap_err(), DecodeError::Missing { address: oracle_address() });
    // An oracle that was read and does not exist: the fee stands still.
    assert_eq!(read_by_all(&missing).fee().billionths(), 3_000_000);
    let mut other = oracle(0, 0, 0, 0);
    other[8] ^= 1;
    assert!(matches!(adaptive(other).market(POOL, NOW), Err(DecodeError::Inconsistent { .. })));
    let mut foreign = cluster(&crowded(265_000));
    write(foreign.data(array(0)), 8, &7i32.to_le_bytes());
    assert!(matches!(foreign.market(POOL, NOW), Err(DecodeError::Inconsistent { .. })));
}

#[test]
fn limits_fail_with_the_programs_codes() {
    let market = cluster(&crowded(100_000_000)).market(POOL, NOW).unwrap();
    let amount = Atoms::new(1000);
    assert_eq!(
        amm_programs::swap(&market, MINT_A, Limit::ExactIn { amount_in: amount, min_out: amount }),
        Err(6036)
    );
    assert_eq!(
        amm_programs::swap(&market, MINT_A, Limit::ExactOut { amount_out: amount, max_in: amount }),
        Err(6037)
    );
    assert_eq!(amm::failure(Venue::OrcaWhirlpool, 6037).1, "AmountInAboveMaximum");
}
