//! Senders and tips: what no node takes lands by senders of every form, once, and each tip is paid once.

use crate::amounts::{Balances, atoms};
use futures_util::future::join_all;
use order_core::{Atoms, Pubkey};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use system_tests::{Cluster, Engine, Form, Gateway, Nodes, Sender, eventually, http, market_order, setting};

/// The accounts that get tips.
const TIPPED: [Pubkey; 2] = [Pubkey::new_from_array([0x71; 32]), Pubkey::new_from_array([0x72; 32])];

/// The most that a transaction may tip, in lamports. The first of three attempts pays a quarter.
const MAX_TIP: u64 = 400_000;

/// A file that is gone with this.
struct Keys(PathBuf);

impl Drop for Keys {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

struct Scene {
    engine: Engine,
    gateway: Gateway,
    /// The node that the executor reads.
    cluster: Cluster,
    senders: Vec<Sender>,
    _keys: Keys,
}

impl Scene {
    /// A node that takes no transaction, and senders of every form in front of another.
    async fn start(name: &str) -> Self {
        let nodes = Nodes::new(2);
        let [node, other] = nodes.urls().try_into().unwrap();
        let senders = join_all(Form::ALL.map(|form| Sender::start(form, &other))).await;
        let lines: Vec<String> =
            senders.iter().map(|sender| format!("{} {}", sender.name(), Sender::KEY)).collect();
        let keys = Keys(std::env::temp_dir().join(format!("sender-keys-{}-{name}", std::process::id())));
        std::fs::write(&keys.0, lines.join("\n")).unwrap();
        std::fs::set_permissions(&keys.0, std::fs::Permissions::from_mode(0o600)).unwrap();
        let named: Vec<String> = senders.iter().map(Sender::setting).collect();
        let most = MAX_TIP.to_string();
        let mut settings = nodes.settings();
        settings.retain(|setting| setting.service != "executor");
        settings.extend([
            setting("executor", "SOLANA_RPC_URL", &node),
            setting("executor", "SENDERS", &named.join(",")),
            setting("executor", "SENDER_KEYS_FILE", keys.0.to_str().unwrap()),
            setting("executor", "TIP_ACCOUNTS", &TIPPED.map(|account| account.to_string()).join(",")),
            setting("executor", "MAX_TIP_LAMPORTS", &most),
            setting("router", "MAX_TIP_LAMPORTS", &most),
        ]);
        let engine = Engine::start(1, 1, settings);
        let scene =
            Self { gateway: engine.gateway(0), cluster: nodes.cluster(0), engine, senders, _keys: keys };
        for account in TIPPED {
            scene.cluster.airdrop(account, Atoms::new(1_000_000)).await;
        }
        let refusal = json!({ "http": { "status": 500 } });
        let refusal =
            json!({ "fault": { "fail": { "how": refusal } }, "method": "sendTransaction", "node": 0 });
        scene.cluster.fault(refusal).await;
        scene
    }

    /// The lamports that all tips have come to.
    async fn tips(&self) -> u64 {
        let balances = join_all(TIPPED.map(|account| self.cluster.lamports(account))).await;
        balances.into_iter().map(|balance| balance.get() - 1_000_000).sum()
    }

    async fn trade(&self, token_in: &str, token_out: &str, amount: &str) -> Value {
        let id = self.gateway.place(&market_order(token_in, token_out, amount, "0.05")).await;
        self.gateway.ended(&id).await
    }

    async fn events(&self, id: &str) -> Vec<Value> {
        let history = self.gateway.get(&format!("/api/orders/{id}/events")).await;
        history["events"].as_array().unwrap().clone()
    }

    async fn metrics(&self) -> String {
        let metrics = http().get(format!("http://{}/metrics", self.engine.stack.executors[0].admin));
        metrics.send().await.unwrap().text().await.unwrap()
    }
}

#[tokio::test]
async fn senders_of_every_form_land_an_order_once_and_its_tip_is_paid_once_to_the_lamport() {
    let scene = Scene::start("once").await;
    let wallet = scene.engine.wallet().address;
    const SYMBOLS: [&str; 3] = ["SOL", "USDC", "USDT"];
    let before = Balances::read(&scene.cluster, wallet, &SYMBOLS).await;
    let mut orders = Vec::new();
    for (token_in, token_out, amount) in [("SOL", "USDC", "1"), ("USDC", "SOL", "50"), ("USDC", "USDT", "20")]
    {
        let order = scene.trade(token_in, token_out, amount).await;
        assert_eq!((&order["status"], &order["attempts"]), (&json!("confirmed"), &json!(1)), "{order}");
        assert_eq!(order["data"]["tip"], "0.0001", "{order}");
        orders.push(order);
    }
    assert_eq!(atoms(&orders[0]["data"]["executedInput"], "SOL"), Atoms::new(1_000_000_000), "no tip in it");
    assert_eq!(scene.engine.landed().len(), 3, "each landed once");
    assert_eq!(scene.tips().await, 3 * MAX_TIP / 4);
    let after = Balances::read(&scene.cluster, wallet, &SYMBOLS).await;
    assert_eq!(after.since(&before), Balances::according_to(&orders, &SYMBOLS));

    let taken = async || {
        let mut taken: Vec<Vec<String>> = scene.senders.iter().map(Sender::taken).collect();
        taken.iter_mut().for_each(Vec::dedup);
        taken.iter().all(|taken| taken.len() == 3).then_some(taken)
    };
    let taken = eventually("all senders have every transaction", taken).await;
    assert!(taken.windows(2).all(|pair| pair[0] == pair[1]), "the same bytes for all");
    // A sender may answer after the landing.
    let metrics = eventually("all landings are counted", async || {
        let metrics = scene.metrics().await;
        let count = |name: &str, sender: &Sender| -> u64 {
            let label = format!("\"{}\"", sender.name());
            let line = metrics.lines().find(|line| line.starts_with(name) && line.contains(&label));
            line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
        };
        let accepted = scene.senders.iter().all(|sender| count("chain_accepted_landings_total", sender) == 3);
        let first: u64 = scene.senders.iter().map(|sender| count("chain_first_landings_total", sender)).sum();
        (accepted && first == 3).then_some(metrics)
    })
    .await;
    assert!(!metrics.contains(Sender::KEY), "no key in a metric");
    assert!(metrics.lines().any(|line| line == format!("orders_tip_lamports_total {}", 3 * MAX_TIP / 4)));
}

#[tokio::test]
async fn the_last_attempt_tips_the_cap_and_attempts_that_never_landed_tip_nothing() {
    let scene = Scene::start("cap").await;
    let drop = scene.cluster.fault(json!({ "fault": "dropTransactions" })).await;
    let id = scene.gateway.place(&market_order("SOL", "USDC", "1", "0.05")).await;
    let offered = async || -> Vec<String> {
        let events = scene.events(&id).await;
        let tips = events.iter().filter_map(|event| event["transaction"]["tip"].as_str());
        tips.map(str::to_owned).collect()
    };
    for attempts in 1..=2 {
        eventually("a signature", async || (offered().await.len() == attempts).then_some(())).await;
        let signed = scene.senders[0].taken().len();
        eventually("a send", async || (scene.senders[0].taken().len() > signed).then_some(())).await;
        scene.cluster.expire_blockhashes().await;
    }
    eventually("the last signature", async || (offered().await.len() == 3).then_some(())).await;
    scene.cluster.end(drop).await;
    let order = scene.gateway.ended(&id).await;
    assert_eq!((&order["status"], &order["attempts"]), (&json!("confirmed"), &json!(3)), "{order}");
    assert_eq!(offered().await, ["0.0001", "0.0002", "0.0004"]);
    assert_eq!((&order["data"]["tip"], scene.tips().await), (&json!("0.0004"), MAX_TIP));
    assert_eq!(scene.engine.landed().len(), 1);
}

#[tokio::test]
async fn a_transaction_that_is_reverted_pays_no_tip() {
    let scene = Scene::start("reverted").await;
    // The price falls after the simulation and before the transaction is sent.
    let slow = json!({ "fault": { "slow": { "milliseconds": 2_000 } }, "method": "simulateTransaction" });
    let slow = scene.cluster.fault(slow).await;
    let struck = scene.cluster.struck().await;
    let id = scene.gateway.place(&market_order("SOL", "USDC", "1", "0.0001")).await;
    eventually("a simulation", async || (scene.cluster.struck().await > struck).then_some(())).await;
    for pool in scene.cluster.pools(&["SOL", "USDC"]).await {
        scene.cluster.move_price(&pool, -300).await;
    }
    scene.cluster.end(slow).await;
    let order = scene.gateway.ended(&id).await;
    let events = scene.events(&id).await;
    assert!(events.iter().any(|event| event["outcome"] == "reverted"), "{events:?}");
    assert_eq!((&order["status"], &order["data"]["tip"]), (&json!("failed"), &Value::Null), "{order}");
    assert!(order["data"]["networkFee"].is_string(), "the fee is paid: {order}");
    assert_eq!(scene.tips().await, 0);
}
