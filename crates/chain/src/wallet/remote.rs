//! Signers elsewhere: a program that holds the key, asked over HTTP.
//!
//! `POST` to the wallet's URL with `{"message": base64}` is answered by `{"signature": base58}`: the Ed25519 signature
//! of these bytes, as RFC 8032 has it. Every signature is verified before it is used.

use crate::rpc::install_tls;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::{Response, Url};
use serde::{Deserialize, Serialize};
use solana_pubkey::Pubkey;
use solana_signature::Signature;
use std::time::Duration;

/// Time for a signer to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Time for it to accept a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// No answer is longer.
const ANSWER_BYTES_MAX: usize = 4096;

/// An address that is no signer's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSigner {
    /// The text is no URL, or does not end in an address.
    #[error(
        "a signer is named by a URL that ends in the wallet's address, as https://signer.internal/ADDRESS"
    )]
    NotAUrl,
    /// Anybody on the way could read the token.
    #[error("a signer that gets a token must be at https://, or on this machine")]
    Exposed,
    /// The client cannot be made.
    #[error("the client of the signer cannot be made: {0}")]
    Client(String),
}

/// Why there is no signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    /// It did not answer.
    #[error("the signer of {wallet} did not answer: {reason}")]
    Unreachable {
        /// The wallet.
        wallet: Pubkey,
        /// The error that was met.
        reason: String,
    },
    /// It answered with something else than a signature of the message by the wallet.
    #[error("the signer of {wallet} gave no signature: {reason}")]
    Refused {
        /// The wallet.
        wallet: Pubkey,
        /// Its answer.
        reason: String,
    },
    /// It gives the same message another signature each time.
    #[error("the signer gives the same message different signatures: order markers need those of RFC 8032")]
    Random,
}

#[derive(Serialize)]
struct Asked {
    message: String,
}

#[derive(Deserialize)]
struct Answer {
    signature: String,
}

/// A signer of one wallet.
pub(super) struct RemoteSigner {
    http: reqwest::Client,
    url: Url,
    token: Option<String>,
    wallet: Pubkey,
}

impl RemoteSigner {
    pub(super) fn new(url: &str, token: Option<&str>) -> Result<Self, InvalidSigner> {
        let url: Url = url.parse().map_err(|_| InvalidSigner::NotAUrl)?;
        let last = url.path_segments().and_then(Iterator::last).unwrap_or_default();
        let wallet = last.parse().map_err(|_| InvalidSigner::NotAUrl)?;
        let here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if token.is_some() && url.scheme() != "https" && !here {
            return Err(InvalidSigner::Exposed);
        }
        install_tls();
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_WITHIN)
            .timeout(ANSWER_WITHIN)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| InvalidSigner::Client(error.without_url().to_string()))?;
        Ok(Self { http, url, token: token.map(str::to_owned), wallet })
    }

    pub(super) fn wallet(&self) -> Pubkey {
        self.wallet
    }

    pub(super) async fn sign(&self, message: &[u8]) -> Result<Signature, SignerError> {
        let unreachable = |error: reqwest::Error| SignerError::Unreachable {
            wallet: self.wallet,
            reason: error.without_url().to_string(),
        };
        let asked = self.http.post(self.url.clone()).json(&Asked { message: BASE64.encode(message) });
        let asked = match &self.token {
            Some(token) => asked.bearer_auth(token),
            None => asked,
        };
        let response = asked.send().await.map_err(unreachable)?;
        let status = response.status();
        if status.is_server_error() {
            let reason = format!("it answered {status}");
            return Err(SignerError::Unreachable { wallet: self.wallet, reason });
        }
        if !status.is_success() {
            return Err(self.refused(format!("it answered {status}")));
        }
        let body = read(response).await.map_err(unreachable)?;
        let answer: Answer = serde_json::from_slice(&body)
            .map_err(|_| self.refused("the answer is not of its form".to_owned()))?;
        let signature: Signature =
            answer.signature.parse().map_err(|_| self.refused("it is no signature".to_owned()))?;
        if signature.verify(self.wallet.as_ref(), message) {
            Ok(signature)
        } else {
            Err(self.refused("the signature is not the wallet's".to_owned()))
        }
    }

    fn refused(&self, reason: String) -> SignerError {
        SignerError::Refused { wallet: self.wallet, reason }
    }
}

/// The body, as far as answers go.
async fn read(mut response: Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = ANSWER_BYTES_MAX.saturating_sub(body.len());
        body.extend(chunk.iter().take(room));
        if chunk.len() > room {
            break;
        }
    }
    Ok(body)
}

#[cfg(test)]
mod tests;
