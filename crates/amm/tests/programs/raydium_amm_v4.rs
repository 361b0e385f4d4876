//! Every recorded case of Raydium AMM v4. The offsets here are written out again, from the program's source.

use crate::accounts::{Cluster, MINT_A, MINT_B, NOW, POOL, write};
use crate::vectors::{Counts, cases, file, mode, number, number_or, require_fields};
use amm::{DecodeError, Limit, Pool, QuoteError, Trader, TransferFee};
use amm_programs::SwapInstruction;
use order_core::failure::Code;
use order_core::quote::Mode;
use order_core::token::Program;
use order_core::{Atoms, Mint, Pubkey, Venue};
use serde_json::Value;
use solana_account::Account;

const COIN_VAULT: Pubkey = Pubkey::new_from_array([10; 32]);
const PC_VAULT: Pubkey = Pubkey::new_from_array([11; 32]);
const OPEN_ORDERS: Pubkey = Pubkey::new_from_array([12; 32]);
const MARKET_PROGRAM: Pubkey = Pubkey::new_from_array([13; 32]);
const AUTHORITY: Pubkey = Pubkey::from_str_const("5Q544fKrFoe6tsEbD7S8EmxGTJYAKtTVhAW5Q5pge4j1");

/// The first token is the coin; a pool that only swaps, at 0.25 %.
fn cluster(vaults: [u64; 2], owed: [u64; 2]) -> Cluster {
    let mut pool = vec![0; 752];
    write(&mut pool, 0, &[6]);
    write(&mut pool, 8, &[254]);
    write(&mut pool, 176, &25u64.to_le_bytes());
    write(&mut pool, 184, &10_000u64.to_le_bytes());
    write(&mut pool, 192, &owed[0].to_le_bytes());
    write(&mut pool, 200, &owed[1].to_le_bytes());
    write(&mut pool, 336, COIN_VAULT.as_ref());
    write(&mut pool, 368, PC_VAULT.as_ref());
    write(&mut pool, 400, &MINT_A.to_bytes());
    write(&mut pool, 432, &MINT_B.to_bytes());
    write(&mut pool, 496, OPEN_ORDERS.as_ref());
    write(&mut pool, 560, MARKET_PROGRAM.as_ref());
    let mut cluster = Cluster::default();
    cluster.put(POOL.pubkey(), amm::program_id(Venue::RaydiumAmmV4), pool);
    cluster.put_mint(MINT_A, TransferFee::default());
    cluster.put_mint(MINT_B, TransferFee::default());
    cluster.put_vault(COIN_VAULT, MINT_A, Program::SplToken, vaults[0]);
    cluster.put_vault(PC_VAULT, MINT_B, Program::SplToken, vaults[1]);
    cluster
}

const RECORDED: &str = "mainnet_recorded_swaps";
const VM: &str = "svm_cases";

fn vectors() -> Value {
    file(Venue::RaydiumAmmV4, &[RECORDED, VM])
}

fn mint_in(case: &Value) -> Mint {
    match case["direction"].as_str() {
        Some("coin2pc") => MINT_A,
        Some("pc2coin") => MINT_B,
        _ => panic!("direction is {}", case["direction"]),
    }
}

/// The pool of a case, at the case's fee.
fn case_cluster(case: &Value, vaults: [u64; 2], owed: [u64; 2]) -> Cluster {
    let mut cluster = cluster(vaults, owed);
    for (offset, field, usual) in [(176, "fee_numerator", 25), (184, "fee_denominator", 10_000)] {
        let value: u64 = number_or(case, field, usual);
        write(cluster.data(POOL.pubkey()), offset, &value.to_le_bytes());
    }
    cluster
}

/// The amount that a case's pool gives or takes for the case's amount.
fn quote(case: &Value, cluster: &Cluster) -> Result<u64, QuoteError> {
    let market = cluster.market(POOL, NOW).unwrap();
    let quote = |amount| market.quote(mint_in(case), mode(case), Atoms::new(number(case, amount)));
    Ok(match mode(case) {
        Mode::ExactIn => quote("amount_in")?.amount_out.get(),
        Mode::ExactOut => quote("amount_out")?.amount_in.get(),
    })
}

/// Before August 2025 the program rounded what is less than half a unit down to nothing. That was never
/// worse for the trader than what it does today.
fn was_rounded_down(case: &Value, today: u64, executed: u64) -> bool {
    match mode(case) {
        Mode::ExactIn => {
            let rate: u128 = number_or(case, "fee_numerator", 25);
            let is_dust =
                2 * rate * number::<u128>(case, "amount_in") < number_or(case, "fee_denominator", 10_000);
            is_dust && today < executed
        }
        Mode::ExactOut => executed <= 1 && executed < today,
    }
}

/// Runs one list: `today` is the field with what the program of today does, `executed` that with what the
/// program of the case did, for an exact input and an exact output.
fn check(list: &str, fields: &[&str], today: &str, executed: [&str; 2], cluster: impl Fn(&Value) -> Cluster) {
    let file = vectors();
    let (mut counts, mut older) = (Counts::default(), 0);
    for case in cases(&file, list) {
        require_fields(case, &[fields, &executed, &[today, "kind", "direction", "amount_in", "amount_out"]]);
        let [executed_out, executed_in] = executed;
        let executed = match mode(case) {
            Mode::ExactIn => number(case, executed_out),
            Mode::ExactOut => number(case, executed_in),
        };
        let today = number(case, today);
        let by_today = was_rounded_down(case, today, executed);
        older += usize::from(by_today);
        counts.compare(quote(case, &cluster(case)), if by_today { today } else { executed }, case);
    }
    counts.print(Venue::RaydiumAmmV4, &file, list);
    println!("{older} of them as the program rounds today");
}

#[test]
fn agrees_with_recorded_mainnet_swaps() {
    let told = ["source", "log_type", "minimum_out", "user_source_balance", "formula_old_ceil"];
    let read = ["fee_numerator", "fee_denominator", "pool_coin", "pool_pc"];
    let executed = ["amount_out_recorded", "amount_in_recorded"];
    check(RECORDED, &[&told[..], &read].concat(), "formula_head_ceil", executed, |case| {
        case_cluster(case, [number(case, "pool_coin"), number(case, "pool_pc")], [0; 2])
    });
}

#[test]
fn agrees_with_the_program_run_in_a_vm() {
    let told = ["error", "reserves", "fee_numerator", "fee_denominator"];
    let read = ["coin_vault", "pc_vault", "need_take_pnl_coin", "need_take_pnl_pc"];
    let executed = ["expected_amount_out", "expected_amount_in"];
    check(VM, &[&told[..], &read].concat(), "formula_head_2026", executed, |case| {
        let [coin, pc, owed_coin, owed_pc] = read.map(|field| number(case, field));
        case_cluster(case, [coin, pc], [owed_coin, owed_pc])
    });
}

#[test]
fn a_limit_that_is_not_met_fails_with_the_programs_code() {
    let market = cluster([1_000_000, 2_000_000], [0; 2]).market(POOL, NOW).unwrap();
    let quote = market.quote(MINT_A, Mode::ExactIn, Atoms::new(1000)).unwrap();
    let more = quote.amount_out.checked_add(Atoms::new(1)).unwrap();
    let limit = Limit::ExactIn { amount_in: Atoms::new(1000), min_out: more };
    assert_eq!(amm_programs::swap(&market, MINT_A, limit), Err(30));
    let quote = market.quote(MINT_A, Mode::ExactOut, Atoms::new(1000)).unwrap();
    let less = quote.amount_in.checked_sub(Atoms::new(1)).unwrap();
    let limit = Limit::ExactOut { amount_out: Atoms::new(1000), max_in: less };
    assert_eq!(amm_programs::swap(&market, MINT_A, limit), Err(30));
    let dust = Limit::ExactIn { amount_in: Atoms::new(1), min_out: Atoms::ZERO };
    assert_eq!(amm_programs::swap(&market, MINT_A, dust), Err(29));
    let all = Limit::ExactOut { amount_out: Atoms::new(2_000_000), max_in: Atoms::new(u64::MAX) };
    assert_eq!(amm_programs::swap(&market, MINT_A, all), Err(40));
}

#[test]
fn a_pool_swaps_only_in_some_states() {
    let mut cluster = cluster([1_000_000, 2_000_000], [0; 2]);
    let quote =
        |cluster: &Cluster| cluster.market(POOL, NOW).unwrap().quote(MINT_A, Mode::ExactIn, Atoms::new(1000));
    for closed in [0, 2, 3, 4, 5, 8, 255] {
        write(cluster.data(POOL.pubkey()), 0, &[closed]);
        assert!(matches!(quote(&cluster), Err(QuoteError::Closed { .. })), "status {closed}");
    }
    write(cluster.data(POOL.pubkey()), 0, &[6]);
    let open = quote(&cluster);
    assert!(open.is_ok());
    write(cluster.data(POOL.pubkey()), 0, &[7]);
    let now = u64::try_from(NOW.unix_timestamp).unwrap();
    write(cluster.data(POOL.pubkey()), 224, &(now + 1).to_le_bytes());
    assert!(matches!(quote(&cluster), Err(QuoteError::Closed { .. })));
    write(cluster.data(POOL.pubkey()), 224, &now.to_le_bytes());
    assert_eq!(quote(&cluster), open);
    let limit = Limit::ExactIn { amount_in: Atoms::new(1000), min_out: Atoms::new(1) };
    let executed = amm_programs::swap(&cluster.market(POOL, NOW).unwrap(), MINT_A, limit).unwrap();
    cluster.apply(&executed);
    let data = cluster.data(POOL.pubkey());
    assert_eq!((data[0], data[736]), (6, 10), "the first swap opens it, and notes the epoch");
}

#[test]
fn a_pool_of_an_order_book_swaps_when_nothing_is_there() {
    let mut cluster = cluster([1_000_000, 2_000_000], [0; 2]);
    let only_swaps = cluster.market(POOL, NOW).unwrap().quote(MINT_A, Mode::ExactIn, Atoms::new(1000));
    write(cluster.data(POOL.pubkey()), 0, &[1]);
    let missing = DecodeError::Missing { address: OPEN_ORDERS };
    assert_eq!(cluster.market(POOL, NOW).unwrap_err(), missing);
    // Without such an account nothing is there.
    let mut none = cluster.clone();
    none.put(OPEN_ORDERS, Pubkey::new_from_array([0; 32]), Vec::new());
    let quote = none.market(POOL, NOW).unwrap().quote(MINT_A, Mode::ExactIn, Atoms::new(1000));
    assert_eq!(quote, only_swaps);
    none.accounts.remove(&OPEN_ORDERS);
    write(none.data(POOL.pubkey()), 496, &[0; 32]);
    let quote = none.market(POOL, NOW).unwrap().quote(MINT_A, Mode::ExactIn, Atoms::new(1000));
    assert_eq!(quote, only_swaps);
    cluster.put(OPEN_ORDERS, MARKET_PROGRAM, vec![0; 3228]);
    let quote = cluster.market(POOL, NOW).unwrap().quote(MINT_A, Mode::ExactIn, Atoms::new(1000));
    assert_eq!(quote, only_swaps);
    for total in [85, 101] {
        let mut ordered = cluster.clone();
        write(ordered.data(OPEN_ORDERS), total, &[1]);
        let refused = ordered.market(POOL, NOW).unwrap_err();
        assert!(matches!(refused, DecodeError::Unsupported { address: OPEN_ORDERS, .. }), "{refused}");
    }
    cluster.put(OPEN_ORDERS, POOL.pubkey(), vec![0; 3228]);
    assert!(matches!(cluster.market(POOL, NOW).unwrap_err(), DecodeError::WrongOwner { .. }));
}

#[test]
fn what_is_no_sound_pool_is_refused() {
    let refused = |offset: usize, bytes: &[u8]| {
        let mut cluster = cluster([1_000_000, 2_000_000], [0; 2]);
        write(cluster.data(POOL.pubkey()), offset, bytes);
        cluster.market(POOL, NOW).unwrap_err()
    };
    // A fee of everything, no fee at all, one token twice, a nonce without an authority, more owed than held.
    for (offset, bytes) in [
        (176, &10_000u64.to_le_bytes()[..]),
        (184, &[0; 8]),
        (432, &MINT_A.to_bytes()),
        (8, &[0, 1]),
        (192, &1_000_001u64.to_le_bytes()),
    ] {
        assert!(matches!(refused(offset, bytes), DecodeError::Inconsistent { .. }), "{offset}");
    }
    let owner = amm::program_id(Venue::RaydiumAmmV4);
    let other = Account { lamports: 1, data: vec![0; 753], owner, executable: false, rent_epoch: 0 };
    assert!(matches!(Pool::decode(POOL, &other).unwrap_err(), DecodeError::WrongType { .. }));
    let mut cluster = cluster([1_000_000, 2_000_000], [0; 2]);
    cluster.put_vault(PC_VAULT, MINT_B, Program::Token2022, 2_000_000);
    assert!(matches!(cluster.market(POOL, NOW).unwrap_err(), DecodeError::WrongOwner { .. }));
}

#[test]
fn the_instructions_are_the_programs() {
    let [source, destination, owner] = [21, 22, 23].map(|byte| Pubkey::new_from_array([byte; 32]));
    let trader = Trader { owner, source, destination };
    let market = cluster([1_000_000, 2_000_000], [0; 2]).market(POOL, NOW).unwrap();
    let exact_in = Limit::ExactIn { amount_in: Atoms::new(1000), min_out: Atoms::new(5) };
    let exact_out = Limit::ExactOut { amount_out: Atoms::new(5), max_in: Atoms::new(1000) };
    for (mint, limit, tag) in [(MINT_A, exact_in, 16), (MINT_B, exact_in, 16), (MINT_A, exact_out, 17)] {
        let built = market.instruction(&trader, mint, limit).unwrap();
        let data = [&[tag][..], &1000u64.to_le_bytes(), &5u64.to_le_bytes()].concat();
        assert_eq!((built.program_id, built.data), (amm::program_id(Venue::RaydiumAmmV4), data));
        let keys: Vec<_> =
            built.accounts.iter().map(|meta| (meta.pubkey, meta.is_signer, meta.is_writable)).collect();
        let expected = [
            (amm::token_program_id(Program::SplToken), false, false),
            (POOL.pubkey(), false, true),
            (AUTHORITY, false, false),
            (COIN_VAULT, false, true),
            (PC_VAULT, false, true),
            (source, false, true),
            (destination, false, true),
            (owner, true, false),
        ];
        assert_eq!(keys, expected);
    }
}

#[test]
fn error_codes_have_their_names() {
    for (code, expected) in [
        (30, (Code::SlippageExceeded, "ExceededSlippage")),
        (22, (Code::SimulationFailed, "InvalidStatus")),
        (40, (Code::SimulationFailed, "InsufficientFunds")),
        (1, (Code::SimulationFailed, "token: InsufficientFunds")),
    ] {
        assert_eq!(amm::failure(Venue::RaydiumAmmV4, code), expected);
    }
}

#[test]
fn the_older_swaps_of_an_order_book_are_read_too() {
    let token_program = amm::token_program_id(Program::SplToken);
    let book = Pubkey::new_from_array([99; 32]);
    let (source, destination, owner) = (MINT_A.pubkey(), MINT_B.pubkey(), MARKET_PROGRAM);
    let tail = [vec![book; 8], vec![source, destination, owner]].concat();
    let head = vec![token_program, POOL.pubkey(), AUTHORITY, OPEN_ORDERS];
    let vaults = vec![COIN_VAULT, PC_VAULT];
    let without_target_orders = [head.clone(), vaults.clone(), tail.clone()].concat();
    let with_target_orders = [head, vec![book], vaults, tail].concat();
    let data = |tag: u8| [&[tag][..], &1000u64.to_le_bytes(), &5u64.to_le_bytes()].concat();
    for accounts in [without_target_orders, with_target_orders] {
        let read = |tag| SwapInstruction::decode(Venue::RaydiumAmmV4, &accounts, &data(tag));
        let read_in = read(9).unwrap();
        let exact_in = Limit::ExactIn { amount_in: Atoms::new(1000), min_out: Atoms::new(5) };
        assert_eq!((read_in.limit, read_in.pool, read_in.owner), (exact_in, POOL.pubkey(), owner));
        assert_eq!((read_in.source, read_in.destination), (source, destination));
        let market = cluster([1_000_000, 2_000_000], [0; 2]).market(POOL, NOW).unwrap();
        assert_eq!(
            amm_programs::execute(&market, &read_in, MINT_A),
            amm_programs::swap(&market, MINT_A, exact_in)
        );
        let read_out = read(11).unwrap();
        assert_eq!(read_out.limit, Limit::ExactOut { amount_out: Atoms::new(5), max_in: Atoms::new(1000) });
        assert!(amm_programs::execute(&market, &read_out, MINT_A).is_ok());
        assert_eq!(read(10), Err(23));
        assert_eq!(SwapInstruction::decode(Venue::RaydiumAmmV4, &accounts[1..16], &data(9)), Err(24));
    }
}
