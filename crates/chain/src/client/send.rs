use super::Client;
use crate::Error;
use crate::senders::{Receipt, send_params};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use std::fmt;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// No node took a transaction, and why. It may land all the same.
#[derive(Debug)]
pub struct NotTaken(pub Vec<Error>);

impl fmt::Display for NotTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no node took the transaction")?;
        self.0.iter().try_for_each(|error| write!(f, "; {error}"))
    }
}

impl std::error::Error for NotTaken {}

/// Answers in the order in which they arrive. Each comes from a task that goes on if it is not waited for.
type Answers = FuturesUnordered<JoinHandle<Result<(), Error>>>;

impl Client {
    /// Hands signed bytes of an operator's transaction to every node, and to no sender: nobody waits for it, and it
    /// pays no tip. A node that sees it fail refuses it and says why. `Ok` means that at least one took it.
    ///
    /// # Errors
    /// No node took them. They may land all the same.
    pub(crate) async fn send(&self, transaction: &[u8]) -> Result<(), NotTaken> {
        first(self.hand_to_nodes(&BASE64.encode(transaction), false, &Arc::default())).await
    }

    /// Hands signed bytes of an order to every node and every sender at once. `Ok` means that at least one took them,
    /// or has them already; it does not mean that they land. The others are not waited for: they get the bytes all
    /// the same, and the receipt says who took them. Nobody is asked to simulate: the chain alone decides, and what
    /// fails lands as reverted within a few slots, for its fee.
    ///
    /// # Errors
    /// Nobody took them. They may land all the same.
    pub async fn broadcast(&self, transaction: &[u8], receipt: &Arc<Receipt>) -> Result<(), NotTaken> {
        let encoded: Arc<str> = BASE64.encode(transaction).into();
        let answers = self.hand_to_nodes(&encoded, true, receipt);
        for sender in self.senders.iter() {
            let (sender, encoded, receipt) = (Arc::clone(sender), Arc::clone(&encoded), Arc::clone(receipt));
            answers.push(tokio::spawn(async move { sender.send(&encoded, &receipt).await }));
        }
        first(answers).await
    }

    fn hand_to_nodes(&self, encoded: &str, skip_preflight: bool, receipt: &Arc<Receipt>) -> Answers {
        let params = Arc::new(send_params(encoded, skip_preflight));
        let ask = |index| {
            let (nodes, params, receipt) =
                (Arc::clone(&self.nodes), Arc::clone(&params), Arc::clone(receipt));
            tokio::spawn(async move { nodes.hand_over(index, &params, &receipt).await })
        };
        (0..self.nodes.count()).map(ask).collect()
    }
}

/// Waits for the first who took it.
async fn first(mut answers: Answers) -> Result<(), NotTaken> {
    let mut errors = Vec::new();
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => errors.push(error),
            // A task that panicked or was stopped has said nothing.
            Err(_) => {}
        }
    }
    Err(NotTaken(errors))
}

/// True if a node has the transaction in a block already.
pub(crate) fn is_known(error: &Error) -> bool {
    error.preflight_failure().is_some_and(|failure| failure.is_already_processed())
}
