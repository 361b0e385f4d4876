//! Methods about transactions that have landed.

use super::error::Error;
use super::params::{Params, address};
use super::state::token_amount;
use super::{forge, in_context};
use crate::cluster::{
    Accounts, Balances, Commitment, FINALIZATION_LAG, Landed, Status, cost_units, is_charged,
};
use crate::node::Node;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use solana_message::compiled_instruction::CompiledInstruction;
use solana_message::inner_instruction::InnerInstructionsList;
use solana_message::v0::MessageAddressTableLookup;
use solana_message::{VersionedMessage, v1};
use solana_signature::Signature;
use solana_transaction::versioned::TransactionVersion;
use solana_transaction_error::TransactionError;
use std::sync::Arc;

/// The most signatures of one `getSignatureStatuses`, as on real nodes.
const SIGNATURES_MAX: usize = 256;

/// The most transactions of one `getSignaturesForAddress`, as on real nodes.
const NAMED_MAX: usize = 1_000;

/// Statuses are found without a search for this many slots, as on real nodes.
const STATUS_SLOTS: u64 = FINALIZATION_LAG + 300;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StatusConfig {
    search_transaction_history: bool,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Encoding {
    #[default]
    Json,
    JsonParsed,
    Base58,
    Base64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct TransactionConfig {
    encoding: Encoding,
    commitment: Commitment,
    max_supported_transaction_version: Option<u8>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SignaturesConfig {
    limit: usize,
    commitment: Commitment,
}

impl Default for SignaturesConfig {
    fn default() -> Self {
        Self { limit: NAMED_MAX, commitment: Commitment::default() }
    }
}

pub(super) fn statuses(node: &Node, params: &Params) -> Result<Value, Error> {
    let signatures: Vec<String> = params.required(0, "signatures")?;
    let config: StatusConfig = params.optional(1, "config")?;
    if signatures.len() > SIGNATURES_MAX {
        return Err(Error::invalid_params(format!("Too many inputs provided; max {SIGNATURES_MAX}")));
    }
    let (view, searched) = (node.view(), config.search_transaction_history);
    let now = view.slot(Commitment::Processed);
    let shown = signatures.iter().map(|text| {
        let signature = signature(text)?;
        let found = |status: &&Status| {
            let recent = now <= status.slot.saturating_add(STATUS_SLOTS);
            node.has(&view, status.slot)
                && (searched || recent)
                && !node.faults().hides(node.number, searched)
        };
        let status = view.status(&signature).filter(found);
        Ok(status.map_or(Value::Null, |status| {
            if status.error.is_none() && node.faults().forges_revert(node.number, &signature) {
                show_status(&forge::status(status), now.saturating_add(FINALIZATION_LAG))
            } else {
                show_status(status, now)
            }
        }))
    });
    let shown = shown.collect::<Result<Vec<_>, Error>>()?;
    Ok(in_context(now, Value::Array(shown)))
}

pub(super) fn signatures_for_address(node: &Node, params: &Params) -> Result<Value, Error> {
    let named = address(&params.required::<String>(0, "address")?)?;
    let config: SignaturesConfig = params.optional(1, "config")?;
    if config.commitment == Commitment::Processed {
        return Err(Error::invalid_params("Method does not support commitment below `confirmed`"));
    }
    if config.limit == 0 || config.limit > NAMED_MAX {
        return Err(Error::invalid_params(format!("Invalid limit; max {NAMED_MAX}")));
    }
    let view = node.view();
    let seen = view.slot(config.commitment);
    let naming = view.cluster().history.naming(&named).filter(|landed| landed.slot <= seen);
    let shown =
        naming.filter(|landed| node.has(&view, landed.slot) && !node.faults().hides(node.number, true));
    let shown = shown.take(config.limit).map(|landed| {
        json!({
            "signature": landed.signature.to_string(),
            "slot": landed.slot,
            "err": landed.error,
            "memo": null,
            "blockTime": landed.block_time,
            "transactionIndex": landed.index,
            "confirmationStatus": Commitment::of_age(view.slot(Commitment::Processed).saturating_sub(landed.slot)),
        })
    });
    Ok(shown.collect())
}

fn show_status(status: &Status, now: u64) -> Value {
    let age = now.saturating_sub(status.slot);
    let commitment = Commitment::of_age(age);
    json!({
        "slot": status.slot,
        "confirmations": (commitment != Commitment::Finalized).then_some(age),
        "err": status.error,
        "status": show_outcome(status.error.as_ref()),
        "confirmationStatus": commitment,
    })
}

fn show_outcome(error: Option<&TransactionError>) -> Value {
    error.map_or(json!({ "Ok": null }), |error| json!({ "Err": error }))
}

pub(super) fn transaction(node: &Node, params: &Params) -> Result<Value, Error> {
    let signature = signature(&params.required::<String>(0, "signature")?)?;
    let config: TransactionConfig = params.optional(1, "config")?;
    if config.commitment == Commitment::Processed {
        return Err(Error::invalid_params("Method does not support commitment below `confirmed`"));
    }
    let Some(landed) = find(node, &signature, config.commitment) else {
        return Ok(Value::Null);
    };
    let version = match (landed.transaction.version(), config.max_supported_transaction_version) {
        (TransactionVersion::Legacy(_), None) => None,
        (TransactionVersion::Legacy(_), Some(_)) => Some(json!("legacy")),
        (TransactionVersion::Number(number), Some(highest)) if number <= highest => Some(json!(number)),
        (TransactionVersion::Number(number), _) => return Err(Error::unsupported_version(number)),
    };
    let mut shown = json!({
        "slot": landed.slot,
        "blockTime": landed.block_time,
        "transactionIndex": landed.index,
        "transaction": show_transaction(&landed, config.encoding)?,
        "meta": show_meta(&landed),
    });
    if let (Some(version), Some(fields)) = (version, shown.as_object_mut()) {
        fields.insert("version".to_owned(), version);
    }
    Ok(shown)
}

/// A transaction as the node tells of it: as it landed, unless the node lies.
fn find(node: &Node, signature: &Signature, commitment: Commitment) -> Option<Arc<Landed>> {
    let (view, faults) = (node.view(), node.faults());
    let newest = view.transaction(signature, Commitment::Processed)?;
    if !node.has(&view, newest.slot)
        || faults.hides(node.number, true)
        || faults.withholds(node.number, signature)
    {
        return None;
    }
    // A revert that is made up is told as finalized.
    if newest.error.is_none() && faults.forges_revert(node.number, signature) {
        return Some(Arc::new(forge::reverted(newest)));
    }
    let landed = view.transaction(signature, commitment)?;
    Some(match faults.forged_fill(node.number, signature) {
        Some(forgery) => Arc::new(forge::filled(landed, forgery)),
        None => Arc::clone(landed),
    })
}

fn show_transaction(landed: &Landed, encoding: Encoding) -> Result<Value, Error> {
    let bytes = || {
        wincode::serialize(&landed.transaction)
            .map_err(|error| Error::internal(&anyhow::Error::new(error).context("writing a transaction")))
    };
    match encoding {
        Encoding::Base58 => Ok(json!([bs58::encode(bytes()?).into_string(), "base58"])),
        Encoding::Base64 => Ok(json!([BASE64_STANDARD.encode(bytes()?), "base64"])),
        Encoding::Json => Ok(show_json(landed, show_keys(landed, false))),
        Encoding::JsonParsed => Ok(show_json(landed, show_keys(landed, true))),
    }
}

fn show_json(landed: &Landed, keys: Value) -> Value {
    let message = &landed.transaction.message;
    let header = message.header();
    let instructions: Vec<Value> =
        message.instructions().iter().map(|each| show_instruction(each, 1)).collect();
    let mut shown = json!({
        "header": {
            "numRequiredSignatures": header.num_required_signatures,
            "numReadonlySignedAccounts": header.num_readonly_signed_accounts,
            "numReadonlyUnsignedAccounts": header.num_readonly_unsigned_accounts,
        },
        "accountKeys": keys,
        "recentBlockhash": message.recent_blockhash().to_string(),
        "instructions": instructions,
    });
    match message {
        VersionedMessage::Legacy(_) => {}
        VersionedMessage::V0(message) => {
            shown["addressTableLookups"] = message.address_table_lookups.iter().map(show_lookup).collect();
        }
        VersionedMessage::V1(message) => shown["transactionConfig"] = show_config(&message.config),
    }
    let signatures: Vec<String> = landed.transaction.signatures.iter().map(Signature::to_string).collect();
    json!({ "signatures": signatures, "message": shown })
}

fn show_lookup(lookup: &MessageAddressTableLookup) -> Value {
    json!({
        "accountKey": lookup.account_key.to_string(),
        "writableIndexes": lookup.writable_indexes,
        "readonlyIndexes": lookup.readonly_indexes,
    })
}

fn show_config(config: &v1::TransactionConfig) -> Value {
    json!({
        "priorityFee": config.priority_fee,
        "computeUnitLimit": config.compute_unit_limit,
        "loadedAccountsDataSizeLimit": config.loaded_accounts_data_size_limit,
        "heapSize": config.heap_size,
    })
}

fn show_keys(landed: &Landed, parsed: bool) -> Value {
    let message = &landed.transaction.message;
    let fixed = message.static_account_keys().len();
    let keys = landed.accounts.addresses.iter().enumerate();
    if !parsed {
        return keys.take(fixed).map(|(_, address)| json!(address.to_string())).collect();
    }
    let keys = keys.map(|(index, address)| {
        json!({
            "pubkey": address.to_string(),
            "signer": message.is_signer(index),
            "writable": landed.accounts.is_writable(&landed.transaction, index),
            "source": if index < fixed { "transaction" } else { "lookupTable" },
        })
    });
    keys.collect()
}

fn show_instruction(instruction: &CompiledInstruction, stack_height: u8) -> Value {
    json!({
        "programIdIndex": instruction.program_id_index,
        "accounts": instruction.accounts,
        "data": bs58::encode(&instruction.data).into_string(),
        "stackHeight": stack_height,
    })
}

fn show_meta(landed: &Landed) -> Value {
    let [before, after] = &landed.balances;
    let run = !landed.error.as_ref().is_some_and(is_charged);
    json!({
        "err": landed.error,
        "status": show_outcome(landed.error.as_ref()),
        "fee": landed.fee,
        "preBalances": before.lamports,
        "postBalances": after.lamports,
        "preTokenBalances": show_token_balances(before),
        "postTokenBalances": show_token_balances(after),
        "innerInstructions": run.then(|| show_inner(&landed.inner_instructions)),
        "logMessages": run.then_some(&landed.logs),
        "rewards": [],
        "computeUnitsConsumed": landed.compute_units,
        "costUnits": cost_units(landed),
        "loadedAddresses": show_loaded(&landed.accounts),
    })
}

/// The accounts of lookup tables as answers show them.
pub(super) fn show_loaded(accounts: &Accounts) -> Value {
    let loaded: Vec<String> = accounts.loaded().iter().map(ToString::to_string).collect();
    let (writable, readonly) = loaded.split_at(accounts.loaded_writable.min(loaded.len()));
    json!({ "writable": writable, "readonly": readonly })
}

/// The instructions that programs called, as answers show them.
pub(super) fn show_inner(inner: &InnerInstructionsList) -> Vec<Value> {
    let inner = inner.iter().enumerate().filter(|(_, calls)| !calls.is_empty());
    let inner = inner.map(|(index, calls)| {
        let calls = calls.iter().map(|call| show_instruction(&call.instruction, call.stack_height));
        json!({ "index": index, "instructions": calls.collect::<Vec<_>>() })
    });
    inner.collect()
}

/// The tokens of a transaction's accounts as answers show them.
pub(super) fn show_token_balances(balances: &Balances) -> Vec<Value> {
    let shown = balances.tokens.iter().map(|balance| {
        json!({
            "accountIndex": balance.index,
            "mint": balance.holding.mint.to_string(),
            "owner": balance.holding.owner.to_string(),
            "programId": balance.program.to_string(),
            "uiTokenAmount": token_amount(balance.holding.amount, balance.decimals),
        })
    });
    shown.collect()
}

fn signature(text: &str) -> Result<Signature, Error> {
    text.parse().map_err(|_| Error::invalid_params("Invalid param: Invalid signature"))
}
