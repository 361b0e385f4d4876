//! Every recorded case of Meteora DAMM v1. The offsets here are written out again, from the program's source.

use crate::accounts::{Cluster, MINT_A, MINT_B, POOL, write};
use crate::vectors::{Counts, cases, file, flag, number, own_file, require_fields};
use amm::{Clock, DecodeError, Limit, Pool, QuoteError, Trader, TransferFee};
use amm_programs::{VaultAccounts, VaultCall};
use order_core::failure::Code;
use order_core::quote::Mode;
use order_core::token::Program;
use order_core::{Atoms, Mint, Pubkey, Venue};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const VAULT_PROGRAM: Pubkey = Pubkey::from_str_const("24Uqj9JCLxUeoC3hGfh5W3s9FM9uCHDS2SG3LYwBpyTi");
const VAULTS: [Pubkey; 2] = [Pubkey::new_from_array([10; 32]), Pubkey::new_from_array([11; 32])];
const LP_MINTS: [Mint; 2] = [Mint::new([12; 32]), Mint::new([13; 32])];
const POOL_LPS: [Pubkey; 2] = [Pubkey::new_from_array([14; 32]), Pubkey::new_from_array([15; 32])];
const FEE_ACCOUNTS: [Pubkey; 2] = [Pubkey::new_from_array([16; 32]), Pubkey::new_from_array([17; 32])];
const MINTS: [Mint; 2] = [MINT_A, MINT_B];

fn token_vault(side: usize) -> Pubkey {
    Pubkey::find_program_address(&[b"token_vault", VAULTS[side].as_ref()], &VAULT_PROGRAM).0
}

fn cluster(case: &Value) -> Cluster {
    let mut pool = vec![0; 952];
    write(&mut pool, 0, &[0xf1, 0x9a, 0x6d, 0x04, 0x11, 0xb1, 0x6d, 0xbc]);
    write(&mut pool, 233, &[1]);
    write(&mut pool, 475, &[1]);
    for (offset, field) in [
        (330, "trade_fee_numerator"),
        (338, "trade_fee_denominator"),
        (346, "protocol_trade_fee_numerator"),
        (354, "protocol_trade_fee_denominator"),
    ] {
        write(&mut pool, offset, &number::<u64>(case, field).to_le_bytes());
    }
    let mut cluster = Cluster::default();
    for (side, state) in ["vault_a", "vault_b"].into_iter().enumerate() {
        let state = &case[state];
        write(&mut pool, 40 + 32 * side, &MINTS[side].to_bytes());
        write(&mut pool, 104 + 32 * side, VAULTS[side].as_ref());
        write(&mut pool, 168 + 32 * side, POOL_LPS[side].as_ref());
        write(&mut pool, 234 + 32 * side, FEE_ACCOUNTS[side].as_ref());
        let total: u64 = number(state, "total_amount");
        let mut vault = vec![0; 10_240];
        write(&mut vault, 0, &[0xd3, 0x08, 0xe8, 0x2b, 0x02, 0x98, 0x75, 0x77]);
        write(&mut vault, 8, &[1]);
        write(&mut vault, 11, &total.to_le_bytes());
        write(&mut vault, 19, token_vault(side).as_ref());
        write(&mut vault, 83, &MINTS[side].to_bytes());
        write(&mut vault, 115, &LP_MINTS[side].to_bytes());
        for (offset, field) in [(1203, "locked_profit"), (1211, "last_report"), (1219, "degradation")] {
            write(&mut vault, offset, &number::<u64>(state, field).to_le_bytes());
        }
        cluster.put(VAULTS[side], VAULT_PROGRAM, vault);
        cluster.put_mint(MINTS[side], TransferFee::default());
        cluster.put_mint(LP_MINTS[side], TransferFee::default());
        let supply = number::<u64>(state, "lp_supply").to_le_bytes();
        write(cluster.data(LP_MINTS[side].pubkey()), 36, &supply);
        cluster.put_vault(token_vault(side), MINTS[side], Program::SplToken, total);
        cluster.put_vault(POOL_LPS[side], LP_MINTS[side], Program::SplToken, number(state, "pool_lp"));
        cluster.put_vault(FEE_ACCOUNTS[side], MINTS[side], Program::SplToken, 0);
    }
    cluster.put(POOL.pubkey(), amm::program_id(Venue::MeteoraDammV1), pool);
    cluster
}

fn clock(case: &Value) -> Clock {
    Clock { slot: 1000, epoch: 10, unix_timestamp: number(case, "unix_timestamp") }
}

const VM: &str = "svm_cases";
const READ: &[&str] = &["a_to_b", "amount_in", "unix_timestamp", "vault_a", "vault_b", "expected_out"];
const RATES: &[&str] = &[
    "trade_fee_numerator",
    "trade_fee_denominator",
    "protocol_trade_fee_numerator",
    "protocol_trade_fee_denominator",
];
const VAULT: &[&str] =
    &["total_amount", "locked_profit", "last_report", "degradation", "lp_supply", "pool_lp"];

/// The pools of this repository, whatever cases are tried.
fn vectors() -> Value {
    own_file("meteora_damm_v1")
}

fn mint_in(case: &Value) -> Mint {
    if flag(case, "a_to_b") { MINT_A } else { MINT_B }
}

#[test]
fn agrees_with_the_program_run_in_a_vm() {
    let file = file(Venue::MeteoraDammV1, &[VM]);
    let mut counts = Counts::default();
    for case in cases(&file, VM) {
        require_fields(case, &[READ, RATES]);
        require_fields(&case["vault_a"], &[VAULT]);
        require_fields(&case["vault_b"], &[VAULT]);
        let market = cluster(case).market(POOL, clock(case)).unwrap();
        let amount = Atoms::new(number(case, "amount_in"));
        let quote = market.quote(mint_in(case), Mode::ExactIn, amount);
        counts.compare(quote.map(|quote| quote.amount_out.get()), number(case, "expected_out"), case);
    }
    counts.print(Venue::MeteoraDammV1, &file, VM);
}

/// Tokens, shares, and what the vaults say of themselves, in each place.
fn sums(cluster: &Cluster, side: usize) -> [u64; 4] {
    let field = |address: Pubkey, offset: usize| {
        u64::from_le_bytes(cluster.accounts[&address].data[offset..offset + 8].try_into().unwrap())
    };
    [
        cluster.balance(token_vault(side)),
        field(VAULTS[side], 11),
        field(LP_MINTS[side].pubkey(), 36),
        cluster.balance(POOL_LPS[side]),
    ]
}

#[test]
fn a_swap_moves_tokens_and_shares_alike() {
    for case in cases(&vectors(), VM).iter().filter(|case| number::<u64>(case, "expected_out") > 0) {
        let mut cluster = cluster(case);
        let (side_in, side_out) = if flag(case, "a_to_b") { (0, 1) } else { (1, 0) };
        let before = [sums(&cluster, side_in), sums(&cluster, side_out)];
        let amount_in = Atoms::new(number(case, "amount_in"));
        let expected: u64 = number(case, "expected_out");
        let limit = Limit::ExactIn { amount_in, min_out: Atoms::new(expected) };
        let market = cluster.market(POOL, clock(case)).unwrap();
        let executed = amm_programs::swap(&market, mint_in(case), limit).unwrap();
        assert_eq!(executed.swapped.received.get(), expected);
        cluster.apply(&executed);
        let [tokens, total, supply, shares] = sums(&cluster, side_in);
        let fee = cluster.balance(FEE_ACCOUNTS[side_in]);
        let net = amount_in.get() - fee;
        assert_eq!((tokens - before[0][0], total - before[0][1]), (net, net), "{case}");
        assert_eq!(supply - before[0][2], shares - before[0][3], "{case}");
        let protocol: u64 = number(case, "protocol_trade_fee_numerator");
        assert_eq!(fee > 0, protocol > 0, "{case}");
        let [tokens, total, supply, shares] = sums(&cluster, side_out);
        assert_eq!((before[1][0] - tokens, before[1][1] - total), (expected, expected), "{case}");
        assert_eq!(before[1][2] - supply, before[1][3] - shares, "{case}");
    }
}

#[test]
fn profit_unlocks_with_time() {
    let file = vectors();
    let case = &cases(&file, VM)[0];
    let cluster = cluster(case);
    let report: i64 = number(&case["vault_a"], "last_report");
    let other: i64 = number(&case["vault_b"], "last_report");
    let reserve = |unix_timestamp| {
        let at = Clock { unix_timestamp, ..clock(case) };
        cluster.market(POOL, at).unwrap().reserves()[0].get()
    };
    let start = report.max(other);
    let (early, later, unlocked) = (reserve(start), reserve(start + 3600), reserve(start + 21_601));
    assert!(early < later && later < unlocked, "{early} {later} {unlocked}");
    assert_eq!(unlocked, reserve(start + 1_000_000));
    let total = u128::from(number::<u64>(&case["vault_a"], "total_amount"));
    let share = |field| u128::from(number::<u64>(&case["vault_a"], field));
    assert_eq!(u128::from(unlocked), total * share("pool_lp") / share("lp_supply"));
    // A report from the future makes no sense, and no quote.
    let at = Clock { unix_timestamp: report.min(other) - 1, ..clock(case) };
    let quote = cluster.market(POOL, at).unwrap().quote(MINT_A, Mode::ExactIn, Atoms::new(1_000_000));
    assert_eq!(quote, Err(QuoteError::Overflow));
}

#[test]
fn a_limit_that_is_not_met_fails_with_the_programs_code() {
    let file = vectors();
    let case = &cases(&file, VM)[0];
    let market = cluster(case).market(POOL, clock(case)).unwrap();
    let amount_in = Atoms::new(number(case, "amount_in"));
    let min_out = Atoms::new(number::<u64>(case, "expected_out") + 1);
    assert_eq!(amm_programs::swap(&market, mint_in(case), Limit::ExactIn { amount_in, min_out }), Err(6004));
}

#[test]
fn an_exact_output_is_not_supported() {
    let file = vectors();
    let case = &cases(&file, VM)[0];
    let market = cluster(case).market(POOL, clock(case)).unwrap();
    let quote = market.quote(MINT_A, Mode::ExactOut, Atoms::new(1000));
    assert!(matches!(quote, Err(QuoteError::Unsupported { .. })), "{quote:?}");
}

#[test]
fn the_instruction_is_the_programs() {
    let [source, destination, owner] = [21, 22, 23].map(|byte| Pubkey::new_from_array([byte; 32]));
    let trader = Trader { owner, source, destination };
    let file = vectors();
    let case = &cases(&file, VM)[0];
    let market = cluster(case).market(POOL, clock(case)).unwrap();
    for (mint, fee_account) in MINTS.into_iter().zip(FEE_ACCOUNTS) {
        let limit = Limit::ExactIn { amount_in: Atoms::new(1000), min_out: Atoms::new(5) };
        let built = market.instruction(&trader, mint, limit).unwrap();
        let name = &Sha256::digest("global:swap")[..8];
        assert_eq!(built.data, [name, &1000u64.to_le_bytes(), &5u64.to_le_bytes()].concat());
        let changing = [
            vec![POOL.pubkey(), source, destination],
            VAULTS.to_vec(),
            vec![token_vault(0), token_vault(1)],
            LP_MINTS.map(Mint::pubkey).to_vec(),
            POOL_LPS.to_vec(),
            vec![fee_account],
        ];
        let mut expected: Vec<_> = changing.concat().into_iter().map(|key| (key, false, true)).collect();
        expected.push((owner, true, false));
        expected.push((VAULT_PROGRAM, false, false));
        expected.push((amm::token_program_id(Program::SplToken), false, false));
        let keys: Vec<_> =
            built.accounts.iter().map(|meta| (meta.pubkey, meta.is_signer, meta.is_writable)).collect();
        assert_eq!(keys, expected);
    }
}

/// The vaults' own program, called as the pool's program calls it, does what the swap says.
#[test]
fn the_vaults_exchange_what_the_swap_says() {
    for case in cases(&vectors(), VM).iter().filter(|case| number::<u64>(case, "expected_out") > 0) {
        let mut cluster = cluster(case);
        let market = cluster.market(POOL, clock(case)).unwrap();
        let amount_in = Atoms::new(number(case, "amount_in"));
        let executed =
            amm_programs::swap(&market, mint_in(case), Limit::ExactIn { amount_in, min_out: Atoms::new(1) })
                .unwrap();
        let mut expected = cluster.clone();
        expected.apply(&executed);
        let (side_in, side_out) = if flag(case, "a_to_b") { (0, 1) } else { (1, 0) };
        let fee = executed.swapped.paid_by(amm::Payer::Trader).get();
        let deposit =
            VaultCall::Deposit { amount: Atoms::new(amount_in.get() - fee), min_shares: Atoms::ZERO };
        let burnt = sums(&cluster, side_out)[2] - sums(&expected, side_out)[2];
        let withdrawal =
            VaultCall::Withdraw { shares: Atoms::new(burnt), min_amount: executed.swapped.received };
        for (side, call) in [(side_in, deposit), (side_out, withdrawal)] {
            let accounts = VaultAccounts {
                vault: VAULTS[side],
                token_vault: token_vault(side),
                lp_mint: LP_MINTS[side].pubkey(),
                user_token: POOL.pubkey(),
                user_lp: POOL_LPS[side],
                user: POOL.pubkey(),
            };
            let built = call.instruction(&accounts);
            let keys: Vec<Pubkey> = built.accounts.iter().map(|meta| meta.pubkey).collect();
            assert_eq!(VaultCall::decode(&keys, &built.data), Ok((call, accounts)));
            let read = |address: &Pubkey| &cluster.accounts[address];
            let change =
                call.execute(&accounts, read(&VAULTS[side]), read(&accounts.lp_mint), clock(case)).unwrap();
            let [_, _, before, _] = sums(&cluster, side);
            let [_, total, supply, _] = sums(&expected, side);
            assert_eq!(change.shares.get(), supply.abs_diff(before), "{case}");
            change.apply(cluster.data(VAULTS[side])).unwrap();
            assert_eq!(sums(&cluster, side)[1], total, "{case}");
        }
    }
}

#[test]
fn error_codes_have_their_names() {
    for (code, expected) in [
        (6004, (Code::SlippageExceeded, "ExceededSlippage")),
        (6015, (Code::SimulationFailed, "PoolDisabled")),
        (1, (Code::SimulationFailed, "token: InsufficientFunds")),
    ] {
        assert_eq!(amm::failure(Venue::MeteoraDammV1, code), expected);
    }
}

#[test]
fn a_pool_that_does_not_swap_says_so() {
    let file = vectors();
    let case = &cases(&file, VM)[0];
    let quote = |address: Pubkey, offset: usize, bytes: &[u8], mint| {
        let mut cluster = cluster(case);
        write(cluster.data(address), offset, bytes);
        let market = cluster.market(POOL, clock(case)).unwrap();
        market.quote(mint, Mode::ExactIn, Atoms::new(1_000_000))
    };
    let closed = |quote| matches!(quote, Err(QuoteError::Closed { .. }));
    assert!(closed(quote(POOL.pubkey(), 233, &[0], MINT_A)), "disabled");
    let later = (number::<u64>(case, "unix_timestamp") + 1).to_le_bytes();
    assert!(closed(quote(POOL.pubkey(), 403, &later, MINT_A)), "not active");
    assert!(closed(quote(VAULTS[0], 8, &[0], MINT_A)), "a vault that takes no deposits");
    assert!(quote(VAULTS[0], 8, &[0], MINT_B).is_ok(), "it still pays out");
    let little = quote(token_vault(1), 64, &100u64.to_le_bytes(), MINT_A);
    assert_eq!(little, Err(QuoteError::InsufficientLiquidity), "the vault has lent what is bought");
    // The whole balance can be bought, and not a unit more.
    let all = quote(POOL.pubkey(), 0, &[], MINT_A).unwrap().amount_out.get();
    let liquid =
        |amount: u64| quote(token_vault(1), 64, &amount.to_le_bytes(), MINT_A).map(|quote| quote.amount_out);
    assert_eq!(liquid(all), Ok(Atoms::new(all)));
    assert_eq!(liquid(all - 1), Err(QuoteError::InsufficientLiquidity));
    let empty = quote(LP_MINTS[0].pubkey(), 36, &[0; 8], MINT_A);
    assert_eq!(empty, Err(QuoteError::InsufficientLiquidity));
}

#[test]
fn other_curves_and_foreign_vaults_are_refused() {
    let file = vectors();
    let case = &cases(&file, VM)[0];
    let refused = |address: Pubkey, offset: usize, bytes: &[u8]| {
        let mut cluster = cluster(case);
        write(cluster.data(address), offset, bytes);
        cluster.market(POOL, clock(case)).unwrap_err()
    };
    for (offset, byte) in [(874, 1), (874, 2), (475, 2)] {
        let error = refused(POOL.pubkey(), offset, &[byte]);
        assert!(matches!(error, DecodeError::Unsupported { .. }), "{offset}: {error}");
    }
    for (address, offset, bytes) in [
        (POOL.pubkey(), 338, &[0; 8][..]),
        (POOL.pubkey(), 330, &[255; 8]),
        (VAULTS[0], 83, &MINT_B.to_bytes()),
        (VAULTS[1], 19, &MINT_B.to_bytes()),
        (POOL_LPS[0], 0, &MINT_B.to_bytes()),
    ] {
        let error = refused(address, offset, bytes);
        assert!(matches!(error, DecodeError::Inconsistent { .. }), "{offset}: {error}");
    }
}

#[test]
fn the_share_tokens_are_found_behind_the_vaults() {
    let file = vectors();
    let cluster = cluster(&cases(&file, VM)[0]);
    let pool = Pool::decode(POOL, &cluster.accounts[&POOL.pubkey()]).unwrap();
    let first = pool.dependencies(|_| None);
    let second = pool.dependencies(|address| cluster.accounts.get(address));
    for mint in LP_MINTS {
        assert!(!first.contains(&mint.pubkey()) && second.contains(&mint.pubkey()));
    }
    assert!(first.iter().all(|address| second.contains(address)));
    assert_eq!(second.len(), 10);
}

/// Vaults with shares of any worth, of which the pool has a part.
fn shared_vault() -> impl Strategy<Value = Value> {
    (20u32..55, any::<u64>(), 20u32..55, any::<u64>(), 1u64..=1000, 0u64..=900).prop_map(
        |(total_bits, total, supply_bits, supply, part, locked)| {
            let total = (total >> (63 - total_bits)) | (1 << total_bits);
            let supply = (supply >> (63 - supply_bits)) | (1 << supply_bits);
            let of =
                |whole: u64, part: u64| u64::try_from(u128::from(whole) * u128::from(part) / 1000).unwrap();
            json!({
                "total_amount": total, "lp_supply": supply, "pool_lp": of(supply, part).max(1),
                "locked_profit": of(total, locked), "last_report": 1_800_000_000, "degradation": 46_296_296,
            })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_call_of_a_vault_panics(keys in 0usize..9, deposit: bool, arguments: Vec<u8>, vault: Vec<u8>, seconds: i64) {
        let name = if deposit { "global:deposit" } else { "global:withdraw" };
        let data = [&Sha256::digest(name)[..8], &arguments[..]].concat();
        if let Ok((call, accounts)) = VaultCall::decode(&vec![POOL.pubkey(); keys], &data) {
            let mut cluster = Cluster::default();
            cluster.put(POOL.pubkey(), VAULT_PROGRAM, vault);
            let account = &cluster.accounts[&POOL.pubkey()];
            let clock = Clock { slot: 1, epoch: 1, unix_timestamp: seconds };
            prop_assert!(call.execute(&accounts, account, account, clock).is_err());
        }
    }

    #[test]
    fn shares_of_vaults_never_give_more_than_the_curve(
        a in shared_vault(), b in shared_vault(), a_to_b: bool, shift in 0u32..55, bits: u64, passed in 0i64..30_000,
        trade_fee in 0u64..5000, protocol_fee in 0u64..100_000,
    ) {
        let case = json!({
            "vault_a": a, "vault_b": b, "a_to_b": a_to_b, "unix_timestamp": 1_800_000_000 + passed,
            "trade_fee_numerator": trade_fee, "trade_fee_denominator": 100_000,
            "protocol_trade_fee_numerator": protocol_fee, "protocol_trade_fee_denominator": 100_000,
        });
        let mut cluster = cluster(&case);
        let amount_in = Atoms::new((bits >> (63 - shift)).max(1));
        let market = cluster.market(POOL, clock(&case)).unwrap();
        let limit = Limit::ExactIn { amount_in, min_out: Atoms::new(1) };
        let Ok(executed) = amm_programs::swap(&market, mint_in(&case), limit) else { return Ok(()) };
        let (side_in, side_out) = if a_to_b { (0, 1) } else { (1, 0) };
        let reserves = market.reserves().map(|reserve| u128::from(reserve.get()));
        let given = u128::from(executed.swapped.received.get());
        let taken = u128::from(amount_in.get());
        prop_assert!(given * (reserves[side_in] + taken) <= reserves[side_out] * taken);
        cluster.apply(&executed);
        let after = cluster.market(POOL, clock(&case)).unwrap().reserves();
        prop_assert!(u128::from(after[side_in].get()) >= reserves[side_in]);
        prop_assert!(u128::from(after[side_out].get()) <= reserves[side_out]);
    }
}
