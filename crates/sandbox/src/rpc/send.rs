//! Methods that take a transaction.

use super::account::Form;
use super::chain::{blockhash, newest_block};
use super::error::Error;
use super::in_context;
use super::landed::show_token_balances;
use super::params::{Params, address};
use super::state::{NEWEST, show};
use crate::cluster::{Accounts, Balances, Block, Commitment, TRANSACTION_BYTES_MAX};
use crate::node::{Node, View};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use litesvm::types::{SimulatedTransactionInfo, TransactionMetadata};
use serde::Deserialize;
use serde_json::{Value, json};
use solana_account::{AccountSharedData, ReadableAccount as _};
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_error::TransactionError;
use std::sync::Arc;

/// How a transaction's bytes are written.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    #[default]
    Base58,
    Base64,
}

/// Accounts that a simulation shows as they would be afterwards.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Watched {
    addresses: Vec<String>,
    #[serde(flatten)]
    form: Form,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SimulateConfig {
    sig_verify: bool,
    replace_recent_blockhash: bool,
    commitment: Commitment,
    min_context_slot: Option<u64>,
    encoding: Encoding,
    accounts: Option<Watched>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SendConfig {
    encoding: Encoding,
    skip_preflight: bool,
    preflight_commitment: Commitment,
    min_context_slot: Option<u64>,
}

/// The result of a simulation.
struct Simulation {
    error: Option<TransactionError>,
    meta: TransactionMetadata,
    changed: Vec<(Pubkey, AccountSharedData)>,
    /// Before and after; None if it was not run.
    balances: Option<[Balances; 2]>,
}

pub(super) fn simulate(node: &Node, params: &Params) -> Result<Value, Error> {
    let text: String = params.required(0, "transaction")?;
    let config: SimulateConfig = params.optional(1, "config")?;
    let mut transaction = decode(&text, config.encoding)?;
    if config.sig_verify && config.replace_recent_blockhash {
        return Err(Error::invalid_params("sigVerify may not be used with replaceRecentBlockhash"));
    }
    let view = node.view();
    reached(&view, config.commitment, config.min_context_slot)?;
    let block = newest_block(&view, config.commitment)?;
    let mut replacement = Value::Null;
    if config.replace_recent_blockhash {
        transaction.message.set_recent_blockhash(block.hash);
        replacement = blockhash(&block);
    }
    if config.sig_verify && !verified(&transaction) {
        return Err(Error::signature_verification());
    }
    let simulation = run(&view, transaction, config.replace_recent_blockhash, &block)?;
    let mut value = simulation.show();
    if let Some(watched) = &config.accounts
        && let Some(fields) = value.as_object_mut()
    {
        fields.insert("accounts".to_owned(), simulation.show_accounts(&view, watched)?);
    }
    if let Some(fields) = value.as_object_mut().filter(|_| !replacement.is_null()) {
        fields.insert("replacementBlockhash".to_owned(), replacement);
    }
    Ok(in_context(view.slot(NEWEST), value))
}

pub(super) fn send(node: &Node, params: &Params) -> Result<Value, Error> {
    let text: String = params.required(0, "transaction")?;
    let config: SendConfig = params.optional(1, "config")?;
    let transaction = decode(&text, config.encoding)?;
    let signature = *transaction.signatures.first().ok_or_else(Error::signature_verification)?;
    if !verified(&transaction) {
        return Err(Error::signature_verification());
    }
    node.received(&signature).map_err(|error| Error::internal(&error))?;
    if !config.skip_preflight {
        preflight(&node.view(), &config, transaction.clone())?;
    }
    node.submit(signature, transaction).map_err(|full| Error::unhealthy(full.to_string()))?;
    Ok(json!(signature.to_string()))
}

fn preflight(view: &View<'_>, config: &SendConfig, transaction: VersionedTransaction) -> Result<(), Error> {
    reached(view, config.preflight_commitment, config.min_context_slot)?;
    let block = newest_block(view, config.preflight_commitment)?;
    let simulation = run(view, transaction, false, &block)?;
    match &simulation.error {
        Some(error) => Err(Error::preflight(&error.to_string(), simulation.show())),
        None => Ok(()),
    }
}

/// Simulates on the newest state that the node knows. The checks of age and repetition look at
/// `block`, so that a blockhash may be unknown to the node that the caller asked for.
fn run(
    view: &View<'_>,
    transaction: VersionedTransaction,
    any_blockhash: bool,
    block: &Arc<Block>,
) -> Result<Simulation, Error> {
    let bank = &view.cluster().bank;
    if !any_blockhash {
        let signature = transaction.signatures.first().copied().unwrap_or_default();
        if view.status(&signature).is_some() {
            return Ok(Simulation::refused(TransactionError::AlreadyProcessed));
        }
        let named = bank.usable_blockhash(transaction.message.recent_blockhash(), block.height);
        if named.is_none_or(|named| named.slot > block.slot) {
            return Ok(Simulation::refused(TransactionError::BlockhashNotFound));
        }
    }
    let accounts = match Accounts::resolve(bank, &transaction) {
        Ok(accounts) => accounts,
        Err(error) => return Ok(Simulation::refused(error)),
    };
    let simulated = if view.lags() {
        let svm = bank.svm_at(view.slot(NEWEST)).map_err(|error| Error::internal(&error))?;
        svm.simulate_transaction(transaction)
    } else {
        bank.svm().simulate_transaction(transaction)
    };
    let mut simulation = match simulated {
        Ok(SimulatedTransactionInfo { meta, post_accounts }) => {
            Simulation { error: None, meta, changed: post_accounts, balances: None }
        }
        Err(failed) => Simulation { meta: failed.meta, ..Simulation::refused(failed.err) },
    };
    simulation.balances = Some(simulation.balances(view, &accounts));
    Ok(simulation)
}

impl Simulation {
    fn refused(error: TransactionError) -> Self {
        let meta = TransactionMetadata::default();
        Self { error: Some(error), meta, changed: Vec::new(), balances: None }
    }

    /// The balances before, and after as far as the simulation changed them: what fails changes
    /// none, and its fee is not taken here.
    fn balances(&self, view: &View<'_>, accounts: &Accounts) -> [Balances; 2] {
        let addresses = accounts.addresses.iter();
        let before: Vec<_> = addresses.map(|address| view.account(address, NEWEST)).collect();
        let after = accounts.addresses.iter().zip(&before).map(|(address, before)| {
            let changed = self.changed.iter().find(|(changed, _)| changed == address);
            changed.map(|(_, account)| account.clone()).or_else(|| before.clone())
        });
        let after: Vec<_> = after.collect();
        [&before, &after].map(|state| Balances::read(&view.cluster().bank, state))
    }

    fn show(&self) -> Value {
        let returned = &self.meta.return_data;
        let return_data = (!returned.data.is_empty()).then(|| {
            json!({
                "programId": returned.program_id.to_string(),
                "data": [BASE64_STANDARD.encode(&returned.data), "base64"],
            })
        });
        let lamports = |moment: usize| self.balances.as_ref().map(|balances| &balances[moment].lamports);
        let tokens =
            |moment: usize| self.balances.as_ref().map(|balances| show_token_balances(&balances[moment]));
        json!({
            "err": self.error,
            "preBalances": lamports(0),
            "postBalances": lamports(1),
            "preTokenBalances": tokens(0),
            "postTokenBalances": tokens(1),
            "logs": self.meta.logs,
            "accounts": null,
            "unitsConsumed": self.meta.compute_units_consumed,
            "fee": self.meta.fee,
            "returnData": return_data,
            "innerInstructions": null,
        })
    }

    fn show_accounts(&self, view: &View<'_>, watched: &Watched) -> Result<Value, Error> {
        let shown = watched.addresses.iter().map(|text| {
            let address = address(text)?;
            if self.error.is_some() {
                return Ok(Value::Null);
            }
            let changed = self.changed.iter().find(|(changed, _)| *changed == address);
            let unchanged = || view.account(&address, NEWEST);
            let account = changed.map(|(_, account)| account.clone()).or_else(unchanged);
            show(watched.form, account.filter(|account| account.lamports() > 0).as_ref())
        });
        Ok(Value::Array(shown.collect::<Result<_, Error>>()?))
    }
}

fn reached(view: &View<'_>, commitment: Commitment, wanted: Option<u64>) -> Result<(), Error> {
    let slot = view.slot(commitment);
    if wanted.is_some_and(|wanted| slot < wanted) { Err(Error::min_context_slot(slot)) } else { Ok(()) }
}

fn decode(text: &str, encoding: Encoding) -> Result<VersionedTransaction, Error> {
    let unreadable = |what: &str| Error::invalid_params(format!("failed to decode the transaction: {what}"));
    // Both encodings need at most twice the bytes; longer text is not worth decoding.
    if text.len() > TRANSACTION_BYTES_MAX.saturating_mul(2) {
        return Err(unreadable("it is too large"));
    }
    let bytes = match encoding {
        Encoding::Base58 => bs58::decode(text).into_vec().map_err(|_| unreadable("not base58"))?,
        Encoding::Base64 => BASE64_STANDARD.decode(text).map_err(|_| unreadable("not base64"))?,
    };
    if bytes.len() > TRANSACTION_BYTES_MAX {
        let size = format!("too large: {} bytes (max: {TRANSACTION_BYTES_MAX})", bytes.len());
        return Err(unreadable(&size));
    }
    let transaction: VersionedTransaction =
        bincode::deserialize(&bytes).map_err(|_| unreadable("not a transaction"))?;
    transaction.sanitize().map_err(|error| unreadable(&error.to_string()))?;
    Ok(transaction)
}

fn verified(transaction: &VersionedTransaction) -> bool {
    let signed = transaction.signatures.iter().all(|signature| *signature != Signature::default());
    signed && transaction.verify_with_results().into_iter().all(|valid| valid)
}
