//! A request for an order: parsed once, without I/O, then resolved with the router's tokens.

use crate::api::schema::{Amount, SlippageLimit, TokenName};
use crate::api::swap::{Swap, SwapRequest};
use crate::http::error_codes::Code;
use crate::http::json_fields::Fields;
use crate::http::problem::Problem;
use crate::registry::Registry;
use order_core::Timestamp;
use order_core::quote::{self, Mode};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

/// A request for an order whose fields are valid on their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrderRequest {
    swap: SwapRequest,
    quote_id: Option<quote::Id>,
    expires_at: Option<Timestamp>,
}

/// A request for an order with its tokens looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResolvedOrder {
    pub(crate) swap: Swap,
    pub(crate) quote_id: Option<quote::Id>,
    pub(crate) expires_at: Option<Timestamp>,
}

/// A request for an order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(
    as = ExecuteRequest,
    example = json!({"tokenIn": "SOL", "tokenOut": "USDC", "amount": "0.1", "maxSlippage": "0.01"}),
)]
pub(crate) struct OrderBody {
    /// Input token: a known symbol, or a mint address.
    #[schema(value_type = TokenName)]
    token_in: String,
    /// Output token: a known symbol, or a mint address.
    #[schema(value_type = TokenName)]
    token_out: String,
    /// Maximum input in whole tokens, as a number or a string; read exactly.
    #[schema(value_type = Amount)]
    amount: String,
    /// Slippage as a fraction, at least 0 and below 1: 0.01 is one percent. The operator configures the default.
    #[schema(value_type = Option<SlippageLimit>)]
    max_slippage: String,
    /// `true`: the amount is spent to the last base unit; two-hop paths leave a little of the intermediate token instead.
    #[schema(value_type = Option<bool>)]
    use_full_input: bool,
    /// Quote that the slippage is measured from. Without it, the order's first quote is used.
    #[schema(value_type = Option<Uuid>)]
    quote_id: Uuid,
    /// Nothing is signed after this time (RFC 3339), which is in the future and at most 30 minutes away. The
    /// operator configures the default.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Timestamp,
}

impl OrderRequest {
    /// Parses a body. Does no I/O.
    ///
    /// # Errors
    /// All errors of its fields.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Problem> {
        Self::read(Fields::read(body)?)
    }

    /// Parses the first message of a WebSocket: an order, and its idempotency key as one more field.
    ///
    /// # Errors
    /// As [`OrderRequest::parse`].
    pub(crate) fn parse_message(message: &[u8]) -> Result<(Self, Option<String>), Problem> {
        let mut fields = Fields::read(message)?;
        let key = fields.optional_text("idempotencyKey");
        Ok((Self::read(fields)?, key))
    }

    fn read(mut fields: Fields<'_>) -> Result<Self, Problem> {
        let quote_id = fields.optional_text("quoteId").and_then(|text| match text.parse::<Uuid>() {
            Ok(id) => Some(quote::Id(id)),
            Err(_) => {
                fields.refuse(Code::QuoteNotFound, "quoteId", "is not the id of a quote");
                None
            }
        });
        let expires_at = fields.optional_text("expiresAt").and_then(|text| {
            if let Ok(moment) = text.parse() {
                return Some(moment);
            }
            fields.refuse(Code::InvalidExpiry, "expiresAt", "is not a time in RFC 3339");
            None
        });
        let swap = SwapRequest::parse(fields, Mode::ExactIn)?;
        Ok(Self { swap, quote_id, expires_at })
    }

    /// Hash that identifies a repeated request. PostgreSQL stores it beside the idempotency key, so it must
    /// stay the same for the same request.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(self.canonical()).into()
    }

    /// Canonical form: two bodies with the same meaning have the same canonical form. Needs no router call, so
    /// a repeated request is recognised while the router is down.
    fn canonical(&self) -> String {
        let (token_in, token_out) = (mint(&self.swap.token_in), mint(&self.swap.token_out));
        let amount = &self.swap.canonical_amount;
        let slippage =
            self.swap.max_slippage.map_or_else(|| "default".to_owned(), |slippage| slippage.to_decimal());
        let quote_id = self.quote_id.map_or_else(|| "none".to_owned(), |id| id.0.to_string());
        // No line without an expiry or a wish, because older requests had none and their keys are still stored.
        let expiry = self.expires_at.map_or_else(String::new, |moment| format!("\n{}", moment.to_rfc3339()));
        let all = if self.swap.use_full_input { "\nuseFullInput" } else { "" };
        format!("market\n{token_in}\n{token_out}\n{amount}\n{slippage}\n{quote_id}{expiry}{all}")
    }

    /// Looks up the tokens, and converts the amount to base units.
    ///
    /// # Errors
    /// As [`SwapRequest::resolve`].
    pub(crate) async fn resolve(self, registry: &Registry) -> Result<ResolvedOrder, Problem> {
        let Self { swap, quote_id, expires_at } = self;
        Ok(ResolvedOrder { swap: swap.resolve(registry).await?, quote_id, expires_at })
    }
}

/// The mint of a known token, else the text itself.
fn mint(name: &str) -> String {
    Registry::known(name).map_or_else(|| name.to_owned(), |known| known.mint.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use order_core::{Atoms, Slippage};

    fn registry() -> Registry {
        Registry::new(proto::RouterClient::new("http://127.0.0.1:1").unwrap())
    }

    async fn read(body: &[u8]) -> Result<ResolvedOrder, Problem> {
        OrderRequest::parse(body)?.resolve(&registry()).await
    }

    async fn refused(body: &str) -> (&'static str, Vec<String>) {
        let problem = read(body.as_bytes()).await.unwrap_err();
        (problem.code.entry().name, problem.errors.into_iter().map(|error| error.field).collect())
    }

    #[tokio::test]
    async fn an_order_is_read_exactly() {
        let body = br#"{"tokenIn":"SOL","tokenOut":"USDC","amount":0.1,"maxSlippage":"0.05"}"#;
        let order = read(body).await.unwrap();
        assert_eq!(order.swap.amount, Atoms::new(100_000_000));
        assert_eq!(order.swap.max_slippage, Some(Slippage::parse("0.05").unwrap()));
        let body = br#"{"tokenIn":"SOL","tokenOut":"USDC","amount":18446744073.709551615}"#;
        assert_eq!(read(body).await.unwrap().swap.amount, Atoms::new(u64::MAX));
    }

    #[tokio::test]
    async fn each_mistake_has_its_code_and_its_field() {
        for (body, code, field) in [
            (r#"{"tokenIn":"SOL","tokenOut":"USDC"}"#, "missing_field", "amount"),
            (r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":null}"#, "missing_field", "amount"),
            (r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":true}"#, "wrong_type", "amount"),
            (r#"{"tokenIn":7,"tokenOut":"USDC","amount":1}"#, "wrong_type", "tokenIn"),
            (r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":0}"#, "invalid_amount", "amount"),
            (r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":-1}"#, "invalid_amount", "amount"),
            (r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":"1,5"}"#, "invalid_amount", "amount"),
            (r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":0.0000000001}"#, "invalid_amount", "amount"),
            (
                r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":18446744073.709551616}"#,
                "invalid_amount",
                "amount",
            ),
            (r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":1e400}"#, "invalid_amount", "amount"),
            (r#"{"tokenIn":"DOGE","tokenOut":"USDC","amount":1}"#, "unknown_token", "tokenIn"),
            (r#"{"tokenIn":"SOL","tokenOut":"SOL","amount":1}"#, "equal_tokens", "tokenOut"),
            (
                r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":1,"maxSlippage":1}"#,
                "invalid_slippage",
                "maxSlippage",
            ),
            (
                r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":1,"maxSlippage":-0.1}"#,
                "invalid_slippage",
                "maxSlippage",
            ),
            (
                r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":1,"maxSlippage":"a"}"#,
                "invalid_slippage",
                "maxSlippage",
            ),
            (r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":1,"quoteId":"7"}"#, "quote_not_found", "quoteId"),
            (r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":1,"side":"buy"}"#, "unknown_field", "side"),
            (
                r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":1,"useFullInput":1}"#,
                "wrong_type",
                "useFullInput",
            ),
        ] {
            assert_eq!(refused(body).await, (code, vec![field.to_owned()]), "{body}");
        }
        assert_eq!(refused(r#"{"amount":"x","side":1}"#).await.0, "invalid_request");
    }

    #[tokio::test]
    async fn unlisted_mint_needs_the_router_unless_the_request_is_invalid() {
        let stranger = order_core::Mint::new([9; 32]);
        let body = format!(r#"{{"tokenIn":"SOL","tokenOut":"{stranger}","amount":1}}"#);
        assert_eq!(refused(&body).await.0, "router_unavailable");
        let body = format!(r#"{{"tokenIn":"SOL","tokenOut":"{stranger}","amount":0}}"#);
        assert_eq!(refused(&body).await.0, "router_unavailable", "amounts are read after tokens");
        let body = format!(r#"{{"tokenIn":"SOL","tokenOut":"{stranger}","amount":1,"x":1}}"#);
        assert_eq!(refused(&body).await.0, "unknown_field");
    }

    #[tokio::test]
    async fn the_documentation_names_the_fields_that_are_read() {
        let order = serde_json::to_value(OrderBody {
            token_in: "SOL".to_owned(),
            token_out: "USDC".to_owned(),
            amount: "1".to_owned(),
            max_slippage: "0".to_owned(),
            use_full_input: true,
            quote_id: Uuid::nil(),
            expires_at: Timestamp::UNIX_EPOCH,
        });
        read(order.unwrap().to_string().as_bytes()).await.unwrap();
    }
}
