//! Transactions, from their simulation to what the history says of them.

use super::player::{Player, encode};
use super::reads::{NOBODY, associated, usdc};
use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use solana_compute_budget_interface::ComputeBudgetInstruction;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::{AddressLookupTableAccount, Message, VersionedMessage};
use solana_pubkey::Pubkey;
use solana_signer::Signer as _;
use solana_system_interface::instruction::transfer;
use solana_transaction::versioned::VersionedTransaction;
use spl_associated_token_account_interface::instruction::create_associated_token_account_idempotent;
use xtask::stack::LOOKUP_TABLE;

const SIMULATE: &str = "simulateTransaction";
const SEND: &str = "sendTransaction";
const TOKEN_PROGRAM: Pubkey = Pubkey::from_str_const("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");

/// More lamports than there are.
const TOO_MUCH: u64 = 1_000_000_000_000_000_000;

/// Enough for an account without data.
const ENOUGH: u64 = 2_000_000;

/// Where the addresses of a lookup table begin.
const TABLE_HEADER_BYTES: usize = 56;

pub(super) async fn play(player: &mut Player) -> Result<()> {
    simulations(player).await?;
    refusals(player).await?;
    transfer_that_lands(player).await?;
    swap_like(player).await?;
    revert(player).await
}

fn sent(skip_preflight: bool) -> Value {
    let config =
        json!({ "encoding": "base64", "skipPreflight": skip_preflight, "preflightCommitment": "confirmed" });
    let mut config = config;
    config["maxRetries"] = json!(0);
    config
}

fn simulated(more: Value) -> Value {
    let mut config = json!({ "encoding": "base64", "commitment": "confirmed" });
    if let (Some(config), Value::Object(more)) = (config.as_object_mut(), more) {
        config.extend(more);
    }
    config
}

async fn simulations(player: &mut Player) -> Result<()> {
    let (payer, receiver) = (player.payer(), Pubkey::new_unique());
    let (good, _) = player.legacy(&[transfer(&payer, &receiver, ENOUGH)]).await?;
    let (bad, _) = player.legacy(&[transfer(&payer, &receiver, TOO_MUCH)]).await?;
    let (poor, _) = player.legacy(&[transfer(&payer, &receiver, 1)]).await?;
    let watched = json!({ "addresses": [payer.to_string(), NOBODY], "encoding": "base64" });
    let steps = [
        ("simulateTransaction", &good, json!({})),
        ("simulateTransaction of any blockhash", &good, json!({ "replaceRecentBlockhash": true })),
        ("simulateTransaction with accounts", &good, json!({ "accounts": watched })),
        ("simulateTransaction with signatures", &good, json!({ "sigVerify": true })),
        ("simulateTransaction with inner instructions", &good, json!({ "innerInstructions": true })),
        ("simulateTransaction of both", &good, json!({ "sigVerify": true, "replaceRecentBlockhash": true })),
        ("simulateTransaction later than now", &good, json!({ "minContextSlot": 1_000_000_000_000_000u64 })),
        ("simulateTransaction that fails", &bad, json!({})),
        ("simulateTransaction that fails, with accounts", &bad, json!({ "accounts": watched })),
        ("simulateTransaction below rent", &poor, json!({})),
    ];
    for (step, transaction, config) in steps {
        player.ask(step, SIMULATE, json!([transaction, simulated(config)])).await?;
    }
    let create = create_associated_token_account_idempotent(&payer, &receiver, &usdc(), &TOKEN_PROGRAM);
    let (tokens, _) = player.legacy(&[create]).await?;
    let config = simulated(json!({ "replaceRecentBlockhash": true }));
    player.ask("simulateTransaction of tokens", SIMULATE, json!([tokens, config])).await?;
    player.ask("simulateTransaction of no base64", SIMULATE, json!(["%%", simulated(json!({}))])).await?;
    let (old, _) = with_unknown_blockhash(player)?;
    player.ask("simulateTransaction of no blockhash", SIMULATE, json!([old, simulated(json!({}))])).await?;
    let stranger = from_stranger(player).await?;
    player
        .ask("simulateTransaction of a stranger", SIMULATE, json!([stranger, simulated(json!({}))]))
        .await?;
    let forged = forged(player).await?;
    let config = simulated(json!({ "sigVerify": true }));
    player.ask("simulateTransaction of a wrong signature", SIMULATE, json!([forged, config])).await?;
    Ok(())
}

async fn refusals(player: &mut Player) -> Result<()> {
    let payer = player.payer();
    let (bad, _) = player.legacy(&[transfer(&payer, &Pubkey::new_unique(), TOO_MUCH)]).await?;
    player.ask("sendTransaction that fails", SEND, json!([bad, sent(false)])).await?;
    let (poor, _) = player.legacy(&[transfer(&payer, &Pubkey::new_unique(), 1)]).await?;
    player.ask("sendTransaction below rent", SEND, json!([poor, sent(false)])).await?;
    let (old, _) = with_unknown_blockhash(player)?;
    player.ask("sendTransaction of no blockhash", SEND, json!([old, sent(false)])).await?;
    player.ask("sendTransaction of no blockhash, unchecked", SEND, json!([old, sent(true)])).await?;
    let stranger = from_stranger(player).await?;
    player.ask("sendTransaction of a stranger", SEND, json!([stranger, sent(false)])).await?;
    let forged = forged(player).await?;
    player.ask("sendTransaction of a wrong signature", SEND, json!([forged, sent(false)])).await?;
    player.ask("sendTransaction of a wrong signature, unchecked", SEND, json!([forged, sent(true)])).await?;
    player.ask("sendTransaction of no base64", SEND, json!(["%%", sent(true)])).await?;
    player.ask("sendTransaction of no transaction", SEND, json!(["AAAA", sent(true)])).await?;
    let large = BASE64_STANDARD.encode([1; 1_300]);
    player.ask("sendTransaction that is too large", SEND, json!([large, sent(true)])).await?;
    let (good, _) = player.legacy(&[transfer(&payer, &Pubkey::new_unique(), ENOUGH)]).await?;
    let mut later = sent(false);
    later["minContextSlot"] = json!(1_000_000_000_000_000u64);
    player.ask("sendTransaction later than now", SEND, json!([good, later])).await?;
    Ok(())
}

/// A transfer of the first version, from its acceptance until it is final.
async fn transfer_that_lands(player: &mut Player) -> Result<()> {
    let (payer, receiver) = (player.payer(), Pubkey::new_unique());
    let price = ComputeBudgetInstruction::set_compute_unit_price(1_000);
    let (text, signature) = player.legacy(&[price, transfer(&payer, &receiver, ENOUGH)]).await?;
    player.ask(SEND, SEND, json!([text, sent(false)])).await?;
    player.landed(&signature, "confirmed").await?;
    player.ask("sendTransaction again", SEND, json!([text, sent(false)])).await?;
    player.ask("sendTransaction again, unchecked", SEND, json!([text, sent(true)])).await?;
    player.ask("simulateTransaction again", SIMULATE, json!([text, simulated(json!({}))])).await?;
    let config = |encoding: &str, version: Value| json!({ "commitment": "confirmed", "encoding": encoding, "maxSupportedTransactionVersion": version });
    const TRANSACTION: &str = "getTransaction";
    player.ask("getTransaction", TRANSACTION, json!([signature, config("base64", json!(0))])).await?;
    player.ask("getTransaction in JSON", TRANSACTION, json!([signature, config("json", json!(0))])).await?;
    player
        .ask(
            "getTransaction without a version",
            TRANSACTION,
            json!([signature, config("base64", Value::Null)]),
        )
        .await?;
    let naming = json!([receiver.to_string(), { "commitment": "confirmed", "limit": 10 }]);
    player.ask("getSignaturesForAddress", "getSignaturesForAddress", naming).await?;
    player.landed(&signature, "finalized").await?;
    const FEES: &str = "getRecentPrioritizationFees";
    player.ask("getRecentPrioritizationFees after a transfer", FEES, json!([[payer.to_string()]])).await?;
    player.ask("getSignatureStatuses", "getSignatureStatuses", json!([[signature, NO_SUCH]])).await?;
    Ok(())
}

/// A signature of nobody.
const NO_SUCH: &str =
    "5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW";

/// As a swap of the engine does: tokens, an account that is made, and a lookup table.
async fn swap_like(player: &mut Player) -> Result<()> {
    let (payer, receiver) = (player.payer(), Pubkey::new_unique());
    let create = create_associated_token_account_idempotent(&payer, &receiver, &usdc(), &TOKEN_PROGRAM);
    let move_tokens = transfer_tokens(&payer, &receiver);
    let (table, looked_up) = lookup_table(player).await?;
    let lamport = transfer(&payer, &looked_up, 1);
    let (text, signature) = player.with_table(&[create, move_tokens, lamport], table).await?;
    player.ask("simulateTransaction with a table", SIMULATE, json!([text, simulated(json!({}))])).await?;
    player.ask("sendTransaction with a table", SEND, json!([text, sent(false)])).await?;
    player.landed(&signature, "confirmed").await?;
    let config = |encoding: &str| json!({ "commitment": "confirmed", "encoding": encoding, "maxSupportedTransactionVersion": 0 });
    const TRANSACTION: &str = "getTransaction";
    player.ask("getTransaction with a table", TRANSACTION, json!([signature, config("base64")])).await?;
    player
        .ask("getTransaction with a table, in JSON", TRANSACTION, json!([signature, config("json")]))
        .await?;
    let old = json!({ "commitment": "confirmed", "encoding": "base64" });
    player.ask("getTransaction of a later version", TRANSACTION, json!([signature, old])).await?;
    Ok(())
}

/// A transaction that lands and fails.
async fn revert(player: &mut Player) -> Result<()> {
    let payer = player.payer();
    let (text, signature) = player.legacy(&[transfer(&payer, &Pubkey::new_unique(), TOO_MUCH)]).await?;
    player.ask("sendTransaction that fails, unchecked", SEND, json!([text, sent(true)])).await?;
    player.landed(&signature, "confirmed").await?;
    let config =
        json!({ "commitment": "confirmed", "encoding": "base64", "maxSupportedTransactionVersion": 0 });
    player.ask("getTransaction of a revert", "getTransaction", json!([signature, config])).await?;
    player.landed(&signature, "finalized").await?;
    player.ask("getSignatureStatuses of a revert", "getSignatureStatuses", json!([[signature]])).await?;
    Ok(())
}

/// A blockhash that is too old: known, and not usable any more.
pub(super) async fn expiry(player: &mut Player) -> Result<()> {
    let payer = player.payer();
    let (hash, last_valid) = player.blockhash().await?;
    let message = Message::new_with_blockhash(
        &[transfer(&payer, &Pubkey::new_unique(), ENOUGH)],
        Some(&payer),
        &hash.parse()?,
    );
    let (text, signature) = player.signed(VersionedMessage::Legacy(message))?;
    let height = async |player: &Player| {
        let height = player.result("getBlockHeight", json!([{ "commitment": "confirmed" }])).await?;
        height.as_u64().context("a height")
    };
    let config = json!([hash, { "commitment": "confirmed" }]);
    ensure!(height(player).await? < last_valid, "the blockhash is of no use from the beginning");
    let is_over: fn(&Value) -> bool = |result| result["value"] == false;
    player.until("the expiry", "isBlockhashValid", config.clone(), is_over).await?;
    let over_by = height(player).await?.saturating_add(1).saturating_sub(last_valid);
    ensure!(over_by < 10, "the blockhash was usable for {over_by} blocks after its last");
    player.ask("isBlockhashValid of an old one", "isBlockhashValid", config).await?;
    player.ask("sendTransaction too late", SEND, json!([text, sent(false)])).await?;
    player.ask("sendTransaction too late, unchecked", SEND, json!([text, sent(true)])).await?;
    let search = json!([[signature], { "searchTransactionHistory": true }]);
    player.ask("getSignatureStatuses too late", "getSignatureStatuses", search).await?;
    Ok(())
}

fn with_unknown_blockhash(player: &Player) -> Result<(String, String)> {
    let payer = player.payer();
    let instruction = transfer(&payer, &Pubkey::new_unique(), ENOUGH);
    let message = Message::new_with_blockhash(&[instruction], Some(&payer), &NOBODY.parse()?);
    player.signed(VersionedMessage::Legacy(message))
}

/// A transaction whose payer does not exist.
async fn from_stranger(player: &Player) -> Result<String> {
    let stranger = Keypair::new();
    let hash = player.blockhash().await?.0.parse()?;
    let instruction = transfer(&stranger.pubkey(), &Pubkey::new_unique(), ENOUGH);
    let message = Message::new_with_blockhash(&[instruction], Some(&stranger.pubkey()), &hash);
    encode(&VersionedTransaction::try_new(VersionedMessage::Legacy(message), &[&stranger])?)
}

/// A transaction whose signature is another's.
async fn forged(player: &Player) -> Result<String> {
    let payer = player.payer();
    let hash = player.blockhash().await?.0.parse()?;
    let message =
        Message::new_with_blockhash(&[transfer(&payer, &Pubkey::new_unique(), ENOUGH)], Some(&payer), &hash);
    let mut transaction =
        VersionedTransaction::try_new(VersionedMessage::Legacy(message), &[&player.wallet])?;
    transaction.signatures = vec![player.wallet.sign_message(b"something else")];
    encode(&transaction)
}

/// `TransferChecked` of one USDC.
fn transfer_tokens(payer: &Pubkey, receiver: &Pubkey) -> Instruction {
    const TRANSFER_CHECKED: u8 = 12;
    const ONE: u64 = 1_000_000;
    const DECIMALS: u8 = 6;
    let data = [&[TRANSFER_CHECKED][..], &ONE.to_le_bytes(), &[DECIMALS]].concat();
    let accounts = vec![
        solana_instruction::AccountMeta::new(associated(payer), false),
        solana_instruction::AccountMeta::new_readonly(usdc(), false),
        solana_instruction::AccountMeta::new(associated(receiver), false),
        solana_instruction::AccountMeta::new_readonly(*payer, true),
    ];
    Instruction { program_id: TOKEN_PROGRAM, accounts, data }
}

/// The cluster's lookup table, and an account in it that may receive lamports: a token account.
async fn lookup_table(player: &Player) -> Result<(AddressLookupTableAccount, Pubkey)> {
    let config = json!({ "encoding": "base64", "commitment": "confirmed" });
    let shown = player.result("getAccountInfo", json!([LOOKUP_TABLE, config])).await?;
    let data = BASE64_STANDARD.decode(shown["value"]["data"][0].as_str().context("a lookup table")?)?;
    let listed = data.get(TABLE_HEADER_BYTES..).context("a lookup table with addresses")?;
    let addresses: Vec<Pubkey> =
        listed.chunks_exact(32).filter_map(|bytes| Pubkey::try_from(bytes).ok()).collect();
    let first: Vec<String> = addresses.iter().take(100).map(ToString::to_string).collect();
    let found = player.result("getMultipleAccounts", json!([first, config])).await?;
    let owned = found["value"].as_array().context("accounts")?.iter().zip(&addresses);
    let mut receivers =
        owned.filter(|(account, _)| account["owner"] == TOKEN_PROGRAM.to_string() && account["space"] == 165);
    let (_, receiver) = receivers.next().context("no token account is in the lookup table")?;
    let table = AddressLookupTableAccount { key: LOOKUP_TABLE.parse()?, addresses: addresses.clone() };
    Ok((table, *receiver))
}
