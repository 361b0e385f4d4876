use anyhow::{Context as _, bail};
use solana_keypair::Keypair;
use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Reads a keypair file as `solana-keygen` writes it; makes a new one, readable by its owner
/// only, if there is none.
pub(crate) fn read_or_create(path: &Path) -> anyhow::Result<Keypair> {
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let read = || Keypair::try_from(serde_json::from_str::<Vec<u8>>(&text).ok()?.as_slice()).ok();
            let Some(keypair) = read() else { bail!("{} is not a keypair file", path.display()) };
            Ok(keypair)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            create(path).with_context(|| format!("creating the wallet {}", path.display()))
        }
        Err(error) => Err(error).with_context(|| format!("reading the wallet {}", path.display())),
    }
}

/// Written beside and then moved, so that a process that waits for the file never reads half.
fn create(path: &Path) -> anyhow::Result<Keypair> {
    let keypair = Keypair::new();
    let bytes: &[u8] = &keypair.to_bytes();
    let beside = path.with_extension("new");
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(&serde_json::to_vec(bytes)?)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    Ok(keypair)
}

#[cfg(test)]
mod tests {
    use super::*;
    use solana_signer::Signer as _;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_wallet_is_made_once_and_kept_private() {
        let folder = std::env::temp_dir().join(format!("sandbox-wallet-{}", std::process::id()));
        let path = folder.join("wallet.json");
        let made = read_or_create(&path).unwrap().pubkey();
        assert_eq!(read_or_create(&path).unwrap().pubkey(), made);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, "[1,2]").unwrap();
        assert!(read_or_create(&path).unwrap_err().to_string().contains("is not a keypair file"));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
