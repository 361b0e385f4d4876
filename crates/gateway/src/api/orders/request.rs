//! What a client asks for, read once, into the types that everything behind uses.

use crate::http::error_codes::Code;
use crate::http::json_fields::Fields;
use crate::http::problem::Problem;
use crate::registry::Registry;
use order_core::quote::{self, Mode};
use order_core::{Atoms, Slippage, Timestamp, Token, decimal};
use serde::Serialize;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

/// A request for a price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quote {
    pub(crate) swap: Swap,
    pub(crate) mode: Mode,
}

/// A request for an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) swap: Swap,
    pub(crate) quote_id: Option<quote::Id>,
    pub(crate) expires_at: Option<Timestamp>,
}

/// What both have: two different tokens, more than nothing, and a slippage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Swap {
    pub(crate) token_in: Token,
    pub(crate) token_out: Token,
    pub(crate) amount: Atoms,
    pub(crate) max_slippage: Option<Slippage>,
}

/// A request for a price, as it is written.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QuoteRequest)]
pub(crate) struct QuoteBody {
    /// What is spent: a known symbol, or a mint.
    #[schema(example = "SOL")]
    token_in: String,
    /// What is bought.
    #[schema(example = "USDC")]
    token_out: String,
    /// In whole tokens, as a number or a string; read exactly.
    #[schema(value_type = Amount)]
    amount: String,
    /// `exactIn` (the default): at most the amount is spent; two hops leave a part of it. `exactOut`: it is bought.
    #[schema(required = false, example = "exactIn")]
    mode: String,
    /// A fraction of at least 0 and below 1: 0.01 is one percent.
    #[schema(required = false, value_type = Amount)]
    max_slippage: String,
}

/// A request for an order, as it is written.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ExecuteRequest)]
pub(crate) struct OrderBody {
    /// What is spent: a known symbol, or a mint.
    #[schema(example = "SOL")]
    token_in: String,
    /// What is bought.
    #[schema(example = "USDC")]
    token_out: String,
    /// The most that is spent, in whole tokens, as a number or a string; read exactly.
    #[schema(value_type = Amount)]
    amount: String,
    /// A fraction of at least 0 and below 1: 0.01 is one percent. The configuration has a default.
    #[schema(required = false, value_type = Amount)]
    max_slippage: String,
    /// The quote that the slippage is measured from; without one it is the order's first.
    #[schema(required = false)]
    quote_id: Uuid,
    /// Nothing is signed after this moment (RFC 3339): in the future, at most 30 minutes away. Without it
    /// the configuration says how long an order lives.
    #[schema(required = false, value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// The notation of amounts, for the documentation.
pub(crate) enum Amount {}

impl PartialSchema for Amount {
    fn schema() -> RefOr<Schema> {
        let notation = OneOfBuilder::new()
            .item(ObjectBuilder::new().schema_type(Type::Number))
            .item(ObjectBuilder::new().schema_type(Type::String))
            .description(Some("A decimal number, as JSON number or as string. Read exactly: it never passes through a binary fraction."))
            .examples(["1.5"])
            .build();
        RefOr::T(Schema::OneOf(notation))
    }
}

impl ToSchema for Amount {}

impl Quote {
    /// Reads a request for a price.
    ///
    /// # Errors
    /// What is wrong with it, or the router is needed to tell and does not answer.
    pub(crate) async fn read(body: &[u8], registry: &Registry) -> Result<Self, Problem> {
        let mut fields = Fields::read(body)?;
        let mode = match fields.optional_text("mode").as_deref() {
            None | Some("exactIn") => Mode::ExactIn,
            Some("exactOut") => Mode::ExactOut,
            Some(_) => {
                fields.refuse(Code::InvalidRequest, "mode", "must be exactIn or exactOut");
                Mode::ExactIn
            }
        };
        let swap = Swap::read(fields, mode, registry).await?;
        Ok(Self { swap, mode })
    }
}

impl Order {
    /// Reads a request for an order.
    ///
    /// # Errors
    /// What is wrong with it, or the router is needed to tell and does not answer.
    pub(crate) async fn read(body: &[u8], registry: &Registry) -> Result<Self, Problem> {
        let mut fields = Fields::read(body)?;
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
            fields.refuse(Code::InvalidExpiry, "expiresAt", "is no moment in RFC 3339");
            None
        });
        let swap = Swap::read(fields, Mode::ExactIn, registry).await?;
        Ok(Self { swap, quote_id, expires_at })
    }
}

/// What requests for an order have in common that are the same: what is written, not how. It is told
/// from the body alone, so that a repetition is known even while the router is away. None if the body
/// is no request for an order.
pub(crate) fn essence(body: &[u8]) -> Option<String> {
    let mut fields = Fields::read(body).ok()?;
    let (token_in, token_out) = (mint(fields.text("tokenIn")?), mint(fields.text("tokenOut")?));
    let amount = decimal::canonical(&fields.number("amount")?).ok()?;
    let slippage = match fields.optional_number("maxSlippage") {
        Some(text) => Slippage::parse(&text).ok()?.to_decimal(),
        None => "default".to_owned(),
    };
    let quote_id = match fields.optional_text("quoteId") {
        Some(text) => text.parse::<Uuid>().ok()?.to_string(),
        None => "none".to_owned(),
    };
    // Absent it is as it was before there was one: keys of then are still known.
    let expiry = match fields.optional_text("expiresAt") {
        Some(text) => format!("\n{}", text.parse::<Timestamp>().ok()?.to_rfc3339()),
        None => String::new(),
    };
    fields.finish().ok()?;
    Some(format!("market\n{token_in}\n{token_out}\n{amount}\n{slippage}\n{quote_id}{expiry}"))
}

/// The mint of a known token, or what else the name is.
fn mint(name: String) -> String {
    Registry::known(&name).map_or(name, |known| known.mint.to_string())
}

impl Swap {
    async fn read(mut fields: Fields<'_>, mode: Mode, registry: &Registry) -> Result<Self, Problem> {
        let (name_in, name_out) = (fields.text("tokenIn"), fields.text("tokenOut"));
        let amount = fields.number("amount");
        let max_slippage = fields.optional_number("maxSlippage").and_then(|text| {
            Slippage::parse(&text)
                .map_err(|error| fields.refuse(Code::InvalidSlippage, "maxSlippage", error))
                .ok()
        });
        let token_in = token(&mut fields, "tokenIn", name_in.as_deref(), registry).await?;
        let token_out = token(&mut fields, "tokenOut", name_out.as_deref(), registry).await?;
        if let (Some(input), Some(output)) = (&token_in, &token_out)
            && input.mint == output.mint
        {
            fields.refuse(Code::EqualTokens, "tokenOut", "must differ from tokenIn");
        }
        let fixed = match mode {
            Mode::ExactIn => &token_in,
            Mode::ExactOut => &token_out,
        };
        // How many decimals an amount may have is known as soon as its token is.
        let amount =
            fixed.as_ref().zip(amount).and_then(|(token, text)| read_amount(&mut fields, &text, token));
        match (token_in, token_out, amount) {
            (Some(token_in), Some(token_out), Some(amount)) => {
                fields.finish()?;
                Ok(Self { token_in, token_out, amount, max_slippage })
            }
            (_, _, _) => {
                fields.finish()?;
                Err(Problem::new(Code::InvalidRequest, "the request is not complete"))
            }
        }
    }
}

async fn token(
    fields: &mut Fields<'_>,
    field: &'static str,
    name: Option<&str>,
    registry: &Registry,
) -> Result<Option<Token>, Problem> {
    let Some(name) = name else { return Ok(None) };
    match registry.resolve(name).await {
        Ok(Some(token)) => Ok(Some(token)),
        Ok(None) => {
            fields.refuse(
                Code::UnknownToken,
                field,
                "is no known symbol and no mint that can be traded; GET /api/tokens lists them",
            );
            Ok(None)
        }
        // What is wrong anyway is said rather than that the router is away.
        Err(_) if fields.is_refused() => Ok(None),
        Err(failure) => Err(Problem::failure(&failure)),
    }
}

fn read_amount(fields: &mut Fields<'_>, text: &str, token: &Token) -> Option<Atoms> {
    match Atoms::parse(text, token.decimals) {
        Ok(amount) if amount.is_zero() => {
            fields.refuse(Code::InvalidAmount, "amount", "must be greater than zero");
            None
        }
        Ok(amount) => Some(amount),
        Err(error) => {
            fields.refuse(Code::InvalidAmount, "amount", error);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registry() -> Registry {
        Registry::new("http://127.0.0.1:1").unwrap()
    }

    async fn refused(body: &str) -> (&'static str, Vec<String>) {
        let problem = Order::read(body.as_bytes(), &registry()).await.unwrap_err();
        (problem.code.entry().name, problem.errors.into_iter().map(|error| error.field).collect())
    }

    #[tokio::test]
    async fn an_order_is_read_exactly() {
        let body = br#"{"tokenIn":"SOL","tokenOut":"USDC","amount":0.1,"maxSlippage":"0.05"}"#;
        let order = Order::read(body, &registry()).await.unwrap();
        assert_eq!(order.swap.amount, Atoms::new(100_000_000));
        assert_eq!(order.swap.max_slippage, Some(Slippage::parse("0.05").unwrap()));
        let body = br#"{"tokenIn":"SOL","tokenOut":"USDC","amount":18446744073.709551615}"#;
        assert_eq!(Order::read(body, &registry()).await.unwrap().swap.amount, Atoms::new(u64::MAX));
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
        ] {
            assert_eq!(refused(body).await, (code, vec![field.to_owned()]), "{body}");
        }
        assert_eq!(refused(r#"{"amount":"x","side":1}"#).await.0, "invalid_request");
    }

    #[tokio::test]
    async fn an_exact_output_is_measured_in_its_own_decimals() {
        let body = |amount: &str| {
            format!(r#"{{"tokenIn":"SOL","tokenOut":"USDC","amount":{amount},"mode":"exactOut"}}"#)
        };
        let quote = Quote::read(body("0.000001").as_bytes(), &registry()).await.unwrap();
        assert_eq!((quote.mode, quote.swap.amount), (Mode::ExactOut, Atoms::new(1)));
        let problem = Quote::read(body("0.0000001").as_bytes(), &registry()).await.unwrap_err();
        assert_eq!(problem.code, Code::InvalidAmount);
        let problem =
            Quote::read(br#"{"tokenIn":"SOL","tokenOut":"USDC","amount":1,"mode":"x"}"#, &registry()).await;
        assert_eq!(problem.unwrap_err().errors[0].field, "mode");
    }

    #[tokio::test]
    async fn a_stranger_needs_the_router_unless_something_is_wrong_anyway() {
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
        let quote = serde_json::to_value(QuoteBody {
            token_in: "SOL".to_owned(),
            token_out: "USDC".to_owned(),
            amount: "1".to_owned(),
            mode: "exactIn".to_owned(),
            max_slippage: "0".to_owned(),
        });
        Quote::read(quote.unwrap().to_string().as_bytes(), &registry()).await.unwrap();
        let order = serde_json::to_value(OrderBody {
            token_in: "SOL".to_owned(),
            token_out: "USDC".to_owned(),
            amount: "1".to_owned(),
            max_slippage: "0".to_owned(),
            quote_id: Uuid::nil(),
            expires_at: Timestamp::UNIX_EPOCH,
        });
        Order::read(order.unwrap().to_string().as_bytes(), &registry()).await.unwrap();
    }
}
