//! The accounts of the cluster as files for another validator.

use crate::cluster::{Bank, FEATURE_PROGRAM};
use crate::rpc::Form;
use anyhow::Context as _;
use serde_json::json;
use solana_account::ReadableAccount as _;
use solana_pubkey::Pubkey;
use std::path::Path;

/// The owner of what every validator has of its own, as it has its features: the clock, for one.
const SYSVAR: Pubkey = Pubkey::from_str_const("Sysvar1111111111111111111111111111111111111");

/// Writes each account of the first block into a file with the name of its address, and says how many they are. The VM's
/// own accounts, such as programs, are older.
///
/// # Errors
/// The folder cannot be made, or a file not be written.
pub(crate) fn write(bank: &Bank, folder: &Path) -> anyhow::Result<usize> {
    std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let mut dumped = bank.oldest_changes();
    dumped.retain(|(_, account)| ![SYSVAR, FEATURE_PROGRAM].contains(account.owner()));
    for (address, account) in &dumped {
        let path = folder.join(format!("{address}.json"));
        let shown = Form::default().show(account).map_err(|_| anyhow::anyhow!("showing {address}"))?;
        let text = json!({ "pubkey": address.to_string(), "account": shown }).to_string();
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(dumped.len())
}
