//! `GET /api/orders/{orderId}/events`

use super::fold::{OrderView, sol, tip};
use super::load::{OrderPath, corrupt, history};
use super::response::{Failed, message};
use crate::access::Caller;
use crate::api::quotes::response::{Alternative, Hop, Leftover, Pair, Path, Price};
use crate::api::schema::{Decimal, OrderEventKind, OrderStatus, TransactionSignature};
use crate::http::problem::Problem;
use crate::state::App;
use axum::Json;
use axum::extract::State;
use order_core::order::{
    self, Fill, Id, Intent, InvalidHistory, Observation, Recorded, SignedTransaction, Status,
};
use order_core::quote::Mode;
use order_core::{Quote, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

/// All events of an order: attempts, quotes considered, transactions, errors.
#[utoipa::path(
    get, path = "/api/orders/{orderId}/events", operation_id = "listOrderEvents", tag = "Orders",
    params(("orderId" = uuid::Uuid, Path, description = "The order")),
    responses(
        (status = 200, body = History, description = "The events so far"),
        (status = 404, description = "The order does not exist"),
    ),
)]
pub(crate) async fn events(
    State(app): State<App>,
    caller: Caller,
    OrderPath(id): OrderPath,
) -> Result<Json<History>, Problem> {
    let (id, recorded) = history(&app, &caller.account, &id).await?;
    History::of(id, &recorded).map(Json).map_err(|error| corrupt(id, &error))
}

/// All events of an order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct History {
    #[schema(value_type = uuid::Uuid)]
    order_id: Id,
    /// Status after the last event.
    #[schema(value_type = OrderStatus)]
    status: Status,
    /// Numbered from 1 without a gap.
    events: Vec<Event>,
}

/// One event. A field that does not belong to its kind is absent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderEvent)]
pub(crate) struct Event {
    seq: u64,
    /// accepted, routing_started, route_chosen, transaction_signed, transaction_found, settled, observed,
    /// rolled_back, attempt_failed, failed, cancelled or expired.
    #[schema(value_type = OrderEventKind)]
    kind: &'static str,
    /// Status of the order after the event.
    #[schema(value_type = OrderStatus)]
    status: Status,
    /// The status for people.
    message: &'static str,
    /// Number of the attempt that the event belongs to; 0 before the first.
    attempt: u32,
    /// Time at which the event was recorded.
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    /// `accepted`: the accepted request.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<Request>,
    /// `route_chosen`: the chosen route.
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<Box<Route>>,
    /// `transaction_signed` and `transaction_found`: the transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction: Option<Transaction>,
    /// `observed`, `rolled_back` and `settled`: the end of the transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    /// With the outcome `landed`: the amounts, if they are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    fill: Option<Filled>,
    /// Network fee in SOL, of a transaction that landed or was reverted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Decimal>)]
    network_fee: Option<String>,
    /// Tip in SOL that a landed transaction paid to those who landed it, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Decimal>)]
    tip: Option<String>,
    /// The slot in which the transaction landed.
    #[serde(skip_serializing_if = "Option::is_none")]
    slot: Option<u64>,
    /// `attempt_failed`, `failed`, and the outcome `reverted`: the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failed>,
    /// `attempt_failed`: the pause before the next attempt, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_in_ms: Option<u64>,
}

/// The end of a transaction: `landed`, `reverted` or `expired`.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = TransactionOutcome)]
enum Outcome {
    Landed,
    Reverted,
    Expired,
}

/// The accepted request.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderRequest)]
pub(crate) struct Request {
    token_in: String,
    token_out: String,
    #[schema(value_type = Decimal)]
    amount: String,
    #[schema(value_type = Decimal)]
    max_slippage: String,
    /// Quote of the order's `quoteId`.
    #[schema(value_type = Option<uuid::Uuid>, required)]
    quote_id: Option<order_core::quote::Id>,
}

/// The chosen route, with the rejected alternatives.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChosenRoute)]
pub(crate) struct Route {
    #[schema(value_type = uuid::Uuid)]
    quote_id: order_core::quote::Id,
    quote: Price,
    #[schema(value_type = Decimal)]
    estimated_output: String,
    /// Minimum output, which the chain enforces, in whole output tokens.
    #[schema(value_type = Option<Decimal>, required)]
    minimum_output: Option<String>,
    #[schema(value_type = Decimal)]
    price_impact: String,
    /// Transfer fees that the tokens withhold, as a fraction of the input.
    #[schema(value_type = Decimal)]
    transfer_fee: String,
    /// The paths side by side, in the order they are swapped.
    paths: Vec<Path>,
    /// The hops of all paths in one list. Use `paths`.
    #[schema(deprecated)]
    route: Vec<Hop>,
    alternatives: Vec<Alternative>,
    slot: u64,
    state_age_ms: u64,
}

/// A signed transaction.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderTransaction)]
pub(crate) struct Transaction {
    #[schema(value_type = TransactionSignature)]
    tx_hash: String,
    /// Last block height at which the transaction can land.
    last_valid_block_height: u64,
    /// Tip in SOL that it pays if it succeeds, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Decimal>)]
    tip: Option<String>,
}

/// The amounts of a landed transaction, in whole tokens.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderFill)]
pub(crate) struct Filled {
    #[schema(value_type = Decimal)]
    input: String,
    #[schema(value_type = Decimal)]
    output: String,
    /// Intermediate tokens that were bought and not sold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    leftovers: Vec<Leftover>,
}

impl History {
    /// The history of an order.
    ///
    /// # Errors
    /// The events are not a valid history of an order.
    pub(crate) fn of(id: Id, history: &[Recorded]) -> Result<Self, InvalidHistory> {
        let (first, rest) = history.split_first().ok_or(InvalidHistory::NotAccepted)?;
        let mut view = OrderView::begin(id, first)?;
        let mut events = vec![Event::of(&view, first)];
        for recorded in rest {
            view.push(recorded)?;
            events.push(Event::of(&view, recorded));
        }
        Ok(Self { order_id: id, status: view.inner().status(), events })
    }
}

impl Event {
    /// The latest event of the view.
    fn of(view: &OrderView, recorded: &Recorded) -> Self {
        let status = view.inner().status();
        let mut event = Self {
            seq: recorded.seq,
            kind: recorded.event.kind(),
            status,
            message: message(status),
            attempt: view.inner().attempt(),
            timestamp: recorded.at,
            request: None,
            route: None,
            transaction: None,
            outcome: None,
            fill: None,
            network_fee: None,
            tip: None,
            slot: None,
            error: None,
            retry_in_ms: None,
        };
        event.complete(view, &recorded.event);
        event
    }

    /// Sets the fields that belong to the kind of the event.
    fn complete(&mut self, view: &OrderView, event: &order::Event) {
        match event {
            order::Event::Accepted { intent, .. } => self.request = Some(Request::of(intent)),
            order::Event::RoutingStarted { .. } | order::Event::Cancelled | order::Event::Expired => {}
            order::Event::RouteChosen { quote } => self.route = Some(Box::new(Route::of(quote, view))),
            order::Event::TransactionSigned { transaction }
            | order::Event::TransactionFound { transaction } => {
                self.transaction = Some(Transaction::of(transaction));
            }
            order::Event::Settled { landed, .. } => {
                self.outcome = Some(if *landed { Outcome::Landed } else { Outcome::Expired });
            }
            order::Event::Observed { observation } | order::Event::RolledBack { observation } => {
                self.observed(observation, view.inner().intent());
            }
            order::Event::AttemptFailed { failure, retry_in_ms } => {
                self.error = Some(Failed::of(failure));
                self.retry_in_ms = Some(*retry_in_ms);
            }
            order::Event::Failed { failure } => self.error = Some(Failed::of(failure)),
        }
    }

    fn observed(&mut self, observation: &Observation, intent: &Intent) {
        match observation {
            Observation::Landed { fill } => {
                self.outcome = Some(Outcome::Landed);
                self.fill = fill.as_ref().map(|fill| Filled::of(fill, intent));
                self.network_fee = fill.as_ref().map(|fill| sol(fill.network_fee));
                self.tip = fill.as_ref().and_then(tip);
                self.slot = fill.as_ref().map(|fill| fill.slot);
            }
            Observation::Reverted { failure, network_fee, slot } => {
                self.outcome = Some(Outcome::Reverted);
                self.network_fee = Some(sol(*network_fee));
                self.slot = Some(*slot);
                self.error = Some(Failed::of(failure));
            }
            Observation::Expired => self.outcome = Some(Outcome::Expired),
        }
    }
}

impl Transaction {
    fn of(transaction: &SignedTransaction) -> Self {
        Self {
            tx_hash: transaction.signature.to_string(),
            last_valid_block_height: transaction.last_valid_block_height,
            tip: transaction.tip.map(|tip| sol(tip.lamports)),
        }
    }
}

impl Request {
    fn of(intent: &Intent) -> Self {
        Self {
            token_in: intent.token_in().symbol.clone(),
            token_out: intent.token_out().symbol.clone(),
            amount: intent.amount_in().to_decimal(intent.token_in().decimals),
            max_slippage: intent.max_slippage().to_decimal(),
            quote_id: intent.reference().map(|reference| reference.quote_id),
        }
    }
}

impl Route {
    fn of(quote: &Quote, view: &OrderView) -> Self {
        let intent = view.inner().intent();
        let pair = Pair { token_in: intent.token_in(), token_out: intent.token_out() };
        let decimals = intent.token_out().decimals;
        Self {
            quote_id: quote.id,
            quote: Price::of(quote, pair),
            estimated_output: quote.amount_out().to_decimal(decimals),
            minimum_output: view.inner().min_out().map(|amount| amount.to_decimal(decimals)),
            price_impact: quote.price_impact.to_decimal(),
            transfer_fee: quote.transfer_fee.to_decimal(),
            paths: Path::all(quote, pair),
            route: Hop::all(quote, pair),
            alternatives: Alternative::all(quote, pair, Mode::ExactIn),
            slot: quote.slot,
            state_age_ms: quote.state_age_ms,
        }
    }
}

impl Filled {
    fn of(fill: &Fill, intent: &Intent) -> Self {
        let pair = Pair { token_in: intent.token_in(), token_out: intent.token_out() };
        Self {
            input: fill.amount_in.to_decimal(pair.token_in.decimals),
            output: fill.amount_out.to_decimal(pair.token_out.decimals),
            leftovers: Leftover::all(&fill.leftovers, pair),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::example;
    use order_core::{Atoms, Mint, route};
    use serde_json::json;

    #[test]
    fn each_kind_of_event_shows_what_belongs_to_it() {
        let history = History::of(example::id(), &example::confirmed()).unwrap();
        let seen = serde_json::to_value(&history).unwrap();
        assert_eq!(seen["status"], "confirmed");
        let events = &seen["events"];
        assert_eq!(
            events[0],
            json!({"seq":1,"kind":"accepted","status":"pending","message":"Order received and queued","attempt":0,
                "timestamp":"1970-01-01T00:00:01Z",
                "request":{"tokenIn":"SOL","tokenOut":"USDC","amount":"100","maxSlippage":"0.01","quoteId":null}})
        );
        assert_eq!(events[2]["route"]["alternatives"][0]["estimatedOutput"], "14990.5");
        assert_eq!(events[2]["route"]["minimumOutput"], "14850");
        assert_eq!(events[3]["transaction"]["lastValidBlockHeight"], 150);
        assert_eq!(
            events[4],
            json!({"seq":5,"kind":"observed","status":"confirmed","message":"Transaction confirmed","attempt":1,
                "timestamp":"1970-01-01T00:00:05Z","outcome":"landed","fill":{"input":"100","output":"14992.5"},
                "networkFee":"0.000005","slot":6})
        );
    }

    #[test]
    fn events_keep_their_wire_form() {
        let confirmed = History::of(example::id(), &example::confirmed()).unwrap();
        let failed = History::of(example::id(), &example::reverted_then_failed()).unwrap();
        let seen = |history: &History, seq: usize| serde_json::to_string(&history.events[seq - 1]).unwrap();
        assert_eq!(
            seen(&confirmed, 2),
            r#"{"seq":2,"kind":"routing_started","status":"routing","message":"Comparing DEX prices","attempt":1,"timestamp":"1970-01-01T00:00:02Z"}"#
        );
        assert_eq!(
            seen(&confirmed, 5),
            r#"{"seq":5,"kind":"observed","status":"confirmed","message":"Transaction confirmed","attempt":1,"timestamp":"1970-01-01T00:00:05Z","outcome":"landed","fill":{"input":"100","output":"14992.5"},"networkFee":"0.000005","slot":6}"#
        );
        assert_eq!(
            seen(&failed, 5),
            r#"{"seq":5,"kind":"observed","status":"submitted","message":"Transaction sent to network","attempt":1,"timestamp":"1970-01-01T00:00:05Z","outcome":"reverted","networkFee":"0.000005","slot":6,"error":{"code":"slippage_exceeded","message":"6005","retryable":true}}"#
        );
        assert_eq!(
            seen(&failed, 6),
            r#"{"seq":6,"kind":"attempt_failed","status":"pending","message":"Order received and queued","attempt":1,"timestamp":"1970-01-01T00:00:06Z","error":{"code":"slippage_exceeded","message":"6005","retryable":true},"retryInMs":1000}"#
        );
    }

    #[test]
    fn a_tip_is_shown_where_it_is_offered_and_where_it_is_paid() {
        let history = History::of(example::id(), &example::tipped()).unwrap();
        let seen = serde_json::to_value(&history).unwrap();
        assert_eq!(seen["events"][3]["transaction"]["tip"], "0.00025");
        assert_eq!(
            (&seen["events"][4]["tip"], &seen["events"][4]["networkFee"]),
            (&json!("0.00025"), &json!("0.000005"))
        );
        let order = OrderView::replay(example::id(), &example::tipped()).unwrap().data();
        assert_eq!((order.tip.as_deref(), order.executed_input.as_deref()), (Some("0.00025"), Some("100")));
    }

    #[test]
    fn what_is_left_over_is_shown_with_the_fill() {
        let mint = order_core::token::known().next().unwrap().mint;
        let [known, strange] = [(mint, 4_000_000), (Mint::new([7; 32]), 5)]
            .map(|(mint, amount)| route::Leftover { mint, amount: Atoms::new(amount) });
        let mut events = example::confirmed();
        for recorded in &mut events {
            if let order::Event::Observed { observation: Observation::Landed { fill: Some(fill) } } =
                &mut recorded.event
            {
                fill.leftovers = vec![known, strange];
            }
        }
        let seen = serde_json::to_value(History::of(example::id(), &events).unwrap()).unwrap();
        let order = serde_json::to_value(OrderView::replay(example::id(), &events).unwrap().data()).unwrap();
        let expected = json!([
            {"token": "SOL", "amount": "0.004", "baseUnits": "4000000"},
            {"token": strange.mint.to_string(), "amount": null, "baseUnits": "5"},
        ]);
        assert_eq!((&seen["events"][4]["fill"]["leftovers"], &order["leftovers"]), (&expected, &expected));
    }

    #[test]
    fn signed_bytes_are_not_shown() {
        let history = History::of(example::id(), &example::confirmed()).unwrap();
        assert!(!serde_json::to_string(&history).unwrap().contains("bytes"));
    }

    #[test]
    fn a_failed_attempt_shows_its_error_and_its_pause() {
        let history = History::of(example::id(), &example::reverted_then_failed()).unwrap();
        let seen = serde_json::to_value(&history).unwrap();
        assert_eq!(seen["events"][4]["outcome"], "reverted");
        assert_eq!(seen["events"][4]["error"]["code"], "slippage_exceeded");
        assert_eq!(seen["events"][5]["retryInMs"], 1000);
        assert_eq!(seen["events"][7]["kind"], "failed");
    }
}
