//! API keys: issued, listed, rotated and revoked.

use crate::Said;
use anyhow::Context as _;
use clap::Subcommand;
use ipnet::IpNet;
use journal::{Accounts, ApiKey, IssuedKey, KeyId, KeyRequest};
use order_core::{AccountId, Scope};
use serde::Serialize;
use std::time::Duration;

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Issue a key, and print it: this once, as only a hash of it is stored.
    Issue {
        /// The account that it acts for; `ops account create` creates one.
        #[arg(long, default_value_t = AccountId::operator())]
        account: AccountId,
        /// Its rights: read, trade, admin.
        #[arg(long = "scope", value_delimiter = ',', default_value = "read,trade")]
        scopes: Vec<Scope>,
        /// A text by which people know it.
        #[arg(long, default_value = "")]
        label: String,
        /// The networks that it may be used from, e.g. 10.0.0.0/8; from everywhere if there are none.
        #[arg(long = "network", value_delimiter = ',')]
        networks: Vec<IpNet>,
        /// The days that it is valid; for ever if not given.
        #[arg(long)]
        days: Option<u32>,
    },
    /// List the keys, those that are revoked and expired included.
    List {
        /// Only those of this account.
        #[arg(long)]
        account: Option<AccountId>,
    },
    /// Issue a key in place of another, with its account, scopes, networks and expiry. Print it, this once.
    Rotate {
        /// The id of the key that is replaced: the 12 digits after `oek_`.
        id: KeyId,
        /// The minutes for which that one stays valid.
        #[arg(long, default_value_t = 60)]
        overlap_minutes: u32,
    },
    /// Revoke a key for good. Gateways refuse it within two seconds.
    Revoke {
        /// Its id: the 12 digits after `oek_`.
        id: KeyId,
    },
}

/// A key that was issued, with its secret.
#[derive(Debug, Serialize)]
struct Fresh {
    id: String,
    key: String,
}

#[derive(Debug, Serialize)]
struct Row {
    id: String,
    account: String,
    scopes: Vec<&'static str>,
    networks: Vec<String>,
    label: String,
    created: String,
    expires: Option<String>,
    revoked: Option<String>,
    last_used: Option<String>,
}

pub(crate) async fn run(accounts: &Accounts, command: Command) -> anyhow::Result<Said> {
    match command {
        Command::Issue { account, scopes, label, networks, days } => {
            let lifetime = days.map(|days| Duration::from_secs(u64::from(days) * DAY));
            let scopes = scopes.into_iter().collect();
            let key = random_key()?;
            accounts.issue(&key, &KeyRequest { account, label, scopes, networks, lifetime }).await?;
            fresh(&key)
        }
        Command::List { account } => {
            let rows: Vec<Row> = accounts.keys(account.as_ref()).await?.into_iter().map(Row::of).collect();
            let header = ["ID", "ACCOUNT", "SCOPES", "NETWORKS", "STATE", "LAST USED", "LABEL"];
            Said::table(&rows, "there are no keys", header, Row::cells)
        }
        Command::Rotate { id, overlap_minutes } => {
            let key = random_key()?;
            let overlap = Duration::from_secs(u64::from(overlap_minutes) * MINUTE);
            anyhow::ensure!(accounts.rotate(&id, &key, overlap).await?, "there is no valid key {id}");
            fresh(&key)
        }
        Command::Revoke { id } => {
            anyhow::ensure!(accounts.revoke(&id).await?, "there is no key {id}");
            Said::about(format!("{id}: revoked"), serde_json::json!({ "id": id.as_str() }))
        }
    }
}

fn random_key() -> anyhow::Result<ApiKey> {
    let mut random = [0; ApiKey::RANDOM_LENGTH];
    getrandom::fill(&mut random).context("asking the operating system for random bytes")?;
    Ok(ApiKey::from_random(&random))
}

fn fresh(key: &ApiKey) -> anyhow::Result<Said> {
    let text = key.reveal();
    Said::about(text.clone(), Fresh { id: key.id().to_string(), key: text })
}

impl Row {
    fn of(key: IssuedKey) -> Self {
        Self {
            id: key.id.to_string(),
            account: key.account.to_string(),
            scopes: key.scopes.iter().map(|scope| scope.name()).collect(),
            networks: key.networks.iter().map(IpNet::to_string).collect(),
            label: key.label,
            created: key.created_at.to_string(),
            expires: key.expires_at.map(|at| at.to_string()),
            revoked: key.revoked_at.map(|at| at.to_string()),
            last_used: key.last_used_at.map(|at| at.to_string()),
        }
    }

    fn cells(&self) -> [String; 7] {
        let state = match (&self.revoked, &self.expires) {
            (Some(at), _) => format!("revoked {at}"),
            (None, Some(at)) => format!("valid until {at}"),
            (None, None) => "valid".to_owned(),
        };
        let networks = if self.networks.is_empty() { "all".to_owned() } else { self.networks.join(",") };
        let last_used = self.last_used.clone().unwrap_or_else(|| "never".to_owned());
        [
            self.id.clone(),
            self.account.clone(),
            self.scopes.join(","),
            networks,
            state,
            last_used,
            self.label.clone(),
        ]
    }
}
