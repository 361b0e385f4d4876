//! Methods that take a transaction.

use super::account::Form;
use super::chain::{blockhash, newest_block};
use super::error::Error;
use super::in_context;
use super::landed::{show_inner, show_loaded, show_token_balances};
use super::params::{Params, address};
use super::state::{NEWEST, show};
use crate::cluster::{
    Accounts, Balances, Block, Commitment, TRANSACTION_BYTES_MAX, TRANSACTION_V1_BYTES_MAX, is_charged, takes,
};
use crate::node::{Node, View};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use litesvm::types::{SimulatedTransactionInfo, TransactionMetadata};
use serde::Deserialize;
use serde_json::{Value, json};
use solana_account::{AccountSharedData, ReadableAccount as _};
use solana_message::v1::V1_PREFIX;
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_transaction::versioned::VersionedTransaction;
use solana_transaction_error::TransactionError;

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
    inner_instructions: bool,
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
#[derive(Default)]
struct Simulation {
    error: Option<TransactionError>,
    meta: TransactionMetadata,
    changed: Vec<(Pubkey, AccountSharedData)>,
    /// All that the transaction names; None if a lookup table cannot be read.
    accounts: Option<Accounts>,
    /// Before and after; None if nobody looked.
    balances: Option<[Balances; 2]>,
    /// Bytes of the accounts that were loaded.
    loaded_bytes: usize,
}

/// Bytes that a real node counts for each account that it loads, beside its data.
const ACCOUNT_BASE_BYTES: usize = 64;

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
    let simulation = if config.sig_verify && !verified(&transaction) {
        Simulation::refused(TransactionError::SignatureFailure)
    } else {
        run(&view, transaction, config.replace_recent_blockhash, &block)?
    };
    let mut value = simulation.show();
    if let Some(fields) = value.as_object_mut().filter(|_| config.inner_instructions) {
        // Real nodes parse those of programs that they know.
        fields.insert("innerInstructions".to_owned(), json!(show_inner(&simulation.meta.inner_instructions)));
    }
    if let Some(watched) = &config.accounts
        && let Some(fields) = value.as_object_mut()
    {
        fields.insert("accounts".to_owned(), simulation.show_accounts(&view, watched)?);
    }
    if let Some(fields) = value.as_object_mut() {
        fields.insert("replacementBlockhash".to_owned(), replacement);
    }
    Ok(in_context(view.slot(NEWEST), value))
}

pub(super) fn send(node: &Node, params: &Params) -> Result<Value, Error> {
    let text: String = params.required(0, "transaction")?;
    let config: SendConfig = params.optional(1, "config")?;
    let transaction = decode(&text, config.encoding)?;
    let signature =
        *transaction.signatures.first().ok_or_else(|| Error::invalid_params("it has no signature"))?;
    node.received(&signature).map_err(|error| Error::internal(&error))?;
    let verified = verified(&transaction);
    if !config.skip_preflight {
        preflight(&node.view(), &config, transaction.clone(), verified)?;
    }
    if !verified {
        // As on real nodes: it is taken, and no block ever has it.
        return Ok(json!(signature.to_string()));
    }
    node.submit(signature, transaction).map_err(|full| Error::unhealthy(full.to_string()))?;
    Ok(json!(signature.to_string()))
}

fn preflight(
    view: &View<'_>,
    config: &SendConfig,
    transaction: VersionedTransaction,
    verified: bool,
) -> Result<(), Error> {
    reached(view, config.preflight_commitment, config.min_context_slot)?;
    let block = newest_block(view, config.preflight_commitment)?;
    let simulation = if verified {
        run(view, transaction, false, &block)?
    } else {
        Simulation::refused(TransactionError::SignatureFailure)
    };
    match &simulation.error {
        Some(error) => Err(Error::preflight(&error.to_string(), simulation.show_failed())),
        None => Ok(()),
    }
}

/// Simulates on the newest state that the node knows. The checks of age and repetition look at
/// `block`, so that a blockhash may be unknown to the node that the caller asked for.
fn run(
    view: &View<'_>,
    transaction: VersionedTransaction,
    any_blockhash: bool,
    block: &Block,
) -> Result<Simulation, Error> {
    let bank = &view.cluster().bank;
    if !takes(bank, &transaction, view.slot(NEWEST)) {
        return Ok(Simulation::refused(TransactionError::UnsupportedVersion));
    }
    let accounts = match Accounts::resolve(bank, &transaction) {
        Ok(accounts) => accounts,
        Err(error) => return Ok(Simulation::refused(error)),
    };
    if !any_blockhash && let Some(error) = unusable(view, &transaction, block) {
        return Ok(Simulation::refused(error).naming(view, accounts));
    }
    let simulated = if view.lags() {
        let svm = bank.svm_at(view.slot(NEWEST)).map_err(|error| Error::internal(&error))?;
        svm.simulate_transaction(transaction)
    } else {
        bank.svm().simulate_transaction(transaction)
    };
    let simulation = match simulated {
        Ok(SimulatedTransactionInfo { meta, post_accounts }) => {
            Simulation { error: None, meta, changed: post_accounts, ..Simulation::default() }
        }
        Err(failed) => Simulation { meta: failed.meta, ..Simulation::refused(failed.err) },
    };
    Ok(simulation.naming(view, accounts))
}

/// The reason why a transaction may not be in the next block, if it has landed or is too old.
fn unusable(view: &View<'_>, transaction: &VersionedTransaction, block: &Block) -> Option<TransactionError> {
    let signature = transaction.signatures.first().copied().unwrap_or_default();
    if view.status(&signature).is_some() {
        return Some(TransactionError::AlreadyProcessed);
    }
    let bank = &view.cluster().bank;
    let named = bank.usable_blockhash(transaction.message.recent_blockhash(), block.height);
    named.is_none_or(|named| named.slot > block.slot).then_some(TransactionError::BlockhashNotFound)
}

impl Simulation {
    fn refused(error: TransactionError) -> Self {
        Self { error: Some(error), ..Self::default() }
    }

    /// The same, of a transaction that names these accounts.
    fn naming(mut self, view: &View<'_>, accounts: Accounts) -> Self {
        if self.is_run() {
            let loaded = accounts.addresses.iter().filter_map(|address| view.account(address, NEWEST));
            self.loaded_bytes =
                loaded.map(|account| account.data().len().saturating_add(ACCOUNT_BASE_BYTES)).sum();
        }
        self.balances = Some(self.balances(view, &accounts));
        self.accounts = Some(accounts);
        self
    }

    /// True if its programs were run. The VM gives the signature of what it ran and none of what it refused.
    fn is_run(&self) -> bool {
        self.error.is_none() || self.meta.signature != Signature::default()
    }

    /// As a node that refuses to forward the transaction shows it: without what it has not looked at.
    fn show_failed(&self) -> Value {
        let mut shown = self.show();
        const LEFT_OUT: [&str; 5] =
            ["preBalances", "postBalances", "preTokenBalances", "postTokenBalances", "loadedAddresses"];
        for key in LEFT_OUT {
            shown[key] = Value::Null;
        }
        shown
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
            "loadedAccountsDataSize": self.loaded_bytes,
            "loadedAddresses": self.accounts.as_ref().map_or_else(nothing_loaded, show_loaded),
            "fee": (self.is_run() || self.error.as_ref().is_some_and(is_charged)).then_some(self.meta.fee),
            "returnData": return_data,
            "innerInstructions": null,
            "replacementBlockhash": null,
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

fn nothing_loaded() -> Value {
    json!({ "writable": [], "readonly": [] })
}

fn reached(view: &View<'_>, commitment: Commitment, wanted: Option<u64>) -> Result<(), Error> {
    let slot = view.slot(commitment);
    if wanted.is_some_and(|wanted| slot < wanted) { Err(Error::min_context_slot(slot)) } else { Ok(()) }
}

fn decode(text: &str, encoding: Encoding) -> Result<VersionedTransaction, Error> {
    let unreadable = |what: &str| Error::invalid_params(format!("failed to decode the transaction: {what}"));
    // Both encodings need at most twice the bytes; longer text is not worth decoding.
    if text.len() > TRANSACTION_V1_BYTES_MAX.saturating_mul(2) {
        return Err(unreadable("it is too large"));
    }
    let bytes = match encoding {
        Encoding::Base58 => bs58::decode(text).into_vec().map_err(|_| unreadable("not base58"))?,
        Encoding::Base64 => BASE64_STANDARD.decode(text).map_err(|_| unreadable("not base64"))?,
    };
    let most = bytes_max(&bytes, encoding);
    if bytes.len() > most {
        return Err(unreadable(&format!("too large: {} bytes (max: {most})", bytes.len())));
    }
    let transaction: VersionedTransaction =
        wincode::deserialize(&bytes).map_err(|_| unreadable("not a transaction"))?;
    transaction.sanitize().map_err(|error| unreadable(&error.to_string()))?;
    Ok(transaction)
}

/// Most bytes of a transaction that begins like this. As on real nodes, base58 is for those that fit in a packet.
fn bytes_max(bytes: &[u8], encoding: Encoding) -> usize {
    match encoding {
        Encoding::Base64 if bytes.first() == Some(&V1_PREFIX) => TRANSACTION_V1_BYTES_MAX,
        Encoding::Base58 | Encoding::Base64 => TRANSACTION_BYTES_MAX,
    }
}

fn verified(transaction: &VersionedTransaction) -> bool {
    let signed = transaction.signatures.iter().all(|signature| *signature != Signature::default());
    signed && transaction.verify_with_results().into_iter().all(|valid| valid)
}
