use super::Client;
use crate::{Commitment, Error};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::StreamExt as _;
use serde_json::json;
use std::fmt;
use std::sync::Arc;

/// No node took a transaction, and why. It may land all the same.
#[derive(Debug)]
pub struct NotTaken(pub Vec<Error>);

/// The nodes' own simulation of a transaction that they are handed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preflight {
    /// A node that sees it fail refuses it and says why. It may land all the same: the bytes are out.
    Run,
    /// The chain alone decides: what fails lands as reverted within a few slots, for its fee.
    Skip,
}

impl fmt::Display for NotTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no node took the transaction")?;
        self.0.iter().try_for_each(|error| write!(f, "; {error}"))
    }
}

impl std::error::Error for NotTaken {}

impl Client {
    /// Hands signed bytes to every node and sender. `Ok` means that at least one took them, or has them already; it
    /// does not mean that they land. The others are not waited for: they get the bytes all the same.
    ///
    /// # Errors
    /// No node took them. They may land all the same.
    pub async fn send(&self, transaction: &[u8], preflight: Preflight) -> Result<(), NotTaken> {
        let params = Arc::new(json!([BASE64.encode(transaction), {
            "encoding": "base64",
            "skipPreflight": preflight == Preflight::Skip,
            // That of the blockhash: a node that is behind would not know it otherwise.
            "preflightCommitment": Commitment::Confirmed.name(),
            // Whoever sends it repeats it; the node need not.
            "maxRetries": 0,
        }]));
        let mut errors = Vec::new();
        const METHOD: &str = "sendTransaction";
        let mut answers = self.nodes.call_each::<String>(METHOD, &params);
        answers.extend(self.senders.iter().flat_map(|senders| senders.call_each(METHOD, &params)));
        while let Some(answer) = answers.next().await {
            // A task that panicked or was stopped has said nothing.
            let Ok(answer) = answer else { continue };
            match answer {
                Ok(_) => return Ok(()),
                Err(error) if is_known(&error) => return Ok(()),
                Err(error) => errors.push(error),
            }
        }
        Err(NotTaken(errors))
    }
}

fn is_known(error: &Error) -> bool {
    error.preflight_failure().is_some_and(|failure| failure.is_already_processed())
}
