//! Nodes that lie, histories with holes, restored databases and rotated keys: an order trades at most
//! once, and is told as what became of it.

use crate::amounts::known;
use order_core::Pubkey;
use serde_json::{Value, json};
use system_tests::{Cluster, Engine, Gateway, Nodes, Part, eventually, market_order, setting};

const EXECUTOR: Part = Part::Executor(0);

/// The blocks in which a transaction may land, and until that is finalized.
const LIFE_SLOTS: u64 = 150 + 32;

/// A genesis hash of no cluster.
const OTHER_GENESIS: &str = "4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY";

/// An engine before several nodes of one cluster.
struct Scene {
    engine: Engine,
    gateway: Gateway,
    /// The first node.
    cluster: Cluster,
}

impl Scene {
    fn start(nodes: u8) -> Self {
        let nodes = Nodes::new(nodes);
        let mut settings = nodes.settings();
        // A node that gives no usable blockhash costs each attempt all of its time.
        settings.push(setting("executor", "ATTEMPT_TIMEOUT_SECONDS", "10"));
        let engine = Engine::start(1, 1, settings);
        Self { gateway: engine.gateway(0), cluster: nodes.cluster(0), engine }
    }

    async fn place(&self) -> String {
        self.gateway.place(&market_order("SOL", "USDC", "1", "0.05")).await
    }

    /// An order whose transaction was sent while no block is made, and the number of that fault.
    async fn submitted(&self) -> (String, u64) {
        let freeze = self.cluster.fault(json!({ "fault": "freezeSlots" })).await;
        let id = self.place().await;
        eventually("a transaction that was sent", async || {
            let submitted = self.gateway.order(&id).await["status"] == "submitted";
            (submitted && self.engine.ledger().iter().any(|line| line["kind"] == "received")).then_some(())
        })
        .await;
        (id, freeze)
    }

    async fn has_landed(&self) {
        eventually("a landing", async || (!self.engine.landed().is_empty()).then_some(())).await;
    }

    /// The transactions that landed and moved the wallet's USDC, each with what it gained, in atoms.
    async fn trades(&self) -> Vec<(String, i128)> {
        let mut trades = Vec::new();
        for signature in self.engine.landed() {
            let transaction = self.cluster.transaction(&signature).await;
            let held = |moment: &str| self.usdc(&transaction["meta"][moment]);
            let gained = held("postTokenBalances") - held("preTokenBalances");
            if gained != 0 {
                trades.push((signature, gained));
            }
        }
        trades
    }

    fn usdc(&self, balances: &Value) -> i128 {
        let (wallet, mint) = (self.engine.wallet().address.to_string(), known("USDC").mint.to_string());
        let ours = balances
            .as_array()
            .unwrap()
            .iter()
            .filter(|balance| balance["owner"] == wallet.as_str() && balance["mint"] == mint.as_str());
        ours.map(|balance| balance["uiTokenAmount"]["amount"].as_str().unwrap().parse::<i128>().unwrap())
            .sum()
    }

    /// Makes every node honest, waits until nothing can land any more, and holds the order to what the
    /// chain says.
    async fn traded_at_most_once(&self, id: &str) -> Value {
        self.cluster.heal().await;
        let order = self.gateway.ended(id).await;
        self.cluster.pass(LIFE_SLOTS).await;
        let trades = self.trades().await;
        assert!(trades.len() <= 1, "one order traded {} times: {trades:?}, {order}", trades.len());
        match trades.first() {
            None => assert!(order["status"] == "failed" || order["status"] == "expired", "{order}"),
            Some((signature, gained)) => {
                assert_eq!(order["status"], "confirmed", "it landed: {order}");
                assert_eq!(order["data"]["txHash"], signature.as_str(), "{order}");
                if let Some(told) = order["data"]["executedOutput"].as_str() {
                    let told = crate::amounts::atoms(&json!(told), "USDC");
                    assert_eq!(i128::from(told.get()), *gained, "{order}");
                }
            }
        }
        order
    }

    /// Holds that an order waits, long after its transaction could have landed: no node shows it, and its marker
    /// says that it may have.
    async fn stays_submitted(&self, id: &str) {
        for _ in 0..2 {
            self.cluster.pass(LIFE_SLOTS).await;
            let order = self.gateway.order(id).await;
            assert_eq!(order["status"], "submitted", "a delay, and no guess: {order}");
        }
    }

    async fn confirmed_once(&self, id: &str) -> Value {
        let order = self.traded_at_most_once(id).await;
        assert_eq!(order["status"], "confirmed", "{order}");
        order
    }
}

#[tokio::test]
async fn a_node_that_understates_the_last_valid_block_height_makes_no_order_trade_twice() {
    let scene = Scene::start(1);
    scene.cluster.fault(json!({ "fault": { "claimLastValidBlockHeight": { "height": 1 } } })).await;
    scene.cluster.fault(json!({ "fault": { "delayTransactions": { "beforeExpiry": 1 } } })).await;
    let id = scene.place().await;
    scene.gateway.ended(&id).await;
    scene.traded_at_most_once(&id).await;
}

#[tokio::test]
async fn a_hole_in_the_only_node_s_history_makes_no_order_trade_twice() {
    let scene = Scene::start(1);
    scene.cluster.fault(json!({ "fault": { "historyHole": {} } })).await;
    let id = scene.place().await;
    scene.has_landed().await;
    scene.stays_submitted(&id).await;
    scene.confirmed_once(&id).await;
}

/// A node that comes back from a newer snapshot with its old ledger lacks the slots between them.
#[tokio::test]
async fn a_node_from_a_newer_snapshot_makes_no_order_trade_twice() {
    from_a_snapshot(20).await;
}

/// A node that begins with an empty ledger says that its first block is 0.
#[tokio::test]
async fn a_node_with_an_empty_ledger_makes_no_order_trade_twice() {
    from_a_snapshot(u64::MAX).await;
}

/// The node lacks what was before the executor comes back, so many slots of it.
async fn from_a_snapshot(lacking: u64) {
    let mut scene = Scene::start(1);
    let (id, freeze) = scene.submitted().await;
    scene.engine.kill(EXECUTOR);
    scene.cluster.end(freeze).await;
    scene.has_landed().await;
    let until = scene.cluster.slot().await;
    let from = until.saturating_sub(lacking);
    scene.cluster.fault(json!({ "fault": { "historyHole": { "from": from, "until": until } } })).await;
    scene.cluster.expire_blockhashes().await;
    scene.cluster.pass(40).await;
    scene.engine.restart(EXECUTOR);
    scene.stays_submitted(&id).await;
    scene.confirmed_once(&id).await;
}

#[tokio::test]
async fn an_order_whose_transaction_the_node_does_not_give_is_settled() {
    let scene = Scene::start(1);
    scene.cluster.fault(json!({ "fault": "withholdTransactions" })).await;
    let id = scene.place().await;
    scene.gateway.ended(&id).await;
    scene.confirmed_once(&id).await;
}

#[tokio::test]
async fn a_second_node_of_another_cluster_keeps_an_executor_from_starting() {
    let mut scene = Scene::start(2);
    scene.engine.kill(EXECUTOR);
    let other = json!({ "fault": { "claimGenesisHash": { "hash": OTHER_GENESIS } }, "node": 1 });
    scene.cluster.fault(other).await;
    let log = scene.engine.restart_in_vain(EXECUTOR);
    assert!(log.contains("genesis"), "{log}");
    scene.cluster.heal().await;
    scene.engine.restart(EXECUTOR);
    let id = scene.place().await;
    scene.confirmed_once(&id).await;
}

#[tokio::test]
async fn an_order_that_was_accepted_for_one_cluster_is_not_executed_on_another() {
    let mut scene = Scene::start(1);
    scene.engine.kill(EXECUTOR);
    let id = scene.place().await;
    scene.cluster.fault(json!({ "fault": { "claimGenesisHash": { "hash": OTHER_GENESIS } } })).await;
    let log = scene.engine.restart_in_vain(EXECUTOR);
    assert!(log.contains("genesis"), "{log}");
    assert_eq!(scene.engine.landed(), [""; 0]);
    scene.cluster.heal().await;
    scene.engine.restart(EXECUTOR);
    scene.confirmed_once(&id).await;
}

#[tokio::test]
async fn a_node_that_comes_back_as_one_of_another_cluster_settles_nothing() {
    let scene = Scene::start(1);
    let (id, freeze) = scene.submitted().await;
    scene.cluster.fault(json!({ "fault": { "fail": { "how": "reset" } }, "durationMs": 1_000 })).await;
    scene.cluster.fault(json!({ "fault": { "claimGenesisHash": { "hash": OTHER_GENESIS } } })).await;
    scene.cluster.fault(json!({ "fault": { "claimBlockHeight": { "ahead": 1_000_000 } } })).await;
    scene.cluster.fault(json!({ "fault": { "historyHole": {} } })).await;
    scene.cluster.end(freeze).await;
    scene.has_landed().await;
    eventually("the node to answer", async || {
        // The fault that resets is over.
        (scene.engine.landed().len() == 1 && scene.cluster.answers().await).then_some(())
    })
    .await;
    scene.cluster.pass(LIFE_SLOTS).await;
    assert_eq!(scene.gateway.order(&id).await["status"], "submitted", "nobody can say what became of it");
    scene.confirmed_once(&id).await;
}

#[tokio::test]
async fn a_fill_that_one_of_two_nodes_forges_is_not_recorded() {
    let scene = Scene::start(2);
    scene.cluster.fault(json!({ "fault": { "forgeFill": { "lessOutputBps": 5_000 } }, "node": 0 })).await;
    let id = scene.place().await;
    let order = scene.gateway.ended(&id).await;
    assert!(order["data"]["executedOutput"].is_string(), "the other node tells it: {order}");
    scene.confirmed_once(&id).await;
}

#[tokio::test]
async fn a_fill_below_the_minimum_is_not_recorded_as_the_only_node_tells_it() {
    let scene = Scene::start(1);
    scene.cluster.fault(json!({ "fault": { "forgeFill": { "lessOutputBps": 5_000 } } })).await;
    let id = scene.place().await;
    scene.has_landed().await;
    scene.cluster.pass(LIFE_SLOTS).await;
    let order = scene.gateway.order(&id).await;
    assert!(order["data"]["executedOutput"].is_null(), "the chain enforces the minimum: {order}");
    scene.confirmed_once(&id).await;
}

#[tokio::test]
async fn a_revert_that_one_of_two_nodes_forges_makes_no_order_trade_twice() {
    let scene = Scene::start(2);
    scene.cluster.fault(json!({ "fault": "forgeRevert", "node": 0 })).await;
    let id = scene.place().await;
    scene.has_landed().await;
    scene.cluster.pass(LIFE_SLOTS).await;
    scene.confirmed_once(&id).await;
}

#[tokio::test]
async fn an_executor_with_another_key_settles_what_the_old_key_signed() {
    let mut scene = Scene::start(1);
    let (id, freeze) = scene.submitted().await;
    scene.engine.kill(EXECUTOR);
    other_wallet(&mut scene.engine);
    scene.cluster.end(freeze).await;
    scene.has_landed().await;
    scene.engine.restart(EXECUTOR);
    let order = scene.gateway.ended(&id).await;
    assert!(order["data"]["executedOutput"].is_string(), "{order}");
    scene.confirmed_once(&id).await;
}

#[tokio::test]
async fn an_order_that_a_restored_database_has_forgotten_does_not_trade_again() {
    let mut scene = Scene::start(1);
    scene.engine.kill(EXECUTOR);
    let id = scene.place().await;
    scene.engine.back_up();
    scene.gateway = scene.engine.gateway(0);
    scene.gateway.ended(&id).await;
    assert_eq!(scene.trades().await.len(), 1);
    scene.engine.restore();
    scene.gateway = scene.engine.gateway(0);
    eventually("the order to end again, or trading to be halted", async || {
        let halted = !scene.engine.query("SELECT 1 FROM halts WHERE resumed_at IS NULL").is_empty();
        (halted || is_over(&scene.gateway.order(&id).await)).then_some(())
    })
    .await;
    scene.cluster.pass(LIFE_SLOTS).await;
    let trades = scene.trades().await;
    assert_eq!(trades.len(), 1, "one order traded {} times: {trades:?}", trades.len());
    // The operator is told of the landing that this database has forgotten.
    let halted = scene.engine.query("SELECT reason FROM halts WHERE resumed_at IS NULL");
    let halted = format!("{halted:?}");
    let order = scene.gateway.order(&id).await;
    assert!(order["status"] == "confirmed" || halted.contains(&trades[0].0), "{order} {halted}");
    assert_ne!(order["status"], "failed", "it landed: {order}");
}

/// Gives the executor another wallet from its next start on.
pub(crate) fn other_wallet(engine: &mut Engine) -> Pubkey {
    let keypair = engine.stack.wallet.with_file_name("other-wallet.json");
    let wallet = system_tests::write_other_keypair(&keypair).unwrap();
    engine.set_environment(EXECUTOR, "KEYPAIR", keypair.to_str().unwrap());
    wallet
}

fn is_over(order: &Value) -> bool {
    order["status"] != "pending"
        && !["routing", "building", "submitted"].iter().any(|open| order["status"] == *open)
}
