//! Transactions that name accounts through an address lookup table.

use crate::support::{Cluster, account, cluster, encode, gained, mint, sent};
use amm::{Limit, Trader};
use order_core::quote::Mode;
use order_core::{Atoms, Mint, Venue};
use serde_json::{Value, json};
use solana_address_lookup_table_interface::instruction::{create_lookup_table, extend_lookup_table};
use solana_address_lookup_table_interface::state::AddressLookupTable;
use solana_instruction::Instruction;
use solana_message::{AddressLookupTableAccount, VersionedMessage, v0};
use solana_pubkey::Pubkey;
use solana_signer::Signer as _;
use solana_transaction::versioned::VersionedTransaction;
use spl_associated_token_account_interface::instruction::create_associated_token_account_idempotent;

/// That the cluster begins with.
const SEEDED: Pubkey = Pubkey::from_str_const("4ezRjbnj3kfpF2DgfaQGvWpW3G5nxWJ5QKw6njFxfeGA");

const SPL_TOKEN: Pubkey = Pubkey::from_str_const("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");

const LENGTH_MAX: usize = 1232;

async fn read(cluster: &Cluster, table: Pubkey) -> AddressLookupTableAccount {
    let params = json!([table.to_string(), { "encoding": "base64", "commitment": "confirmed" }]);
    let shown = account(&cluster.call("getAccountInfo", params).await["value"]);
    let addresses = AddressLookupTable::deserialize(&shown.data).unwrap().addresses.to_vec();
    AddressLookupTableAccount { key: table, addresses }
}

async fn sign(
    cluster: &Cluster,
    instructions: &[Instruction],
    tables: &[AddressLookupTableAccount],
) -> VersionedTransaction {
    let blockhash = cluster.blockhash().await.parse().unwrap();
    let message =
        v0::Message::try_compile(&cluster.wallet.pubkey(), instructions, tables, blockhash).unwrap();
    VersionedTransaction::try_new(VersionedMessage::V0(message), &[&cluster.wallet]).unwrap()
}

fn length(transaction: &VersionedTransaction) -> usize {
    wincode::serialize(transaction).unwrap().len()
}

/// JUP for USDC on one pool, exactly that for USDT on another, and JUP for USDC on a third; with what the
/// wallet gains of each token.
async fn three_swaps(cluster: &Cluster) -> (Vec<Instruction>, [(Mint, i128); 3]) {
    let (jup, usdc, usdt) = (mint("JUP"), mint("USDC"), mint("USDT"));
    let first = cluster.market(cluster.pool(Venue::RaydiumClmm, ["JUP", "USDC"]).await).await;
    let second = cluster.market(cluster.pool(Venue::OrcaWhirlpool, ["USDC", "USDT"]).await).await;
    let third = cluster.market(cluster.pool(Venue::OrcaWhirlpool, ["JUP", "USDC"]).await).await;
    let (between, spent) = (Atoms::new(25_000_000), Atoms::new(7_654_321));
    let max_in = first.quote(jup, Mode::ExactOut, between).unwrap().amount_in;
    let bought = second.quote(usdc, Mode::ExactIn, between).unwrap().amount_out;
    let beside = third.quote(jup, Mode::ExactIn, spent).unwrap().amount_out;
    let owner = cluster.wallet.pubkey();
    let trader = |mint_in: Mint, mint_out: Mint| Trader {
        owner,
        source: cluster.token_account(mint_in),
        destination: cluster.token_account(mint_out),
    };
    let open =
        |mint: Mint| create_associated_token_account_idempotent(&owner, &owner, &mint.pubkey(), &SPL_TOKEN);
    let buys = Limit::ExactOut { amount_out: between, max_in };
    let [sells, sells_beside] = [(between, bought), (spent, beside)]
        .map(|(amount_in, min_out)| Limit::ExactIn { amount_in, min_out });
    let instructions = vec![
        open(usdc),
        open(usdt),
        first.instruction(&trader(jup, usdc), jup, buys).unwrap(),
        second.instruction(&trader(usdc, usdt), usdc, sells).unwrap(),
        third.instruction(&trader(jup, usdc), jup, sells_beside).unwrap(),
    ];
    let [max_in, spent, bought, beside] =
        [max_in, spent, bought, beside].map(|atoms| i128::from(atoms.get()));
    (instructions, [(jup, -max_in - spent), (usdc, beside), (usdt, bought)])
}

#[tokio::test(flavor = "multi_thread")]
async fn swaps_that_fit_with_a_table_alone_are_simulated_and_executed_as_quoted() {
    let cluster = cluster(20).await;
    let (instructions, gains) = three_swaps(&cluster).await;
    let without = length(&sign(&cluster, &instructions, &[]).await);
    let transaction = sign(&cluster, &instructions, &[read(&cluster, SEEDED).await]).await;
    println!("{without} bytes without the table, {} with it", length(&transaction));
    assert!(without > LENGTH_MAX && length(&transaction) <= LENGTH_MAX);

    let config = json!({ "encoding": "base64", "replaceRecentBlockhash": true, "commitment": "processed" });
    let simulated = cluster.call("simulateTransaction", json!([encode(&transaction), config])).await;
    assert_eq!(simulated["value"]["err"], Value::Null, "{simulated}");
    cluster.call("sendTransaction", json!([encode(&transaction), sent(false)])).await;
    let landed = cluster.landed(&transaction.signatures[0]).await;
    let owner = cluster.wallet.pubkey();
    for shown in [&landed, &json!({ "meta": simulated["value"] })] {
        for (mint, gain) in gains {
            assert_eq!(gained(shown, &owner, mint), gain, "{mint} {shown}");
        }
        assert_eq!(shown["meta"]["preBalances"].as_array().unwrap().len(), accounts(&landed).len());
    }
    balances_are_those_of_their_accounts(&cluster, &landed).await;
}

fn list(value: &Value) -> Vec<String> {
    serde_json::from_value(value.clone()).unwrap()
}

/// The addresses of a landed transaction as nodes count them: its own, then those that it loads to write
/// and those that it loads to read.
fn accounts(landed: &Value) -> Vec<String> {
    let (own, loaded) =
        (&landed["transaction"]["message"]["accountKeys"], &landed["meta"]["loadedAddresses"]);
    [own, &loaded["writable"], &loaded["readonly"]].map(list).concat()
}

async fn balances_are_those_of_their_accounts(cluster: &Cluster, landed: &Value) {
    let (accounts, meta) = (accounts(landed), &landed["meta"]);
    let loaded = list(&meta["loadedAddresses"]["writable"]);
    let mut vaults = 0;
    for balance in meta["postTokenBalances"].as_array().unwrap() {
        let account = &accounts[usize::try_from(balance["accountIndex"].as_u64().unwrap()).unwrap()];
        let shown =
            cluster.call("getTokenAccountBalance", json!([account, { "commitment": "processed" }])).await;
        assert_eq!(shown["value"]["amount"], balance["uiTokenAmount"]["amount"], "{account}");
        vaults += usize::from(loaded.contains(account));
    }
    assert_eq!(vaults, 6, "each of the pools has two");
    for (index, address) in accounts.iter().enumerate().skip(1) {
        let lamports = cluster.call("getBalance", json!([address, { "commitment": "processed" }])).await;
        assert_eq!(lamports["value"], meta["postBalances"][index], "{address}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_made_added_to_and_used_from_the_next_slot_on() {
    let cluster = cluster(20).await;
    let owner = cluster.wallet.pubkey();
    let slot = cluster.slot("finalized").await;
    let (create, table) = create_lookup_table(owner, owner, slot);
    let (instructions, ..) = three_swaps(&cluster).await;
    let mut addresses = amm_accounts(&instructions);
    addresses.truncate(20);
    let extend = extend_lookup_table(table, owner, Some(owner), addresses.clone());
    let landed = cluster.land(&[create, extend]).await;
    assert_eq!(landed["meta"]["err"], Value::Null, "{landed}");
    let made = read(&cluster, table).await;
    assert_eq!(made.addresses, addresses);

    let later = cluster.slot("processed").await;
    assert!(later > landed["slot"].as_u64().unwrap());
    let transaction = sign(&cluster, &instructions, &[made]).await;
    cluster.call("sendTransaction", json!([encode(&transaction), sent(false)])).await;
    assert_eq!(cluster.landed(&transaction.signatures[0]).await["meta"]["err"], Value::Null);
}

fn amm_accounts(instructions: &[Instruction]) -> Vec<Pubkey> {
    let swaps = instructions.iter().skip(2).flat_map(|swap| &swap.accounts);
    let mut accounts: Vec<Pubkey> = swaps.filter(|meta| !meta.is_signer).map(|meta| meta.pubkey).collect();
    accounts.sort_unstable();
    accounts.dedup();
    accounts
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_does_not_exist_makes_a_transaction_that_is_refused() {
    let cluster = cluster(20).await;
    let (instructions, ..) = three_swaps(&cluster).await;
    let table = AddressLookupTableAccount { key: Pubkey::new_unique(), ..read(&cluster, SEEDED).await };
    let transaction = sign(&cluster, &instructions, &[table]).await;
    let error = cluster.error("sendTransaction", json!([encode(&transaction), sent(false)])).await;
    assert_eq!(error["data"]["err"], "AddressLookupTableNotFound", "{error}");
}
