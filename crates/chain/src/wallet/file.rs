//! Files with secrets: keypairs, tokens of signers, and keys of senders.

use solana_keypair::Keypair;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Why a file with a secret cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidFile {
    /// The file cannot be read.
    #[error("cannot read the file {path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// Others may read the secret.
    #[error("the file {path} can be read by others (mode {mode:03o}); run `chmod 600 {path}`")]
    Exposed {
        /// The file.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is not a keypair.
    #[error("the file {path} is not a JSON array of 64 bytes as `solana-keygen` writes it")]
    NotAKeypair {
        /// The file.
        path: String,
    },
}

/// Reads a keypair file as the Solana command line tools write it: a JSON array of 64 bytes.
///
/// # Errors
/// Unreadable, readable by others than its owner, or no keypair.
pub(super) fn read_keypair(path: &Path) -> Result<Keypair, InvalidFile> {
    let none = || InvalidFile::NotAKeypair { path: path.display().to_string() };
    let bytes: Vec<u8> = serde_json::from_str(&read(path)?).map_err(|_| none())?;
    Keypair::try_from(bytes.as_slice()).map_err(|_| none())
}

/// Reads the text of a file that only its owner may read.
///
/// # Errors
/// Unreadable, or readable by others.
pub(crate) fn read(path: &Path) -> Result<String, InvalidFile> {
    let name = || path.display().to_string();
    let unreadable = |source| InvalidFile::Unreadable { path: name(), source };
    let file = File::open(path).map_err(unreadable)?;
    // The open file is asked, not the path: nobody can swap it in between.
    let mode = file.metadata().map_err(unreadable)?.permissions().mode() & 0o777;
    if mode & OTHERS != 0 {
        return Err(InvalidFile::Exposed { path: name(), mode });
    }
    let mut text = String::new();
    file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

/// Permissions of the group and of everybody else.
const OTHERS: u32 = 0o077;
/// A keypair takes at most 257 characters; anything much longer is some other file.
const FILE_BYTES_MAX: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Wallet;
    use std::os::unix::fs::OpenOptionsExt;
    use std::path::PathBuf;

    /// A file of its own for each test, gone with it.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str, mode: u32, content: &str) -> Self {
            let path = std::env::temp_dir().join(format!("chain-wallet-{}-{name}", std::process::id()));
            let _ = std::fs::remove_file(&path);
            let mut file = File::options().write(true).create_new(true).mode(mode).open(&path).unwrap();
            std::io::Write::write_all(&mut file, content.as_bytes()).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_file(&self.0);
        }
    }

    fn keypair_json() -> String {
        serde_json::to_string(&Keypair::new_from_array([7; 32]).to_bytes().to_vec()).unwrap()
    }

    #[test]
    fn reads_a_private_keypair_and_never_shows_its_secret() {
        let file = Scratch::new("private", 0o600, &keypair_json());
        let wallet = Wallet::open(file.0.to_str().unwrap(), None).unwrap();
        assert_eq!(wallet.pubkey().to_string(), "GmaDrppBC7P5ARKV8g3djiwP89vz1jLK23V2GBjuAEGB");
        assert_eq!(format!("{wallet:?}"), "Wallet(GmaDrppBC7P5ARKV8g3djiwP89vz1jLK23V2GBjuAEGB)");
    }

    #[test]
    fn refuses_a_file_that_others_may_read_and_says_what_to_do() {
        for (name, mode) in [("group", 0o640), ("others", 0o604), ("write", 0o620)] {
            let file = Scratch::new(name, mode, &keypair_json());
            let error = read_keypair(&file.0).unwrap_err();
            assert!(matches!(error, InvalidFile::Exposed { mode: found, .. } if found == mode), "{error}");
            assert!(error.to_string().contains("chmod 600"));
        }
    }

    #[test]
    fn refuses_what_is_no_keypair_without_quoting_it() {
        let mut foreign = Keypair::new_from_array([7; 32]).to_bytes().to_vec();
        foreign[63] ^= 1;
        let foreign = serde_json::to_string(&foreign).unwrap();
        for (index, content) in ["", "[1,2,3]", "{}", "[256]", foreign.as_str()].into_iter().enumerate() {
            let file = Scratch::new(&format!("bad{index}"), 0o600, content);
            let error = read_keypair(&file.0).unwrap_err();
            assert!(matches!(error, InvalidFile::NotAKeypair { .. }), "{error}");
        }
        assert!(matches!(
            read_keypair(Path::new("/nonexistent/wallet.json")),
            Err(InvalidFile::Unreadable { .. })
        ));
    }
}
