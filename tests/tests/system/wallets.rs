//! Several wallets, signers elsewhere, and the funds of orders side by side.

use order_core::{Atoms, Pubkey};
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;
use system_tests::{Engine, Gateway, Part, eventually, market_order, write_other_keypair};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use xtask::workspace;

const EXECUTOR: Part = Part::Executor(0);

const SIGNER_TOKEN: &str = "a-token-of-the-signer";

/// An engine whose executor has a second wallet, with so many lamports, to which all orders are bound.
async fn with_second_wallet(lamports: u64) -> (Engine, Pubkey) {
    let mut engine = Engine::start(1, 1, Vec::new());
    let first = engine.stack.wallet.clone();
    let second = first.with_file_name("second-wallet.json");
    let address = write_other_keypair(&second).unwrap();
    engine.cluster().airdrop(address, Atoms::new(lamports)).await;
    engine.ops(&["account", "policy", "operator", "--wallet", &address.to_string()]);
    engine.set_environment(EXECUTOR, "KEYPAIR", &format!("{},{}", first.display(), second.display()));
    (engine, address)
}

/// The wallets that have signed transactions of orders, each once.
fn signers(engine: &Engine) -> Vec<String> {
    let rows = engine.query("SELECT DISTINCT wallet FROM order_markers");
    rows.into_iter().map(|row| row[0].clone().unwrap()).collect()
}

#[tokio::test]
async fn an_account_trades_with_its_wallet_and_waits_for_an_executor_that_has_it() {
    let (mut engine, second) = with_second_wallet(10_000_000_000).await;
    let (gateway, cluster) = (engine.gateway(0), engine.cluster());
    // Not restarted yet, the executor has the first wallet alone.
    let waiting = gateway.place(&market_order("SOL", "USDC", "0.1", "0.05")).await;
    engine.ops(&["account", "create", "desk"]);
    let desk = engine.ops(&["key", "issue", "--account", "desk"]).trim().to_owned();
    let of_desk = gateway.request(reqwest::Method::POST, "/api/orders/execute").bearer_auth(&desk);
    let of_desk = gateway.send(of_desk.json(&market_order("SOL", "USDC", "0.1", "0.05"))).await;
    assert_eq!(of_desk.status, 202, "{}", of_desk.body);
    eventually("the desk's order is signed", async || (!signers(&engine).is_empty()).then_some(())).await;
    assert_eq!(signers(&engine), [engine.wallet().address.to_string()]);
    let status = engine.query(&format!("SELECT status FROM orders WHERE id = '{waiting}'"));
    assert_eq!(status, [[Some("pending".to_owned())]]);

    let before = cluster.lamports(second).await;
    engine.restart(EXECUTOR);
    engine.ops(&["account", "policy", "operator", "--wallet", &second.to_string()]);
    eventually("the waiting order has ended", async || ended(&engine, &waiting)).await;
    let status = engine.query(&format!("SELECT status FROM orders WHERE id = '{waiting}'"));
    assert_eq!(status, [[Some("confirmed".to_owned())]]);
    assert!(cluster.lamports(second).await.get() < before.get() - 100_000_000, "the second wallet has paid");
}

fn ended(engine: &Engine, id: &str) -> Option<()> {
    let rows = engine.query(&format!("SELECT 1 FROM orders WHERE id = '{id}' AND ended_at IS NOT NULL"));
    (!rows.is_empty()).then_some(())
}

/// Each of them could be paid by itself, and no two of them.
#[tokio::test]
async fn orders_side_by_side_do_not_overspend() {
    let (mut engine, second) = with_second_wallet(1_000_000_000).await;
    engine.restart(EXECUTOR);
    let (gateway, cluster) = (engine.gateway(0), engine.cluster());
    // While nothing lands, each order sees the whole balance.
    cluster.drop_transactions().await;
    let orders: Vec<Value> = (0..4).map(|_| market_order("SOL", "USDC", "0.6", "0.05")).collect();
    let placed = futures_util::future::join_all(orders.iter().map(|order| gateway.place(order))).await;
    let open = "SELECT count(*) FROM orders WHERE ended_at IS NULL AND status <> 'submitted'";
    let decided = async || (engine.query(open) == [[Some("0".to_owned())]]).then_some(());
    eventually("each order is sent or refused", decided).await;
    let signed = engine.query("SELECT count(*) FROM transactions");
    assert_eq!(signed, [[Some("1".to_owned())]], "only one of them can be paid");
    cluster.heal().await;
    let ended = futures_util::future::join_all(placed.iter().map(|id| gateway.ended(id))).await;
    let (confirmed, failed): (Vec<_>, Vec<_>) =
        ended.iter().partition(|order| order["status"] == "confirmed");
    assert_eq!(confirmed.len(), 1, "{ended:?}");
    for order in failed {
        assert_eq!(order["data"]["error"]["code"], "funds_reserved", "{order}");
    }
    assert!(cluster.lamports(second).await.get() < 400_000_000);
}

/// A signer process; it ends with this.
struct Signer {
    _child: Child,
    url: String,
}

async fn signer(wallet: &Path, port: &str) -> Signer {
    let mut child = Command::new("node")
        .arg(workspace::root().join("tests/examples/signer.mjs"))
        .arg(wallet)
        .arg(port)
        .env("SIGNER_TOKEN", SIGNER_TOKEN)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let url = lines.next_line().await.unwrap().expect("the signer says where it is");
    Signer { _child: child, url }
}

#[tokio::test]
async fn an_executor_signs_with_a_key_that_it_does_not_have() {
    let mut engine = Engine::start(1, 1, Vec::new());
    let wallet = engine.stack.wallet.clone();
    let token = wallet.with_file_name("signer-token");
    std::fs::write(&token, SIGNER_TOKEN).unwrap();
    std::fs::set_permissions(&token, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let first = signer(&wallet, "0").await;
    let url = first.url.clone();
    let port = url.split([':', '/']).nth(4).unwrap().to_owned();
    engine.set_environment(EXECUTOR, "KEYPAIR", &url);
    engine.set_environment(EXECUTOR, "SIGNER_TOKEN_FILE", token.to_str().unwrap());
    engine.restart(EXECUTOR);
    let gateway = engine.gateway(0);
    let order = market_order("SOL", "USDC", "0.1", "0.05");
    confirmed(&gateway, &gateway.place(&order).await).await;

    drop(first);
    let id = gateway.place(&order).await;
    eventually("the order waits for its signature", async || {
        (gateway.order(&id).await["status"] == "building").then_some(())
    })
    .await;
    let _second = signer(&wallet, &port).await;
    confirmed(&gateway, &id).await;

    // Another's key, or one that asks for another token, is no signer of this wallet.
    std::fs::write(&token, "another").unwrap();
    let refused = engine.restart_in_vain(EXECUTOR);
    assert!(refused.contains("401"), "{refused}");
    assert!(!refused.contains(SIGNER_TOKEN) && !refused.contains("another"), "{refused}");
}

async fn confirmed(gateway: &Gateway, id: &str) {
    let order = gateway.ended(id).await;
    assert_eq!(order["status"], "confirmed", "{order}");
}
