//! Questions to a node that need no transaction.

use super::player::Player;
use anyhow::Result;
use order_core::token;
use serde_json::{Value, json};
use solana_pubkey::Pubkey;

const TOKEN_PROGRAM: &str = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";
const CLOCK: &str = "SysvarC1ock11111111111111111111111111111111";

/// A slot that no cluster comes to in this life.
const FAR_SLOT: u64 = 1_000_000_000_000_000;

/// An address, a signature and a hash of nobody.
pub(super) const NOBODY: &str = "4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM";
const NO_SIGNATURE: &str =
    "5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW";

pub(super) async fn play(player: &mut Player) -> Result<()> {
    chain(player).await?;
    accounts(player).await?;
    programs_and_tokens(player).await?;
    history(player).await?;
    faults_of_the_caller(player).await
}

async fn chain(player: &mut Player) -> Result<()> {
    for method in
        ["getHealth", "getVersion", "getGenesisHash", "getFirstAvailableBlock", "getSlot", "getEpochInfo"]
    {
        player.ask(method, method, json!([])).await?;
    }
    for commitment in ["processed", "confirmed", "finalized"] {
        let config = json!([{ "commitment": commitment }]);
        for method in ["getSlot", "getBlockHeight", "getEpochInfo", "getLatestBlockhash"] {
            player.ask(&format!("{method} at {commitment}"), method, config.clone()).await?;
        }
    }
    player.ask("getSlot later than now", "getSlot", json!([{ "minContextSlot": FAR_SLOT }])).await?;
    let later = json!([{ "commitment": "confirmed", "minContextSlot": FAR_SLOT }]);
    player.ask("getLatestBlockhash later than now", "getLatestBlockhash", later).await?;
    let (hash, _) = player.blockhash().await?;
    let config = json!({ "commitment": "processed" });
    player.ask("isBlockhashValid", "isBlockhashValid", json!([hash, config])).await?;
    player.ask("isBlockhashValid of no block", "isBlockhashValid", json!([NOBODY, config])).await?;
    player.ask("isBlockhashValid of no hash", "isBlockhashValid", json!(["no hash", config])).await?;
    player.ask("getRecentPrioritizationFees", "getRecentPrioritizationFees", json!([])).await?;
    let writable = json!([[player.payer().to_string()]]);
    player.ask("getRecentPrioritizationFees of an account", "getRecentPrioritizationFees", writable).await?;
    let rent = "getMinimumBalanceForRentExemption";
    player.ask(rent, rent, json!([165])).await?;
    Ok(())
}

async fn accounts(player: &mut Player) -> Result<()> {
    let (payer, mint) = (player.payer().to_string(), usdc().to_string());
    let config = json!({ "encoding": "base64", "commitment": "confirmed" });
    player.ask("getBalance", "getBalance", json!([payer, config])).await?;
    player.ask("getBalance of nobody", "getBalance", json!([NOBODY, config])).await?;
    player.ask("getBalance of no address", "getBalance", json!(["no address"])).await?;
    let later = json!([payer, { "commitment": "confirmed", "minContextSlot": FAR_SLOT }]);
    player.ask("getBalance later than now", "getBalance", later).await?;
    player.ask("getAccountInfo", "getAccountInfo", json!([mint, config])).await?;
    player.ask("getAccountInfo of nobody", "getAccountInfo", json!([NOBODY, config])).await?;
    player.ask("getAccountInfo of the wallet", "getAccountInfo", json!([payer, config])).await?;
    player.ask("getAccountInfo of the clock", "getAccountInfo", json!([CLOCK, config])).await?;
    let slice = json!({ "encoding": "base64", "dataSlice": { "offset": 4, "length": 8 } });
    player.ask("getAccountInfo of a part", "getAccountInfo", json!([mint, slice])).await?;
    let token_account = associated(&player.payer()).to_string();
    let base58 = json!({ "encoding": "base58" });
    player.ask("getAccountInfo in base58", "getAccountInfo", json!([mint, base58])).await?;
    player
        .ask("getAccountInfo too long for base58", "getAccountInfo", json!([token_account, base58]))
        .await?;
    let many = json!([[payer, NOBODY, mint, CLOCK], config]);
    player.ask("getMultipleAccounts", "getMultipleAccounts", many).await?;
    player.ask("getMultipleAccounts of none", "getMultipleAccounts", json!([[], config])).await?;
    let too_many = vec![NOBODY; 101];
    player.ask("getMultipleAccounts of too many", "getMultipleAccounts", json!([too_many, config])).await?;
    player
        .ask("getMultipleAccounts of no address", "getMultipleAccounts", json!([["no address"], config]))
        .await?;
    let later = json!({ "encoding": "base64", "commitment": "confirmed", "minContextSlot": FAR_SLOT });
    player.ask("getMultipleAccounts later than now", "getMultipleAccounts", json!([[mint], later])).await?;
    Ok(())
}

async fn programs_and_tokens(player: &mut Player) -> Result<()> {
    const METHOD: &str = "getProgramAccounts";
    let of_wallet = json!({ "memcmp": { "offset": 32, "bytes": player.payer().to_string() } });
    let filters = json!([{ "dataSize": 165 }, of_wallet]);
    let config = |more: Value| {
        let mut config = json!({ "encoding": "base64", "commitment": "confirmed", "filters": filters });
        if let (Some(config), Value::Object(more)) = (config.as_object_mut(), more) {
            config.extend(more);
        }
        json!([TOKEN_PROGRAM, config])
    };
    let nothing = json!({ "offset": 0, "length": 0 });
    player.ask(METHOD, METHOD, config(json!({}))).await?;
    player.ask("getProgramAccounts without data", METHOD, config(json!({ "dataSlice": nothing }))).await?;
    player.ask("getProgramAccounts in context", METHOD, config(json!({ "withContext": true }))).await?;
    let none = json!([{ "dataSize": 164 }]);
    player.ask("getProgramAccounts that are none", METHOD, config(json!({ "filters": none }))).await?;
    let five = vec![json!({ "dataSize": 165 }); 5];
    player.ask("getProgramAccounts by too many filters", METHOD, config(json!({ "filters": five }))).await?;
    let unreadable = json!([{ "memcmp": { "offset": 0, "bytes": "0OIl" } }]);
    player.ask("getProgramAccounts by no bytes", METHOD, config(json!({ "filters": unreadable }))).await?;
    let config = json!({ "commitment": "confirmed" });
    const BALANCE: &str = "getTokenAccountBalance";
    player.ask(BALANCE, BALANCE, json!([associated(&player.payer()).to_string(), config])).await?;
    player.ask("getTokenAccountBalance of nobody", BALANCE, json!([NOBODY, config])).await?;
    player.ask("getTokenAccountBalance of a mint", BALANCE, json!([usdc().to_string(), config])).await?;
    Ok(())
}

async fn history(player: &mut Player) -> Result<()> {
    const STATUSES: &str = "getSignatureStatuses";
    let search = json!({ "searchTransactionHistory": true });
    player.ask("getSignatureStatuses of nothing", STATUSES, json!([[NO_SIGNATURE]])).await?;
    player.ask("getSignatureStatuses by search", STATUSES, json!([[NO_SIGNATURE], search])).await?;
    player.ask("getSignatureStatuses of none", STATUSES, json!([[]])).await?;
    player.ask("getSignatureStatuses of no signature", STATUSES, json!([["no signature"]])).await?;
    let too_many = vec![NO_SIGNATURE; 257];
    player.ask("getSignatureStatuses of too many", STATUSES, json!([too_many, search])).await?;
    const TRANSACTION: &str = "getTransaction";
    let at = |commitment: &str| json!({ "commitment": commitment, "encoding": "base64", "maxSupportedTransactionVersion": 0 });
    player.ask("getTransaction of nothing", TRANSACTION, json!([NO_SIGNATURE, at("confirmed")])).await?;
    player.ask("getTransaction at processed", TRANSACTION, json!([NO_SIGNATURE, at("processed")])).await?;
    player
        .ask("getTransaction of no signature", TRANSACTION, json!(["no signature", at("confirmed")]))
        .await?;
    const SIGNATURES: &str = "getSignaturesForAddress";
    player
        .ask("getSignaturesForAddress of nobody", SIGNATURES, json!([NOBODY, { "commitment": "confirmed" }]))
        .await?;
    player
        .ask(
            "getSignaturesForAddress at processed",
            SIGNATURES,
            json!([NOBODY, { "commitment": "processed" }]),
        )
        .await?;
    player.ask("getSignaturesForAddress of no address", SIGNATURES, json!(["no address"])).await?;
    player
        .ask("getSignaturesForAddress of too many", SIGNATURES, json!([NOBODY, { "limit": 1_001 }]))
        .await?;
    Ok(())
}

async fn faults_of_the_caller(player: &mut Player) -> Result<()> {
    player.ask("an unknown method", "getNothing", json!([])).await?;
    player.ask("no parameters", "getBalance", json!([])).await?;
    player.ask("parameters of a wrong type", "getBalance", json!([7])).await?;
    player.ask("parameters by name", "getBalance", json!({ "pubkey": NOBODY })).await?;
    player.ask("an unknown commitment", "getSlot", json!([{ "commitment": "sure" }])).await?;
    player.post("no JSON", "{").await?;
    player.post("no request", r#"{"id":1}"#).await?;
    player.post("another version", r#"{"jsonrpc":"1.0","id":1,"method":"getHealth"}"#).await?;
    player.post("an empty batch", "[]").await?;
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"getHealth"},{"jsonrpc":"2.0","id":2,"method":"x"}]"#;
    player.post("a batch", batch).await?;
    Ok(())
}

pub(super) fn usdc() -> Pubkey {
    let known = token::known().find(|token| token.symbol == "USDC");
    known.map(|token| token.mint.pubkey()).expect("USDC is known")
}

/// The token account of an owner for USDC.
pub(super) fn associated(owner: &Pubkey) -> Pubkey {
    spl_associated_token_account_interface::address::get_associated_token_address(owner, &usdc())
}
