use crate::cluster::{Delay, LAG_MAX};
use serde::{Deserialize, Serialize};

/// All of so many.
const ALWAYS: u16 = 10_000;

/// The longest delay of an answer, in milliseconds: no client waits so long.
const SLOW_MAX: u64 = 600_000;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum Fault {
    /// A transaction that is sent is taken and never executed. One that was chosen is lost each
    /// time that it comes, one that was spared is not.
    DropTransactions,
    /// A transaction that is sent is executed later. Choices are kept as above.
    DelayTransactions(Delay),
    /// A transaction that landed is not found without a search of the history; with `fromHistory`
    /// not by a search and by `getTransaction` either.
    HideTransactions {
        /// Whether the history forgets it too.
        #[serde(default, rename = "fromHistory")]
        from_history: bool,
    },
    /// The history has only the last so many slots, as that of a node with little room.
    PruneHistory {
        /// How far back it reaches.
        slots: u64,
    },
    /// Answers and notifications are of so many slots ago.
    Lag {
        /// How far behind.
        slots: u64,
    },
    /// Answers about accounts, and slot notifications, claim to be of so many slots later than they are.
    ClaimSlot {
        /// How much later.
        ahead: u64,
    },
    /// In an answer with several accounts each second one is of so many slots before the others.
    MixAccounts {
        /// How far behind.
        slots: u64,
    },
    /// A method fails.
    Fail {
        /// What the client sees.
        how: Failure,
        /// Whether the method is performed before its answer is lost.
        #[serde(default)]
        performed: bool,
    },
    /// Answers of a method come later.
    Slow {
        /// By how much.
        milliseconds: u64,
    },
    /// No block is produced, except for what an operator does.
    FreezeSlots,
    /// WebSocket connections are reset, at once and at each block.
    CutSubscriptions,
    /// Notifications of a block are left out, without a word.
    MuteSubscriptions,
    /// As above, those of accounts only.
    MuteAccounts,
}

/// How a method fails, as the client sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) enum Failure {
    /// A status of HTTP in place of any JSON.
    Http {
        /// For instance 500 or 429.
        status: u16,
        /// The header `Retry-After`.
        #[serde(default, rename = "retryAfterSeconds", skip_serializing_if = "Option::is_none")]
        retry_after_seconds: Option<u32>,
    },
    /// A JSON-RPC error.
    Rpc {
        /// For instance -32005.
        code: i64,
        /// Its text.
        #[serde(default = "unhealthy")]
        message: String,
    },
    /// The connection is reset.
    Reset,
    /// No answer ever comes.
    Hang,
}

/// A fault with the scope it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Script {
    /// What goes wrong.
    pub(crate) fault: Fault,
    /// In which node, from 0; in all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) node: Option<usize>,
    /// With which method, of those that fail or are slow; with all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<String>,
    /// How often, in ten-thousandths of the chances it has.
    #[serde(default = "always")]
    pub(crate) probability_bps: u16,
    /// What is drawn from for it.
    #[serde(default)]
    pub(crate) seed: u64,
    /// How many times at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<u64>,
    /// For how long; until it is removed without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) duration_ms: Option<u64>,
}

fn always() -> u16 {
    ALWAYS
}

fn unhealthy() -> String {
    "Node is unhealthy".to_owned()
}

impl Script {
    /// Whether it makes sense in a cluster of so many nodes.
    ///
    /// # Errors
    /// What does not.
    pub(crate) fn check(&self, nodes: usize) -> anyhow::Result<()> {
        let of_methods = matches!(self.fault, Fault::Fail { .. } | Fault::Slow { .. });
        anyhow::ensure!(self.method.is_none() || of_methods, "only fail and slow are of a method");
        anyhow::ensure!(self.node.is_none_or(|node| node < nodes), "there are only {nodes} nodes, from 0");
        anyhow::ensure!(
            self.node.is_none() || self.fault != Fault::FreezeSlots,
            "slots freeze in all nodes or none"
        );
        anyhow::ensure!((1..=ALWAYS).contains(&self.probability_bps), "probabilityBps is from 1 to {ALWAYS}");
        anyhow::ensure!(self.count != Some(0), "count is at least 1");
        match self.fault {
            Fault::Lag { slots } | Fault::MixAccounts { slots } => {
                anyhow::ensure!((1..=LAG_MAX).contains(&slots), "slots is from 1 to {LAG_MAX}");
            }
            Fault::Slow { milliseconds } => {
                anyhow::ensure!(milliseconds <= SLOW_MAX, "milliseconds is at most {SLOW_MAX}");
            }
            Fault::Fail { how: Failure::Http { status, .. }, .. } => {
                anyhow::ensure!((400..=599).contains(&status), "status is from 400 to 599");
            }
            Fault::Fail { how: Failure::Rpc { .. } | Failure::Reset | Failure::Hang, .. }
            | Fault::DropTransactions
            | Fault::DelayTransactions(_)
            | Fault::HideTransactions { .. }
            | Fault::PruneHistory { .. }
            | Fault::FreezeSlots
            | Fault::CutSubscriptions
            | Fault::MuteSubscriptions
            | Fault::MuteAccounts
            | Fault::ClaimSlot { .. } => {}
        }
        Ok(())
    }

    /// Whether what it chooses for a transaction is kept, beyond its count.
    pub(super) fn keeps_choices(&self) -> bool {
        match self.fault {
            Fault::DropTransactions | Fault::DelayTransactions(_) => true,
            Fault::HideTransactions { .. }
            | Fault::PruneHistory { .. }
            | Fault::Lag { .. }
            | Fault::Fail { .. }
            | Fault::Slow { .. }
            | Fault::FreezeSlots
            | Fault::CutSubscriptions
            | Fault::MuteSubscriptions
            | Fault::MuteAccounts
            | Fault::ClaimSlot { .. }
            | Fault::MixAccounts { .. } => false,
        }
    }

    /// Whether it always strikes, by its probability.
    pub(super) fn is_certain(&self) -> bool {
        self.probability_bps >= ALWAYS
    }

    /// Whether a number drawn from so many strikes.
    pub(super) fn is_struck_by(&self, draw: impl FnOnce(u16) -> u16) -> bool {
        self.is_certain() || draw(ALWAYS) < self.probability_bps
    }
}
