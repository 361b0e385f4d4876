//! Why an attempt did not succeed: one catalogue of codes, with what may be done about each.

use crate::name::{UnknownName, every};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

/// A failure's stable code.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", parse_err_ty = UnknownName, parse_err_fn = UnknownName::of::<Self>)]
pub enum Code {
    /// No way over the pools of enabled venues leads from one token to the other, or none has enough of the output.
    NoRoute,
    /// The best route gives less than the order's minimum, before or on the chain.
    SlippageExceeded,
    /// The amount moves the pools' price too far: they are too small for it.
    PriceImpactTooHigh,
    /// The wallet has less than the order spends, fees included.
    InsufficientFunds,
    /// The wallet has enough, but other orders in flight may still take it.
    FundsReserved,
    /// The router did not answer.
    RouterUnavailable,
    /// No node of the cluster answered.
    ClusterUnavailable,
    /// The signer that has the wallet's key gave no signature.
    SignerUnavailable,
    /// The attempt took longer than its deadline, and nothing was sent.
    AttemptTimedOut,
    /// The executor stopped in the middle of the attempt, and nothing was sent.
    Interrupted,
    /// The pools' program refused the transaction in simulation, or did something else than was calculated.
    SimulationFailed,
    /// The transaction landed and was reverted: the fee was paid, nothing was swapped.
    TransactionReverted,
    /// The transaction can no longer land.
    TransactionExpired,
    /// The order's marker exists already, so that the chain refuses the transaction.
    MarkerInUse,
    /// An earlier transaction of the order was signed by another wallet, so the chain could not refuse a
    /// second swap by this one.
    WalletChanged,
    /// An operator has stopped trading, and nothing was sent.
    Halted,
    /// The order is beyond what the operator allows: its value, that of a day's orders, or its account's policy.
    LimitExceeded,
    /// The order asks for what this engine cannot do.
    Unsupported,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 18] = every(Self::VARIANTS);

    /// The code in API answers, events and metrics.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// True if another attempt may do better.
    pub const fn retryable(self) -> bool {
        match self {
            Self::NoRoute
            | Self::SlippageExceeded
            | Self::PriceImpactTooHigh
            | Self::FundsReserved
            | Self::RouterUnavailable
            | Self::ClusterUnavailable
            | Self::SignerUnavailable
            | Self::AttemptTimedOut
            | Self::Interrupted
            | Self::SimulationFailed
            | Self::TransactionReverted
            | Self::TransactionExpired
            | Self::MarkerInUse
            | Self::Halted => true,
            Self::InsufficientFunds | Self::LimitExceeded | Self::WalletChanged | Self::Unsupported => false,
        }
    }
}

/// A code with what happened, as a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Failure {
    /// The stable code.
    pub code: Code,
    /// The work that failed, and its outcome.
    pub message: String,
}

impl Failure {
    /// Longest message that is kept: what a program logs can be long.
    const MAX_MESSAGE: usize = 500;

    /// A failure with its message, cut to 500 characters. Control characters become spaces: what a
    /// node says goes into the database, which takes no NUL, and into logs.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let message = message.into().replace(char::is_control, " ");
        let message = match message.char_indices().nth(Self::MAX_MESSAGE) {
            None => message,
            Some((end, _)) => message.get(..end).unwrap_or_default().to_owned(),
        };
        Self { code, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_name_is_the_name() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_string(&code).unwrap(), format!("\"{code}\""));
        }
    }

    #[test]
    fn hostile_text_becomes_harmless() {
        let failure = Failure::new(Code::NoRoute, "a\0b\u{1b}[31mc\nd");
        assert_eq!(failure.message, "a b [31mc d");
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let failure = Failure::new(Code::NoRoute, "é".repeat(600));
        assert_eq!(failure.message.chars().count(), 500);
    }
}
