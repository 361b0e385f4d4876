//! Methods about accounts.

use super::account::{Filter, Filters, Form};
use super::error::Error;
use super::in_context;
use super::params::{Context, Params, address};
use crate::cluster::Commitment;
use crate::node::Node;
use crate::token::{self, Holding};
use order_core::Atoms;
use serde::Deserialize;
use serde_json::{Value, json};
use solana_account::{AccountSharedData, ReadableAccount as _};
use solana_pubkey::Pubkey;

/// The most accounts of one `getMultipleAccounts`, as on real nodes.
const ACCOUNTS_MAX: usize = 100;

/// Which state, and how it is shown.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Config {
    #[serde(flatten)]
    context: Context,
    #[serde(flatten)]
    form: Form,
    filters: Vec<Filter>,
    with_context: bool,
}

pub(super) fn minimum_balance(node: &Node, params: &Params) -> Result<Value, Error> {
    Ok(json!(node.view().cluster().bank.minimum_balance(params.required(0, "length")?)))
}

pub(super) fn balance(node: &Node, params: &Params) -> Result<Value, Error> {
    let (address, config) = (params.address(0)?, params.optional::<Config>(1, "config")?);
    let view = node.view();
    let slot = config.context.slot(&view)?;
    let account = view.account(&address, config.context.commitment);
    Ok(in_context(view.claimed(slot), json!(account.map_or(0, |account| account.lamports()))))
}

pub(super) fn account(node: &Node, params: &Params) -> Result<Value, Error> {
    let (address, config) = (params.address(0)?, params.optional::<Config>(1, "config")?);
    let view = node.view();
    let slot = config.context.slot(&view)?;
    let account = view.account(&address, config.context.commitment);
    Ok(in_context(view.claimed(slot), show(config.form, account.as_ref())?))
}

pub(super) fn accounts(node: &Node, params: &Params) -> Result<Value, Error> {
    let addresses: Vec<String> = params.required(0, "addresses")?;
    let config: Config = params.optional(1, "config")?;
    if addresses.len() > ACCOUNTS_MAX {
        return Err(Error::invalid_params(format!("Too many inputs provided; max {ACCOUNTS_MAX}")));
    }
    let view = node.view();
    let slot = config.context.slot(&view)?;
    let mixed = node.faults().mixes(node.number);
    let shown = addresses.iter().zip([0, mixed].into_iter().cycle()).map(|(text, before)| {
        let account = view.account_before(&address(text)?, config.context.commitment, before);
        show(config.form, account.as_ref())
    });
    Ok(in_context(view.claimed(slot), Value::Array(shown.collect::<Result<_, _>>()?)))
}

pub(super) fn program_accounts(node: &Node, params: &Params) -> Result<Value, Error> {
    let (program, config) = (params.address(0)?, params.optional::<Config>(1, "config")?);
    let filters = Filters::read(config.filters)?;
    let view = node.view();
    let slot = config.context.slot(&view)?;
    let accounts = view.program_accounts(&program, config.context.commitment);
    let shown = accounts.iter().filter(|(_, account)| filters.pass(account)).map(|(address, account)| {
        Ok(json!({ "pubkey": address.to_string(), "account": config.form.show(account)? }))
    });
    let shown = Value::Array(shown.collect::<Result<_, Error>>()?);
    Ok(if config.with_context { in_context(slot, shown) } else { shown })
}

pub(super) fn token_balance(node: &Node, params: &Params) -> Result<Value, Error> {
    let (address, context) = (params.address(0)?, params.optional::<Context>(1, "config")?);
    let view = node.view();
    let slot = context.slot(&view)?;
    let read = |address: &Pubkey| view.account(address, context.commitment);
    let account =
        read(&address).ok_or_else(|| Error::invalid_params("Invalid param: could not find account"))?;
    let holding = Holding::decode(&account);
    let held = holding.and_then(|held| Some((held.amount, token::decimals(&read(&held.mint)?)?)));
    let (amount, decimals) =
        held.ok_or_else(|| Error::invalid_params("Invalid param: not a Token account"))?;
    Ok(in_context(slot, token_amount(amount, decimals)))
}

/// An amount of a token as answers show it.
pub(super) fn token_amount(amount: u64, decimals: u8) -> Value {
    let text = Atoms::new(amount).to_decimal(decimals);
    let number = text.parse::<f64>().ok();
    json!({ "amount": amount.to_string(), "decimals": decimals, "uiAmount": number, "uiAmountString": text })
}

/// The account itself, when the state of a commitment is wanted as JSON.
pub(super) fn show(form: Form, account: Option<&AccountSharedData>) -> Result<Value, Error> {
    account.map_or(Ok(Value::Null), |account| form.show(account))
}

/// The least sure state, which simulations run on.
pub(super) const NEWEST: Commitment = Commitment::Processed;
