use crate::cluster::{Advance, Block, Commitment, Landed};
use crate::node::View;
use crate::rpc::{Error, Filter, Filters, Form, Params, address};
use crate::token;
use serde::Deserialize;
use serde_json::{Value, json};
use solana_account::{AccountSharedData, ReadableAccount as _};
use solana_pubkey::Pubkey;
use solana_signature::Signature;

/// The subject of a subscription.
pub(super) enum Subscription {
    /// Each slot.
    Slot,
    /// Changes of an account.
    Account { address: Pubkey, commitment: Commitment, form: Form },
    /// Changes of a program's accounts.
    Program { program: Pubkey, commitment: Commitment, form: Form, filters: Filters },
    /// Logs of the transactions that name an account, or of all.
    Logs { mentions: Option<Pubkey>, commitment: Commitment },
    /// The end of a transaction, once.
    Signature { signature: Signature, commitment: Commitment },
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Config {
    commitment: Commitment,
    #[serde(flatten)]
    form: Form,
    filters: Vec<Filter>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum LogsFilter {
    #[serde(alias = "allWithVotes")]
    All,
    Mentions([String; 1]),
}

impl Subscription {
    /// True if there are subscriptions of this name.
    pub(super) fn is_kind(kind: &str) -> bool {
        matches!(kind, "slot" | "account" | "program" | "logs" | "signature")
    }

    /// The name that methods and notifications begin with.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Slot => "slot",
            Self::Account { .. } => "account",
            Self::Program { .. } => "program",
            Self::Logs { .. } => "logs",
            Self::Signature { .. } => "signature",
        }
    }

    /// Reads the parameters of a subscribe method.
    pub(super) fn read(kind: &str, params: &Params) -> Result<Self, Error> {
        if !Self::is_kind(kind) {
            return Err(Error::method_not_found());
        }
        if kind == "slot" {
            return Ok(Self::Slot);
        }
        let Config { commitment, form, filters } = params.optional(1, "config")?;
        match kind {
            "account" => Ok(Self::Account { address: params.address(0)?, commitment, form }),
            "program" => {
                let filters = Filters::read(filters)?;
                Ok(Self::Program { program: params.address(0)?, commitment, form, filters })
            }
            "logs" => {
                let mentions = match params.required(0, "filter")? {
                    LogsFilter::All => None,
                    LogsFilter::Mentions([text]) => Some(address(&text)?),
                };
                Ok(Self::Logs { mentions, commitment })
            }
            _ => {
                let text: String = params.required(0, "signature")?;
                let signature =
                    text.parse().map_err(|_| Error::invalid_params("Invalid param: Invalid signature"))?;
                Ok(Self::Signature { signature, commitment })
            }
        }
    }

    /// True if it ends with its first notification.
    pub(super) fn is_once(&self) -> bool {
        match self {
            Self::Signature { .. } => true,
            Self::Slot | Self::Account { .. } | Self::Program { .. } | Self::Logs { .. } => false,
        }
    }

    /// The notification that is due at once: of a transaction that has ended already.
    pub(super) fn already(&self, view: &View<'_>) -> Option<Value> {
        match self {
            Self::Signature { signature, commitment } => {
                let status = view.status(signature)?;
                let seen = view.slot(*commitment);
                (status.slot <= seen).then(|| in_context(seen, json!({ "err": status.error })))
            }
            Self::Slot | Self::Account { .. } | Self::Program { .. } | Self::Logs { .. } => None,
        }
    }

    /// The notifications that the next block means for the subscriber of a node that claims to be so far
    /// `ahead`.
    pub(super) fn results(&self, advance: &Advance, ahead: u64) -> Vec<Value> {
        match self {
            Self::Slot => vec![json!({
                "slot": advance.slot.saturating_add(ahead),
                "parent": advance.parent,
                "root": advance.root,
            })],
            Self::Account { address, commitment, form } => {
                let block = advance.reached(*commitment);
                let change = block.and_then(|block| Some((block, block.changes.get(address)?)));
                let shown = change.map(|(block, change)| show(*form, block, change.after.as_ref()));
                shown.into_iter().collect()
            }
            Self::Program { program, commitment, form, filters } => {
                let block = advance.reached(*commitment);
                block.map(|block| changed(block, program, *form, filters)).unwrap_or_default()
            }
            Self::Logs { mentions, commitment } => {
                let block = advance.reached(*commitment);
                block.map(|block| logs(block, mentions.as_ref())).unwrap_or_default()
            }
            Self::Signature { signature, commitment } => {
                let block = advance.reached(*commitment);
                let landed =
                    block.and_then(|block| block.landed.iter().find(|landed| landed.signature == *signature));
                landed
                    .map(|landed| in_context(landed.slot, json!({ "err": landed.error })))
                    .into_iter()
                    .collect()
            }
        }
    }
}

/// An account as a block left it; one that is gone shows as nodes show it, empty.
fn show(form: Form, block: &Block, account: Option<&AccountSharedData>) -> Value {
    let gone = token::account(0, Vec::new(), Pubkey::default());
    let shown = form.show(account.unwrap_or(&gone)).unwrap_or_default();
    in_context(block.slot, shown)
}

fn changed(block: &Block, program: &Pubkey, form: Form, filters: &Filters) -> Vec<Value> {
    let changes =
        block.changes.iter().filter_map(|(address, change)| Some((address, change.after.as_ref()?)));
    let ours = changes.filter(|(_, account)| account.owner() == program && filters.pass(account));
    let shown = ours.map(|(address, account)| {
        let account = form.show(account).unwrap_or_default();
        in_context(block.slot, json!({ "pubkey": address.to_string(), "account": account }))
    });
    shown.collect()
}

fn logs(block: &Block, mentions: Option<&Pubkey>) -> Vec<Value> {
    let mentioned = |landed: &Landed| mentions.is_none_or(|key| landed.accounts.addresses.contains(key));
    let shown = block.landed.iter().filter(|landed| mentioned(landed)).map(|landed| {
        let value = json!({
            "signature": landed.signature.to_string(),
            "err": landed.error,
            "logs": landed.logs,
        });
        in_context(block.slot, value)
    });
    shown.collect()
}

fn in_context(slot: u64, value: Value) -> Value {
    json!({ "context": { "slot": slot }, "value": value })
}
