use crate::cluster::{Delay, LAG_MAX};
use axum::http::HeaderValue;
use serde::{Deserialize, Serialize};
use solana_hash::Hash;

/// All of so many.
const ALWAYS: u16 = 10_000;

/// The longest delay of an answer, in milliseconds: no client waits so long.
const SLOW_MAX: u64 = 600_000;

/// A fault of nodes or of the cluster.
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
        /// True if the history forgets it too.
        #[serde(default, rename = "fromHistory")]
        from_history: bool,
    },
    /// A status is told without its transaction: `getTransaction` gives null. Choices are kept as above.
    WithholdTransactions,
    /// A transaction that landed well is told as finalized and reverted. Choices are kept as above.
    ForgeRevert,
    /// `getTransaction` tells of other amounts than were moved. Choices are kept as above.
    ForgeFill {
        /// By how much less the payer received, in ten-thousandths.
        #[serde(default, rename = "lessOutputBps")]
        less_output_bps: u16,
        /// By how much more the payer spent, in ten-thousandths.
        #[serde(default, rename = "moreInputBps")]
        more_input_bps: u16,
    },
    /// The history lacks these slots, and `getFirstAvailableBlock` does not say so: a node that was
    /// restarted from a newer snapshot, or, with slots from 0 on, one that began with an empty ledger.
    HistoryHole {
        /// The first slot that is missing.
        #[serde(default)]
        from: u64,
        /// The last slot that is missing; all later ones without it.
        #[serde(default = "last_slot")]
        until: u64,
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
    /// `getLatestBlockhash` gives this as the last valid block height.
    ClaimLastValidBlockHeight {
        /// The height that it gives.
        height: u64,
    },
    /// `getBlockHeight` and `getEpochInfo` give a height that is too great.
    ClaimBlockHeight {
        /// By how much.
        ahead: u64,
    },
    /// `getGenesisHash` gives that of another cluster.
    ClaimGenesisHash {
        /// The hash that it gives, in base58.
        hash: String,
    },
    /// In an answer with several accounts each second one is of so many slots before the others.
    MixAccounts {
        /// How far behind.
        slots: u64,
    },
    /// A method fails.
    Fail {
        /// The failure that the client sees.
        how: Failure,
        /// True if the method is performed before its answer is lost.
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
    /// A status of HTTP, and a body in place of the answer.
    Http {
        /// For instance 500 or 429. One of success needs a body.
        status: u16,
        /// The body; empty without it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<String>,
        /// The header `Content-Type` of the body.
        #[serde(default, rename = "contentType", skip_serializing_if = "Option::is_none")]
        content_type: Option<String>,
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
    /// The fault.
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
    /// The seed of its random draws.
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

fn last_slot() -> u64 {
    u64::MAX
}

fn unhealthy() -> String {
    "Node is unhealthy".to_owned()
}

impl Script {
    /// Checks that it makes sense in a cluster of so many nodes.
    ///
    /// # Errors
    /// A part of it makes no sense.
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
        self.fault.check()
    }

    /// True if what it chooses for a transaction is kept, beyond its count.
    pub(super) fn keeps_choices(&self) -> bool {
        match self.fault {
            Fault::DropTransactions
            | Fault::DelayTransactions(_)
            | Fault::WithholdTransactions
            | Fault::ForgeRevert
            | Fault::ForgeFill { .. } => true,
            Fault::HideTransactions { .. }
            | Fault::HistoryHole { .. }
            | Fault::PruneHistory { .. }
            | Fault::ClaimLastValidBlockHeight { .. }
            | Fault::ClaimBlockHeight { .. }
            | Fault::ClaimGenesisHash { .. }
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

    /// True if it always strikes, by its probability.
    pub(super) fn is_certain(&self) -> bool {
        self.probability_bps >= ALWAYS
    }

    /// True if a number drawn from so many strikes.
    pub(super) fn is_struck_by(&self, draw: impl FnOnce(u16) -> u16) -> bool {
        self.is_certain() || draw(ALWAYS) < self.probability_bps
    }
}

impl Fault {
    /// Checks that its numbers and texts make sense.
    fn check(&self) -> anyhow::Result<()> {
        match self {
            Self::Lag { slots } | Self::MixAccounts { slots } => {
                anyhow::ensure!((1..=LAG_MAX).contains(slots), "slots is from 1 to {LAG_MAX}");
            }
            Self::Slow { milliseconds } => {
                anyhow::ensure!(*milliseconds <= SLOW_MAX, "milliseconds is at most {SLOW_MAX}");
            }
            Self::HistoryHole { from, until } => {
                anyhow::ensure!(from <= until, "a hole is from a slot until the same or a later one");
            }
            Self::ForgeFill { less_output_bps, more_input_bps } => {
                let forged = less_output_bps.max(more_input_bps);
                anyhow::ensure!(
                    (1..=ALWAYS).contains(forged),
                    "lessOutputBps or moreInputBps is from 1 to {ALWAYS}"
                );
            }
            Self::ClaimGenesisHash { hash } => {
                anyhow::ensure!(hash.parse::<Hash>().is_ok(), "hash is one in base58");
            }
            Self::Fail { how, .. } => how.check()?,
            Self::DropTransactions
            | Self::DelayTransactions(_)
            | Self::HideTransactions { .. }
            | Self::WithholdTransactions
            | Self::ForgeRevert
            | Self::PruneHistory { .. }
            | Self::ClaimLastValidBlockHeight { .. }
            | Self::ClaimBlockHeight { .. }
            | Self::FreezeSlots
            | Self::CutSubscriptions
            | Self::MuteSubscriptions
            | Self::MuteAccounts
            | Self::ClaimSlot { .. } => {}
        }
        Ok(())
    }
}

impl Failure {
    fn check(&self) -> anyhow::Result<()> {
        match self {
            Self::Http { status, body, content_type, .. } => {
                let refused = (400..=599).contains(status);
                let disguised = (200..=299).contains(status) && body.is_some();
                anyhow::ensure!(
                    refused || disguised,
                    "status is from 400 to 599, or with a body from 200 to 299"
                );
                let named = content_type.as_deref().is_none_or(|name| HeaderValue::from_str(name).is_ok());
                anyhow::ensure!(named, "contentType is the value of a header");
            }
            Self::Rpc { .. } | Self::Reset | Self::Hang => {}
        }
        Ok(())
    }
}
