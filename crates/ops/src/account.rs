//! Accounts: who owns orders and keys, and what their orders may be.

use crate::Said;
use clap::{Args, Subcommand};
use journal::{Account, Accounts};
use order_core::{
    AccountAddress, AccountId, AccountPolicy, InvalidAddress, Mint, Slippage, UsdMicros, Venue, token,
};
use serde::Serialize;
use std::num::NonZeroU32;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List all accounts and their policies.
    List,
    /// Create an account. Then issue a key for it.
    Create {
        /// The name: 1 to 64 characters of a-z, 0-9, - and _. It never changes.
        account: AccountId,
    },
    /// Set what the orders of an account may be, in place of the policy that it had. What is not given has no bound.
    Policy {
        /// The account.
        account: AccountId,
        #[command(flatten)]
        bounds: Bounds,
    },
}

/// The bounds of an account's orders.
#[derive(Debug, Args)]
pub(crate) struct Bounds {
    /// Most that one order may be worth, in USD.
    #[arg(long)]
    max_order_value: Option<UsdMicros>,
    /// Most that the orders of a day (UTC) may come to, in USD.
    #[arg(long)]
    max_day_value: Option<UsdMicros>,
    /// Highest slippage that an order may set, as a fraction: 0.01 is one percent.
    #[arg(long, value_parser = Slippage::parse)]
    max_slippage: Option<Slippage>,
    /// The tokens that orders may spend and buy, comma-separated: known symbols or mint addresses.
    #[arg(long = "token", value_delimiter = ',', value_parser = mint)]
    tokens: Vec<Mint>,
    /// The venues that orders may go over, comma-separated.
    #[arg(long = "venue", value_delimiter = ',')]
    venues: Vec<Venue>,
    /// Most orders that executors work on at the same time.
    #[arg(long)]
    max_working: Option<NonZeroU32>,
    /// The wallet that signs. Orders wait until an executor has it.
    #[arg(long)]
    wallet: Option<AccountAddress>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    account: String,
    created: String,
    max_order_value: Option<String>,
    max_day_value: Option<String>,
    max_slippage: Option<String>,
    tokens: Option<Vec<String>>,
    venues: Option<Vec<String>>,
    max_working: Option<NonZeroU32>,
    wallet: Option<String>,
}

pub(crate) async fn run(accounts: &Accounts, command: Command) -> anyhow::Result<Said> {
    match command {
        Command::List => {
            let rows: Vec<Row> = accounts.list().await?.into_iter().map(Row::of).collect();
            Said::table(&rows, "there are no accounts", ["ACCOUNT", "CREATED", "POLICY"], Row::cells)
        }
        Command::Create { account } => {
            anyhow::ensure!(accounts.create(&account).await?, "the account {account} exists already");
            Said::about(format!("{account}: created"), serde_json::json!({ "account": account }))
        }
        Command::Policy { account, bounds } => {
            let set = accounts.set_policy(&account, &bounds.into()).await?;
            anyhow::ensure!(set, "there is no account {account}");
            Said::about(format!("{account}: policy set"), serde_json::json!({ "account": account }))
        }
    }
}

impl From<Bounds> for AccountPolicy {
    fn from(bounds: Bounds) -> Self {
        let Bounds { max_order_value, max_day_value, max_slippage, tokens, venues, max_working, wallet } =
            bounds;
        Self {
            max_order_value,
            max_day_value,
            max_slippage,
            tokens: (!tokens.is_empty()).then(|| tokens.into_iter().collect()),
            venues: (!venues.is_empty()).then(|| venues.into_iter().collect()),
            max_working,
            wallet,
        }
    }
}

/// The mint of a known symbol, or of an address.
fn mint(text: &str) -> Result<Mint, InvalidAddress> {
    match token::known().find(|token| token.symbol == text) {
        Some(token) => Ok(token.mint),
        None => text.parse(),
    }
}

impl Row {
    fn of(account: Account) -> Self {
        let Account { id, created_at, policy } = account;
        Self {
            account: id.to_string(),
            created: created_at.to_string(),
            max_order_value: policy.max_order_value.map(|value| value.to_string()),
            max_day_value: policy.max_day_value.map(|value| value.to_string()),
            max_slippage: policy.max_slippage.map(Slippage::to_decimal),
            tokens: policy.tokens.map(|tokens| tokens.iter().map(Mint::to_string).collect()),
            venues: policy.venues.map(|venues| venues.iter().map(Venue::to_string).collect()),
            max_working: policy.max_working,
            wallet: policy.wallet.map(|wallet| wallet.to_string()),
        }
    }

    fn cells(&self) -> [String; 3] {
        let bounds = [
            self.max_order_value.as_ref().map(|value| format!("{value} USD an order")),
            self.max_day_value.as_ref().map(|value| format!("{value} USD a day")),
            self.max_slippage.as_ref().map(|slippage| format!("slippage {slippage}")),
            self.tokens.as_ref().map(|tokens| format!("tokens {}", tokens.join(" "))),
            self.venues.as_ref().map(|venues| format!("venues {}", venues.join(" "))),
            self.max_working.map(|orders| format!("{orders} in work")),
            self.wallet.as_ref().map(|wallet| format!("wallet {wallet}")),
        ];
        let bounds: Vec<String> = bounds.into_iter().flatten().collect();
        let policy = if bounds.is_empty() { "no bounds".to_owned() } else { bounds.join(", ") };
        [self.account.clone(), self.created.clone(), policy]
    }
}
