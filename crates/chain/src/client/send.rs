use super::Client;
use crate::{Commitment, Error, TransactionFailure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::StreamExt as _;
use serde_json::json;
use std::fmt;
use std::sync::Arc;

/// No node took a transaction. It may land all the same.
#[derive(Debug)]
pub struct NotTaken {
    /// Nodes that simulated it and refused it.
    pub refusals: Vec<Refusal>,
    /// Why the other nodes did not take it.
    pub errors: Vec<Error>,
}

/// A node simulated a transaction, which failed, and did not forward it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why it failed.
    pub failure: TransactionFailure,
    /// What the programs logged.
    pub logs: Vec<String>,
}

impl NotTaken {
    /// The first refusal, if every node refused the transaction after simulating it.
    pub fn refused_by_all(&self) -> Option<&Refusal> {
        self.refusals.first().filter(|_| self.errors.is_empty())
    }

    fn count(&mut self, error: Error) {
        match error.preflight_failure() {
            Some(failure) => self.refusals.push(Refusal { failure, logs: error.preflight_logs() }),
            None => self.errors.push(error),
        }
    }
}

impl fmt::Display for NotTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no node took the transaction")?;
        for refusal in &self.refusals {
            write!(f, "; refused: {}", refusal.failure)?;
        }
        self.errors.iter().try_for_each(|error| write!(f, "; {error}"))
    }
}

impl std::error::Error for NotTaken {}

impl Client {
    /// Hands signed bytes to every node. `Ok` means that at least one took them, or has them already; it
    /// does not mean that they land. The others are not waited for: they get the bytes all the same.
    ///
    /// # Errors
    /// No node took them. They may land all the same.
    pub async fn send(&self, transaction: &[u8]) -> Result<(), NotTaken> {
        let params = Arc::new(json!([BASE64.encode(transaction), {
            "encoding": "base64",
            "skipPreflight": false,
            // That of the blockhash: a node that is behind would not know it otherwise.
            "preflightCommitment": Commitment::Confirmed.name(),
            // Whoever sends it repeats it; the node need not.
            "maxRetries": 0,
        }]));
        let mut not_taken = NotTaken { refusals: Vec::new(), errors: Vec::new() };
        let mut answers = self.nodes.call_each::<String>("sendTransaction", &params);
        while let Some(answer) = answers.next().await {
            // A task that panicked or was stopped has said nothing.
            let Ok(answer) = answer else { continue };
            match answer {
                Ok(_) => return Ok(()),
                Err(error) if is_known(&error) => return Ok(()),
                Err(error) => not_taken.count(error),
            }
        }
        Err(not_taken)
    }
}

fn is_known(error: &Error) -> bool {
    error.preflight_failure().is_some_and(|failure| failure.is_already_processed())
}
