//! Folds the events of an order into the order that clients see.

use super::response::{Data, Failed, OrderResponse, OrderUpdate, message};
use crate::api::quotes::response::{Leftover, Pair, Price};
use order_core::order::{Event, Fill, Id, InvalidHistory, Observation, Recorded, State};
use order_core::{Atoms, Environment, Fraction, Signature, Timestamp, amount, token};
use std::collections::BTreeMap;

/// The order as clients see it, folded from its events so far.
#[derive(Debug, Clone)]
pub(crate) struct OrderView {
    order: order_core::Order,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// The network fee of each landed transaction, in lamports.
    network_fees: BTreeMap<Signature, Atoms>,
}

impl OrderView {
    /// The order after its first event.
    ///
    /// # Errors
    /// The event is not the acceptance.
    pub(crate) fn begin(id: Id, first: &Recorded) -> Result<Self, InvalidHistory> {
        let order = order_core::Order::replay(id, [first])?;
        Ok(Self { order, created_at: first.at, updated_at: first.at, network_fees: BTreeMap::new() })
    }

    /// The order after all its events.
    ///
    /// # Errors
    /// The events are not a valid history of an order.
    pub(crate) fn replay(id: Id, history: &[Recorded]) -> Result<Self, InvalidHistory> {
        let (first, rest) = history.split_first().ok_or(InvalidHistory::NotAccepted)?;
        let mut view = Self::begin(id, first)?;
        for recorded in rest {
            view.push(recorded)?;
        }
        Ok(view)
    }

    /// Adds the next event.
    ///
    /// # Errors
    /// The event is not the next, or is not allowed in this state. The view is unchanged.
    pub(crate) fn push(&mut self, recorded: &Recorded) -> Result<(), InvalidHistory> {
        let expected = self.order.seq().saturating_add(1);
        if recorded.seq != expected {
            return Err(InvalidHistory::Gap { expected, found: recorded.seq });
        }
        self.order.apply(&recorded.event)?;
        self.updated_at = recorded.at;
        if let Event::Observed { observation } | Event::RolledBack { observation } = &recorded.event
            && let Some(transaction) = self.order.state().transaction()
        {
            match paid(observation) {
                Some(fee) => self.network_fees.insert(transaction.signature, fee),
                None => self.network_fees.remove(&transaction.signature),
            };
        }
        Ok(())
    }

    /// The sum of the network fees; None before the first transaction landed.
    fn network_fee(&self) -> Option<Atoms> {
        self.network_fees.values().copied().reduce(|sum, fee| sum.checked_add(fee).unwrap_or(sum))
    }

    /// The order itself.
    pub(crate) fn inner(&self) -> &order_core::Order {
        &self.order
    }

    /// Returns true if the order has ended.
    pub(crate) fn is_ended(&self) -> bool {
        self.order.status().is_terminal()
    }

    /// The response with the whole order.
    pub(crate) fn response(&self, now: Timestamp, environment: Environment) -> OrderResponse {
        let (order, intent) = (&self.order, self.order.intent());
        OrderResponse {
            order_id: order.id(),
            status: order.status(),
            message: message(order.status()),
            seq: order.seq(),
            attempts: order.attempt(),
            token_in: intent.token_in().symbol.clone(),
            token_out: intent.token_out().symbol.clone(),
            amount: intent.amount_in().to_decimal(intent.token_in().decimals),
            max_slippage: intent.max_slippage().to_decimal(),
            data: self.data(),
            expires_at: intent.expiry().map(|expiry| expiry.moment(self.created_at)),
            created_at: self.created_at,
            updated_at: self.updated_at,
            timestamp: now,
            environment,
        }
    }

    /// The message about the latest event.
    pub(crate) fn update(&self) -> OrderUpdate {
        OrderUpdate {
            order_id: self.order.id(),
            seq: self.order.seq(),
            status: self.order.status(),
            message: message(self.order.status()),
            attempt: self.order.attempt(),
            data: self.data(),
            timestamp: self.updated_at,
        }
    }

    /// The order's execution so far.
    pub(crate) fn data(&self) -> Data {
        let (state, intent) = (self.order.state(), self.order.intent());
        let (input, output) = (intent.token_in(), intent.token_out());
        let pair = Pair { token_in: input, token_out: output };
        let quote = state.quote();
        let fill = fill(state);
        Data {
            quote: quote.map(|quote| Price::of(quote, pair)),
            estimated_output: quote.map(|quote| quote.amount_out().to_decimal(output.decimals)),
            minimum_output: self.order.min_out().map(|amount| amount.to_decimal(output.decimals)),
            tx_hash: state.transaction().map(|transaction| transaction.signature.to_string()),
            executed_price: fill.and_then(|fill| {
                amount::price(fill.amount_in, input.decimals, fill.amount_out, output.decimals)
            }),
            executed_input: fill.map(|fill| fill.amount_in.to_decimal(input.decimals)),
            executed_output: fill.map(|fill| fill.amount_out.to_decimal(output.decimals)),
            slippage: quote
                .zip(fill)
                .and_then(|(quote, fill)| Fraction::shortfall(quote.amount_out(), fill.amount_out))
                .map(Fraction::to_decimal),
            network_fee: self.network_fee().map(sol),
            tip: fill.and_then(tip),
            leftovers: fill.map_or_else(Vec::new, |fill| Leftover::all(&fill.leftovers, pair)),
            error: state.failure().map(Failed::of),
            requires_wrapping: intent.requires_wrapping(),
        }
    }
}

fn fill(state: &State) -> Option<&Fill> {
    match state {
        State::Confirmed { fill, .. } => fill.as_ref(),
        State::Pending { .. }
        | State::Routing
        | State::Building { .. }
        | State::Submitted { .. }
        | State::Voided { .. }
        | State::Failed { .. }
        | State::Cancelled { .. }
        | State::Expired { .. } => None,
    }
}

/// The network fee of a landed transaction, in lamports. A reverted transaction pays it as well.
fn paid(observation: &Observation) -> Option<Atoms> {
    match observation {
        Observation::Landed { fill } => fill.as_ref().map(|fill| fill.network_fee),
        Observation::Reverted { network_fee, .. } => Some(*network_fee),
        Observation::Expired => None,
    }
}

/// The tip of a landed transaction in SOL; None if it paid none.
pub(super) fn tip(fill: &Fill) -> Option<String> {
    (!fill.tip.is_zero()).then(|| sol(fill.tip))
}

/// Lamports in whole SOL.
pub(super) fn sol(lamports: Atoms) -> String {
    let decimals = token::known().find(order_core::Token::is_native).map_or(0, |token| token.decimals);
    lamports.to_decimal(decimals)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::example;

    #[test]
    fn gap_is_refused_and_leaves_the_view_unchanged() {
        let history = example::confirmed();
        let mut view = OrderView::begin(example::id(), &history[0]).unwrap();
        assert_eq!(view.push(&history[2]), Err(InvalidHistory::Gap { expected: 2, found: 3 }));
        assert_eq!(view.push(&history[0]), Err(InvalidHistory::Gap { expected: 2, found: 1 }));
        view.push(&history[1]).unwrap();
        assert_eq!(view.inner().seq(), 2);
        assert!(matches!(OrderView::replay(example::id(), &[]), Err(InvalidHistory::NotAccepted)));
    }

    #[test]
    fn network_fees_of_reverted_transactions_add_up() {
        let view = OrderView::replay(example::id(), &example::reverted_then_failed()).unwrap();
        let data = view.data();
        assert_eq!(data.network_fee.as_deref(), Some("0.000005"));
        assert_eq!(data.executed_output, None);
        assert_eq!(data.error.unwrap().code, "slippage_exceeded");
        assert!(view.is_ended());
    }
}
