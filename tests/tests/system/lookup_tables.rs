use crate::amounts::{atoms, known};
use serde_json::{Value, json};
use std::process::{Command, Output};
use system_tests::{Engine, market_order, setting};
use xtask::stack::{LOOKUP_TABLE, Setting};

/// Pools of the cluster, Raydium's of BONK and SOL and Orca's of RAY and SOL: a transaction that swaps on both
/// is too long without a lookup table.
const POOLS: [&str; 2] =
    ["3pCpqeXUJdCSyrZAQkUZicFf5r6sAhANES1oAoq88DJh", "5vcKFMYjmMrXw8dEe6ghqQhy8TWRKb723hC5nj9qCtRF"];

fn with(tables: &str) -> Vec<Setting> {
    let tables = ["router", "executor"].map(|service| setting(service, "LOOKUP_TABLES", tables));
    let mut settings = vec![setting("router", "POOLS", &POOLS.join(","))];
    settings.extend(tables);
    settings
}

#[tokio::test]
async fn an_order_that_fits_with_a_lookup_table_is_executed_to_the_unit() {
    let engine = Engine::start(1, 1, with(LOOKUP_TABLE));
    let (gateway, cluster, wallet) = (engine.gateway(0), engine.cluster(), engine.wallet().address);
    let before = cluster.tokens(wallet, known("RAY").mint).await;
    let id = gateway.place(&market_order("BONK", "RAY", "1000000", "0.05")).await;
    let order = gateway.ended(&id).await;
    assert_eq!(order["status"], "confirmed", "{order}");
    let events = gateway.get(&format!("/api/orders/{id}/events")).await;
    let (route, end) = (&events["events"][2]["route"], &events["events"][4]);
    assert_eq!(route["route"].as_array().unwrap().len(), 2, "{route}");
    assert_eq!(end["fill"]["output"], route["estimatedOutput"], "executed is what was quoted: {events}");
    let received = cluster.tokens(wallet, known("RAY").mint).await.checked_sub(before);
    assert_eq!(received.unwrap(), atoms(&end["fill"]["output"], "RAY"));

    let config = json!({ "commitment": "confirmed", "maxSupportedTransactionVersion": 0 });
    let landed = cluster.call("getTransaction", json!([order["data"]["txHash"], config])).await;
    let lookups = landed["transaction"]["message"]["addressTableLookups"].as_array().unwrap();
    assert_eq!(lookups.len(), 1, "{landed}");
    assert_eq!(lookups[0]["accountKey"], LOOKUP_TABLE);
}

#[tokio::test]
async fn without_a_usable_table_the_order_is_refused_for_its_length_and_an_operator_makes_one() {
    // An account that is no table; and version 1 would have room.
    let mut settings = with(POOLS[0]);
    settings.push(setting("sandbox", "TRANSACTION_VERSION_1", "false"));
    let engine = Engine::start(1, 1, settings);
    let gateway = engine.gateway(0);
    let id = gateway.place(&market_order("BONK", "RAY", "1000000", "0.05")).await;
    let order = gateway.ended(&id).await;
    assert_eq!(order["status"], "failed", "{order}");
    assert_eq!(order["data"]["error"]["code"], "no_route", "{order}");
    assert!(order.to_string().contains("does not fit"), "{order}");

    let said = lookup_table(&engine, &["create", POOLS[0]]);
    let said = String::from_utf8(said.stdout).unwrap();
    let words: Vec<&str> = said.split_whitespace().collect();
    let (added, table) = (words[0], words[5].trim_end_matches(';'));
    assert!(added.parse::<usize>().unwrap() > 10, "{said}");
    let again = lookup_table(&engine, &["extend", table, POOLS[0]]);
    assert!(String::from_utf8_lossy(&again.stdout).starts_with("0 addresses were added"), "{again:?}");
    let more = lookup_table(&engine, &["extend", table, POOLS[0], POOLS[1]]);
    assert!(!String::from_utf8_lossy(&more.stdout).starts_with("0 "), "{more:?}");
    let config = json!({ "encoding": "base64", "commitment": "confirmed" });
    let made = engine.cluster().call("getAccountInfo", json!([table, config])).await;
    assert_eq!(made["value"]["owner"], "AddressLookupTab1e1111111111111111111111111");
    assert_ne!(made["value"]["space"], Value::from(56), "it has addresses");
}

/// Runs the operators' command, which must succeed.
fn lookup_table(engine: &Engine, arguments: &[&str]) -> Output {
    let this = std::env::current_exe().unwrap();
    let output = Command::new(this.ancestors().nth(2).unwrap().join("ops"))
        .arg("lookup-table")
        .args(arguments)
        .env("SOLANA_RPC_URL", format!("http://{}", engine.stack.sandbox.address))
        .env("KEYPAIR", &engine.stack.wallet)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}
