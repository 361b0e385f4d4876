//! The operator of a run whose database is restored from a backup: what he does, and what he finds.

use crate::stage::Stage;
use crate::witness::{self, Entry, Order};
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// The pause between two looks of the operator at the halt.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The parts of a run after which the backup is made, and restored.
const BACKED_UP_AFTER: f64 = 0.25;
const RESTORED_AFTER: f64 = 0.6;

/// How far the operator is.
#[derive(Debug)]
pub(crate) enum Restore {
    /// The run has none.
    Never,
    /// The backup is still to be made.
    ToBackUp,
    /// It is made.
    BackedUp,
    /// It is restored; these orders were in the database that it replaced.
    Restored { lost: BTreeMap<String, Order>, looked: Instant },
}

impl Restore {
    /// The orders of the database that was replaced; None if none was.
    pub(crate) fn into_lost(self) -> Option<BTreeMap<String, Order>> {
        match self {
            Self::Restored { lost, .. } => Some(lost),
            Self::Never | Self::ToBackUp | Self::BackedUp => None,
        }
    }

    pub(crate) fn is_due(&self, elapsed: Duration, length: Duration) -> bool {
        match self {
            Self::Never | Self::Restored { .. } => false,
            Self::ToBackUp => elapsed >= length.mul_f64(BACKED_UP_AFTER),
            Self::BackedUp => elapsed >= length.mul_f64(RESTORED_AFTER),
        }
    }
}

/// Sees to the landings that halt trading after a restore, as README says: adopts them, and goes on.
pub(crate) fn operate(stage: &Stage, restore: &mut Restore) -> Result<()> {
    let Restore::Restored { looked, .. } = restore else { return Ok(()) };
    if looked.elapsed() < LOOK_EVERY {
        return Ok(());
    }
    *looked = Instant::now();
    if stage.query("SELECT reason FROM halts WHERE resumed_at IS NULL")?.is_empty() {
        return Ok(());
    }
    for signature in unknown(stage)? {
        stage.ops(&["adopt", &signature, "--reason", "an order of the lost database"])?;
    }
    stage.ops(&["resume"]).map(drop)
}

/// Landed transactions that are neither in the database nor adopted.
pub(crate) fn unknown(stage: &Stage) -> Result<Vec<String>> {
    let rows =
        stage.query("SELECT signature FROM transactions UNION SELECT signature FROM adopted_transactions")?;
    let known: BTreeSet<String> = rows.into_iter().flatten().flatten().collect();
    let landed = landed(&witness::ledger(&stage.stack.ledger)?);
    Ok(landed.into_iter().filter(|signature| !known.contains(signature)).collect())
}

/// Transactions that landed without error and were not abandoned.
pub(crate) fn landed(ledger: &[Entry]) -> BTreeSet<String> {
    let mut landed = BTreeSet::new();
    for entry in ledger {
        match entry {
            Entry::Landed { signature, err } if err.is_null() => {
                landed.insert(signature.clone());
            }
            Entry::RolledBack { signature } => {
                landed.remove(signature);
            }
            Entry::Landed { .. } | Entry::Received { .. } | Entry::Finalized { .. } => {}
        }
    }
    landed
}
