//! The services' logins to the database.

use crate::Said;
use anyhow::Context as _;
use clap::{Subcommand, ValueEnum};
use journal::{Journal, StoreUser};
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Let a service log in with the rights that it needs, and no others. Of a login that is there, set the password.
    Login {
        /// The service.
        service: ServiceName,
        /// The name that it logs in with; that of the service if not given.
        #[arg(long)]
        name: Option<String>,
        /// A file with the password in its first line, or what PostgreSQL is to verify it with (`SCRAM-SHA-256$…`).
        #[arg(long)]
        password_file: PathBuf,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ServiceName {
    Gateway,
    Executor,
}

impl ServiceName {
    fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Executor => "executor",
        }
    }

    fn service(self) -> StoreUser {
        match self {
            Self::Gateway => StoreUser::Gateway,
            Self::Executor => StoreUser::Executor,
        }
    }
}

pub(crate) async fn run(database_url: &str, command: Command) -> anyhow::Result<Said> {
    let Command::Login { service, name, password_file } = command;
    let name = name.unwrap_or_else(|| service.name().to_owned());
    let password = first_line(&password_file)?;
    Journal::let_in(database_url, service.service(), &name, &password).await?;
    let role = service.service().role();
    Said::about(
        format!("{name} may log in, with the rights of {role}"),
        json!({ "login": name, "role": role }),
    )
}

fn first_line(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
