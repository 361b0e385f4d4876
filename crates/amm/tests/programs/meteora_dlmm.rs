//! Every recorded case of Meteora DLMM. The offsets here are written out again, from the program's source.

use crate::accounts::{Cluster, MINT_A, MINT_B, NOW, POOL, write};
use crate::vectors::{
    Counts, TRANSFER_FEES, cases, file, flag, number, own_file, parse, require_fields, transfer_fees,
};
use amm::{Clock, DecodeError, Limit, Pool, QuoteError, Trader, TransferFee};
use amm_programs::SwapInstruction;
use order_core::quote::Mode;
use order_core::{Atoms, Pubkey, Venue};
use proptest::prelude::*;
use serde_json::Value;

const RICH: &str = "EtAdVRLFH22rjWh3mcUasKFF27WtHhsaCvK27tPFFWig";
const ORDERS: &str = "9t3EyC9FweyL7PBWvKz3mrXg8B9fwFc9SK3QxM4ENqhd";
const VAULTS: [Pubkey; 2] = [Pubkey::new_from_array([4; 32]), Pubkey::new_from_array([5; 32])];

/// A bin's fields, and where they are in the bin.
const PRICE: (&str, usize) = ("price", 16);
const AMOUNTS: [(&str, usize); 5] = [
    ("amount_x", 0),
    ("amount_y", 8),
    ("open_order_amount", 112),
    ("total_processing_order_amount", 120),
    ("processed_order_remaining_amount", 128),
];
const ASK_SIDE: (&str, usize) = ("limit_order_ask_side", 140);

/// Fields of a pool that are read, by how many bytes they have and where these are.
const BYTES: [(usize, &str); 3] =
    [(34, "base_fee_power_factor"), (35, "function_type"), (36, "collect_fee_mode")];
const SHORT: [(usize, &str); 5] = [
    (8, "base_factor"),
    (10, "filter_period"),
    (12, "decay_period"),
    (14, "reduction_factor"),
    (80, "bin_step"),
];
const LONG: [(usize, &str); 4] = [
    (16, "variable_fee_control"),
    (20, "max_volatility_accumulator"),
    (40, "volatility_accumulator"),
    (44, "volatility_reference"),
];
const SIGNED: [(usize, &str); 2] = [(48, "index_reference"), (76, "active_id")];
const FURTHER: &[&str] = &["last_update_timestamp", "bitmap_set_bits", "supports_limit_orders"];

fn pool_data(state: &Value) -> Vec<u8> {
    let names = [&BYTES[..], &SHORT, &LONG, &SIGNED].concat();
    require_fields(state, &[&names.iter().map(|(_, field)| *field).collect::<Vec<_>>(), FURTHER]);
    let mut data = vec![0; 904];
    write(&mut data, 0, &[0x21, 0x0b, 0x31, 0x62, 0xb5, 0x65, 0xb1, 0x0d]);
    for (offset, field) in BYTES {
        write(&mut data, offset, &[number(state, field)]);
    }
    for (offset, field) in SHORT {
        write(&mut data, offset, &number::<u16>(state, field).to_le_bytes());
    }
    for (offset, field) in LONG {
        write(&mut data, offset, &number::<u32>(state, field).to_le_bytes());
    }
    for (offset, field) in SIGNED {
        write(&mut data, offset, &number::<i32>(state, field).to_le_bytes());
    }
    write(&mut data, 56, &number::<i64>(state, "last_update_timestamp").to_le_bytes());
    write(&mut data, 88, &MINT_A.to_bytes());
    write(&mut data, 120, &MINT_B.to_bytes());
    write(&mut data, 152, VAULTS[0].as_ref());
    write(&mut data, 184, VAULTS[1].as_ref());
    // A pool that was not made for one of them has rewards, or orders.
    if data[35] == 0 && !flag(state, "supports_limit_orders") {
        write(&mut data, 264, &[1; 32]);
    }
    for bit in cases(state, "bitmap_set_bits") {
        let bit: usize = parse(bit, "a bit of the bitmap");
        data[584 + bit / 8] |= 1 << (bit % 8);
    }
    data
}

fn array_address(index: i64) -> Pubkey {
    let seeds: [&[u8]; 3] = [b"bin_array", &POOL.to_bytes(), &index.to_le_bytes()];
    Pubkey::find_program_address(&seeds, &amm::program_id(Venue::MeteoraDlmm)).0
}

fn array_data(index: i64) -> Vec<u8> {
    let mut data = vec![0; 10_136];
    write(&mut data, 0, &[0x5c, 0x8e, 0x5c, 0xdc, 0x05, 0x94, 0x46, 0xb5]);
    write(&mut data, 8, &index.to_le_bytes());
    write(&mut data, 24, &POOL.to_bytes());
    data
}

/// A recorded pool as a cluster has it, with or without the prices that the program has stored.
fn cluster(pool: &Value, stored_prices: bool, transfer_fees: [TransferFee; 2]) -> Cluster {
    let program = amm::program_id(Venue::MeteoraDlmm);
    let mut cluster = Cluster::default();
    require_fields(pool, &[&["lb_pair", "bin_arrays"]]);
    cluster.put(POOL.pubkey(), program, pool_data(&pool["lb_pair"]));
    for array in cases(pool, "bin_arrays") {
        require_fields(array, &[&["index", "bins"]]);
        let index: i64 = number(array, "index");
        let mut data = array_data(index);
        for (id, bin) in array["bins"].as_object().unwrap() {
            let place = id.parse::<i64>().unwrap() - index * 70;
            assert!((0..70).contains(&place), "bin {id} is not in array {index}");
            write_bin(&mut data, usize::try_from(place).unwrap(), bin, stored_prices);
        }
        cluster.put(array_address(index), program, data);
    }
    let [fee_x, fee_y] = transfer_fees;
    cluster.put_mint(MINT_A, fee_x);
    cluster.put_mint(MINT_B, fee_y);
    cluster
}

fn write_bin(array: &mut [u8], place: usize, bin: &Value, stored_price: bool) {
    require_fields(bin, &[&AMOUNTS.map(|(field, _)| field), &[PRICE.0, ASK_SIDE.0]]);
    let start = 56 + 144 * place;
    for (field, offset) in AMOUNTS {
        write(array, start + offset, &number::<u64>(bin, field).to_le_bytes());
    }
    if stored_price {
        write(array, start + PRICE.1, &number::<u128>(bin, PRICE.0).to_le_bytes());
    }
    write(array, start + ASK_SIDE.1, &[number(bin, ASK_SIDE.0)]);
}

fn at(timestamp: i64) -> Clock {
    Clock { unix_timestamp: timestamp, ..NOW }
}

const VM: &str = "svm_cases";
const VM_OF_TOKENS: &str = "svm_cases_token2022";
const SWAP: &[&str] = &["pool", "swap_for_y", "amount_in", "timestamp"];

/// The pools of this repository, whatever cases are tried.
fn own_pools() -> Value {
    own_file("meteora_dlmm_pools")["pools"].take()
}

/// Runs one list, with stored prices and without. A file without pools is about those of this repository.
fn check(list: &str, expected: &str) {
    let file = file(Venue::MeteoraDlmm, &[VM, VM_OF_TOKENS, "pools"]);
    let pools = file.get("pools").cloned().unwrap_or_else(own_pools);
    for stored_prices in [true, false] {
        let mut counts = Counts::default();
        for case in cases(&file, list) {
            require_fields(case, &[SWAP, TRANSFER_FEES, &[expected]]);
            let [fee_in, fee_out] = transfer_fees(case);
            let (mint_in, fees) = if flag(case, "swap_for_y") {
                (MINT_A, [fee_in, fee_out])
            } else {
                (MINT_B, [fee_out, fee_in])
            };
            let pool = &pools[case["pool"].as_str().unwrap()];
            let cluster = cluster(pool, stored_prices, fees);
            let market = cluster.market(POOL, at(number(case, "timestamp"))).unwrap();
            let amount_in = Atoms::new(number(case, "amount_in"));
            let expected: u64 = number(case, expected);
            let quoted = market.quote(mint_in, Mode::ExactIn, amount_in);
            counts.compare(quoted.map(|quote| quote.amount_out.get()), expected, case);
            let swap = |min_out| {
                amm_programs::swap(
                    &market,
                    mint_in,
                    Limit::ExactIn { amount_in, min_out: Atoms::new(min_out) },
                )
            };
            assert_eq!(swap(expected).is_ok(), expected > 0, "{case}");
            assert!(expected == 0 || swap(expected + 1) == Err(6003), "{case}");
        }
        counts.print(Venue::MeteoraDlmm, &file, list);
    }
}

#[test]
fn agrees_with_the_program() {
    check(VM, "expected_amount_out");
}

#[test]
fn agrees_with_the_program_on_tokens_with_transfer_fees() {
    check(VM_OF_TOKENS, "expected_received");
}

fn recorded(name: &str) -> Cluster {
    cluster(&own_pools()[name], true, [TransferFee::default(); 2])
}

fn field<const N: usize>(cluster: &mut Cluster, account: Pubkey, offset: usize) -> [u8; N] {
    cluster.data(account)[offset..offset + N].try_into().unwrap()
}

#[test]
fn a_swap_moves_bins_price_and_volatility() {
    let mut cluster = recorded(RICH);
    // Half of the fee is the protocol's.
    write(cluster.data(POOL.pubkey()), 32, &5000u16.to_le_bytes());
    let long_after = at(1_734_391_447 + 10_000);
    let market = cluster.market(POOL, long_after).unwrap();
    // Bin 15 sells 41 707 102 of the first token at 26716385619813447402 / 2^64; bin 16 the next at 2.5 % more.
    let spent = Atoms::new(70_000_000);
    let executed =
        amm_programs::swap(&market, MINT_B, Limit::ExactIn { amount_in: spent, min_out: Atoms::new(1) })
            .unwrap();
    // Without movement the fee is 1 %; one bin later it is 7500 · (10000 · 250)² / 10^11 billionths more.
    let (paid_15, fee_15, paid_16, fee_16) = (60_404_320, 610_145, 8_891_467, 94_068);
    assert_eq!(paid_15 + fee_15 + paid_16 + fee_16, spent.get());
    let from_16 = 5_989_513;
    assert_eq!(executed.swapped.received.get(), 41_707_102 + from_16);
    cluster.apply_writes(&executed);

    let array = array_address(0);
    let bin = |cluster: &mut Cluster, id: usize| {
        let start = 56 + 144 * id;
        [start, start + 8].map(|offset| u64::from_le_bytes(field(cluster, array, offset)))
    };
    assert_eq!(bin(&mut cluster, 15), [0, 28_777 + paid_15]);
    assert_eq!(bin(&mut cluster, 16), [39_779_981 - from_16, paid_16]);
    let pool = POOL.pubkey();
    assert_eq!(i32::from_le_bytes(field(&mut cluster, pool, 76)), 16);
    assert_eq!(u32::from_le_bytes(field(&mut cluster, pool, 40)), 10_000);
    assert_eq!(u32::from_le_bytes(field(&mut cluster, pool, 44)), 0);
    assert_eq!(i32::from_le_bytes(field(&mut cluster, pool, 48)), 15);
    assert_eq!(i64::from_le_bytes(field(&mut cluster, pool, 56)), long_after.unix_timestamp);
    assert_eq!(u64::from_le_bytes(field(&mut cluster, pool, 216)), 0);
    assert_eq!(u64::from_le_bytes(field(&mut cluster, pool, 224)), fee_15 / 2 + fee_16 / 2);
    // The movement is remembered: at once the fee is higher than it was.
    let market = cluster.market(POOL, long_after).unwrap();
    assert_eq!(market.fee().billionths(), 10_468_750);
}

#[test]
fn orders_at_a_price_are_filled_after_its_liquidity() {
    let mut cluster = recorded(ORDERS);
    let sells = |cluster: &Cluster| cluster.market(POOL, NOW).unwrap().reserves();
    let before = sells(&cluster);
    let market = cluster.market(POOL, NOW).unwrap();
    let spent = Atoms::new(10_000_000_000);
    let executed =
        amm_programs::swap(&market, MINT_A, Limit::ExactIn { amount_in: spent, min_out: Atoms::new(1) })
            .unwrap();
    cluster.apply_writes(&executed);
    let after = sells(&cluster);
    let gone = before[1].get() - after[1].get();
    // The fee of 1 % and a little for the movement is taken in the second token, out of what leaves the bins.
    let fee = gone - executed.swapped.received.get();
    assert!(fee > gone / 100 && fee < gone / 99, "{fee} of {gone}");
    // A pool with rewards for its liquidity has no orders.
    write(cluster.data(POOL.pubkey()), 35, &[0]);
    write(cluster.data(POOL.pubkey()), 264, &[1; 32]);
    let without = sells(&cluster);
    assert!(without[0] < after[0] && without[1] < after[1], "{without:?}");
}

#[test]
fn an_exact_output_is_not_quoted() {
    let market = recorded(RICH).market(POOL, NOW).unwrap();
    let quote = market.quote(MINT_A, Mode::ExactOut, Atoms::new(1000));
    assert!(matches!(quote, Err(QuoteError::Unsupported { .. })));
    let limit = Limit::ExactOut { amount_out: Atoms::new(1000), max_in: Atoms::new(1000) };
    assert_eq!(amm_programs::swap(&market, MINT_A, limit), Err(6085));
}

#[test]
fn where_liquidity_ends_is_told_from_where_reading_ends() {
    let cluster = recorded(RICH);
    let quote = |cluster: &Cluster, mint, amount| {
        let market = cluster.market(POOL, NOW).unwrap();
        let limit = Limit::ExactIn { amount_in: Atoms::new(amount), min_out: Atoms::new(1) };
        (
            market.quote(mint, Mode::ExactIn, Atoms::new(amount)),
            amm_programs::swap(&market, mint, limit).unwrap_err(),
        )
    };
    // The pool has an array above, which is not part of the record.
    assert_eq!(quote(&cluster, MINT_B, u64::MAX / 2), (Err(QuoteError::BeyondAccounts), 3005));
    // It has none below.
    assert_eq!(quote(&cluster, MINT_A, u64::MAX / 2), (Err(QuoteError::InsufficientLiquidity), 6012));
    // Its range may go on where only the bitmap's extension knows.
    let mut wide = cluster.clone();
    write(wide.data(POOL.pubkey()), 24, &(-35_841i32).to_le_bytes());
    let (beyond, code) = quote(&wide, MINT_A, u64::MAX / 2);
    assert!(matches!(beyond, Err(QuoteError::Unsupported { .. })), "{beyond:?}");
    assert_eq!(code, 6036);
    // An extension that does not exist knows of nothing, and one that does is named by the instruction.
    let pool = Pool::decode(POOL, &wide.accounts[&POOL.pubkey()]).unwrap();
    let extension =
        Pubkey::find_program_address(&[b"bitmap", &POOL.to_bytes()], &amm::program_id(Venue::MeteoraDlmm)).0;
    assert!(pool.dependencies(|_| None).contains(&extension));
    let read = pool.load(|address| wide.accounts.get(address).or(Some(&amm::ABSENT)), NOW).unwrap();
    let beyond = read.quote(MINT_A, Mode::ExactIn, Atoms::new(u64::MAX / 2));
    assert_eq!(beyond, Err(QuoteError::InsufficientLiquidity));
    let mut data = vec![0; 1576];
    write(&mut data, 0, &[0x50, 0x6f, 0x7c, 0x71, 0x37, 0xed, 0x12, 0x05]);
    write(&mut data, 8, &POOL.to_bytes());
    // The array 600 below zero, which counts from the last one of the pool's own.
    data[808 + (599 - 512) / 8] |= 1 << ((599 - 512) % 8);
    wide.put(extension, amm::program_id(Venue::MeteoraDlmm), data);
    assert!(pool.dependencies(|address| wide.accounts.get(address)).contains(&array_address(-600)));
    assert_eq!(quote(&wide, MINT_A, u64::MAX / 2), (Err(QuoteError::BeyondAccounts), 3005));
    let market = wide.market(POOL, NOW).unwrap();
    let limit = Limit::ExactIn { amount_in: Atoms::new(1000), min_out: Atoms::new(1) };
    let trader = Trader { owner: extension, source: extension, destination: extension };
    let named = market.instruction(&trader, MINT_A, limit).unwrap().accounts;
    assert!(named[1].pubkey == extension && named[1].is_writable);
    // One unit is too little for anything once the fee is taken.
    assert_eq!(quote(&cluster, MINT_B, 1), (Err(QuoteError::NothingOut), 6039));
}

#[test]
fn a_pool_is_closed_while_disabled_and_until_its_activation() {
    let mut cluster = recorded(RICH);
    let quote =
        |cluster: &Cluster| cluster.market(POOL, NOW).unwrap().quote(MINT_A, Mode::ExactIn, Atoms::new(1000));
    let pool = POOL.pubkey();
    let now = u64::try_from(NOW.unix_timestamp).unwrap();
    assert!(quote(&cluster).is_ok());
    for (activation_type, point) in [(0, NOW.slot), (1, now)] {
        write(cluster.data(pool), 75, &[2]);
        write(cluster.data(pool), 86, &[activation_type]);
        write(cluster.data(pool), 816, &point.to_le_bytes());
        assert!(quote(&cluster).is_ok());
        write(cluster.data(pool), 816, &(point + 1).to_le_bytes());
        assert!(matches!(quote(&cluster), Err(QuoteError::Closed { .. })));
        // Pools that anyone may make are open at once.
        write(cluster.data(pool), 75, &[0]);
        assert!(quote(&cluster).is_ok());
    }
    write(cluster.data(pool), 82, &[1]);
    assert!(matches!(quote(&cluster), Err(QuoteError::Closed { .. })));
    let limit = Limit::ExactIn { amount_in: Atoms::new(1000), min_out: Atoms::new(1) };
    assert_eq!(amm_programs::swap(&cluster.market(POOL, NOW).unwrap(), MINT_A, limit), Err(6042));
}

#[test]
fn what_is_not_known_is_refused() {
    let pool = POOL.pubkey();
    // A price that only the bitmap's extension knows of, before that is read.
    for active in [35_840i32, -35_841] {
        let mut cluster = recorded(RICH);
        write(cluster.data(pool), 76, &active.to_le_bytes());
        let market = cluster.market(POOL, NOW).unwrap();
        for mint in [MINT_A, MINT_B] {
            let quote = market.quote(mint, Mode::ExactIn, Atoms::new(1000));
            assert!(matches!(quote, Err(QuoteError::Unsupported { .. })), "{quote:?}");
        }
        let named = market.pool().dependencies(|_| None);
        let seeds: [&[u8]; 2] = [b"bitmap", &POOL.to_bytes()];
        assert!(
            named.contains(&Pubkey::find_program_address(&seeds, &amm::program_id(Venue::MeteoraDlmm)).0)
        );
    }
    for (offset, bytes) in [(35, vec![3]), (36, vec![2]), (75, vec![4])] {
        let mut cluster = recorded(RICH);
        write(cluster.data(pool), offset, &bytes);
        assert!(matches!(cluster.market(POOL, NOW), Err(DecodeError::Unsupported { .. })), "{offset}");
    }
    for (offset, bytes) in [(8, vec![9]), (24, vec![9])] {
        let mut cluster = recorded(RICH);
        write(cluster.data(array_address(0)), offset, &bytes);
        assert!(matches!(cluster.market(POOL, NOW), Err(DecodeError::Inconsistent { .. })), "{offset}");
    }
}

#[test]
fn the_instruction_names_the_arrays_on_the_way_and_spare_ones() {
    let pool = POOL.pubkey();
    let trader = Trader {
        owner: Pubkey::new_from_array([20; 32]),
        source: Pubkey::new_from_array([21; 32]),
        destination: Pubkey::new_from_array([22; 32]),
    };
    let program = amm::program_id(Venue::MeteoraDlmm);
    let spl = amm::token_program_id(order_core::token::Program::SplToken);
    let mut cluster = recorded(RICH);
    // Arrays -6 to 5 have liquidity.
    for bit in 506..=517 {
        cluster.data(pool)[584 + bit / 8] |= 1 << (bit % 8);
    }
    write(cluster.data(pool), 552, &[6; 32]);
    let market = cluster.market(POOL, NOW).unwrap();
    let accounts = |mint, amount_in| {
        let limit = Limit::ExactIn { amount_in: Atoms::new(amount_in), min_out: Atoms::new(5) };
        let built = market.instruction(&trader, mint, limit).unwrap();
        built.accounts.iter().map(|meta| (meta.pubkey, meta.is_signer, meta.is_writable)).collect::<Vec<_>>()
    };
    let (event_authority, _) = Pubkey::find_program_address(&[b"__event_authority"], &program);
    let memo: Pubkey = "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr".parse().unwrap();
    let fixed = [
        (pool, false, true),
        (program, false, false),
        (VAULTS[0], false, true),
        (VAULTS[1], false, true),
        (trader.source, false, true),
        (trader.destination, false, true),
        (MINT_A.pubkey(), false, false),
        (MINT_B.pubkey(), false, false),
        (Pubkey::new_from_array([6; 32]), false, true),
        (program, false, false),
        (trader.owner, true, false),
        (spl, false, false),
        (spl, false, false),
        (memo, false, false),
        (event_authority, false, false),
        (program, false, false),
    ];
    let arrays = |indexes: &[i64]| indexes.iter().map(|index| (array_address(*index), false, true)).collect();
    let expected = |indexes| [fixed.to_vec(), arrays(indexes)].concat();
    assert_eq!(accounts(MINT_A, 1000), expected(&[0, -1, -2]));
    assert_eq!(accounts(MINT_B, 1000), expected(&[0, 1, 2]));
    // A way that cannot be told to its end has the same.
    assert_eq!(accounts(MINT_B, u64::MAX), expected(&[0, 1, 2]));

    let keys: Vec<Pubkey> = accounts(MINT_A, 1000).into_iter().map(|(key, _, _)| key).collect();
    let mut data = vec![0x41, 0x4b, 0x3f, 0x4c, 0xeb, 0x5b, 0x5b, 0x88];
    data.extend(1000u64.to_le_bytes());
    data.extend(5u64.to_le_bytes());
    data.extend([0; 4]);
    let limit = Limit::ExactIn { amount_in: Atoms::new(1000), min_out: Atoms::new(5) };
    assert_eq!(market.instruction(&trader, MINT_A, limit).unwrap().data, data);
    let read = SwapInstruction::decode(Venue::MeteoraDlmm, &keys, &data).unwrap();
    assert_eq!((read.limit, read.pool, read.owner), (limit, pool, trader.owner));
    // Accounts of a transfer hook would follow: no token here has one.
    data[24] = 1;
    assert_eq!(SwapInstruction::decode(Venue::MeteoraDlmm, &keys, &data), Err(102));
}

/// The amount of each token in all bins and orders.
fn held(cluster: &mut Cluster) -> [u128; 2] {
    let mut held = [0; 2];
    for place in 0..140 {
        let array = array_address(if place < 70 { -1 } else { 0 });
        let start = 56 + 144 * (place % 70);
        let mut number = |offset| u128::from(u64::from_le_bytes(field::<8>(cluster, array, start + offset)));
        held[0] += number(0);
        held[1] += number(8);
        let orders = number(112) + number(128);
        let sell_first = field::<1>(cluster, array, start + 140) != [0];
        held[usize::from(!sell_first)] += orders;
    }
    held
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Fees that move, orders, fees on either side: nothing comes out of the bins that is not paid for.
    #[test]
    fn swaps_of_recorded_pools_keep_the_books(
        rich: bool,
        swaps in prop::collection::vec((any::<bool>(), 1u64..20_000_000_000, 0i64..2000), 1..12),
    ) {
        let mut cluster = recorded(if rich { RICH } else { ORDERS });
        let mut now = 1_734_391_447;
        for (x_to_y, amount, later) in swaps {
            now += later;
            let market = cluster.market(POOL, at(now)).unwrap();
            let mint_in = if x_to_y { MINT_A } else { MINT_B };
            let quote = |amount| market.quote(mint_in, Mode::ExactIn, Atoms::new(amount));
            let limit = Limit::ExactIn { amount_in: Atoms::new(amount), min_out: Atoms::new(1) };
            let swap = amm_programs::swap(&market, mint_in, limit);
            // A quote goes over the bins that it empties, a swap through each of them.
            prop_assert_eq!(
                quote(amount).ok().map(|quote| quote.amount_out),
                swap.as_ref().ok().map(|executed| executed.swapped.received)
            );
            let Ok(executed) = swap else { continue };
            if let Ok(less) = quote(amount - amount / 3) {
                let more = quote(amount).unwrap();
                prop_assert!(less.amount_out <= more.amount_out && less.price_impact <= more.price_impact);
            }
            let before = held(&mut cluster);
            cluster.apply_writes(&executed);
            let after = held(&mut cluster);
            let (bought, sold) = if x_to_y { (1, 0) } else { (0, 1) };
            prop_assert!(before[bought] - after[bought] >= u128::from(executed.swapped.received.get()));
            // What orders were paid is their makers' at once.
            prop_assert!(after[sold] - before[sold] <= u128::from(amount));
            // Who turns around at once has lost. The other record has orders that buy above the price.
            let market = cluster.market(POOL, at(now)).unwrap();
            let mint_back = if x_to_y { MINT_B } else { MINT_A };
            if let Ok(back) = market.quote(mint_back, Mode::ExactIn, executed.swapped.received) {
                prop_assert!(rich || back.amount_out.get() <= amount, "{back:?} for {amount}");
            }
        }
    }
}
