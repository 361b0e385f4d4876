//! Every recorded case of Meteora DAMM v2. The offsets here are written out again, from the program's source.

use crate::accounts::{Cluster, MINT_A, MINT_B, NOW, POOL, write};
use crate::vectors::{
    Counts, TRANSFER_FEES, cases, file, flag, mode, number, number_or, require_fields, transfer_fees,
};
use amm::{Clock, DecodeError, Limit, QuoteError, TransferFee};
use order_core::quote::Mode;
use order_core::{Atoms, Mint, Venue};
use serde_json::{Value, json};

const VM: &str = "svm_cases";
const VM_OF_TOKENS: &str = "svm_cases_market_cap_and_token2022";

fn pool_data(state: &Value) -> Vec<u8> {
    let mut data = vec![0; 1112];
    write(&mut data, 0, &[0xf1, 0x9a, 0x6d, 0x04, 0x11, 0xb1, 0x6d, 0xbc]);
    write(&mut data, 168, &MINT_A.to_bytes());
    write(&mut data, 200, &MINT_B.to_bytes());
    write(&mut data, 232, &[4; 32]);
    write(&mut data, 264, &[5; 32]);
    for (offset, field) in [
        (16, "base_fee_mode"),
        (56, "dynamic_fee_initialized"),
        (480, "activation_type"),
        (484, "collect_fee_mode"),
        (486, "fee_version"),
    ] {
        write(&mut data, offset, &[number(state, field)]);
    }
    for (offset, field) in [(22, "number_of_period_or_fee_increment_bps"), (72, "bin_step")] {
        write(&mut data, offset, &number::<u16>(state, field).to_le_bytes());
    }
    write(&mut data, 68, &number::<u32>(state, "variable_fee_control").to_le_bytes());
    // The eight bytes at 24 are one field or two, as the base fee's mode has it.
    for (offset, field) in [
        (8, "cliff_fee_numerator"),
        (24, "period_frequency"),
        (32, "reduction_factor_or_reference_amount"),
        (472, "activation_point"),
    ] {
        write(&mut data, offset, &number::<u64>(state, field).to_le_bytes());
    }
    for (offset, field) in [
        (120, "volatility_accumulator"),
        (152, "init_sqrt_price"),
        (360, "liquidity"),
        (424, "sqrt_min_price"),
        (440, "sqrt_max_price"),
        (456, "sqrt_price"),
    ] {
        write(&mut data, offset, &number::<u128>(state, field).to_le_bytes());
    }
    data
}

fn cluster(state: &Value, transfer_fees: [TransferFee; 2]) -> Cluster {
    let mut cluster = Cluster::default();
    cluster.put(POOL.pubkey(), amm::program_id(Venue::MeteoraDammV2), pool_data(state));
    let [fee_a, fee_b] = transfer_fees;
    cluster.put_mint(MINT_A, fee_a);
    cluster.put_mint(MINT_B, fee_b);
    cluster
}

const TOLD: &[&str] = &["pool", "base_fee_mode", "collect_fee_mode", "dynamic_fee"];
const READ: &[&str] = &["pool_state", "a_to_b", "kind", "amount", "unix_timestamp", "slot", "expected"];
const STATE: &[&str] = &[
    "base_fee_mode",
    "dynamic_fee_initialized",
    "activation_type",
    "collect_fee_mode",
    "fee_version",
    "number_of_period_or_fee_increment_bps",
    "bin_step",
    "variable_fee_control",
    "cliff_fee_numerator",
    "period_frequency",
    "reduction_factor_or_reference_amount",
    "activation_point",
    "token_a_amount",
    "token_b_amount",
    "volatility_accumulator",
    "init_sqrt_price",
    "liquidity",
    "sqrt_min_price",
    "sqrt_max_price",
    "sqrt_price",
];
/// The same bytes as the period's frequency, as the other modes read them.
const STATE_AGAIN: [(&str, usize); 4] = [
    ("rate_limiter_max_duration", 0),
    ("rate_limiter_max_fee_bps", 32),
    ("market_cap_sqrt_price_step_bps", 0),
    ("market_cap_scheduler_expiration", 32),
];

/// The amount that a case's pool gives or takes; None if its mode is not known to agree.
fn quote_case(case: &Value) -> Option<Result<u64, QuoteError>> {
    require_fields(case, &[TOLD, READ, TRANSFER_FEES]);
    let state = &case["pool_state"];
    require_fields(state, &[STATE, &STATE_AGAIN.map(|(field, _)| field)]);
    let frequency: u64 = number(state, "period_frequency");
    for (field, shift) in STATE_AGAIN {
        let value: u64 = number_or(state, field, 0);
        assert!(value == 0 || value == frequency >> shift & 0xffff_ffff, "{field} of {case}");
    }
    let a_to_b = flag(case, "a_to_b");
    let [fee_in, fee_out] = transfer_fees(case);
    let fees = if a_to_b { [fee_in, fee_out] } else { [fee_out, fee_in] };
    let clock =
        Clock { slot: number(case, "slot"), epoch: 1, unix_timestamp: number(case, "unix_timestamp") };
    let market = cluster(state, fees).market(POOL, clock);
    if number::<u8>(state, "collect_fee_mode") == 2 {
        assert!(matches!(market, Err(DecodeError::Unsupported { .. })), "{case}");
        return None;
    }
    let mint_in = if a_to_b { MINT_A } else { MINT_B };
    let quote = market.unwrap().quote(mint_in, mode(case), Atoms::new(number(case, "amount")));
    Some(quote.map(|quote| match mode(case) {
        Mode::ExactIn => quote.amount_out.get(),
        Mode::ExactOut => quote.amount_in.get(),
    }))
}

fn check(list: &str) {
    let file = file(Venue::MeteoraDammV2, &[VM, VM_OF_TOKENS]);
    let mut counts = Counts::default();
    for case in cases(&file, list) {
        match quote_case(case) {
            Some(quoted) => counts.compare(quoted, number(case, "expected"), case),
            None => counts.unsupported(),
        }
    }
    counts.print(Venue::MeteoraDammV2, &file, list);
}

#[test]
fn agrees_with_the_program_in_an_svm() {
    check(VM);
}

#[test]
fn agrees_with_the_program_on_market_caps_and_transfer_fees() {
    check(VM_OF_TOKENS);
}

/// A plain pool around a price of one, with a fee of 1 %.
fn plain() -> Value {
    json!({
        "cliff_fee_numerator": 10_000_000, "base_fee_mode": 0, "number_of_period_or_fee_increment_bps": 0,
        "period_frequency": 0, "reduction_factor_or_reference_amount": 0, "dynamic_fee_initialized": 0,
        "variable_fee_control": 0, "bin_step": 0, "volatility_accumulator": 0, "init_sqrt_price": 0,
        "liquidity": "18446744073709551616000000000", "sqrt_min_price": "4295048016",
        "sqrt_max_price": "79226673521066979257578248091", "sqrt_price": "18446744073709551616",
        "activation_point": 500, "activation_type": 0, "collect_fee_mode": 1, "fee_version": 1,
    })
}

fn quote(state: &Value, clock: Clock, mint_in: Mint, mode: Mode, amount: u64) -> Result<u64, QuoteError> {
    let market = cluster(state, [TransferFee::default(); 2]).market(POOL, clock).unwrap();
    let quote = market.quote(mint_in, mode, Atoms::new(amount))?;
    Ok(match mode {
        Mode::ExactIn => quote.amount_out.get(),
        Mode::ExactOut => quote.amount_in.get(),
    })
}

#[test]
fn the_fee_is_taken_in_the_second_token() {
    assert_eq!(quote(&plain(), NOW, MINT_A, Mode::ExactIn, 100_000), Ok(98_990));
    assert_eq!(quote(&plain(), NOW, MINT_B, Mode::ExactIn, 100_000), Ok(98_990));
    assert_eq!(quote(&plain(), NOW, MINT_A, Mode::ExactIn, 0), Err(QuoteError::ZeroAmount));
    assert_eq!(
        quote(&plain(), NOW, Mint::new([8; 32]), Mode::ExactIn, 1),
        Err(QuoteError::ForeignMint { mint: Mint::new([8; 32]) })
    );
}

#[test]
fn the_protocols_part_of_the_fee_is_counted_and_the_price_moves() {
    let mut cluster = cluster(&plain(), [TransferFee::default(); 2]);
    write(cluster.data(POOL.pubkey()), 48, &[20]);
    let limit = Limit::ExactIn { amount_in: Atoms::new(100_000), min_out: Atoms::new(98_990) };
    let executed = amm_programs::swap(&cluster.market(POOL, NOW).unwrap(), MINT_B, limit).unwrap();
    cluster.apply_writes(&executed);
    let data = cluster.data(POOL.pubkey());
    // 1 % of the input is the fee, a fifth of it the protocol's, in the second token.
    assert_eq!(data[392..400], 0u64.to_le_bytes());
    assert_eq!(data[400..408], 200u64.to_le_bytes());
    // The price's root rises by 99 000 · 2^128 / liquidity.
    let price = u128::from_le_bytes(data[456..472].try_into().unwrap());
    assert_eq!(price, (1u128 << 64) + 99_000 * (1 << 64) / 1_000_000_000);
}

#[test]
fn a_rate_limiter_refuses_the_exact_output_it_cannot_price() {
    let mut state = plain();
    state["base_fee_mode"] = json!(2);
    state["number_of_period_or_fee_increment_bps"] = json!(10);
    state["reduction_factor_or_reference_amount"] = json!(1_000_000);
    // 1000 slots long, up to 50 %.
    state["period_frequency"] = json!((5000u64 << 32) | 1000);
    let exact_out = |mint, amount| quote(&state, NOW, mint, Mode::ExactOut, amount);
    assert!(exact_out(MINT_B, 900_000).is_ok());
    assert!(matches!(exact_out(MINT_B, 2_000_000), Err(QuoteError::Unsupported { .. })));
    assert!(exact_out(MINT_A, 2_000_000).is_ok());
    let over = Clock { slot: 1501, ..NOW };
    assert!(quote(&state, over, MINT_B, Mode::ExactOut, 2_000_000).is_ok());
    // Beyond the reference the same input buys less than it does after the limiter has ended.
    let exact_in = |clock| quote(&state, clock, MINT_B, Mode::ExactIn, 5_000_000).unwrap();
    assert!(exact_in(NOW) < exact_in(over));
}

#[test]
fn more_liquidity_than_a_token_can_have_is_no_reason_to_refuse_a_small_swap() {
    let mut state = plain();
    // A price of 2^32 at which half of the liquidity would be more than 2^64 of the second token.
    state["sqrt_price"] = json!((1u128 << 80).to_string());
    state["liquidity"] = json!((1u128 << 116).to_string());
    let market = cluster(&state, [TransferFee::default(); 2]).market(POOL, NOW).unwrap();
    assert_eq!(market.reserves(), [68_718_428_140, u64::MAX].map(Atoms::new));
    // 2^116 · (2^80 - ceil(2^116 · 2^80 / (2^116 + 1000 · 2^80))) / 2^128, and a fee of 1 %.
    assert_eq!(quote(&state, NOW, MINT_A, Mode::ExactIn, 1000), Ok(4_252_017_561_165));
    assert_eq!(quote(&state, NOW, MINT_B, Mode::ExactIn, 5_000_000_000_000), Ok(1152));
}

#[test]
fn a_pool_is_closed_before_its_activation_and_while_disabled() {
    let early = Clock { slot: 499, ..NOW };
    assert!(matches!(quote(&plain(), early, MINT_A, Mode::ExactIn, 1000), Err(QuoteError::Closed { .. })));
    let mut cluster = cluster(&plain(), [TransferFee::default(); 2]);
    write(cluster.data(POOL.pubkey()), 481, &[1]);
    let market = cluster.market(POOL, NOW).unwrap();
    let quoted = market.quote(MINT_A, Mode::ExactIn, Atoms::new(1000));
    assert!(matches!(quoted, Err(QuoteError::Closed { .. })));
}

#[test]
fn modes_that_are_not_checked_are_refused_by_name() {
    for (field, value) in
        [("collect_fee_mode", 2), ("base_fee_mode", 5), ("activation_type", 2), ("fee_version", 2)]
    {
        let mut state = plain();
        state[field] = json!(value);
        let market = cluster(&state, [TransferFee::default(); 2]).market(POOL, NOW);
        assert!(matches!(market, Err(DecodeError::Unsupported { .. })), "{field} {value}");
    }
}
