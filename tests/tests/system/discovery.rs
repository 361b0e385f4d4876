use serde_json::Value;
use std::collections::BTreeSet;
use system_tests::{Engine, setting};

#[tokio::test]
async fn only_the_pools_of_the_configured_tokens_are_looked_for() {
    let engine = Engine::start(0, 1, vec![setting("router", "TOKENS", "USDT,SOL,USDC")]);
    let pools = engine.gateway(0).get("/api/pools").await;
    let pools = pools["pools"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let found: BTreeSet<String> = pools.iter().map(|pool| text(&pool["pool"])).collect();
    let mut expected = BTreeSet::new();
    for pair in [["SOL", "USDC"], ["SOL", "USDT"], ["USDC", "USDT"]] {
        expected.extend(engine.cluster().pools(&pair).await);
    }
    assert_eq!(found, expected);
    let programs: BTreeSet<String> = pools.iter().map(|pool| text(&pool["program"])).collect();
    assert_eq!(programs.len(), 8, "of every program: {programs:?}");
}
