/// Why a call to the cluster gave no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A node's address cannot be used. It is not shown: it may hold a key.
    #[error(
        "RPC URL number {position} is missing, or no http or https URL; give the address of a Solana node"
    )]
    InvalidUrl {
        /// Its place in the list, from 1.
        position: usize,
    },
    /// A node belongs to another cluster than the others.
    #[error("{node} is a node of another cluster: its genesis hash is {found}; correct SOLANA_RPC_URL")]
    OtherCluster {
        /// The node's host.
        node: String,
        /// The genesis hash that it tells.
        found: String,
    },
    /// The HTTP client cannot be set up.
    #[error("cannot set up the HTTP client: {0}")]
    Http(String),
    /// No node answered: nothing is known of what was asked.
    #[error("{method}: no answer from {node}: {reason}")]
    Unreachable {
        /// The RPC method.
        method: &'static str,
        /// The node's host.
        node: String,
        /// What the transport said.
        reason: String,
    },
    /// A node answered with an error.
    #[error("{method}: the node answered {code}: {message}")]
    Answer {
        /// The RPC method.
        method: &'static str,
        /// The JSON-RPC error code.
        code: i64,
        /// The node's words.
        message: String,
        /// What the node adds, such as a simulation's result.
        data: Option<serde_json::Value>,
    },
    /// A node answered with what is not understood.
    #[error("{method}: the node's answer is not understood: {reason}")]
    Malformed {
        /// The RPC method.
        method: &'static str,
        /// What does not fit.
        reason: String,
    },
    /// More was asked than nodes answer in one call.
    #[error("{method}: asked for {asked} at once, nodes answer at most {limit}; split the call")]
    TooMany {
        /// The RPC method.
        method: &'static str,
        /// How many were asked for.
        asked: usize,
        /// How many may be.
        limit: usize,
    },
}

/// A node that is behind, or down for maintenance, says so with this code.
const NODE_UNHEALTHY: i64 = -32005;
/// A node that has not reached the slot that was asked for.
const MIN_CONTEXT_SLOT_NOT_REACHED: i64 = -32016;
/// A transaction that was simulated before it was sent, and failed.
const PREFLIGHT_FAILURE: i64 = -32002;

impl Error {
    /// The JSON-RPC error code, where a node answered with one.
    pub const fn code(&self) -> Option<i64> {
        match self {
            Self::Answer { code, .. } => Some(*code),
            Self::InvalidUrl { .. }
            | Self::OtherCluster { .. }
            | Self::Http(_)
            | Self::Unreachable { .. }
            | Self::Malformed { .. }
            | Self::TooMany { .. } => None,
        }
    }

    /// Whether another node, or the same one a little later, may well answer.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Malformed { .. } | Self::OtherCluster { .. } => true,
            Self::Answer { code, .. } => matches!(*code, NODE_UNHEALTHY | MIN_CONTEXT_SLOT_NOT_REACHED),
            Self::InvalidUrl { .. } | Self::Http(_) | Self::TooMany { .. } => false,
        }
    }

    /// Whether the node has not reached the slot that was asked for.
    pub const fn is_behind(&self) -> bool {
        matches!(self.code(), Some(MIN_CONTEXT_SLOT_NOT_REACHED))
    }

    /// What the transaction failed with, where a node refused to forward it after simulating it.
    pub fn preflight_failure(&self) -> Option<crate::TransactionFailure> {
        match self {
            Self::Answer { code: PREFLIGHT_FAILURE, data: Some(data), .. } => {
                data.get("err").and_then(crate::TransactionFailure::read)
            }
            Self::Answer { .. }
            | Self::InvalidUrl { .. }
            | Self::OtherCluster { .. }
            | Self::Http(_)
            | Self::Unreachable { .. }
            | Self::Malformed { .. }
            | Self::TooMany { .. } => None,
        }
    }
}
