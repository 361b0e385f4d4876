//! A request for a quote: parsed without I/O, then resolved with the router's tokens.

use crate::api::schema::{Amount, SlippageLimit, SwapMode, TokenName};
use crate::api::swap::{Swap, SwapRequest};
use crate::http::error_codes::Code;
use crate::http::json_fields::Fields;
use crate::http::problem::Problem;
use crate::registry::Registry;
use order_core::quote::Mode;
use serde::Serialize;
use utoipa::ToSchema;

/// A request for a quote whose fields are valid on their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QuoteRequest(SwapRequest);

/// A request for a quote.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(
    as = QuoteRequest,
    example = json!({"tokenIn": "SOL", "tokenOut": "USDC", "amount": "0.1", "maxSlippage": "0.01"}),
)]
pub(crate) struct QuoteBody {
    /// Input token: a known symbol, or a mint address.
    #[schema(value_type = TokenName)]
    token_in: String,
    /// Output token: a known symbol, or a mint address.
    #[schema(value_type = TokenName)]
    token_out: String,
    /// Amount in whole tokens, as a number or a string; read exactly.
    #[schema(value_type = Amount)]
    amount: String,
    /// `exactIn` (the default): spend at most `amount`. A two-hop path may leave a small part unspent; see
    /// `estimatedInput`. `exactOut`: receive exactly `amount`.
    #[schema(value_type = Option<SwapMode>)]
    mode: String,
    /// Slippage as a fraction, at least 0 and below 1: 0.01 is one percent.
    #[schema(value_type = Option<SlippageLimit>)]
    max_slippage: String,
    /// `true`: an exact input is spent to the last base unit; two-hop paths leave a little of the intermediate token instead.
    #[schema(value_type = Option<bool>)]
    use_full_input: bool,
}

impl QuoteRequest {
    /// Parses a body. Does no I/O.
    ///
    /// # Errors
    /// All errors of its fields.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Problem> {
        let mut fields = Fields::read(body)?;
        let mode = match fields.optional_text("mode").as_deref() {
            None | Some("exactIn") => Mode::ExactIn,
            Some("exactOut") => Mode::ExactOut,
            Some(_) => {
                fields.refuse(Code::InvalidRequest, "mode", "must be exactIn or exactOut");
                Mode::ExactIn
            }
        };
        SwapRequest::parse(fields, mode).map(Self)
    }

    /// Looks up the tokens, and converts the amount to base units.
    ///
    /// # Errors
    /// As [`SwapRequest::resolve`].
    pub(crate) async fn resolve(self, registry: &Registry) -> Result<Swap, Problem> {
        self.0.resolve(registry).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use order_core::Atoms;

    async fn read(body: &[u8]) -> Result<Swap, Problem> {
        let registry = Registry::new(proto::RouterClient::new("http://127.0.0.1:1").unwrap());
        QuoteRequest::parse(body)?.resolve(&registry).await
    }

    #[tokio::test]
    async fn an_exact_output_is_measured_in_its_own_decimals() {
        let body = |amount: &str| {
            format!(r#"{{"tokenIn":"SOL","tokenOut":"USDC","amount":{amount},"mode":"exactOut"}}"#)
        };
        let quote = read(body("0.000001").as_bytes()).await.unwrap();
        assert_eq!((quote.mode, quote.amount), (Mode::ExactOut, Atoms::new(1)));
        let problem = read(body("0.0000001").as_bytes()).await.unwrap_err();
        assert_eq!(problem.code, Code::InvalidAmount);
        let problem = read(br#"{"tokenIn":"SOL","tokenOut":"USDC","amount":1,"mode":"x"}"#).await;
        assert_eq!(problem.unwrap_err().errors[0].field, "mode");
    }

    #[tokio::test]
    async fn the_documentation_names_the_fields_that_are_read() {
        let quote = serde_json::to_value(QuoteBody {
            token_in: "SOL".to_owned(),
            token_out: "USDC".to_owned(),
            amount: "1".to_owned(),
            mode: "exactIn".to_owned(),
            max_slippage: "0".to_owned(),
            use_full_input: true,
        });
        read(quote.unwrap().to_string().as_bytes()).await.unwrap();
    }
}
