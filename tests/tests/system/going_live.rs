//! Going live: an operator hears of every trap before real money is traded.

use order_core::{MAINNET_GENESIS_HASH, Pubkey};
use serde_json::json;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use system_tests::{Engine, market_order};

/// A trap: settings of an executor, and words of the sentence that must be said of them.
type Trap<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);

/// The settings without which real money is not traded.
const LIVE: [(&str, &str); 4] =
    [("LIVE", "true"), ("TRUST_ONE_HOST", "true"), ("MAX_ORDER_VALUE", "100"), ("MAX_DAY_VALUE", "1000")];

/// Checks that each is told as a fault, with its words in one line.
fn faults(engine: &Engine, traps: &[Trap<'_>]) {
    for (settings, words) in traps {
        let (code, said) = engine.check(settings);
        assert_eq!(code, Some(1), "{settings:?}:\n{said}");
        let told = |line: &str| {
            line.trim_start().starts_with("fault") && words.iter().all(|word| line.contains(word))
        };
        assert!(said.lines().any(told), "{settings:?} {words:?}:\n{said}");
    }
}

fn copy(key: &Path, name: &str, mode: u32) -> String {
    let copy = key.with_file_name(name);
    std::fs::copy(key, &copy).unwrap();
    std::fs::set_permissions(&copy, Permissions::from_mode(mode)).unwrap();
    copy.display().to_string()
}

/// The traps of those who land transactions, and of what they are paid.
fn senders_and_tips(engine: &Engine) {
    let wallet = engine.wallet().address.to_string();
    let stranger = Pubkey::new_from_array([0x73; 32]).to_string();
    faults(
        engine,
        &[
            (&[("SENDERS", "fast+https://relay.example")], &["sender number 1", "jito", "SENDERS"]),
            (&[("SENDERS", "https://relay.example/?c={key}")], &["relay.example", "SENDER_KEYS_FILE"]),
            (&[("MAX_TIP_LAMPORTS", "5000")], &["tips", "TIP_ACCOUNTS"]),
            (
                &[("MAX_TIP_LAMPORTS", "5000"), ("TIP_ACCOUNTS", &stranger)],
                &["tips", &stranger, "every order would fail"],
            ),
            (&[("MAX_TIP_LAMPORTS", "5000"), ("TIP_ACCOUNTS", &wallet)], &["tips", &wallet, "tip itself"]),
        ],
    );
}

#[tokio::test]
async fn every_trap_on_the_way_to_mainnet_is_named_before_anything_starts() {
    let engine = Engine::start(1, 1, vec![]);
    let gateway = engine.gateway(0);
    gateway.ended(&gateway.place(&market_order("SOL", "USDC", "1", "0.05")).await).await;
    let (code, said) = engine.check(&[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("it belongs to this cluster, and no order is open"), "{said}");

    let exposed = copy(&engine.stack.wallet, "exposed.json", 0o644);
    let broken = engine.stack.wallet.with_file_name("broken.json").display().to_string();
    std::fs::write(&broken, "[1,2,3]").unwrap();
    std::fs::set_permissions(&broken, Permissions::from_mode(0o600)).unwrap();
    let poor = engine.stack.wallet.with_file_name("poor.json");
    system_tests::write_other_keypair(&poor).unwrap();
    let poor = poor.display().to_string();
    let cluster = format!("http://{}", engine.stack.sandbox.address);
    senders_and_tips(&engine);
    faults(
        &engine,
        &[
            (&[("KEYPAIR", "")], &["settings", "--keypair"]),
            (&[("KEYPAIR", "/nowhere/key.json")], &["wallet", "/nowhere/key.json", "KEYPAIR"]),
            (&[("KEYPAIR", &exposed)], &["wallet", "mode 644", "chmod 600"]),
            (&[("KEYPAIR", &broken)], &["wallet", "64 bytes"]),
            (&[("KEYPAIR", &poor)], &["wallet", "has 0 SOL", "0.00"]),
            (&[("SOLANA_RPC_URL", "http://127.0.0.1:1")], &["nodes", "no node"]),
            (
                &[("DATABASE_URL", "postgres://nobody:wrong@127.0.0.1:1/orders")],
                &["database", "DATABASE_URL"],
            ),
            (&[("NATS_URL", "nats://127.0.0.1:1")], &["queue", "NATS_URL"]),
            (&[("REDIS_URL", "redis://127.0.0.1:1")], &["redis", "REDIS_URL"]),
            (&[("LIVE", "true")], &["limits", "MAX_ORDER_VALUE"]),
            (&[("MAX_ORDER_VALUE", "ten")], &["settings", "ten"]),
        ],
    );
    // All faults at once, and not only the first.
    let (_, said) =
        engine.check(&[("KEYPAIR", &exposed), ("REDIS_URL", "redis://127.0.0.1:1"), ("LIVE", "true")]);
    assert_eq!(said.lines().filter(|line| line.trim_start().starts_with("fault")).count(), 3, "{said}");

    let mainnet = json!({ "fault": { "claimGenesisHash": { "hash": MAINNET_GENESIS_HASH } } });
    engine.cluster().fault(mainnet).await;
    let live = |more: &[(&'static str, &'static str)]| -> Vec<(&'static str, &'static str)> {
        LIVE.into_iter().chain(more.iter().copied()).collect()
    };
    faults(
        &engine,
        &[
            (&[], &["nodes", "mainnet", "--live"]),
            (&live(&[("TRUST_ONE_HOST", "")]), &["nodes", "one host"]),
            (&live(&[]), &["database", "belongs to the cluster"]),
        ],
    );
    let twice = format!("{cluster},{cluster}");
    let settings: Vec<_> = live(&[("TRUST_ONE_HOST", "")]);
    let settings: Vec<_> = settings.into_iter().chain([("SOLANA_RPC_URL", twice.as_str())]).collect();
    faults(&engine, &[(&settings, &["nodes", "one host"])]);
    // A database of its own, as an operator makes for mainnet.
    engine.sql(&format!("UPDATE cluster SET genesis_hash = '{MAINNET_GENESIS_HASH}'"));
    let (code, said) = engine.check(&live(&[]));
    assert_eq!(code, Some(0), "{said}");
    for words in ["mainnet: real money is traded", "LOOKUP_TABLES names none", "100 USD at most"] {
        assert!(said.contains(words), "{words}:\n{said}");
    }
    engine.ops(&["halt", "--reason", "a test"]);
    let (code, said) = engine.check(&live(&[("MAX_ORDER_VALUE", "5000")]));
    assert_eq!(code, Some(0), "{said}");
    for words in ["trading is halted", "a test", "MAX_ORDER_VALUE 5000 is more than MAX_DAY_VALUE 1000"] {
        assert!(said.contains(words), "{words}:\n{said}");
    }
}
