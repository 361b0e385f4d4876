//! Accounts: who owns orders and keys.

use crate::Said;
use clap::Subcommand;
use journal::Accounts;
use order_core::AccountId;
use serde::Serialize;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List all accounts.
    List,
    /// Create an account. Then issue a key for it.
    Create {
        /// The name: 1 to 64 characters of a-z, 0-9, - and _. It never changes.
        account: AccountId,
    },
}

#[derive(Debug, Serialize)]
struct Row {
    account: String,
    created: String,
}

pub(crate) async fn run(accounts: &Accounts, command: Command) -> anyhow::Result<Said> {
    match command {
        Command::List => {
            let rows: Vec<Row> = accounts
                .list()
                .await?
                .into_iter()
                .map(|(account, created)| Row { account: account.to_string(), created: created.to_string() })
                .collect();
            Said::table(&rows, "there are no accounts", ["ACCOUNT", "CREATED"], |row| {
                [row.account.clone(), row.created.clone()]
            })
        }
        Command::Create { account } => {
            anyhow::ensure!(accounts.create(&account).await?, "the account {account} exists already");
            Said::about(format!("{account}: created"), serde_json::json!({ "account": account }))
        }
    }
}
