//! Compares what the wallet has done on the chain with what the database knows: a database that was restored from
//! a backup lacks the last orders.

use anyhow::Context as _;
use chain::{Client, PastTransaction};
use journal::Journal;
use order_core::{Pubkey, Signature};
use service::CancellationToken;
use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The pause between two comparisons.
const EVERY: Duration = Duration::from_secs(30);
/// The pause before nodes or a database that did not answer at the start are asked again.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Unknown transactions that an operator is told of at once.
const TOLD_MAX: usize = 5;

/// Transactions that are remembered as executing no order: each is read once.
const INSPECTED_MAX: usize = 10_000;

/// The wallet's transactions that execute no order, such as those that take lamports back.
#[derive(Debug, Default)]
struct Inspected(Mutex<HashSet<Signature>>);

impl Inspected {
    fn contains(&self, signature: &Signature) -> bool {
        self.lock().contains(signature)
    }

    fn add(&self, signature: Signature) {
        let mut inspected = self.lock();
        if inspected.len() >= INSPECTED_MAX {
            // Those that still matter are read once more.
            inspected.clear();
        }
        inspected.insert(signature);
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Signature>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Compares the wallet's transactions on the chain with the database.
pub(crate) struct Reconciler {
    journal: Journal,
    cluster: Client,
    wallet: Pubkey,
    inspected: Inspected,
}

impl Reconciler {
    pub(crate) fn new(journal: Journal, cluster: Client, wallet: Pubkey) -> Self {
        Self { journal, cluster, wallet, inspected: Inspected::default() }
    }

    /// Compares once, before any order is worked on. Waits for nodes and the database.
    ///
    /// # Errors
    /// The process is asked to stop.
    pub(crate) async fn run_once(&self, shutdown: &CancellationToken) -> anyhow::Result<()> {
        loop {
            match self.compare_with_chain().await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    tracing::warn!(%error, "comparing the wallet's transactions with the database again")
                }
            }
            let pause = shutdown.run_until_cancelled(tokio::time::sleep(ASK_AGAIN_AFTER));
            pause
                .await
                .context("stopped before the wallet's transactions were compared with the database")?;
        }
    }

    /// Compares again and again: a database may be replaced while executors run.
    pub(super) async fn run(&self) {
        loop {
            tokio::time::sleep(EVERY).await;
            let compared = self.compare_with_chain().await;
            crate::metrics::task_ran("reconcile", compared.is_ok());
            if let Err(error) = compared {
                tracing::debug!(%error, "the next comparison with the chain follows");
            }
        }
    }

    /// True if a transaction executed an order. One that no node shows is asked for at the next comparison, and
    /// keeps no executor from starting: the chain refuses to execute its order again.
    async fn executes_an_order(&self, signature: &Signature) -> bool {
        match self.cluster.executes_an_order(signature, &self.wallet).await {
            Ok(false) => {
                self.inspected.add(*signature);
                false
            }
            Ok(true) => true,
            Err(error) => {
                tracing::warn!(%signature, %error, "a transaction of the wallet cannot be compared with the database");
                false
            }
        }
    }

    /// Halts trading if an order of this wallet landed that the database does not know.
    async fn compare_with_chain(&self) -> anyhow::Result<()> {
        // The chain is asked first: whatever it knows was recorded before it was sent.
        let past = self.cluster.past_transactions(&self.wallet).await?;
        let bound_at = self.journal.cluster_bound_at().await?.map_or(i64::MAX, |at| at.timestamp());
        let since = |past: &&PastTransaction| past.block_time.is_none_or(|time| time >= bound_at);
        let signatures: Vec<Signature> = past.iter().filter(since).map(|past| past.signature).collect();
        let mut unknown = Vec::new();
        for signature in self.journal.landings.unknown(&signatures).await? {
            if !self.inspected.contains(&signature) && self.executes_an_order(&signature).await {
                unknown.push(signature);
            }
        }
        crate::metrics::unknown_landings(unknown.len());
        if unknown.is_empty() {
            return Ok(());
        }
        let told: Vec<String> = unknown.iter().take(TOLD_MAX).map(ToString::to_string).collect();
        let reason = format!(
            "{} landed transactions of the wallet are not in the database, as after a restore: {}; see to them, \
             then `ops adopt SIGNATURE` and `ops resume`",
            unknown.len(),
            told.join(", ")
        );
        tracing::error!(reason, "trading is halted");
        self.journal.trading.halt(&reason).await.context("halting")
    }
}
