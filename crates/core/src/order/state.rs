use super::event::{Fill, SignedTransaction};
use crate::name::{UnknownName, every};
use crate::{Atoms, Failure, Quote};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

/// The state that an order's events add up to. Each carries the data that its next step needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Waiting for its first or next attempt.
    Pending {
        /// Why the attempt before this failed; None before the first.
        retry: Option<Failure>,
    },
    /// Looking for a route.
    Routing,
    /// A route was chosen; the transaction is being built.
    Building {
        /// The route.
        quote: Quote,
        /// The least output that is accepted.
        min_out: Atoms,
    },
    /// A transaction is signed and may have been sent.
    Submitted {
        /// The route.
        quote: Quote,
        /// The least output that is accepted.
        min_out: Atoms,
        /// The transaction that may have been sent.
        transaction: SignedTransaction,
    },
    /// The transaction can no longer swap anything; a retry or the end is still to be recorded.
    Voided {
        /// The route.
        quote: Quote,
        /// The transaction that reverted or expired.
        transaction: SignedTransaction,
        /// Why.
        failure: Failure,
    },
    /// Ended: swapped.
    Confirmed {
        /// The route.
        quote: Quote,
        /// The least output that was accepted.
        min_out: Atoms,
        /// The transaction that landed.
        transaction: SignedTransaction,
        /// The amounts that it moved; None if they are unknown.
        fill: Option<Fill>,
    },
    /// Ended: nothing swapped.
    Failed {
        /// Why.
        failure: Failure,
        /// The last attempt's route, if it came that far.
        quote: Option<Quote>,
        /// The last attempt's transaction, if it came that far.
        transaction: Option<SignedTransaction>,
    },
    /// Ended: cancelled before anything was signed, or after what was signed came to nothing.
    Cancelled {
        /// Why the last attempt failed, if one did.
        failure: Option<Failure>,
        /// The current attempt's route, if it came that far.
        quote: Option<Quote>,
    },
    /// Ended: expired before anything was signed, or after what was signed came to nothing.
    Expired {
        /// Why the last attempt failed, if one did.
        failure: Option<Failure>,
        /// The current attempt's route, if it came that far.
        quote: Option<Quote>,
    },
}

impl State {
    /// The state's name for clients.
    pub const fn status(&self) -> Status {
        match self {
            Self::Pending { .. } => Status::Pending,
            Self::Routing => Status::Routing,
            Self::Building { .. } => Status::Building,
            Self::Submitted { .. } | Self::Voided { .. } => Status::Submitted,
            Self::Confirmed { .. } => Status::Confirmed,
            Self::Failed { .. } => Status::Failed,
            Self::Cancelled { .. } => Status::Cancelled,
            Self::Expired { .. } => Status::Expired,
        }
    }

    /// True if the order has not ended and no transaction of it can land: it may be cancelled, and it
    /// may expire.
    pub const fn is_unsigned(&self) -> bool {
        match self {
            Self::Pending { .. } | Self::Routing | Self::Building { .. } => true,
            Self::Submitted { .. }
            | Self::Voided { .. }
            | Self::Confirmed { .. }
            | Self::Failed { .. }
            | Self::Cancelled { .. }
            | Self::Expired { .. } => false,
        }
    }

    /// The route of the current, or the last, attempt.
    pub const fn quote(&self) -> Option<&Quote> {
        match self {
            Self::Pending { .. } | Self::Routing => None,
            Self::Building { quote, .. }
            | Self::Submitted { quote, .. }
            | Self::Voided { quote, .. }
            | Self::Confirmed { quote, .. } => Some(quote),
            Self::Failed { quote, .. } | Self::Cancelled { quote, .. } | Self::Expired { quote, .. } => {
                quote.as_ref()
            }
        }
    }

    /// The transaction of the current, or the last, attempt.
    pub const fn transaction(&self) -> Option<&SignedTransaction> {
        match self {
            Self::Pending { .. }
            | Self::Routing
            | Self::Building { .. }
            | Self::Cancelled { .. }
            | Self::Expired { .. } => None,
            Self::Submitted { transaction, .. }
            | Self::Voided { transaction, .. }
            | Self::Confirmed { transaction, .. } => Some(transaction),
            Self::Failed { transaction, .. } => transaction.as_ref(),
        }
    }

    /// The latest failure.
    pub const fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Pending { retry: failure }
            | Self::Cancelled { failure, .. }
            | Self::Expired { failure, .. } => failure.as_ref(),
            Self::Routing | Self::Building { .. } | Self::Submitted { .. } | Self::Confirmed { .. } => None,
            Self::Voided { failure, .. } | Self::Failed { failure, .. } => Some(failure),
        }
    }
}

/// A state's name for clients.
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
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase", parse_err_ty = UnknownName, parse_err_fn = UnknownName::of::<Self>)]
pub enum Status {
    /// Waiting for an attempt.
    Pending,
    /// Comparing prices.
    Routing,
    /// Making the transaction.
    Building,
    /// The transaction may have been sent.
    Submitted,
    /// Swapped. Nothing follows.
    Confirmed,
    /// Not swapped. Nothing follows.
    Failed,
    /// Not swapped, because it was cancelled. Nothing follows.
    Cancelled,
    /// Not swapped in time. Nothing follows.
    Expired,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 8] = every(Self::VARIANTS);

    /// The name in API answers and the database.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// True if nothing follows.
    pub const fn is_terminal(self) -> bool {
        match self {
            Self::Pending | Self::Routing | Self::Building | Self::Submitted => false,
            Self::Confirmed | Self::Failed | Self::Cancelled | Self::Expired => true,
        }
    }
}
