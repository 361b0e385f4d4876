//! Every recorded case of Raydium CPMM. The offsets here are written out again, from the program's source.

use crate::accounts::{Cluster, MINT_A, MINT_B, NOW, POOL, write};
use crate::vectors::{
    Counts, TRANSFER_FEES, cases, file, flag, mode, number, number_or, require_fields, transfer_fees,
};
use amm::{Limit, QuoteError, TransferFee};
use order_core::quote::Mode;
use order_core::token::Program;
use order_core::{Atoms, Pubkey, Venue};
use serde_json::Value;

const CONFIG: Pubkey = Pubkey::new_from_array([9; 32]);
const VAULT_A: Pubkey = Pubkey::new_from_array([10; 32]);
const VAULT_B: Pubkey = Pubkey::new_from_array([11; 32]);

/// The settings of a case; the first token always goes in.
#[derive(Default)]
struct Setting {
    reserves: [u64; 2],
    trade_fee_rate: u64,
    protocol_fee_rate: u64,
    fund_fee_rate: u64,
    creator_fee_rate: u64,
    creator_fee_on_output: bool,
    /// Of the input and of the output.
    transfer_fees: [TransferFee; 2],
}

/// Fees that the pool owes before each case, so that the reserves are seen to exclude them.
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
    let vaults = [(MINT_A, VAULT_A, 11 + 13 + 15), (MINT_B, VAULT_B, 12 + 14 + 16)];
    for (side, (mint, vault, owed)) in vaults.into_iter().enumerate() {
        let fee = setting.transfer_fees[side];
        cluster.put_mint(mint, fee);
        let program = if fee.basis_points == 0 { Program::SplToken } else { Program::Token2022 };
        cluster.put_vault(vault, mint, program, setting.reserves[side] + owed);
    }
    cluster
}

const RECORDED: &str = "mainnet_recorded_swaps";
const UNIT_TESTS: &str = "upstream_unit_tests";
const NATIVE: &str = "native_cases";

fn vectors() -> Value {
    file(Venue::RaydiumCpmm, &[RECORDED, UNIT_TESTS, NATIVE])
}

/// Withholds exactly this from anything larger.
fn exactly(fee: u64) -> TransferFee {
    TransferFee { basis_points: if fee == 0 { 0 } else { 10_000 }, maximum: fee }
}

/// The rate at which the creator got what the event says, in millionths.
fn creator_fee_rate(case: &Value, on_input: bool) -> u64 {
    let fee: u64 = number_or(case, "creator_fee", 0);
    let field = if on_input { "input_amount_field" } else { "output_amount_field" };
    let of = u128::from(number::<u64>(case, field)) + if on_input { 0 } else { u128::from(fee) };
    u64::try_from((u128::from(fee) * 2_000_000 + of) / (2 * of)).unwrap()
}

/// An event tells what the curve exchanged: the input's transfer fee came before, the output's after.
#[test]
fn agrees_with_recorded_mainnet_swaps() {
    let told = ["event_length", "pool", "input_mint", "output_mint", "trade_fee"];
    let read = ["input_vault_before", "output_vault_before", "input_transfer_fee", "output_transfer_fee"];
    let exchanged = ["input_amount_field", "output_amount_field", "base_input", "matching_trade_fee_rate"];
    let creators = ["creator_fee", "creator_fee_on_input"];
    let file = vectors();
    let mut counts = Counts::default();
    for case in cases(&file, RECORDED) {
        require_fields(case, &[&told, &read, &exchanged, &creators]);
        let [input, output, fee_in, fee_out] = read.map(|field| number::<u64>(case, field));
        let on_input = case.get("creator_fee_on_input").is_none() || flag(case, "creator_fee_on_input");
        let rates = case["matching_trade_fee_rate"]["rates"].as_array().unwrap();
        let setting = Setting {
            reserves: [input, output],
            trade_fee_rate: rates[0].as_u64().unwrap(),
            creator_fee_rate: creator_fee_rate(case, on_input),
            creator_fee_on_output: !on_input,
            transfer_fees: [exactly(fee_in), exactly(fee_out)],
            ..Setting::default()
        };
        let market = cluster(&setting).market(POOL, NOW).unwrap();
        let paid = number::<u64>(case, "input_amount_field") + fee_in;
        let received = number::<u64>(case, "output_amount_field") - fee_out;
        if flag(case, "base_input") {
            let quote = market.quote(MINT_A, Mode::ExactIn, Atoms::new(paid));
            counts.compare(quote.map(|quote| quote.amount_out.get()), received, case);
        } else {
            let quote = market.quote(MINT_A, Mode::ExactOut, Atoms::new(received));
            counts.compare(quote.map(|quote| quote.amount_in.get()), paid, case);
        }
    }
    counts.print(Venue::RaydiumCpmm, &file, RECORDED);
}

#[test]
fn agrees_with_the_programs_own_unit_tests() {
    let read = ["swap_source_amount", "swap_destination_amount", "source_amount_after_fee"];
    let file = vectors();
    let mut counts = Counts::default();
    for case in cases(&file, UNIT_TESTS) {
        require_fields(case, &[&read, &["expected_destination_amount"]]);
        let [source, destination, amount] = read.map(|field| number(case, field));
        // The cases are of the curve alone. The program swaps without a fee where the creator's is of the output.
        let reserves = [source, destination];
        let setting = Setting { reserves, creator_fee_on_output: true, ..Setting::default() };
        let market = cluster(&setting).market(POOL, NOW).unwrap();
        let quote = market.quote(MINT_A, Mode::ExactIn, Atoms::new(amount));
        let quoted = quote.map(|quote| quote.amount_out.get());
        counts.compare(quoted, number(case, "expected_destination_amount"), case);
    }
    counts.print(Venue::RaydiumCpmm, &file, UNIT_TESTS);
}

#[test]
fn agrees_with_the_programs_curve_run_natively() {
    let file = vectors();
    let mut counts = Counts::default();
    for case in cases(&file, NATIVE) {
        check_native(case, &mut counts);
    }
    counts.print(Venue::RaydiumCpmm, &file, NATIVE);
}

const RESERVES: &[&str] = &["input_reserve_ex_fees", "output_reserve_ex_fees"];
const RATES: &[&str] = &["trade_fee_rate", "protocol_fee_rate", "fund_fee_rate", "creator_fee_rate"];
const FEES: &[&str] = &["trade_fee", "protocol_fee", "fund_fee", "creator_fee", "creator_fee_on_input"];

fn check_native(case: &Value, counts: &mut Counts) {
    require_fields(case, &[RESERVES, RATES, FEES, TRANSFER_FEES, &["kind", "amount", "expected"]]);
    let setting = Setting {
        reserves: [number(case, "input_reserve_ex_fees"), number(case, "output_reserve_ex_fees")],
        trade_fee_rate: number(case, "trade_fee_rate"),
        protocol_fee_rate: number(case, "protocol_fee_rate"),
        fund_fee_rate: number(case, "fund_fee_rate"),
        creator_fee_rate: number(case, "creator_fee_rate"),
        creator_fee_on_output: !flag(case, "creator_fee_on_input"),
        transfer_fees: transfer_fees(case),
    };
    let mut cluster = cluster(&setting);
    let market = cluster.market(POOL, NOW).unwrap();
    let (amount, expected) = (Atoms::new(number(case, "amount")), number(case, "expected"));
    let quote = market.quote(MINT_A, mode(case), amount);
    let (quoted, limit) = match mode(case) {
        Mode::ExactIn => (
            quote.map(|quote| quote.amount_out.get()),
            Limit::ExactIn { amount_in: amount, min_out: Atoms::new(expected) },
        ),
        Mode::ExactOut => (
            quote.map(|quote| quote.amount_in.get()),
            Limit::ExactOut { amount_out: amount, max_in: Atoms::new(expected) },
        ),
    };
    counts.compare(quoted, expected, case);
    let executed = amm_programs::swap(&market, MINT_A, limit);
    if expected == 0 {
        assert!(executed.is_err(), "{case}");
        return;
    }
    cluster.apply_writes(&executed.unwrap());
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
    assert_eq!(amm_programs::swap(&market, MINT_A, limit), Err(6005));
    let quote = market.quote(MINT_A, Mode::ExactOut, Atoms::new(1000)).unwrap();
    let less = quote.amount_in.checked_sub(Atoms::new(1)).unwrap();
    let limit = Limit::ExactOut { amount_out: Atoms::new(1000), max_in: less };
    assert_eq!(amm_programs::swap(&market, MINT_A, limit), Err(6005));
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

/// The program divides the fee of an input among both rates: where both are zero it fails with 6006.
#[test]
fn pool_without_fees_is_quoted_where_its_program_does_not_fail() {
    let free = Setting { reserves: [1_000_000; 2], ..Setting::default() };
    let amount = Atoms::new(1000);
    let limits = [
        Limit::ExactIn { amount_in: amount, min_out: Atoms::new(1) },
        Limit::ExactOut { amount_out: amount, max_in: Atoms::new(2000) },
    ];
    let swaps = |setting: &Setting, mint| {
        let market = cluster(setting).market(POOL, NOW).unwrap();
        limits.map(|limit| amm_programs::swap(&market, mint, limit).map(|_| ()))
    };
    for mint in [MINT_A, MINT_B] {
        assert_eq!(swaps(&free, mint), [Err(6006); 2]);
        let creator =
            Setting { creator_fee_rate: 1, ..Setting { reserves: free.reserves, ..Setting::default() } };
        assert_eq!(swaps(&creator, mint), [Ok(()); 2]);
    }
    // The creator's fee on the second token only: the first one in has no fee to divide.
    let second = Setting { creator_fee_on_output: true, reserves: free.reserves, ..Setting::default() };
    assert_eq!(swaps(&second, MINT_A), [Ok(()); 2]);
    assert_eq!(swaps(&second, MINT_B), [Err(6006); 2]);
}
