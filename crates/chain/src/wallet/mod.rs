//! Wallets: the key in a file, or with a signer elsewhere.

mod file;
mod remote;

pub use file::InvalidFile;
pub(crate) use file::read as read_secret;
pub use remote::{InvalidSigner, SignerError};

use remote::RemoteSigner;
use solana_keypair::Keypair;
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use solana_signer::Signer as _;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// The message that shows, at the start, that a signer has the wallet's key.
const PROOF: &[u8] = b"order execution engine: proof of a signer, version 1";

/// An operator's wallet: it signs, and does not give the key away. Cheap to clone.
#[derive(Clone)]
pub struct Wallet {
    pubkey: Pubkey,
    signer: Signer,
}

/// The holder of the key.
#[derive(Clone)]
enum Signer {
    /// This process.
    Keypair(Arc<Keypair>),
    /// Another program, such as one in front of a key management service.
    Remote(Arc<RemoteSigner>),
}

/// Why a wallet cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidWallet {
    /// The file of the key or of the token.
    #[error(transparent)]
    File(#[from] InvalidFile),
    /// The address of the signer.
    #[error(transparent)]
    Signer(#[from] InvalidSigner),
}

impl Wallet {
    /// Opens a wallet: a keypair file as `solana-keygen` writes it, or the URL of a signer whose last part is the
    /// wallet's address. A signer gets the text of `token_file` as its bearer. It is not asked yet: see
    /// [`Wallet::prove`].
    ///
    /// # Errors
    /// See [`InvalidWallet`].
    pub fn open(place: &str, token_file: Option<&Path>) -> Result<Self, InvalidWallet> {
        if place.starts_with("http://") || place.starts_with("https://") {
            let token = token_file.map(file::read).transpose()?;
            let remote = RemoteSigner::new(place, token.as_deref().map(str::trim))?;
            return Ok(Self { pubkey: remote.wallet(), signer: Signer::Remote(Arc::new(remote)) });
        }
        let keypair = file::read_keypair(Path::new(place))?;
        Ok(Self { pubkey: keypair.pubkey(), signer: Signer::Keypair(Arc::new(keypair)) })
    }

    /// The wallet's address.
    pub fn pubkey(&self) -> Pubkey {
        self.pubkey
    }

    /// Checks that the signer has the key, and that it gives the same message the same signature. Order markers come
    /// from signatures, so a signer that draws them at random would let an order swap twice.
    ///
    /// # Errors
    /// It does not answer, or it is not such a signer.
    pub async fn prove(&self) -> Result<(), SignerError> {
        let (one, other) = (self.sign(PROOF).await?, self.sign(PROOF).await?);
        if one == other { Ok(()) } else { Err(SignerError::Random) }
    }

    /// The signature of a message.
    pub(crate) async fn sign(&self, message: &[u8]) -> Result<Signature, SignerError> {
        match &self.signer {
            Signer::Keypair(keypair) => Ok(keypair.sign_message(message)),
            Signer::Remote(remote) => remote.sign(message).await,
        }
    }

    #[cfg(test)]
    pub(crate) fn for_test(seed: u8) -> Self {
        let keypair = Keypair::new_from_array([seed; 32]);
        Self { pubkey: keypair.pubkey(), signer: Signer::Keypair(Arc::new(keypair)) }
    }
}

impl fmt::Debug for Wallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wallet({})", self.pubkey())
    }
}
