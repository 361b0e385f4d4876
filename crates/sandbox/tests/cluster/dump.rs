//! The first state as files for another validator.

use crate::support::{account, cluster};
use clap::Parser as _;
use order_core::Venue;
use serde_json::{Value, json};
use solana_signer::Signer as _;
use std::collections::BTreeMap;
use std::path::Path;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dumped_is_what_the_cluster_begins_with() {
    let cluster = cluster(20).await;
    let folder = std::env::temp_dir().join(format!("sandbox-dump-{}", std::process::id()));
    let dumped = dump(&folder, &cluster.wallet_file());
    for (address, shown) in &dumped {
        let served = cluster.call("getAccountInfo", json!([address, { "encoding": "base64" }])).await;
        assert_eq!(served["value"], *shown, "{address}");
    }
    for venue in Venue::ALL {
        let program = amm::program_id(venue);
        let owned = dumped.values().filter(|shown| account(shown).owner == program).count();
        assert!(owned > 0, "{venue}: no account of its program");
        assert!(!dumped.contains_key(&program.to_string()), "{venue}: a program is a file of its own");
    }
    let wallet = &dumped[&cluster.wallet.pubkey().to_string()];
    assert_eq!(wallet["lamports"], 100_000_000_000_000u64);
    let clock = amm::CLOCK_ADDRESS.to_string();
    assert!(!dumped.contains_key(&clock), "a sysvar is the validator's own");
}

/// Each account by its address, as the validator reads it.
fn dump(folder: &Path, wallet: &str) -> BTreeMap<String, Value> {
    let configuration = sandbox::Configuration::parse_from(["sandbox", "--wallet", wallet]);
    let count = sandbox::dump(&configuration, folder).unwrap();
    let mut dumped = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let mut file: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let address = file["pubkey"].as_str().unwrap().to_owned();
        assert_eq!(path.file_name().unwrap().to_str().unwrap(), format!("{address}.json"));
        dumped.insert(address, file["account"].take());
    }
    std::fs::remove_dir_all(folder).unwrap();
    assert_eq!(dumped.len(), count);
    dumped
}
