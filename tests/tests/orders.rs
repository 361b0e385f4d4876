//! 1,200 random orders over all tokens, both ways, small and large: what a quote promises, the chain
//! gives, to the unit, over every program, over two hops, and over splits.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use system_tests::{Engine, Random, setting};

/// How many orders there are in all.
const ORDERS: usize = 1_200;

/// How many orders each program, two pools in a row, and several side by side must have had.
const OF_EACH_MIN: usize = 50;

/// How many engines there are: each takes one order after the other, so that its pools stand still between
/// a quote and its swap, and most of the time an order waits for the next slot.
const ENGINES: u64 = 4;

/// Every token, with how many make about a dollar, in millionths.
const TOKENS: [(&str, u64); 7] = [
    ("SOL", 6_667),
    ("USDC", 1_000_000),
    ("USDT", 1_000_000),
    ("RAY", 500_000),
    ("JUP", 2_000_000),
    ("BONK", 51_000_000_000),
    // Each transfer costs a part of what is transferred.
    (BERN, 500_000_000),
];

/// A token of Token-2022, which the engine knows by its mint alone.
const BERN: &str = "CKfatsPMUf8SkiURsDXs7eK6GWb4Jsd6UDbs7twMCWxo";

/// Values of the smallest and of the largest order, in cents.
const CENTS: [u64; 2] = [10, 1_500_000];

const VENUES: [&str; 8] = [
    "raydium_amm_v4",
    "raydium_cpmm",
    "raydium_clmm",
    "meteora_dlmm",
    "meteora_damm_v2",
    "meteora_damm_v1",
    "orca_whirlpool",
    "pump_swap",
];
const TWO_HOPS: &str = "two hops";
const SPLIT: &str = "split";

/// Of one kind of order.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    orders: usize,
    /// Executed as quoted, to the unit.
    equal: usize,
}

type Tallies = BTreeMap<&'static str, Tally>;

#[test]
fn random_orders_are_executed_as_they_were_quoted_to_the_unit() {
    let (tallies, begun) = (Mutex::new(Tallies::new()), AtomicUsize::new(0));
    let programs = programs();
    let work = |lane: u64| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let tokens = TOKENS.map(|(token, _)| token).join(",");
            let mut settings = vec![setting("router", "TOKENS", &tokens)];
            settings.extend(programs.as_deref().map(|programs| setting("sandbox", "PROGRAMS", programs)));
            let engine = Engine::start(1, 1, settings);
            let mut random = Random::new(1, lane);
            while begun.fetch_add(1, Ordering::Relaxed) < ORDERS {
                let (order, refused) = routable_order(&engine, &mut random).await;
                let (kinds, equal) = trade(&engine, &order).await;
                let mut tallies = tallies.lock().unwrap();
                tallies.entry(REFUSED).or_default().orders += refused;
                for kind in kinds {
                    let tally = tallies.entry(kind).or_default();
                    tally.orders += 1;
                    tally.equal += usize::from(equal);
                }
            }
        });
    };
    let work = &work;
    std::thread::scope(|scope| {
        (0..ENGINES).for_each(|lane| drop(scope.spawn(move || work(lane))));
    });
    let tallies = tallies.into_inner().unwrap();
    show(&tallies);
    assert_eq!(tallies[ALL].orders, ORDERS);
    for kind in VENUES.into_iter().chain([TWO_HOPS, SPLIT]) {
        let Tally { orders, equal } = tallies.get(kind).copied().unwrap_or_default();
        assert_eq!(orders, equal, "{kind}: executed otherwise than quoted");
        assert!(orders >= OF_EACH_MIN, "{kind}: only {orders} orders");
    }
}

/// The real programs that the cluster runs in place of built-in ones: those of the folder that the environment
/// variable `PROGRAM_FOLDER` names, each in a file `ADDRESS.so`. None, said on standard error, without it.
fn programs() -> Option<String> {
    let Some(folder) = std::env::var_os("PROGRAM_FOLDER") else {
        eprintln!("NO real programs: PROGRAM_FOLDER is not set, and the built-in programs are our own");
        return None;
    };
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let programs = files.filter(|file| file.extension().is_some_and(|extension| extension == "so"));
    let named = programs.map(|file| format!("{}={}", file.file_stem().unwrap().display(), file.display()));
    let programs: Vec<String> = named.collect();
    assert!(!programs.is_empty(), "the folder has no programs");
    eprintln!("real programs: {programs:#?}");
    Some(programs.join(","))
}

const ALL: &str = "all";
const REFUSED: &str = "no route (not placed)";

/// A random order that there is a route for, and how many were drawn in vain before it.
async fn routable_order(engine: &Engine, random: &mut Random) -> (Value, usize) {
    let mut refused = 0;
    loop {
        let order = random_order(random);
        let quote = engine.gateway(0).post("/api/orders/quote", &order).await;
        if quote.status.is_success() {
            return (order, refused);
        }
        assert_eq!(quote.body["code"], "no_route", "{order}: {}", quote.body);
        refused += 1;
    }
}

/// Any token for any other; each power of ten of the worth is as likely.
fn random_order(random: &mut Random) -> Value {
    let (token_in, millionths) = random.pick(&TOKENS);
    let others: Vec<&str> =
        TOKENS.iter().map(|(symbol, _)| *symbol).filter(|symbol| *symbol != token_in).collect();
    let digits = random.between(CENTS[0].ilog10().into(), CENTS[1].ilog10().into());
    let power = 10u64.pow(u32::try_from(digits).unwrap());
    let cents = random.between(power, power * 10).clamp(CENTS[0], CENTS[1]);
    // In ten-thousandths of the token: every token has as many decimals.
    let amount = u128::from(cents) * u128::from(millionths) / 10_000;
    let amount = format!("{}.{:04}", amount / 10_000, amount % 10_000);
    json!({ "tokenIn": token_in, "tokenOut": random.pick(&others), "amount": amount, "maxSlippage": "0.01" })
}

/// Trades an order. Returns its kinds, and true if it was executed as quoted.
async fn trade(engine: &Engine, order: &Value) -> (Vec<&'static str>, bool) {
    let gateway = engine.gateway(0);
    let id = gateway.place(order).await;
    gateway.follow(&id, 0).await.to_the_end(1).await;
    let ended = gateway.order(&id).await;
    assert_eq!(ended["status"], "confirmed", "{order} ended as {ended}");
    assert_eq!(ended["attempts"], 1, "{order} ended as {ended}");
    let events = gateway.get(&format!("/api/orders/{id}/events")).await;
    let events = events["events"].as_array().unwrap();
    let route = events.iter().find_map(|event| event["route"]["route"].as_array()).unwrap();
    let data = &ended["data"];
    let equal = data["executedOutput"] == data["estimatedOutput"];
    if !equal {
        eprintln!("executed otherwise than quoted: {ended} over {route:?}");
    }
    (kinds(order, route), equal)
}

fn kinds(order: &Value, route: &[Value]) -> Vec<&'static str> {
    let arrives = |step: &&Value| step["tokenOut"] == order["tokenOut"];
    let mut kinds = vec![ALL];
    kinds.extend(VENUES.iter().filter(|venue| route.iter().any(|step| step["program"] == **venue)));
    if !route.iter().all(|step| arrives(&step)) {
        kinds.push(TWO_HOPS);
    }
    if route.iter().filter(arrives).count() > 1 {
        kinds.push(SPLIT);
    }
    kinds
}

/// The table, past the harness, which keeps to itself what a test that passes has to say.
fn show(tallies: &Tallies) {
    let mut table = format!("\n{:<24}{:>8}{:>20}\n", "", "orders", "executed = quoted");
    for kind in VENUES.into_iter().chain([TWO_HOPS, SPLIT, ALL, REFUSED]) {
        let Tally { orders, equal } = tallies.get(kind).copied().unwrap_or_default();
        table += &format!("{kind:<24}{orders:>8}{equal:>20}\n");
    }
    std::io::stderr().write_all(table.as_bytes()).unwrap();
}
