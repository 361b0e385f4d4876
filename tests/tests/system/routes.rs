use crate::amounts::{MARKER_RENT, atoms, known};
use order_core::Atoms;
use serde_json::Value;
use std::collections::BTreeMap;
use system_tests::{Engine, market_order, setting};
use xtask::stack::LOOKUP_TABLE;

/// Of which no pool trades one for the other: what is spent, and what is bought.
const WITHOUT_A_POOL: [(&str, &str); 3] = [("BONK", "RAY"), ("RAY", "JUP"), ("JUP", "BONK")];

const SYMBOLS: [&str; 6] = ["SOL", "USDC", "USDT", "RAY", "JUP", "BONK"];

#[tokio::test]
async fn an_order_without_a_pool_of_its_own_is_executed_over_a_third_token_to_the_unit() {
    // As `cargo xtask up` has it: without a table the longest two hops have no room for the marker.
    let table = ["router", "executor"].map(|service| setting(service, "LOOKUP_TABLES", LOOKUP_TABLE));
    let engine = Engine::start(1, 1, table.into());
    let (gateway, cluster, wallet) = (engine.gateway(0), engine.cluster(), engine.wallet().address);
    let held = async || {
        let mut held = BTreeMap::new();
        for symbol in SYMBOLS {
            let amount = match symbol {
                "SOL" => cluster.lamports(wallet).await,
                _ => cluster.tokens(wallet, known(symbol).mint).await,
            };
            held.insert(symbol, i128::from(amount.get()));
        }
        held
    };
    for symbol in ["RAY", "JUP", "BONK"] {
        let bought = gateway.place(&market_order("SOL", symbol, "10", "0.05")).await;
        assert_eq!(gateway.ended(&bought).await["status"], "confirmed");
    }
    for (spent, bought) in WITHOUT_A_POOL {
        let before = held().await;
        let id = gateway.place(&market_order(spent, bought, "1000", "0.05")).await;
        let order = gateway.ended(&id).await;
        assert_eq!(order["status"], "confirmed", "{order}");
        let events = gateway.get(&format!("/api/orders/{id}/events")).await;
        let (route, end) = (&events["events"][2]["route"], &events["events"][4]);
        assert!(route["route"].as_array().unwrap().len() >= 2, "{route}");
        assert_eq!(end["fill"]["output"], route["estimatedOutput"], "executed is what was quoted: {events}");

        let units = |value: &Value, symbol| i128::from(atoms(value, symbol).get());
        let (input, asked) = (atoms(&end["fill"]["input"], spent), atoms(&order["amount"], spent));
        let room = Atoms::new(asked.get() / 1000);
        let left = asked.checked_sub(input).unwrap();
        assert!(left >= room && left.get() < room.get() + room.get() / 100, "{left:?} of {asked:?}");
        assert_eq!(order["data"]["executedInput"], end["fill"]["input"]);
        let mut expected = before;
        *expected.get_mut(spent).unwrap() -= units(&end["fill"]["input"], spent);
        *expected.get_mut(bought).unwrap() += units(&end["fill"]["output"], bought);
        *expected.get_mut("SOL").unwrap() -= units(&end["networkFee"], "SOL");
        *expected.get_mut("SOL").unwrap() -= MARKER_RENT;
        assert_eq!(held().await, expected, "nothing of an intermediate token is left or taken");
    }
}
