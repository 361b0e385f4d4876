//! The order: a list of events, and the state they add up to.

mod event;
mod expiry;
mod intent;
mod marker;
mod retry;
mod state;

pub use event::{Event, Fill, Observation, Recorded, SignedTransaction, Tip};
pub use expiry::Expiry;
pub use intent::{Intent, InvalidIntent, Reference};
pub use marker::Marker;
pub use retry::RetryPolicy;
pub use state::{State, Status};

use crate::{AccountId, Atoms, Failure, Quote, failure};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// Names one order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id(pub Uuid);

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Id {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

/// An event that may not happen to an order in its state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{event}` may not happen to an order that is {status} in attempt {attempt}")]
pub struct IllegalTransition {
    event: &'static str,
    status: Status,
    attempt: u32,
}

/// Why a list of events is no order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHistory {
    /// No event, or the first is not the acceptance.
    #[error("an order begins with its acceptance, at seq 1")]
    NotAccepted,
    /// A number is missing or out of place.
    #[error("expected the event with seq {expected}, found seq {found}")]
    Gap {
        /// The number that was due.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// An event that may not follow the ones before it.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
}

/// The next step of an order's owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<'a> {
    /// Record that an attempt begins.
    Begin {
        /// The number of the attempt, from 1.
        attempt: u32,
    },
    /// Find a route that gives at least `min_out`, where an earlier attempt fixed one.
    Route {
        /// The minimum output that the reference has fixed.
        min_out: Option<Atoms>,
    },
    /// Build, simulate and sign the transaction. Nothing is sent yet.
    Sign {
        /// The route to build.
        quote: &'a Quote,
        /// The least output the chain may accept.
        min_out: Atoms,
    },
    /// Send the same bytes again and again until the chain has spoken.
    Land {
        /// The transaction to send.
        transaction: &'a SignedTransaction,
    },
    /// The attempt is over and nothing was swapped: decide whether another follows.
    Settle {
        /// Why.
        failure: &'a Failure,
    },
    /// Nothing: the order has ended.
    End,
}

/// An order: what was asked for, and what has happened to it so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    id: Id,
    account: AccountId,
    intent: Intent,
    state: State,
    seq: u64,
    attempt: u32,
    reference_out: Option<Atoms>,
    transactions: Vec<SignedTransaction>,
    marker_generation: u32,
}

impl Order {
    /// A new order, as its first event makes it.
    pub fn accepted(id: Id, account: AccountId, intent: Intent) -> Self {
        let reference_out = intent.reference().map(|reference| reference.amount_out);
        Self {
            id,
            account,
            intent,
            state: State::Pending { retry: None },
            seq: 1,
            attempt: 0,
            reference_out,
            transactions: Vec::new(),
            marker_generation: 0,
        }
    }

    /// The order that a complete list of events adds up to.
    ///
    /// # Errors
    /// The list does not begin with the acceptance, has a gap, or an illegal transition.
    pub fn replay<'a>(
        id: Id,
        history: impl IntoIterator<Item = &'a Recorded>,
    ) -> Result<Self, InvalidHistory> {
        let mut history = history.into_iter();
        let mut order = match history.next() {
            Some(Recorded { seq: 1, event: Event::Accepted { account, intent }, .. }) => {
                Self::accepted(id, account.clone(), intent.clone())
            }
            Some(_) | None => return Err(InvalidHistory::NotAccepted),
        };
        for recorded in history {
            let expected = order.seq.saturating_add(1);
            if recorded.seq != expected {
                return Err(InvalidHistory::Gap { expected, found: recorded.seq });
            }
            order.apply(&recorded.event)?;
        }
        Ok(order)
    }

    /// Applies an event to the order: the only way its state changes.
    ///
    /// # Errors
    /// The event may not happen in this state; the order is as it was.
    pub fn apply(&mut self, event: &Event) -> Result<(), IllegalTransition> {
        let next = self.transition(event).ok_or(IllegalTransition {
            event: event.kind(),
            status: self.status(),
            attempt: self.attempt,
        })?;
        if let Event::RoutingStarted { attempt } = event {
            self.attempt = *attempt;
        }
        match event {
            Event::RouteChosen { quote } => {
                self.reference_out.get_or_insert(quote.amount_out());
            }
            Event::TransactionSigned { transaction } | Event::TransactionFound { transaction } => {
                self.remember(transaction);
            }
            // An executor says so only after it has seen that somebody else occupied the address.
            Event::AttemptFailed { failure, .. } if failure.code == failure::Code::MarkerInUse => {
                self.marker_generation = self.marker_generation.saturating_add(1);
            }
            Event::Accepted { .. }
            | Event::RoutingStarted { .. }
            | Event::Settled { .. }
            | Event::Observed { .. }
            | Event::RolledBack { .. }
            | Event::AttemptFailed { .. }
            | Event::Failed { .. }
            | Event::Cancelled
            | Event::Expired => {}
        }
        self.state = next;
        self.seq = self.seq.saturating_add(1);
        Ok(())
    }

    fn remember(&mut self, transaction: &SignedTransaction) {
        if !self.transactions.iter().any(|known| known.signature == transaction.signature) {
            self.transactions.push(transaction.clone());
        }
    }

    /// The transition table.
    fn transition(&self, event: &Event) -> Option<State> {
        Some(match (&self.state, event) {
            (State::Pending { .. }, Event::RoutingStarted { attempt })
                if *attempt == self.attempt.saturating_add(1) =>
            {
                State::Routing
            }
            (State::Routing, Event::RouteChosen { quote }) => {
                let min_out =
                    self.intent.max_slippage().min_out(self.reference_out.unwrap_or(quote.amount_out()));
                // Two swaps in a row may leave a little of the amount.
                let fits = quote.amount_in() <= self.intent.amount_in() && quote.amount_out() >= min_out;
                // A floor of nothing would let the chain take the input for nothing.
                if !fits || min_out.is_zero() {
                    return None;
                }
                State::Building { quote: quote.clone(), min_out }
            }
            (State::Building { quote, min_out }, Event::TransactionSigned { transaction }) => {
                State::Submitted { quote: quote.clone(), min_out: *min_out, transaction: transaction.clone() }
            }
            (
                State::Building { quote, .. } | State::Voided { quote, .. },
                Event::TransactionFound { transaction },
            ) => State::Submitted {
                quote: quote.clone(),
                min_out: self.min_out()?,
                transaction: transaction.clone(),
            },
            (
                State::Submitted { quote, transaction, .. } | State::Voided { quote, transaction, .. },
                Event::Settled { landed, evidence },
            ) => self.settled(quote, transaction, *landed, evidence)?,
            (State::Submitted { quote, min_out, transaction }, Event::Observed { observation }) => {
                let (quote, transaction) = (quote.clone(), transaction.clone());
                match observation {
                    Observation::Landed { fill } => {
                        State::Confirmed { quote, min_out: *min_out, transaction, fill: fill.clone() }
                    }
                    Observation::Reverted { failure, .. } => {
                        State::Voided { quote, transaction, failure: failure.clone() }
                    }
                    Observation::Expired => State::Voided { quote, transaction, failure: expired() },
                }
            }
            (State::Confirmed { quote, min_out, transaction, .. }, Event::RolledBack { observation }) => {
                rolled_back(quote, *min_out, transaction, observation)
            }
            (
                State::Routing | State::Building { .. } | State::Voided { .. },
                Event::AttemptFailed { failure, .. },
            ) => State::Pending { retry: Some(failure.clone()) },
            (
                state @ (State::Routing | State::Building { .. } | State::Voided { .. }),
                Event::Failed { failure },
            ) => State::Failed {
                failure: failure.clone(),
                quote: state.quote().cloned(),
                transaction: state.transaction().cloned(),
            },
            (state, Event::Cancelled) if state.is_unsigned() => {
                State::Cancelled { failure: state.failure().cloned(), quote: state.quote().cloned() }
            }
            (state, Event::Expired) if state.is_unsigned() => {
                State::Expired { failure: state.failure().cloned(), quote: state.quote().cloned() }
            }
            // Whatever is not written above does not happen: a table of what does is easier to
            // trust than one of what does not.
            _ => return None,
        })
    }

    /// The end that an operator's evidence gives to an order.
    fn settled(
        &self,
        quote: &Quote,
        transaction: &SignedTransaction,
        landed: bool,
        evidence: &str,
    ) -> Option<State> {
        let (quote, transaction) = (quote.clone(), transaction.clone());
        if landed {
            return Some(State::Confirmed { quote, min_out: self.min_out()?, transaction, fill: None });
        }
        let message = format!("an operator has settled that it did not land: {evidence}");
        let failure = Failure::new(failure::Code::TransactionExpired, message);
        Some(State::Failed { failure, quote: Some(quote), transaction: Some(transaction) })
    }

    /// The owner's next step: the only place that decides it.
    pub fn next_step(&self) -> Step<'_> {
        match &self.state {
            State::Pending { .. } => Step::Begin { attempt: self.attempt.saturating_add(1) },
            State::Routing => Step::Route { min_out: self.min_out() },
            State::Building { quote, min_out } => Step::Sign { quote, min_out: *min_out },
            State::Submitted { transaction, .. } => Step::Land { transaction },
            State::Voided { failure, .. } => Step::Settle { failure },
            State::Confirmed { .. }
            | State::Failed { .. }
            | State::Cancelled { .. }
            | State::Expired { .. } => Step::End,
        }
    }

    /// The event that a new owner records before it goes on: an attempt whose owner was lost before anything
    /// was signed counts as failed, so an order that brings its owner down cannot do so for ever.
    pub fn interruption(&self, policy: &RetryPolicy, jitter: u64) -> Option<Event> {
        match self.state {
            State::Routing | State::Building { .. } => {
                let failure = Failure::new(
                    failure::Code::Interrupted,
                    "the executor stopped before the transaction was signed",
                );
                Some(self.attempt_failed(failure, policy, jitter))
            }
            State::Pending { .. }
            | State::Submitted { .. }
            | State::Voided { .. }
            | State::Confirmed { .. }
            | State::Failed { .. }
            | State::Cancelled { .. }
            | State::Expired { .. } => None,
        }
    }

    /// The event that follows a failed attempt: a retry after a pause, or the end.
    /// `jitter` is any random number; it spreads the pause.
    pub fn attempt_failed(&self, failure: Failure, policy: &RetryPolicy, jitter: u64) -> Event {
        if failure.code.retryable() && self.attempt < policy.attempts {
            Event::AttemptFailed { failure, retry_in_ms: policy.pause_ms(self.attempt, jitter) }
        } else {
            Event::Failed { failure }
        }
    }

    /// The order's name.
    pub fn id(&self) -> Id {
        self.id
    }

    /// The account that owns the order.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The order's intent.
    pub fn intent(&self) -> &Intent {
        &self.intent
    }

    /// The state that the events add up to.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The state's name for clients.
    pub fn status(&self) -> Status {
        self.state.status()
    }

    /// The number of the latest event, from 1.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// How many attempts have begun.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Every transaction that was signed for it, the oldest first.
    pub fn transactions(&self) -> &[SignedTransaction] {
        &self.transactions
    }

    /// The generation of the marker that its next transaction creates.
    pub fn marker_generation(&self) -> u32 {
        self.marker_generation
    }

    /// The least output that is accepted. Fixed by the first quote, or by the caller's; it never
    /// loosens afterwards. None as long as there was no quote.
    pub fn min_out(&self) -> Option<Atoms> {
        self.reference_out.map(|reference| self.intent.max_slippage().min_out(reference))
    }
}

/// The end that the finalized chain gives to an order whose landing was dropped: the only way by which an order
/// that has ended ends otherwise. No other transaction of it can have been signed.
fn rolled_back(
    quote: &Quote,
    min_out: Atoms,
    transaction: &SignedTransaction,
    observation: &Observation,
) -> State {
    let (quote, transaction) = (quote.clone(), transaction.clone());
    let failure = match observation {
        Observation::Landed { fill } => {
            return State::Confirmed { quote, min_out, transaction, fill: fill.clone() };
        }
        Observation::Reverted { failure, .. } => failure.clone(),
        Observation::Expired => Failure::new(
            failure::Code::TransactionExpired,
            "the cluster dropped the block in which the transaction had landed, and it can no longer land",
        ),
    };
    State::Failed { failure, quote: Some(quote), transaction: Some(transaction) }
}

fn expired() -> Failure {
    Failure::new(
        failure::Code::TransactionExpired,
        "the transaction's blockhash expired on the finalized chain and no node has the transaction in its history",
    )
}

#[cfg(test)]
mod tests;
