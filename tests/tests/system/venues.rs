use crate::amounts::{atoms, known};
use serde_json::json;
use system_tests::Engine;

/// The token that is bought, the one that is sold, and whose older program alone has a pool of the two.
const ONLY_POOLS: [(&str, &str, &str); 2] = [("RAY", "USDC", "Raydium"), ("JUP", "SOL", "Meteora")];

#[tokio::test]
async fn orders_are_executed_on_pools_that_only_an_older_program_has() {
    let engine = Engine::start(1, 1, vec![]);
    let gateway = engine.gateway(0);
    for (bought, spent, dex) in ONLY_POOLS {
        let held = async || engine.cluster().tokens(engine.wallet().address, known(bought).mint).await;
        let before = held().await;
        let order = json!({ "tokenIn": spent, "tokenOut": bought, "amount": "10", "maxSlippage": "0.05" });
        let id = gateway.place(&order).await;
        gateway.ended(&id).await;
        let order = gateway.order(&id).await;
        assert_eq!(order["status"], "confirmed", "{order}");
        assert_eq!(order["data"]["quote"]["dex"], dex, "{order}");
        let received = held().await.checked_sub(before).unwrap();
        assert_eq!(received, atoms(&order["data"]["executedOutput"], bought), "{order}");
    }
}
