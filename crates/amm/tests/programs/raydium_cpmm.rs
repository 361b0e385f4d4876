//! Every recorded case of Raydium CPMM. The offsets here are written out again, from the program's source.

use crate::accounts::{Cluster, MINT_A, MINT_B, NOW, POOL, write};
use crate::vectors::{cases, flag, number};
use amm::{Limit, QuoteError, TransferFee};
use order_core::quote::Mode;
use order_core::token::Program;
use order_core::{Atoms, Pubkey, Venue};
use serde_json::Value;

const CONFIG: Pubkey = Pubkey::new_from_array([9; 32]);
const VAULT_A: Pubkey = Pubkey::new_from_array([10; 32]);
const VAULT_B: Pubkey = Pubkey::new_from_array([11; 32]);

/// What a case fixes; the first token always goes in.
#[derive(Default)]
struct Setting {
    reserves: [u64; 2],
    trade_fee_rate: u64,
    protocol_fee_rate: u64,
    fund_fee_rate: u64,
    creator_fee_rate: u64,
    creator_fee_on_output: bool,
    input_transfer_fee: TransferFee,
}

/// What the pool owes before each case, so that the reserves are seen to exclude it.
const OWED: [(usize, u64); 6] = [(341, 11), (349, 12), (357, 13), (365, 14), (397, 15), (405, 16)];

fn cluster(setting: &Setting) -> Cluster {
    let program = amm::program_id(Venue::RaydiumCpmm);
    let mut pool = vec![0; 637];
    write(&mut pool, 0, &[0xf7, 0xed, 0xe3, 0xf5, 0xd7, 0xc3, 0xde, 0x46]);
    write(&mut pool, 8, CONFIG.as_ref());
    write(&mut pool, 72, VAULT_A.as_ref());
    write(&mut pool, 104, VAULT_B.as_ref());
    write(&mut pool, 168, &MINT_A.to_bytes());
    write(&mut pool, 200, &MINT_B.to_bytes());
    for (offset, owed) in OWED {
        write(&mut pool, offset, &u64::to_le_bytes(owed));
    }
    // The creator's fee is taken in the second token only, which is the output.
    write(&mut pool, 389, &[if setting.creator_fee_on_output { 2 } else { 0 }]);
    write(&mut pool, 390, &[1]);
    let mut config = vec![0; 236];
    write(&mut config, 0, &[0xda, 0xf4, 0x21, 0x68, 0xcb, 0xcb, 0x2b, 0x6f]);
    write(&mut config, 12, &setting.trade_fee_rate.to_le_bytes());
    write(&mut config, 20, &setting.protocol_fee_rate.to_le_bytes());
    write(&mut config, 28, &setting.fund_fee_rate.to_le_bytes());
    write(&mut config, 108, &setting.creator_fee_rate.to_le_bytes());
    let mut cluster = Cluster::default();
    cluster.put(POOL.pubkey(), program, pool);
    cluster.put(CONFIG, program, config);
    cluster.put_mint(MINT_A, setting.input_transfer_fee);
    cluster.put_mint(MINT_B, TransferFee::default());
    let [reserve_a, reserve_b] = setting.reserves;
    cluster.put_vault(VAULT_A, MINT_A, Program::SplToken, reserve_a + 11 + 13 + 15);
    cluster.put_vault(VAULT_B, MINT_B, Program::SplToken, reserve_b + 12 + 14 + 16);
    cluster
}

fn vectors() -> Value {
    serde_json::from_str(include_str!("../data/raydium_cpmm.json")).unwrap()
}

/// The rate that withheld `fee` of `sent`, in whole ten-thousandths.
fn transfer_fee(sent: u64, fee: u64) -> TransferFee {
    let basis_points = u64::try_from(u128::from(fee) * 10_000 / u128::from(sent)).unwrap();
    TransferFee { basis_points: u16::try_from(basis_points).unwrap(), maximum: u64::MAX }
}

#[test]
fn agrees_with_recorded_mainnet_swaps() {
    let file = vectors();
    for case in cases(&file, "mainnet_recorded_swaps") {
        let arrived: u64 = number(case, "input_amount_field");
        let withheld: u64 = number(case, "input_transfer_fee");
        let sent = arrived + withheld;
        let setting = Setting {
            reserves: [number(case, "input_vault_before"), number(case, "output_vault_before")],
            trade_fee_rate: case["matching_trade_fee_rate"]["rates"][0].as_u64().unwrap(),
            input_transfer_fee: transfer_fee(sent, withheld),
            ..Setting::default()
        };
        let market = cluster(&setting).market(POOL, NOW).unwrap();
        let quote = market.quote(MINT_A, Mode::ExactIn, Atoms::new(sent)).unwrap();
        assert_eq!(quote.amount_out, Atoms::new(number(case, "output_amount_field")), "{case}");
    }
    let count = cases(&file, "mainnet_recorded_swaps").len();
    println!("raydium_cpmm: {count} of {count} recorded mainnet swaps agree");
    assert_eq!(count, 3);
}

#[test]
fn agrees_with_the_programs_own_unit_tests() {
    let file = vectors();
    let cases = cases(&file["upstream_unit_tests"], "cases");
    for case in cases {
        let setting = Setting {
            reserves: [number(case, "swap_source_amount"), number(case, "swap_destination_amount")],
            ..Setting::default()
        };
        let amount = Atoms::new(number(case, "source_amount_after_fee"));
        let quote =
            cluster(&setting).market(POOL, NOW).unwrap().quote(MINT_A, Mode::ExactIn, amount).unwrap();
        assert_eq!(quote.amount_out, Atoms::new(number(case, "expected_destination_amount")), "{case}");
    }
    println!("raydium_cpmm: {0} of {0} of the program's unit tests agree", cases.len());
    assert_eq!(cases.len(), 10);
}

#[test]
fn agrees_with_the_programs_curve_run_natively() {
    let file = vectors();
    let cases = cases(&file, "native_cases");
    for case in cases {
        check_native(case);
    }
    println!("raydium_cpmm: {0} of {0} native cases agree, fees included", cases.len());
    assert_eq!(cases.len(), 50);
}

fn check_native(case: &Value) {
    let setting = Setting {
        reserves: [number(case, "input_reserve_ex_fees"), number(case, "output_reserve_ex_fees")],
        trade_fee_rate: number(case, "trade_fee_rate"),
        protocol_fee_rate: number(case, "protocol_fee_rate"),
        fund_fee_rate: number(case, "fund_fee_rate"),
        creator_fee_rate: number(case, "creator_fee_rate"),
        creator_fee_on_output: !flag(case, "creator_fee_on_input"),
        input_transfer_fee: TransferFee::default(),
    };
    let mut cluster = cluster(&setting);
    let market = cluster.market(POOL, NOW).unwrap();
    let amount = Atoms::new(number(case, "amount"));
    let expected = Atoms::new(number(case, "expected"));
    let exact_in = match case["kind"].as_str().unwrap() {
        "exact_in" => true,
        "exact_out" => false,
        other => panic!("kind {other}"),
    };
    let mode = if exact_in { Mode::ExactIn } else { Mode::ExactOut };
    let limit = if exact_in {
        Limit::ExactIn { amount_in: amount, min_out: expected }
    } else {
        Limit::ExactOut { amount_out: amount, max_in: expected }
    };
    if expected.is_zero() {
        assert_eq!(market.quote(MINT_A, mode, amount), Err(QuoteError::NothingOut), "{case}");
        assert_eq!(market.swap(MINT_A, limit), Err(2505), "{case}");
        return;
    }
    let quote = market.quote(MINT_A, mode, amount).unwrap();
    assert_eq!(if exact_in { quote.amount_out } else { quote.amount_in }, expected, "{case}");
    let swapped = market.swap(MINT_A, limit).unwrap();
    cluster.apply_writes(&swapped);
    let creator_offset = if setting.creator_fee_on_output { 405 } else { 397 };
    for (offset, fee) in [(341, "protocol_fee"), (357, "fund_fee"), (creator_offset, "creator_fee")] {
        let before = OWED.into_iter().find(|(at, _)| *at == offset).unwrap().1;
        let after = u64::from_le_bytes(cluster.data(POOL.pubkey())[offset..offset + 8].try_into().unwrap());
        assert_eq!(after - before, number::<u64>(case, fee), "{fee} of {case}");
    }
}

#[test]
fn a_limit_that_is_not_met_fails_with_the_programs_code() {
    let setting = Setting { reserves: [1_000_000, 2_000_000], trade_fee_rate: 2500, ..Setting::default() };
    let market = cluster(&setting).market(POOL, NOW).unwrap();
    let quote = market.quote(MINT_A, Mode::ExactIn, Atoms::new(1000)).unwrap();
    let more = quote.amount_out.checked_add(Atoms::new(1)).unwrap();
    let limit = Limit::ExactIn { amount_in: Atoms::new(1000), min_out: more };
    assert_eq!(market.swap(MINT_A, limit), Err(6005));
    let quote = market.quote(MINT_A, Mode::ExactOut, Atoms::new(1000)).unwrap();
    let less = quote.amount_in.checked_sub(Atoms::new(1)).unwrap();
    let limit = Limit::ExactOut { amount_out: Atoms::new(1000), max_in: less };
    assert_eq!(market.swap(MINT_A, limit), Err(6005));
}

#[test]
fn a_pool_is_closed_until_its_time_and_while_disabled() {
    let mut cluster =
        cluster(&Setting { reserves: [1_000_000, 2_000_000], trade_fee_rate: 2500, ..Setting::default() });
    let quote =
        |cluster: &Cluster| cluster.market(POOL, NOW).unwrap().quote(MINT_A, Mode::ExactIn, Atoms::new(1000));
    assert!(quote(&cluster).is_ok());
    let opens = u64::try_from(NOW.unix_timestamp).unwrap() + 1;
    write(cluster.data(POOL.pubkey()), 373, &opens.to_le_bytes());
    assert!(matches!(quote(&cluster), Err(QuoteError::Closed { .. })));
    write(cluster.data(POOL.pubkey()), 373, &[0; 8]);
    write(cluster.data(POOL.pubkey()), 329, &[4]);
    assert!(matches!(quote(&cluster), Err(QuoteError::Closed { .. })));
}

#[test]
fn a_configuration_from_before_the_creators_fee_has_none() {
    let setting = Setting {
        reserves: [1_000_000; 2],
        trade_fee_rate: 2500,
        creator_fee_rate: 500,
        ..Setting::default()
    };
    let mut cluster = cluster(&setting);
    assert_eq!(cluster.market(POOL, NOW).unwrap().fee().to_percent(), "0.3");
    cluster.data(CONFIG).truncate(108);
    assert_eq!(cluster.market(POOL, NOW).unwrap().fee().to_percent(), "0.25");
}
