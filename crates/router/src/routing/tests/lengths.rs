//! How long the transactions of two hops are, over every two venues, with and without a lookup table.

use super::optimum::shape_of;
use super::tables::{book_with_tables, formats};
use super::two_hops::{STRANGER, usdt};
use super::*;
use chain::transaction::{ACCOUNTS_MAX, LENGTH_MAX, LENGTH_MAX_V1, Version};

/// The bytes that the marker adds where neither token is SOL: its address, and the instruction that creates it.
const MARKER: usize = 145;

/// How many of the routes fit, without the marker, and with it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Fitting {
    routes: usize,
    unmarked: usize,
    marked: usize,
}

impl Fitting {
    fn add(&mut self, marked: usize, unmarked: usize) {
        self.routes += 1;
        self.unmarked += usize::from(unmarked <= LENGTH_MAX);
        self.marked += usize::from(marked <= LENGTH_MAX);
    }
}

/// A pool of `mint_in` and a stranger, and one of the stranger and USDC.
fn two_pools(mint_in: Mint, first: Venue, second: Venue) -> [TestPool; 2] {
    let reserves = [[10_000_000_000_000, 300_000_000_000], [300_000_000_000, 1_500_000_000_000]];
    [
        testing::trading(first, 1, [mint_in, STRANGER], reserves[0], 100_000),
        testing::trading(second, 2, [STRANGER, usdc()], reserves[1], 100_000),
    ]
}

fn every_two_venues() -> impl Iterator<Item = (Venue, Venue)> {
    Venue::ALL.into_iter().flat_map(|first| Venue::ALL.into_iter().map(move |second| (first, second)))
}

/// Two hops over every two venues of which the first sells exact outputs, from `mint_in` to USDC.
fn over_every_two_venues(mint_in: Mint, marker: usize) -> [Fitting; 2] {
    let mut fitting: [Fitting; 2] = Default::default();
    let request = Request { mint_in, ..ask(Mode::ExactIn, 1_000_000_000) };
    for (first, second) in every_two_venues() {
        let (pools, now) = (two_pools(mint_in, first, second), Instant::now());
        let with_table = book_with_tables(&pools, now, 1);
        let Ok(Decision { chosen, .. }) = decide(&with_table, &request, now, MAX_AGE) else { continue };
        for (book, fitting) in [testing::book(&pools, 7, now), with_table].iter().zip(&mut fitting) {
            let length = length(book, &request, &chosen.route).unwrap();
            fitting.add(length, length - marker);
        }
    }
    fitting
}

/// Bytes of the transactions of two hops from USDT to USDC that pay a tip, the longest there are: by the venues of the
/// first and of the second, in version 0 without a lookup table, with one that has the pools' accounts, and in
/// version 1. A pair that is not here, since its first venue has only come to sell exact outputs, must fit all the
/// same; the test prints its line: pin it here.
const LENGTHS: &str = "\
raydium_cpmm raydium_cpmm 1122 784 1094
raydium_cpmm raydium_amm_v4 1142 835 1114
raydium_cpmm raydium_clmm 1333 902 1305
raydium_cpmm meteora_damm_v1 1380 856 1352
raydium_cpmm meteora_damm_v2 1188 881 1160
raydium_cpmm meteora_dlmm 1324 893 1296
raydium_cpmm orca_whirlpool 1271 902 1243
raydium_cpmm pump_swap 1452 990 1424
raydium_amm_v4 raydium_cpmm 1110 834 1082
raydium_amm_v4 raydium_amm_v4 970 756 942
raydium_amm_v4 raydium_clmm 1225 887 1197
raydium_amm_v4 meteora_damm_v1 1272 841 1244
raydium_amm_v4 meteora_damm_v2 1080 866 1052
raydium_amm_v4 meteora_dlmm 1216 878 1188
raydium_amm_v4 orca_whirlpool 1163 887 1135
raydium_amm_v4 pump_swap 1344 975 1316
raydium_clmm raydium_cpmm 1333 902 1305
raydium_clmm raydium_amm_v4 1257 888 1229
raydium_clmm raydium_clmm 1320 858 1292
raydium_clmm meteora_damm_v1 1495 909 1467
raydium_clmm meteora_damm_v2 1303 934 1275
raydium_clmm meteora_dlmm 1407 914 1379
raydium_clmm orca_whirlpool 1354 923 1326
raydium_clmm pump_swap 1567 1043 1539
meteora_damm_v1 raydium_cpmm 1348 855 1320
meteora_damm_v1 raydium_amm_v4 1272 841 1244
meteora_damm_v1 raydium_clmm 1463 908 1435
meteora_damm_v1 meteora_damm_v1 1446 798 1418
meteora_damm_v1 meteora_damm_v2 1318 887 1290
meteora_damm_v1 meteora_dlmm 1454 899 1426
meteora_damm_v1 orca_whirlpool 1401 908 1373
meteora_damm_v1 pump_swap 1582 996 1554
meteora_damm_v2 raydium_cpmm 1188 881 1160
meteora_damm_v2 raydium_amm_v4 1112 867 1084
meteora_damm_v2 raydium_clmm 1303 934 1275
meteora_damm_v2 meteora_damm_v1 1350 888 1322
meteora_damm_v2 meteora_damm_v2 1062 817 1034
meteora_damm_v2 meteora_dlmm 1294 925 1266
meteora_damm_v2 orca_whirlpool 1241 934 1213
meteora_damm_v2 pump_swap 1422 1022 1394
meteora_dlmm raydium_cpmm 1324 893 1296
meteora_dlmm raydium_amm_v4 1248 879 1220
meteora_dlmm raydium_clmm 1407 914 1379
meteora_dlmm meteora_damm_v1 1486 900 1458
meteora_dlmm meteora_damm_v2 1294 925 1266
meteora_dlmm meteora_dlmm 1334 841 1306
meteora_dlmm orca_whirlpool 1345 914 1317
meteora_dlmm pump_swap 1558 1034 1530
orca_whirlpool raydium_cpmm 1239 901 1211
orca_whirlpool raydium_amm_v4 1163 887 1135
orca_whirlpool raydium_clmm 1322 922 1294
orca_whirlpool meteora_damm_v1 1401 908 1373
orca_whirlpool meteora_damm_v2 1209 933 1181
orca_whirlpool meteora_dlmm 1313 913 1285
orca_whirlpool orca_whirlpool 1228 890 1200
orca_whirlpool pump_swap 1473 1042 1445
pump_swap raydium_cpmm 1452 990 1424
pump_swap raydium_amm_v4 1376 976 1348
pump_swap raydium_clmm 1567 1043 1539
pump_swap meteora_damm_v1 1614 997 1586
pump_swap meteora_damm_v2 1422 1022 1394
pump_swap meteora_dlmm 1558 1034 1530
pump_swap orca_whirlpool 1505 1043 1477
pump_swap pump_swap 1430 937 1402
";

/// The line of two venues.
fn line(first: Venue, second: Venue) -> String {
    let request = Request { mint_in: usdt(), ..ask(Mode::ExactIn, 1_000_000_000) };
    let (pools, now) = (two_pools(usdt(), first, second), Instant::now());
    let with_table = book_with_tables(&pools, now, 1).with_tips(true);
    let tables = with_table.formats().read().tables.clone();
    let plain = with_table.clone().with_formats(formats(Vec::new(), Version::V0));
    let newest = with_table.clone().with_formats(formats(Vec::new(), Version::V1));
    let chosen = decide(&newest, &request, now, MAX_AGE).unwrap().chosen;
    let pair = format!("{first} {second}");
    assert_eq!(chosen.route.hop_count(), 2, "{pair}");
    let [without, with] = [&plain, &with_table].map(|book| length(book, &request, &chosen.route).unwrap());
    let of_v1 = shape_of(&newest, &request, &chosen.route, now).unwrap().length(Version::V1);
    let built = size::built(&newest, &request, &chosen.route).unwrap().unwrap();
    let expected = if without <= LENGTH_MAX { (Version::V0, without) } else { (Version::V1, of_v1) };
    assert_eq!((built.version(), built.bytes().len()), expected, "{pair}: version 1 is for what is too long");
    assert!(of_v1 <= LENGTH_MAX_V1 && built.accounts().len() <= ACCOUNTS_MAX, "{pair}: {of_v1} bytes");
    let both = with_table.with_formats(formats(tables, Version::V1));
    let built = size::built(&both, &request, &chosen.route).unwrap().unwrap();
    assert_eq!(
        built.version() == Version::V0,
        with <= LENGTH_MAX,
        "{pair}: a table that suffices is preferred"
    );
    format!("{pair} {without} {with} {of_v1}")
}

#[test]
fn two_hops_over_every_two_venues_fit_with_version_1() {
    let lines: Vec<String> = every_two_venues().map(|(first, second)| line(first, second)).collect();
    println!("{}", lines.join("\n"));
    let pinned: Vec<&str> = LENGTHS.lines().collect();
    assert_eq!(lines, pinned, "the lengths have changed");
}

#[test]
fn the_marker_costs_few_routes_their_place() {
    let usdt = over_every_two_venues(usdt(), MARKER);
    // An order for SOL pays nothing: the account of wrapped SOL is its marker.
    let sol = over_every_two_venues(SOL, 0);
    println!("two hops from USDT: without a table {:?}, with one {:?}", usdt[0], usdt[1]);
    println!("two hops from SOL: without a table {:?}, with one {:?}", sol[0], sol[1]);
    assert_eq!(usdt[1].marked, usdt[1].routes, "with a table every two venues fit");
    assert_eq!(sol[1].marked, sol[1].routes);
    assert!(usdt[0].marked <= usdt[0].unmarked && usdt[0].marked > 0);
}

/// The bytes that a tip adds: the address of who gets it, and the transfer.
const TIP: usize = 49;

#[test]
fn a_tip_takes_its_place_and_the_transaction_of_every_single_pool_still_fits() {
    for venue in Venue::ALL {
        for mint_in in [SOL, usdt()] {
            let reserves = [10_000_000_000_000, 1_500_000_000_000];
            let pools = [testing::trading(venue, 1, [mint_in, usdc()], reserves, 100_000)];
            let (request, now) = (Request { mint_in, ..ask(Mode::ExactIn, 1_000_000) }, Instant::now());
            let plain = testing::book(&pools, 7, now);
            let tipped = plain.clone().with_tips(true);
            let chosen = decide(&tipped, &request, now, MAX_AGE).unwrap().chosen;
            let [without, with] =
                [&plain, &tipped].map(|book| length(book, &request, &chosen.route).unwrap());
            assert_eq!(with, without + TIP, "{venue}");
            assert!(with <= LENGTH_MAX, "{venue}: {with} bytes");
        }
    }
}
