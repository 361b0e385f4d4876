//! Transactions of version 1.

use crate::support::{Cluster, cluster, encode, sent};
use serde_json::{Value, json};
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::v1::{self, TransactionConfig};
use solana_message::{VersionedMessage, v0};
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_signer::Signer as _;
use solana_system_interface::instruction::transfer;
use solana_transaction::versioned::VersionedTransaction;

const FEATURE: &str = "txv1aq4pp281K9um3tnPgkfX8UqtFT6wcVW3hNezGLL";

/// The base fee of a signature.
const SIGNATURE_FEE: u64 = 5_000;

/// A config that suffices for what is sent here.
const ENOUGH: TransactionConfig = TransactionConfig::empty()
    .with_priority_fee(777)
    .with_compute_unit_limit(100_000)
    .with_loaded_accounts_data_size_limit(1_000_000);

/// Transfers to so many accounts.
fn transfers(cluster: &Cluster, receivers: usize) -> Vec<Instruction> {
    let payer = cluster.wallet.pubkey();
    (0..receivers).map(|_| transfer(&payer, &Pubkey::new_unique(), 1_000_000)).collect()
}

async fn message(cluster: &Cluster, instructions: &[Instruction], config: TransactionConfig) -> v1::Message {
    let blockhash = cluster.blockhash().await.parse().unwrap();
    let payer = cluster.wallet.pubkey();
    v1::Message::try_compile_with_config(&payer, instructions, blockhash, config).unwrap()
}

fn sign(cluster: &Cluster, message: v1::Message) -> (String, Signature) {
    let signed = VersionedTransaction::try_new(VersionedMessage::V1(message), &[&cluster.wallet]).unwrap();
    (encode(&signed), signed.signatures[0])
}

/// Bytes of a transaction in base64.
fn bytes(encoded: &str) -> usize {
    encoded.len() / 4 * 3 - encoded.matches('=').count()
}

async fn simulated(cluster: &Cluster, encoded: &str) -> Value {
    let config = json!({ "encoding": "base64", "commitment": "processed" });
    cluster.call("simulateTransaction", json!([encoded, config])).await["value"].take()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fits_into_no_packet_lands_and_pays_what_its_head_says() {
    let cluster = cluster(20).await;
    let message = message(&cluster, &transfers(&cluster, 60), ENOUGH).await;
    let (encoded, signature) = sign(&cluster, message);
    assert!(bytes(&encoded) > 1232, "{} bytes", bytes(&encoded));
    assert_eq!(simulated(&cluster, &encoded).await["err"], Value::Null);
    cluster.send(&encoded).await;
    let landed = cluster.landed(&signature).await;
    assert_eq!((&landed["version"], &landed["meta"]["err"]), (&json!(1), &Value::Null), "{landed}");
    assert_eq!(landed["meta"]["fee"], SIGNATURE_FEE + 777, "the priority fee is in lamports");
    let shown = &landed["transaction"]["message"];
    assert_eq!(shown["accountKeys"].as_array().unwrap().len(), 62);
    let head = json!({
        "priorityFee": 777, "computeUnitLimit": 100_000, "loadedAccountsDataSizeLimit": 1_000_000, "heapSize": null
    });
    assert_eq!((&shown["transactionConfig"], shown.get("addressTableLookups")), (&head, None));
    let after = landed["meta"]["postBalances"].as_array().unwrap();
    assert_eq!(after.iter().filter(|lamports| **lamports == 1_000_000).count(), 60);

    let params = |config: Value| json!([signature.to_string(), config]);
    let confirmed = "confirmed";
    for older in [
        json!({ "commitment": confirmed, "maxSupportedTransactionVersion": 0 }),
        json!({ "commitment": confirmed }),
    ] {
        let refused = cluster.error("getTransaction", params(older)).await;
        assert_eq!(refused["code"], -32015, "{refused}");
    }
    let config =
        json!({ "commitment": confirmed, "encoding": "base64", "maxSupportedTransactionVersion": 1 });
    let again = cluster.call("getTransaction", params(config)).await;
    assert_eq!(again["transaction"][0], encoded, "its bytes are the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_of_the_head_counts_among_recent_fees() {
    let cluster = cluster(20).await;
    let message = message(&cluster, &transfers(&cluster, 1), ENOUGH).await;
    let (encoded, signature) = sign(&cluster, message);
    cluster.send(&encoded).await;
    let slot = cluster.landed(&signature).await["slot"].clone();
    let fees =
        cluster.call("getRecentPrioritizationFees", json!([[cluster.wallet.pubkey().to_string()]])).await;
    let fee = fees.as_array().unwrap().iter().find(|fee| fee["slot"] == slot).unwrap().clone();
    // 777 lamports for 100,000 units.
    assert_eq!(fee["prioritizationFee"], 7_770);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_limits_in_its_head_it_may_load_and_compute_nothing() {
    let cluster = cluster(20).await;
    let cases = [
        (
            TransactionConfig { loaded_accounts_data_size_limit: None, ..ENOUGH },
            json!("MaxLoadedAccountsDataSizeExceeded"),
        ),
        (
            TransactionConfig { compute_unit_limit: None, ..ENOUGH },
            json!({ "InstructionError": [0, "ComputationalBudgetExceeded"] }),
        ),
    ];
    for (config, expected) in cases {
        let message = message(&cluster, &transfers(&cluster, 1), config).await;
        let (encoded, _) = sign(&cluster, message);
        assert_eq!(simulated(&cluster, &encoded).await["err"], expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_whose_accounts_are_too_much_pays_its_fee_for_nothing() {
    let cluster = cluster(20).await;
    let little = ENOUGH.with_loaded_accounts_data_size_limit(1);
    let message = message(&cluster, &transfers(&cluster, 1), little).await;
    let (encoded, signature) = sign(&cluster, message);
    cluster.call("sendTransaction", json!([encoded, sent(true)])).await;
    let meta = cluster.landed(&signature).await["meta"].take();
    assert_eq!(
        (&meta["err"], &meta["fee"]),
        (&json!("MaxLoadedAccountsDataSizeExceeded"), &json!(SIGNATURE_FEE + 777))
    );
    let [before, after] = ["preBalances", "postBalances"].map(|key| meta[key][0].as_u64().unwrap());
    assert_eq!(before - after, SIGNATURE_FEE + 777);
    let params = json!([cluster.wallet.pubkey().to_string(), { "commitment": "processed" }]);
    assert_eq!(cluster.call("getBalance", params).await["value"], after);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_the_rules_of_version_1_is_refused() {
    let cluster = cluster(20).await;
    let good = message(&cluster, &transfers(&cluster, 62), ENOUGH).await;
    assert_eq!(good.account_keys.len(), 64);
    assert_eq!(simulated(&cluster, &sign(&cluster, good.clone()).0).await["err"], Value::Null);
    let mut twice = good.clone();
    twice.account_keys[2] = twice.account_keys[1];
    let mut stray = good.clone();
    stray.instructions[0].accounts[1] = 64;
    let mut of_payer = good.clone();
    of_payer.instructions[0].program_id_index = 0;
    let odd = v1::Message { config: ENOUGH.with_heap_size(33_000), ..good.clone() };
    let many = message(&cluster, &transfers(&cluster, 63), ENOUGH).await;
    let mut long = good;
    long.instructions[0].data = vec![0; 2_000];
    let broken = [
        ("an address twice", twice),
        ("an index of no address", stray),
        ("a call of the payer", of_payer),
        ("an odd heap", odd),
        ("65 addresses", many),
        ("too many bytes", long),
    ];
    for (what, message) in broken {
        let (encoded, _) = sign(&cluster, message);
        for method in ["sendTransaction", "simulateTransaction"] {
            let refused = cluster.error(method, json!([encoded, sent(false)])).await;
            assert_eq!(refused["code"], -32602, "{what}: {refused}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_transaction_of_version_0_is_refused_as_before() {
    let cluster = cluster(20).await;
    let blockhash = cluster.blockhash().await.parse().unwrap();
    let message =
        v0::Message::try_compile(&cluster.wallet.pubkey(), &transfers(&cluster, 60), &[], blockhash);
    let message = VersionedMessage::V0(message.unwrap());
    let signed = VersionedTransaction::try_new(message, &[&cluster.wallet]).unwrap();
    let refused = cluster.error("sendTransaction", json!([encode(&signed), sent(true)])).await;
    assert_eq!(refused["code"], -32602, "{refused}");
    assert!(refused["message"].as_str().unwrap().contains("too large"), "{refused}");
}

async fn feature(cluster: &Cluster, commitment: &str) -> Value {
    let params = json!([FEATURE, { "encoding": "base64", "commitment": commitment }]);
    cluster.call("getAccountInfo", params).await["value"].take()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feature_s_account_says_whether_the_cluster_takes_it() {
    let cluster = cluster(20).await;
    let active = feature(&cluster, "finalized").await;
    assert_eq!(active["owner"], "Feature111111111111111111111111111111111111", "{active}");
    assert_eq!(active["space"], 9);

    cluster.admin("transaction-version-1", json!({ "active": false })).await;
    assert_eq!(feature(&cluster, "processed").await, Value::Null);
    let refused = message(&cluster, &transfers(&cluster, 1), ENOUGH).await;
    let (encoded, dropped) = sign(&cluster, refused);
    assert_eq!(simulated(&cluster, &encoded).await["err"], "UnsupportedVersion");
    let error = cluster.error("sendTransaction", json!([encoded, sent(false)])).await;
    assert_eq!(
        (&error["code"], &error["data"]["err"]),
        (&json!(-32002), &json!("UnsupportedVersion")),
        "{error}"
    );
    cluster.call("sendTransaction", json!([encoded, sent(true)])).await;
    let (plain, landed) = cluster.sign(&transfers(&cluster, 1)).await;
    cluster.send(&plain).await;
    cluster.landed(&landed).await;
    assert_eq!(cluster.status(&dropped).await, Value::Null, "no block has it");

    cluster.admin("transaction-version-1", json!({ "active": true })).await;
    let taken = message(&cluster, &transfers(&cluster, 1), ENOUGH).await;
    let (encoded, signature) = sign(&cluster, taken);
    cluster.send(&encoded).await;
    assert_eq!(cluster.landed(&signature).await["meta"]["err"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_of_somebody_else_is_found_at_the_end_of_the_bytes() {
    let cluster = cluster(20).await;
    let message = message(&cluster, &transfers(&cluster, 1), ENOUGH).await;
    let mut signed =
        VersionedTransaction::try_new(VersionedMessage::V1(message), &[&cluster.wallet]).unwrap();
    signed.signatures = vec![Keypair::new().sign_message(b"something else")];
    let error = cluster.error("sendTransaction", json!([encode(&signed), sent(false)])).await;
    assert_eq!(error["data"]["err"], "SignatureFailure", "{error}");
}
