use order_core::Failure;
use order_core::failure::Code;

/// The reason why a call to the cluster gave no result.
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
        /// The error of the transport.
        reason: String,
    },
    /// A node takes no more calls for now, in whatever words.
    #[error("{method}: {node} takes no more calls for now: HTTP status {status}")]
    Limited {
        /// The RPC method.
        method: &'static str,
        /// The node's host.
        node: String,
        /// The status of HTTP.
        status: u16,
        /// How long it wants to be left alone, if it says so.
        retry_after: Option<std::time::Duration>,
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
        /// Data that the node adds, such as a simulation's result.
        data: Option<serde_json::Value>,
    },
    /// A node answered with what is not understood.
    #[error("{method}: the node's answer is not understood: {reason}")]
    Malformed {
        /// The RPC method.
        method: &'static str,
        /// The part that does not fit.
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

/// A node that has not reached the slot that was asked for.
const MIN_CONTEXT_SLOT_NOT_REACHED: i64 = -32016;
/// A transaction that was simulated before it was sent, and failed.
const PREFLIGHT_FAILURE: i64 = -32002;

/// Errors that every node gives to the same request, now and later. Any other may be this node's alone,
/// or a rate limit in the words of a provider, such as -32429, -32603, -32004 and -32005.
const DETERMINISTIC: [i64; 9] = [
    -32700, // The request is no JSON.
    -32600, // It is no JSON-RPC.
    -32601, // There is no such method.
    -32602, // The parameters do not fit it.
    -32015, // The transaction's version is not supported.
    -32013, // The signature has another length.
    -32006, // A precompiled program refuses the transaction.
    -32003, // A signature is wrong.
    PREFLIGHT_FAILURE,
];

impl Error {
    /// The JSON-RPC error code, where a node answered with one.
    pub const fn code(&self) -> Option<i64> {
        match self {
            Self::Answer { code, .. } => Some(*code),
            Self::InvalidUrl { .. }
            | Self::OtherCluster { .. }
            | Self::Http(_)
            | Self::Unreachable { .. }
            | Self::Limited { .. }
            | Self::Malformed { .. }
            | Self::TooMany { .. } => None,
        }
    }

    /// True if another node, or the same one a little later, may well answer.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Limited { .. }
            | Self::Malformed { .. }
            | Self::OtherCluster { .. } => true,
            Self::Answer { code, .. } => !DETERMINISTIC.contains(code),
            Self::InvalidUrl { .. } | Self::Http(_) | Self::TooMany { .. } => false,
        }
    }

    /// The failure of an attempt that needed the call's result: worth asking again where the error may pass.
    pub fn failure(&self) -> Failure {
        let code = if self.is_transient() { Code::ClusterUnavailable } else { Code::SimulationFailed };
        Failure::new(code, self.to_string())
    }

    /// True if the node has not reached the slot that was asked for.
    pub const fn is_behind(&self) -> bool {
        matches!(self.code(), Some(MIN_CONTEXT_SLOT_NOT_REACHED))
    }

    /// True if the node itself has trouble: it gave no answer, or none to this request.
    pub(crate) fn is_trouble(&self) -> bool {
        self.is_transient() && !self.is_behind()
    }

    /// How long the node wants to be left alone, if it says so.
    pub(crate) const fn retry_after(&self) -> Option<std::time::Duration> {
        match self {
            Self::Limited { retry_after, .. } => *retry_after,
            Self::Answer { .. }
            | Self::InvalidUrl { .. }
            | Self::OtherCluster { .. }
            | Self::Http(_)
            | Self::Unreachable { .. }
            | Self::Malformed { .. }
            | Self::TooMany { .. } => None,
        }
    }

    /// The transaction's failure, where a node refused to forward it after simulating it.
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
            | Self::Limited { .. }
            | Self::Malformed { .. }
            | Self::TooMany { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_of_a_read_is_another_node_s_chance_unless_all_would_give_it() {
        for (code, transient) in [
            (-32700, false),
            (-32600, false),
            (-32601, false),
            (-32602, false),
            (-32603, true),
            (-32429, true),
            (-32002, false),
            (-32003, false),
            (-32004, true),
            (-32005, true),
            (-32006, false),
            (-32007, true),
            (-32009, true),
            (-32010, true),
            (-32011, true),
            (-32012, true),
            (-32013, false),
            (-32014, true),
            (-32015, false),
            (-32016, true),
            (-32000, true),
            (0, true),
            (429, true),
        ] {
            let error = Error::Answer { method: "getSlot", code, message: "no".to_owned(), data: None };
            assert_eq!(error.is_transient(), transient, "{code}");
            assert_eq!(error.is_trouble(), transient && code != -32016, "{code}");
        }
        let limited =
            Error::Limited { method: "getSlot", node: "a".to_owned(), status: 429, retry_after: None };
        let unreachable =
            Error::Unreachable { method: "getSlot", node: "a".to_owned(), reason: "refused".to_owned() };
        let malformed = Error::Malformed { method: "getSlot", reason: "<html>".to_owned() };
        for error in [limited, unreachable, malformed] {
            assert!(error.is_transient() && error.is_trouble(), "{error}");
        }
        let too_many = Error::TooMany { method: "getSlot", asked: 2, limit: 1 };
        for error in [too_many, Error::InvalidUrl { position: 1 }, Error::Http("no".to_owned())] {
            assert!(!error.is_transient(), "{error}");
        }
    }

    #[test]
    fn only_silence_is_worth_asking_again() {
        let silent =
            Error::Unreachable { method: "getSlot", node: "a".to_owned(), reason: "refused".to_owned() };
        assert_eq!(silent.failure().code, Code::ClusterUnavailable);
        let refused = Error::Answer { method: "getSlot", code: -32602, message: "no".to_owned(), data: None };
        assert_eq!(refused.failure().code, Code::SimulationFailed);
    }
}
