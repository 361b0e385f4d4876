//! Responses about one order: the whole order, its updates, and receipts.

use crate::api::quotes::response::{Leftover, Price};
use crate::api::schema::{
    Decimal, EnvironmentName, FailureCode, OrderStatus, SignedDecimal, TransactionSignature,
};
use order_core::order::{Id, Status};
use order_core::{Environment, Failure, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

/// An order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Order)]
pub(crate) struct OrderResponse {
    #[schema(value_type = uuid::Uuid)]
    pub(super) order_id: Id,
    /// pending, routing, building, submitted, confirmed, failed, cancelled or expired.
    #[schema(value_type = OrderStatus)]
    pub(super) status: Status,
    /// The status for people.
    #[schema(example = "Transaction confirmed")]
    pub(super) message: &'static str,
    /// Number of events of the order. Events are numbered from 1 without a gap.
    pub(super) seq: u64,
    /// Number of attempts that have begun.
    pub(super) attempts: u32,
    #[schema(example = "SOL")]
    pub(super) token_in: String,
    #[schema(example = "USDC")]
    pub(super) token_out: String,
    /// Maximum input, in whole tokens.
    #[schema(value_type = Decimal)]
    pub(super) amount: String,
    /// Accepted slippage, as a fraction of the quoted output.
    #[schema(value_type = Decimal)]
    pub(super) max_slippage: String,
    pub(super) data: Data,
    /// Nothing is signed after this time; null for old orders without an expiry.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub(super) expires_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    pub(super) created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub(super) updated_at: Timestamp,
    /// Time of this response.
    #[schema(value_type = String, format = DateTime)]
    pub(super) timestamp: Timestamp,
    #[schema(value_type = EnvironmentName)]
    pub(super) environment: Environment,
}

/// The execution of an order so far; a value that is not known yet is null.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Data {
    /// Price and fee of the latest attempt's route.
    #[schema(required)]
    pub(super) quote: Option<Price>,
    /// Quoted output of that route, in whole tokens.
    #[schema(value_type = Option<Decimal>, required)]
    pub(super) estimated_output: Option<String>,
    /// Minimum output, in whole tokens. It is set once and never lowered.
    #[schema(value_type = Option<Decimal>, required)]
    pub(super) minimum_output: Option<String>,
    /// Signature of the latest attempt's transaction.
    #[schema(value_type = Option<TransactionSignature>, required)]
    pub(super) tx_hash: Option<String>,
    /// Executed price: whole output tokens per whole input token, rounded down.
    #[schema(value_type = Option<Decimal>, required)]
    pub(super) executed_price: Option<String>,
    /// Executed input, in whole tokens, from the balances on the chain. Below `amount` if a two-hop path did not
    /// need its input buffer.
    #[schema(value_type = Option<Decimal>, required)]
    pub(super) executed_input: Option<String>,
    /// Executed output, in whole tokens, from the balances on the chain.
    #[schema(value_type = Option<Decimal>, required)]
    pub(super) executed_output: Option<String>,
    /// Executed slippage: shortfall against `estimatedOutput`, as a fraction. Negative if the output is higher.
    #[schema(value_type = Option<SignedDecimal>, required)]
    pub(super) slippage: Option<String>,
    /// Network fees of all landed transactions, in SOL.
    #[schema(value_type = Option<Decimal>, required)]
    pub(super) network_fee: Option<String>,
    /// Tip of the landed transaction to those who landed it, in SOL, beside the network fee; null if it paid none.
    #[schema(value_type = Option<Decimal>, required)]
    pub(super) tip: Option<String>,
    /// Intermediate tokens that the landed transaction bought and did not sell; they stay with the wallet.
    pub(super) leftovers: Vec<Leftover>,
    /// The latest failure.
    #[schema(required)]
    pub(super) error: Option<Failed>,
    /// True if the order wraps or unwraps SOL.
    pub(super) requires_wrapping: bool,
}

/// The failure of an attempt.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = OrderError)]
pub(crate) struct Failed {
    /// Error code; see `/docs/errors`.
    #[schema(value_type = FailureCode)]
    pub(super) code: &'static str,
    /// Description of the failure, for people.
    pub(super) message: String,
    /// True if another attempt or order may succeed.
    pub(super) retryable: bool,
}

/// One event of an order, as a WebSocket message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrderUpdate)]
pub(crate) struct OrderUpdate {
    #[schema(value_type = uuid::Uuid)]
    pub(super) order_id: Id,
    /// Number of the event. To continue after a lost connection, reconnect with `?after=` this number.
    pub(super) seq: u64,
    #[schema(value_type = OrderStatus)]
    pub(super) status: Status,
    pub(super) message: &'static str,
    /// The attempt that the event belongs to; 0 before the first.
    pub(super) attempt: u32,
    pub(super) data: Data,
    /// Time at which the event was recorded.
    #[schema(value_type = String, format = DateTime)]
    pub(super) timestamp: Timestamp,
}

impl Failed {
    pub(super) fn of(failure: &Failure) -> Self {
        Self {
            code: failure.code.name(),
            message: failure.message.clone(),
            retryable: failure.code.retryable(),
        }
    }
}

/// The order was accepted or cancelled.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Receipt {
    #[schema(value_type = uuid::Uuid)]
    order_id: Id,
    #[schema(value_type = OrderStatus)]
    status: Status,
    #[schema(example = "Order received and queued")]
    message: &'static str,
}

impl Receipt {
    pub(crate) fn of(order_id: Id, status: Status) -> Self {
        Self { order_id, status, message: message(status) }
    }
}

/// A status for people.
pub(crate) const fn message(status: Status) -> &'static str {
    match status {
        Status::Pending => "Order received and queued",
        Status::Routing => "Comparing DEX prices",
        Status::Building => "Creating transaction",
        Status::Submitted => "Transaction sent to network",
        Status::Confirmed => "Transaction confirmed",
        Status::Failed => "Order execution failed",
        Status::Cancelled => "Order cancelled",
        Status::Expired => "Order expired before it was executed",
    }
}

#[cfg(test)]
mod tests {
    use crate::api::orders::fold::OrderView;
    use crate::api::orders::ws::message::Message;
    use crate::tests::example;
    use order_core::{Environment, Timestamp};

    #[test]
    fn a_new_order_keeps_its_wire_form() {
        let view = OrderView::replay(example::id(), &example::confirmed()[..1]).unwrap();
        assert_eq!(
            serde_json::to_string(&view.response(Timestamp::UNIX_EPOCH, Environment::Sandbox)).unwrap(),
            concat!(
                r#"{"orderId":"00000000-0000-0000-0000-000000000007","status":"pending","message":"Order received and queued","seq":1,"attempts":0,"#,
                r#""tokenIn":"SOL","tokenOut":"USDC","amount":"100","maxSlippage":"0.01","#,
                r#""data":{"quote":null,"estimatedOutput":null,"minimumOutput":null,"txHash":null,"executedPrice":null,"executedInput":null,"executedOutput":null,"slippage":null,"networkFee":null,"tip":null,"leftovers":[],"error":null,"requiresWrapping":true},"#,
                r#""expiresAt":"1970-01-01T00:01:01Z","createdAt":"1970-01-01T00:00:01Z","updatedAt":"1970-01-01T00:00:01Z","timestamp":"1970-01-01T00:00:00Z","environment":"sandbox"}"#
            )
        );
    }

    #[test]
    fn the_last_frame_of_a_swap_keeps_its_wire_form_and_the_order_has_the_same_data() {
        let view = OrderView::replay(example::id(), &example::confirmed()).unwrap();
        let frame = serde_json::to_string(&Message::OrderUpdate(Box::new(view.update()))).unwrap();
        let data = concat!(
            r#"{"quote":{"dex":"Raydium","price":"150","fee":"0.0025","feeAmount":"0.25","amountAfterFee":"99.75","feePercentage":"0.25%"},"#,
            r#""estimatedOutput":"15000","minimumOutput":"14850","#,
            r#""txHash":"2AXDGYSE4f2sz7tvMMzyHvUfcoJmxudvdhBcmiUSo6ijwfYmfZYsKRxboQMPh3R4kUhXRVdtSXFXMheka4Rc4P2","#,
            r#""executedPrice":"149.925","executedInput":"100","executedOutput":"14992.5","slippage":"0.0005","networkFee":"0.000005","tip":null,"leftovers":[],"error":null,"requiresWrapping":true}"#
        );
        assert_eq!(
            frame,
            format!(
                r#"{{"type":"order_update","orderId":"00000000-0000-0000-0000-000000000007","seq":5,"status":"confirmed","message":"Transaction confirmed","attempt":1,"data":{data},"timestamp":"1970-01-01T00:00:05Z"}}"#
            )
        );
        let order =
            serde_json::to_string(&view.response(Timestamp::UNIX_EPOCH, Environment::Sandbox)).unwrap();
        assert!(order.contains(&format!(r#""data":{data},"#)), "{order}");
    }

    #[test]
    fn a_retry_shows_what_went_wrong_and_that_it_goes_on() {
        let history = example::reverted_then_failed();
        let view = OrderView::replay(example::id(), &history[..6]).unwrap();
        let frame = serde_json::to_value(view.update()).unwrap();
        assert_eq!(frame["status"], "pending");
        assert_eq!(
            frame["data"]["error"],
            serde_json::json!({"code":"slippage_exceeded","message":"6005","retryable":true})
        );
        assert_eq!(frame["data"]["minimumOutput"], "14850");
    }
}
