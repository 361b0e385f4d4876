//! Every step fails: the executor crashes in front of each of its effects and behind it, does it twice,
//! or stands still in it for longer than its lease. Whatever happens, the order ends right, lands once,
//! and tells its story without a gap.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "system/amounts.rs"]
mod amounts;

use amounts::{Balances, atoms};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::sync::Mutex;
use std::time::Instant;
use system_tests::{Engine, Part, eventually, market_order, setting};
use xtask::Signal;

/// How many engines work the cases off side by side: most of the time they wait for a lease to run out.
const ENGINES: usize = 6;

/// The shortest that an executor takes.
const LEASE_SECONDS: &str = "2";

/// The executor that fails, and the one that takes over from it.
const FIRST: Part = Part::Executor(0);
const SECOND: Part = Part::Executor(1);

const SYMBOLS: [&str; 2] = ["SOL", "USDC"];

/// The course of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Story {
    /// Nothing: it is confirmed.
    Swap,
    /// Its first transaction never lands and expires; the second attempt is confirmed.
    Expiry,
    /// It would move the price of its pools too far, in each of its attempts: it fails.
    Refusal,
}

/// An effect of the executor, with the attempts that an order takes whose executor crashed in front of
/// it and behind it: an attempt is lost from its beginning to its signature.
struct Effect(&'static str, Story, u32, u32);

const EFFECTS: [Effect; 18] = [
    Effect("claim", Story::Swap, 1, 1),
    Effect("acknowledge", Story::Swap, 1, 1),
    Effect("routing_started", Story::Swap, 1, 2),
    Effect("publish", Story::Swap, 2, 2),
    Effect("route", Story::Swap, 2, 2),
    Effect("route_chosen", Story::Swap, 2, 2),
    Effect("simulate", Story::Swap, 2, 2),
    Effect("sign", Story::Swap, 2, 2),
    Effect("transaction_signed", Story::Swap, 2, 1),
    Effect("send", Story::Swap, 1, 1),
    Effect("status", Story::Swap, 1, 1),
    Effect("transaction", Story::Swap, 1, 1),
    Effect("observed", Story::Swap, 1, 1),
    Effect("height", Story::Expiry, 2, 2),
    Effect("history", Story::Expiry, 2, 2),
    Effect("observed", Story::Expiry, 2, 2),
    Effect("attempt_failed", Story::Expiry, 2, 2),
    Effect("failed", Story::Refusal, 3, 3),
];

const FAULTS: [&str; 4] = ["crash_before", "crash_after", "repeat", "hang"];

/// One effect that fails in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Case {
    effect: usize,
    fault: &'static str,
}

impl Case {
    fn all() -> Vec<Self> {
        let cases = (0..EFFECTS.len()).flat_map(|effect| FAULTS.map(|fault| Self { effect, fault }));
        cases.collect()
    }

    fn story(self) -> Story {
        EFFECTS[self.effect].1
    }

    /// How many attempts the order takes.
    fn attempts(self) -> u32 {
        let Effect(_, story, before, after) = EFFECTS[self.effect];
        match self.fault {
            "crash_before" | "hang" => before,
            "crash_after" => after,
            _ => match story {
                Story::Swap => 1,
                Story::Expiry => 2,
                Story::Refusal => 3,
            },
        }
    }

    fn environment(self) -> String {
        format!("{}:{}", EFFECTS[self.effect].0, self.fault)
    }
}

#[test]
fn whatever_step_fails_the_order_ends_right_and_lands_once() {
    let cases = Mutex::new(Case::all());
    let outcomes = Mutex::new(BTreeMap::new());
    let work = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(Track::start().run(&cases, &outcomes));
    };
    let panicked = std::thread::scope(|scope| {
        let tracks: Vec<_> = (0..ENGINES).map(|_| scope.spawn(work)).collect();
        tracks.into_iter().filter_map(|track| track.join().err()).count()
    });
    let outcomes = outcomes.into_inner().unwrap();
    show(&outcomes);
    assert_eq!(panicked, 0, "cases went wrong: see above");
    assert_eq!(outcomes.len(), EFFECTS.len() * FAULTS.len());
}

/// The table, past the harness, which keeps to itself what a test that passes has to say.
fn show(outcomes: &BTreeMap<Case, String>) {
    let mut table = format!("\n{:<28}", "");
    table.extend(FAULTS.map(|fault| format!("{fault:<26}")));
    for (index, Effect(effect, story, _, _)) in EFFECTS.iter().enumerate() {
        table += &format!("\n{:<28}", format!("{effect} ({story:?})"));
        for fault in FAULTS {
            let outcome = outcomes.get(&Case { effect: index, fault });
            table += &format!("{:<26}", outcome.map_or("WENT WRONG", String::as_str));
        }
    }
    table += "\n\n";
    std::io::stderr().write_all(table.as_bytes()).unwrap();
}

/// An engine with two executors: the first fails, the second takes over.
struct Track {
    engine: Engine,
    /// Every order of this track as it ended.
    ended: Vec<Value>,
}

impl Track {
    fn start() -> Self {
        let mut engine =
            Engine::start_faulty(2, 1, vec![setting("executor", "LEASE_SECONDS", LEASE_SECONDS)]);
        engine.kill(FIRST);
        engine.kill(SECOND);
        Self { engine, ended: Vec::new() }
    }

    async fn run(mut self, cases: &Mutex<Vec<Case>>, outcomes: &Mutex<BTreeMap<Case, String>>) {
        let (cluster, wallet) = (self.engine.cluster(), self.engine.wallet().address);
        let before = Balances::read(&cluster, wallet, &SYMBOLS).await;
        loop {
            // The last ones take longest: they are begun first.
            let Some(case) = cases.lock().unwrap().pop() else { break };
            let started = Instant::now();
            let order = self.fail(case).await;
            let outcome = format!(
                "{} ({}) in {:.1} s",
                order["status"].as_str().unwrap(),
                order["attempts"],
                started.elapsed().as_secs_f32()
            );
            outcomes.lock().unwrap().insert(case, outcome);
        }
        let after = Balances::read(&cluster, wallet, &SYMBOLS).await;
        assert_eq!(after.since(&before), Balances::according_to(&self.ended, &SYMBOLS));
    }

    /// Lets the case happen to an order, and gives the order as it ended.
    async fn fail(&mut self, case: Case) -> Value {
        let (gateway, cluster) = (self.engine.gateway(0), self.engine.cluster());
        self.restart_first(&case.environment());
        let already = self.failures();
        if case.story() == Story::Expiry {
            cluster.drop_transactions().await;
        }
        let amount = if case.story() == Story::Refusal { "4000000" } else { "0.1" };
        let id = gateway.place(&market_order("SOL", "USDC", amount, "0.05")).await;
        if case.story() == Story::Expiry {
            eventually("a submitted order", async || {
                (gateway.order(&id).await["status"] == "submitted").then_some(())
            })
            .await;
            cluster.expire_blockhashes().await;
        }
        eventually(&format!("{case:?} to happen"), async || (self.failures() > already).then_some(())).await;
        cluster.heal().await;
        self.take_over(case);
        let order = gateway.ended(&id).await;
        if case.fault == "hang" {
            self.wake().await;
        }
        self.assert_right(case, &id, &order).await;
        self.engine.kill(SECOND);
        self.ended.push(gateway.order(&id).await);
        order
    }

    /// Starts the first executor again, with this fault.
    fn restart_first(&mut self, fault: &str) {
        self.engine.service(FIRST).unwrap().process.set_environment("FAULT", fault);
        self.engine.restart(FIRST);
    }

    /// How often the first executor has failed in all.
    fn failures(&self) -> usize {
        self.engine.stack.executors[0].process.log().matches("fault: ").count()
    }

    /// Another executor, or the crashed one again, is there for the order.
    fn take_over(&mut self, case: Case) {
        match case.fault {
            "crash_before" | "hang" => self.engine.restart(SECOND),
            "crash_after" => self.restart_first(""),
            _ => {}
        }
    }

    /// The first executor goes on where it stood still, and is all that is left for another order.
    async fn wake(&mut self) {
        let gateway = self.engine.gateway(0);
        self.engine.kill(SECOND);
        self.engine.stack.executors[0].process.signal(Signal::Continue).unwrap();
        let id = gateway.place(&market_order("SOL", "USDC", "0.1", "0.05")).await;
        let order = gateway.ended(&id).await;
        assert_eq!(order["status"], "confirmed", "after standing still: {order}");
        self.ended.push(order);
    }

    async fn assert_right(&self, case: Case, id: &str, order: &Value) {
        let gateway = self.engine.gateway(0);
        let updates = gateway.follow(id, 0).await.to_the_end(1).await;
        assert_eq!(gateway.order(id).await["seq"], order["seq"], "{case:?}: it went on after its end");
        let expected = if case.story() == Story::Refusal { "failed" } else { "confirmed" };
        assert_eq!(order["status"], expected, "{case:?}: {order}");
        assert_eq!(order["attempts"], case.attempts(), "{case:?}: {updates:?}");

        let minimums: BTreeSet<&str> =
            updates.iter().filter_map(|update| update["data"]["minimumOutput"].as_str()).collect();
        assert!(minimums.len() <= 1, "{case:?}: the floor moved: {minimums:?}");
        let signatures: BTreeSet<&str> =
            updates.iter().filter_map(|update| update["data"]["txHash"].as_str()).collect();
        let ledger = self.engine.ledger();
        let landed = ledger.iter().filter(|line| {
            line["kind"] == "landed" && signatures.contains(line["signature"].as_str().unwrap())
        });
        let landed = landed.count();
        if case.story() == Story::Refusal {
            assert_eq!((signatures.len(), landed), (0, 0), "{case:?}: {order}");
        } else {
            let signed = if case.story() == Story::Expiry { 2 } else { 1 };
            assert_eq!((signatures.len(), landed), (signed, 1), "{case:?}: {order}");
            let data = &order["data"];
            assert!(
                atoms(&data["executedOutput"], "USDC") >= atoms(&data["minimumOutput"], "USDC"),
                "{case:?}: {order}"
            );
        }
    }
}
