//! Schemas of values that several requests and responses share: names, decimal numbers, addresses.

use crate::http::error_codes::Code;
use order_core::order::{self, Status};
use order_core::token::Program;
use order_core::{Environment, Scope, Venue, failure, token};
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Gives types, which only the OpenAPI document uses, their schema.
macro_rules! schemas {
    ($($(#[$about:meta])* $name:ident = $schema:expr;)*) => {$(
        $(#[$about])*
        pub(crate) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                $schema.into()
            }
        }

        impl ToSchema for $name {}
    )*};
}

schemas! {
    /// Status of an order.
    OrderStatus = names(
        "Status of an order. `confirmed`, `failed`, `cancelled` and `expired` are its ends.",
        Status::ALL.map(Status::name),
    );
    /// Kind of an event of an order.
    OrderEventKind = names("Kind of an event of an order.", order::Event::KINDS.iter().copied());
    /// An exchange.
    Dex = names("An exchange.", order_core::Dex::ALL.map(order_core::Dex::name));
    /// A pool's program.
    VenueName = names("The program of a pool.", Venue::ALL.map(Venue::name));
    /// Side of a swap that the amount fixes.
    SwapMode = names(
        "Side of the swap that the amount fixes: `exactIn` the input, `exactOut` the output.",
        ["exactIn", "exactOut"],
    );
    /// The program that keeps a token's accounts.
    TokenProgram = names("The program that keeps a token's accounts.", [Program::SplToken, Program::Token2022].map(Program::name));
    /// The environment that orders are executed in.
    EnvironmentName = names(
        "`live` is Solana's mainnet: real money. `sandbox` is any other cluster. It follows from the genesis hash of \
         the cluster, and is `unknown` until the first executor has met it.",
        Environment::ALL.map(Environment::name),
    );
    /// A right of an API key.
    ScopeName = names("A right of an API key. None implies another.", Scope::ALL.map(Scope::name));
    /// Name of an account.
    AccountName = text("Name of an account. It never changes.", "^[a-z0-9_-]{1,64}$", "desk");
    /// Id of an API key.
    KeyName = text("Id of an API key: the 12 digits after `oek_`.", "^[0-9a-f]{12}$", "0123456789ab");
    /// Code of a problem.
    ErrorCode = names(
        "Code of an error, for programs. `/docs/errors/{code}` explains each.",
        Code::all().map(|code| code.entry().name),
    );
    /// Code of a failed attempt.
    FailureCode = names(
        "Code of a failed attempt. `/docs/errors/{code}` explains each.",
        failure::Code::ALL.map(failure::Code::name),
    );
    /// A decimal number in a response.
    Decimal = text(
        "A decimal number, exact, as text: at least zero, without an exponent and without needless zeros.",
        r"^(0|[1-9][0-9]*)(\.[0-9]*[1-9])?$",
        "14992.5",
    );
    /// A decimal number with a sign in a response.
    SignedDecimal = text(
        "A decimal number, exact, as text, without an exponent and without needless zeros.",
        r"^-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?$",
        "-0.0005",
    );
    /// An address on the chain.
    Address = text(
        "An address on the chain, in base 58.",
        "^[1-9A-HJ-NP-Za-km-z]{32,44}$",
        "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v",
    );
    /// Signature of a transaction.
    TransactionSignature = text(
        "Signature of a transaction, in base 58.",
        "^[1-9A-HJ-NP-Za-km-z]{64,88}$",
        "2AXDGYSE4f2sz7tvMMzyHvUfcoJmxudvdhBcmiUSo6ijwfYmfZYsKRxboQMPh3R4kUhXRVdtSXFXMheka4Rc4P2",
    );
    /// A token in a request.
    TokenName = text(
        "A token: a known symbol, or the address of its mint.",
        &format!("^({}|[1-9A-HJ-NP-Za-km-z]{{32,44}})$", known_symbols().join("|")),
        "SOL",
    );
    /// An idempotency key in a header.
    IdempotencyKey = text(
        "1 to 255 visible ASCII characters, bare or as a quoted string of RFC 9651.",
        r#"^([!#-~][!-~]{0,254}|"([!#-\[\]-~]|\\["\\]){1,255}")$"#,
        "\"4f6f9b1e-8c5a-4f0e-9f0a-7a1c2d3e4f50\"",
    );
    /// An amount in a request.
    Amount = OneOfBuilder::new()
        .item(ObjectBuilder::new().schema_type(Type::Number).exclusive_minimum(Some(0)))
        .item(number(r"^0*[0-9]{1,20}(\.[0-9]{1,18}0*)?$"))
        .description(Some(
            "A number of whole tokens above zero, as JSON number or as string. It is read exactly, without \
             binary rounding. It has at most the decimals of its token.",
        ))
        .examples(["1.5"]);
    /// A slippage in a request.
    SlippageLimit = OneOfBuilder::new()
        .item(ObjectBuilder::new().schema_type(Type::Number).minimum(Some(0)).exclusive_maximum(Some(1)))
        .item(number(r"^0(\.[0-9]{1,9}0*)?$"))
        .description(Some(
            "A fraction of at least 0 and below 1, as JSON number or as string, with at most 9 decimals: \
             0.01 is one percent.",
        ))
        .examples(["0.01"]);
}

fn known_symbols() -> Vec<String> {
    token::known().map(|token| token.symbol).collect()
}

fn names(about: &str, names: impl IntoIterator<Item = &'static str>) -> Schema {
    let schema = ObjectBuilder::new().schema_type(Type::String).description(Some(about));
    schema.enum_values(Some(names)).into()
}

fn text(about: &str, pattern: &str, example: &str) -> Schema {
    let schema = ObjectBuilder::new().schema_type(Type::String).description(Some(about));
    schema.pattern(Some(pattern)).examples([example]).into()
}

/// Text of at most 64 characters, the longest that is read as a number.
fn number(pattern: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).max_length(Some(64)).pattern(Some(pattern))
}
