use solana_pubkey::Pubkey;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use solana_keypair::Keypair;
use solana_signer::Signer;

/// The operator's key. The secret half never leaves it. Cheap to clone.
#[derive(Clone)]
pub struct Wallet {
    keypair: Arc<Keypair>,
}

/// Why a keypair file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidWallet {
    /// The file cannot be read.
    #[error("cannot read the keypair file {path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// Others may read the secret key.
    #[error("the keypair file {path} can be read by others (mode {mode:03o}); run `chmod 600 {path}`")]
    Exposed {
        /// The file.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is not a keypair.
    #[error("the keypair file {path} is not a JSON array of 64 bytes as `solana-keygen` writes it")]
    NotAKeypair {
        /// The file.
        path: String,
    },
}

impl Wallet {
    /// Reads a keypair file as the Solana command line tools write it: a JSON array of 64 bytes.
    ///
    /// # Errors
    /// Unreadable, readable by others than its owner, or no keypair.
    pub fn read(path: &Path) -> Result<Self, InvalidWallet> {
        let _ = path;
        unimplemented!()
    }

    /// The public half: the wallet's address.
    pub fn pubkey(&self) -> Pubkey {
        self.keypair.pubkey()
    }
}

impl fmt::Debug for Wallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wallet({})", self.pubkey())
    }
}
