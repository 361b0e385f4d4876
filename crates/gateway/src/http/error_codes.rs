//! All error codes: of REST, of the WebSocket, and of failed orders and quotes.

use http::StatusCode;
use order_core::failure;

/// A stable error code for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Code {
    /// The body is not JSON.
    MalformedJson,
    /// The request has several errors, or one without a code of its own.
    InvalidRequest,
    /// A required field is missing.
    MissingField,
    /// The request has an unknown field.
    UnknownField,
    /// A field has the wrong type.
    WrongType,
    /// The amount is not a decimal number, not above zero, too precise or too large.
    InvalidAmount,
    /// The token is neither a known symbol nor a mint that can be traded.
    UnknownToken,
    /// Input and output token are the same.
    EqualTokens,
    /// The slippage is not a fraction of at least 0 and below 1.
    InvalidSlippage,
    /// The slippage is above the operator's limit.
    SlippageTooHigh,
    /// The expiry is not a time in the future, or too far in the future.
    InvalidExpiry,
    /// The order's quote is unknown or was deleted.
    QuoteNotFound,
    /// The order's quote has expired.
    QuoteExpired,
    /// The order's quote has other tokens or another amount.
    QuoteMismatch,
    /// The idempotency key is not 1 to 255 visible ASCII characters.
    InvalidIdempotencyKey,
    /// The idempotency key was used with another body.
    IdempotencyKeyReused,
    /// The order cannot be cancelled: its transaction may land, or it has ended.
    TooLate,
    /// The request has no valid key.
    Unauthorized,
    /// The key lacks the scope, or is for other addresses.
    Forbidden,
    /// The account may not trade the token.
    TokenNotAllowed,
    /// The header Host names another server.
    MisdirectedRequest,
    /// The order does not exist.
    OrderNotFound,
    /// There is an account of this name.
    AccountExists,
    /// The account does not exist.
    AccountNotFound,
    /// The key does not exist.
    KeyNotFound,
    /// The path does not exist.
    NotFound,
    /// The path does not accept this method.
    MethodNotAllowed,
    /// The body did not arrive in time.
    RequestTimeout,
    /// The body is too long.
    BodyTooLarge,
    /// The content type of the body is not JSON.
    UnsupportedMediaType,
    /// The path is a WebSocket.
    UpgradeRequired,
    /// A page of another site may not open a WebSocket.
    OriginNotAllowed,
    /// The request names no host, or several.
    InvalidHost,
    /// The request cannot be parsed as HTTP.
    MalformedRequest,
    /// The head of the request is too large.
    HeadTooLarge,
    /// The client exceeds its rate limit.
    RateLimited,
    /// The client has too many connections or WebSockets.
    TooManyConnections,
    /// Too many orders are open, or too many WebSockets.
    Overloaded,
    /// The database does not answer.
    JournalUnavailable,
    /// The database connection was lost while an order was recorded.
    OutcomeUnknown,
    /// Redis, where quotes are kept, does not answer.
    QuotesUnavailable,
    /// The request took too long.
    Timeout,
    /// A fault of the gateway.
    Internal,
    /// The failure of an attempt or a quote.
    Failure(failure::Code),
}

/// The properties of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The code as it is sent.
    pub(crate) name: &'static str,
    /// Short description of the code.
    pub(crate) title: &'static str,
    /// The HTTP status of a response with this code.
    pub(crate) status: StatusCode,
    /// True if the same request may succeed later.
    pub(crate) retryable: bool,
}

/// Explanation of a code.
const NO_VALID_KEY: &str = "Send the header `Authorization: Bearer KEY` with a key that is not revoked or expired. A WebSocket takes a ticket of POST /api/ws-ticket instead. As long as no key was issued, only the gateway's own machine may call.";

/// Explanation of a code.
const SCOPE_LACKS: &str = "The key lacks the scope that the request needs (read, trade or admin), or may not be used from the caller's address.";

/// Explanation of a code.
const OTHER_HOST: &str = "The header Host names a server that this one is not. The operator lists its names in ALLOWED_HOSTS. This keeps web pages from reaching it under a name of their own.";

impl Code {
    /// Every code but the failures.
    const REQUEST: [Self; 43] = [
        Self::MalformedJson,
        Self::InvalidRequest,
        Self::MissingField,
        Self::UnknownField,
        Self::WrongType,
        Self::InvalidAmount,
        Self::UnknownToken,
        Self::EqualTokens,
        Self::InvalidSlippage,
        Self::SlippageTooHigh,
        Self::InvalidExpiry,
        Self::QuoteNotFound,
        Self::QuoteExpired,
        Self::QuoteMismatch,
        Self::InvalidIdempotencyKey,
        Self::IdempotencyKeyReused,
        Self::TooLate,
        Self::Unauthorized,
        Self::Forbidden,
        Self::TokenNotAllowed,
        Self::MisdirectedRequest,
        Self::OrderNotFound,
        Self::AccountExists,
        Self::AccountNotFound,
        Self::KeyNotFound,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::UpgradeRequired,
        Self::OriginNotAllowed,
        Self::InvalidHost,
        Self::MalformedRequest,
        Self::HeadTooLarge,
        Self::RateLimited,
        Self::TooManyConnections,
        Self::Overloaded,
        Self::JournalUnavailable,
        Self::OutcomeUnknown,
        Self::QuotesUnavailable,
        Self::Timeout,
        Self::Internal,
    ];

    /// Every code.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Self::REQUEST.into_iter().chain(failure::Code::ALL.into_iter().map(Self::Failure))
    }

    /// The properties of the code.
    pub(crate) fn entry(self) -> Entry {
        match self {
            Self::MalformedJson => refused("malformed_json", "The body is not JSON", 400),
            Self::InvalidRequest => refused("invalid_request", "The request is not valid", 422),
            Self::MissingField => refused("missing_field", "A required field is missing", 422),
            Self::UnknownField => refused("unknown_field", "A field is unknown", 422),
            Self::WrongType => refused("wrong_type", "A field has the wrong type", 422),
            Self::InvalidAmount => refused("invalid_amount", "The amount is not valid", 422),
            Self::UnknownToken => refused("unknown_token", "The token is unknown", 422),
            Self::EqualTokens => refused("equal_tokens", "Input and output token are the same", 422),
            Self::InvalidSlippage => refused("invalid_slippage", "The slippage is out of range", 422),
            Self::SlippageTooHigh => refused("slippage_too_high", "The slippage is above the limit", 422),
            Self::InvalidExpiry => refused("invalid_expiry", "The expiry is out of range", 422),
            Self::QuoteNotFound => refused("quote_not_found", "The quote is unknown", 422),
            Self::QuoteExpired => refused("quote_expired", "The quote has expired", 422),
            Self::QuoteMismatch => refused("quote_mismatch", "The quote is for another order", 422),
            Self::InvalidIdempotencyKey => {
                refused("invalid_idempotency_key", "The idempotency key is not valid", 422)
            }
            Self::IdempotencyKeyReused => {
                refused("idempotency_key_reused", "The idempotency key was used for another order", 422)
            }
            Self::TooLate => refused("too_late", "The order can no longer be cancelled", 409),
            Self::Unauthorized => refused("unauthorized", "A valid key is required", 401),
            Self::Forbidden => refused("forbidden", "The key does not allow this", 403),
            Self::TokenNotAllowed => {
                refused("token_not_allowed", "The account may not trade this token", 403)
            }
            Self::MisdirectedRequest => refused("misdirected_request", "The host is another one", 421),
            Self::OrderNotFound => refused("order_not_found", "The order does not exist", 404),
            Self::AccountExists => refused("account_exists", "The account exists", 409),
            Self::AccountNotFound => refused("account_not_found", "The account does not exist", 404),
            Self::KeyNotFound => refused("key_not_found", "The key does not exist", 404),
            Self::NotFound => refused("not_found", "The path does not exist", 404),
            Self::MethodNotAllowed => {
                refused("method_not_allowed", "The path does not accept this method", 405)
            }
            Self::RequestTimeout => passing("request_timeout", "The request did not arrive in time", 408),
            Self::BodyTooLarge => refused("body_too_large", "The body is too large", 413),
            Self::UnsupportedMediaType => {
                refused("unsupported_media_type", "The body must be application/json", 415)
            }
            Self::UpgradeRequired => refused("upgrade_required", "The path is a WebSocket", 426),
            Self::OriginNotAllowed => {
                refused("origin_not_allowed", "A page of another site may not do this", 403)
            }
            Self::InvalidHost => refused("invalid_host", "The Host header is not valid", 400),
            Self::MalformedRequest => refused("malformed_request", "The request is not HTTP", 400),
            Self::HeadTooLarge => refused("head_too_large", "The head of the request is too large", 431),
            Self::RateLimited => passing("rate_limited", "Too many requests", 429),
            Self::TooManyConnections => {
                passing("too_many_connections", "Too many connections of one client", 429)
            }
            Self::Overloaded => passing("overloaded", "Too many orders or connections are open", 503),
            Self::JournalUnavailable => passing("journal_unavailable", "The database does not answer", 503),
            Self::OutcomeUnknown => passing("outcome_unknown", "The order may have been recorded", 503),
            Self::QuotesUnavailable => passing("quotes_unavailable", "Quotes are unavailable", 503),
            Self::Timeout => passing("timeout", "The request took too long", 503),
            Self::Internal => passing("internal", "Internal error", 500),
            Self::Failure(code) => failed(code),
        }
    }

    /// The explanation for the page `/docs/errors`.
    #[expect(clippy::too_many_lines, reason = "a text for each code, and nothing else")]
    pub(crate) const fn explanation(self) -> &'static str {
        match self {
            Self::MalformedJson => "The body, or the WebSocket's first message, cannot be read as JSON.",
            Self::InvalidRequest => {
                "Several fields have errors, or one field has an error without a code of its own. `errors` lists them."
            }
            Self::MissingField => "A required field was not given. `errors` names it.",
            Self::UnknownField => {
                "The request has a field that does not exist. It is rejected because a misspelt option must not be ignored."
            }
            Self::WrongType => "A field's value has the wrong JSON type or notation.",
            Self::InvalidAmount => {
                "The amount is not a decimal number, is not above zero, has more decimals than the token, or does not fit into 64 bits of base units."
            }
            Self::UnknownToken => {
                "A token is a known symbol, or the address of a mint that a pool trades. GET /api/tokens lists them."
            }
            Self::EqualTokens => "A token cannot be swapped for itself.",
            Self::InvalidSlippage => "A slippage is a fraction: 0.01 is one percent. At least 0, below 1.",
            Self::SlippageTooHigh => {
                "The operator limits the slippage of orders, of all (MAX_SLIPPAGE) or of the account. Nothing was recorded."
            }
            Self::InvalidExpiry => "An expiry is an RFC 3339 time, at most 30 minutes from now.",
            Self::QuoteNotFound => {
                "No quote with this id is stored. Quotes are deleted soon after they expire. Request a new one."
            }
            Self::QuoteExpired => "The quote's `expiresAt` has passed. Request a new one.",
            Self::QuoteMismatch => {
                "An order with a quote must have the quote's tokens and amount, and the quote's mode must be exactIn."
            }
            Self::InvalidIdempotencyKey => "The key takes 1 to 255 visible ASCII characters.",
            Self::IdempotencyKeyReused => {
                "The key belongs to an earlier request with another body. Use a new key for a new order. Nothing was recorded."
            }
            Self::TooLate => {
                "A transaction of the order is signed and may land, or the order has ended. The cancel of an open order is stored: if its transaction does not land, no other attempt follows."
            }
            Self::Unauthorized => NO_VALID_KEY,
            Self::Forbidden => SCOPE_LACKS,
            Self::TokenNotAllowed => {
                "The policy of the account, which the operator sets, does not name the token. Nothing was recorded."
            }
            Self::MisdirectedRequest => OTHER_HOST,
            Self::OrderNotFound => "The id is unknown or not a UUID.",
            Self::AccountExists => "Names of accounts are unique for ever.",
            Self::AccountNotFound => "No account has this name.",
            Self::KeyNotFound => "The id is unknown, or the key is no longer valid.",
            Self::NotFound => "The path does not exist. GET /docs lists all paths.",
            Self::MethodNotAllowed => "The header Allow lists the methods of this path.",
            Self::RequestTimeout => "The body or first message did not arrive within 10 seconds.",
            Self::BodyTooLarge => "A body may have at most 16 KiB.",
            Self::UnsupportedMediaType => "A body needs the header Content-Type: application/json.",
            Self::UpgradeRequired => "Open this path as a WebSocket.",
            Self::OriginNotAllowed => "A browser may open this only from a page of the same host.",
            Self::InvalidHost => {
                "A request names its host in one Host header. HTTP/2 has `:authority` for it."
            }
            Self::MalformedRequest => {
                "The bytes are no request of HTTP/1.1 or HTTP/2. The connection is closed."
            }
            Self::HeadTooLarge => {
                "The path and the headers may have 32 KiB, and 64 headers. The connection is closed."
            }
            Self::RateLimited => {
                "There were too many requests per minute, or too many orders of the account are open. The headers Retry-After and RateLimit say when to retry."
            }
            Self::TooManyConnections => {
                "A client address has a share of the connections, and one of the WebSockets. Close some, or use one connection for many requests. Nothing was recorded."
            }
            Self::Overloaded => {
                "The number of open orders, of connections, or of WebSockets, has reached its limit. Nothing was recorded."
            }
            Self::JournalUnavailable => {
                "The database does not answer, so no order can be accepted or read. Nothing was recorded."
            }
            Self::OutcomeUnknown => {
                "The database connection was lost while the order was recorded, so it may be executed. Send it again only with the same Idempotency-Key. Without a key, check GET /api/orders first."
            }
            Self::QuotesUnavailable => {
                "Quotes cannot be read at the moment, so an order with a quote cannot be placed. An order without one can."
            }
            Self::Timeout => {
                "The request was not answered in time. An order in it may have been recorded: send it again with the same Idempotency-Key to be sure."
            }
            Self::Internal => "A fault of this service. The log has the details under the request id.",
            Self::Failure(code) => explain_failure(code),
        }
    }
}

const fn refused(name: &'static str, title: &'static str, status: u16) -> Entry {
    Entry { name, title, status: status_code(status), retryable: false }
}

const fn passing(name: &'static str, title: &'static str, status: u16) -> Entry {
    Entry { name, title, status: status_code(status), retryable: true }
}

/// A status of the table above. Every entry is a valid status, so the fallback is never used.
const fn status_code(status: u16) -> StatusCode {
    match StatusCode::from_u16(status) {
        Ok(status) => status,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn failed(code: failure::Code) -> Entry {
    use failure::Code::{
        AttemptTimedOut, ClusterUnavailable, FundsReserved, Halted, InsufficientFunds, Interrupted,
        LimitExceeded, MarkerInUse, NoRoute, PriceImpactTooHigh, RouterUnavailable, SignerUnavailable,
        SimulationFailed, SlippageExceeded, TransactionExpired, TransactionReverted, Unsupported,
        WalletChanged,
    };
    let (title, status) = match code {
        NoRoute => ("No route", 422),
        SlippageExceeded => ("The price is beyond the slippage", 422),
        PriceImpactTooHigh => ("The amount is too large for the pools", 422),
        InsufficientFunds => ("Not enough funds", 422),
        FundsReserved => ("The funds are reserved for other orders", 422),
        RouterUnavailable => ("The router is unavailable", 503),
        ClusterUnavailable => ("The cluster does not answer", 503),
        SignerUnavailable => ("The signer does not sign", 503),
        AttemptTimedOut => ("The attempt timed out", 503),
        Interrupted => ("The attempt was interrupted", 503),
        SimulationFailed => ("The simulation failed", 422),
        TransactionReverted => ("The transaction was reverted", 422),
        TransactionExpired => ("The transaction expired", 503),
        MarkerInUse => ("The order's marker is in use", 503),
        WalletChanged => ("The wallet was changed", 422),
        Halted => ("Trading is halted", 503),
        LimitExceeded => ("The order exceeds a limit", 422),
        Unsupported => ("Not supported", 422),
    };
    Entry { name: code.name(), title, status: status_code(status), retryable: code.retryable() }
}

const fn explain_failure(code: failure::Code) -> &'static str {
    use failure::Code::{
        AttemptTimedOut, ClusterUnavailable, FundsReserved, Halted, InsufficientFunds, Interrupted,
        LimitExceeded, MarkerInUse, NoRoute, PriceImpactTooHigh, RouterUnavailable, SignerUnavailable,
        SimulationFailed, SlippageExceeded, TransactionExpired, TransactionReverted, Unsupported,
        WalletChanged,
    };
    match code {
        NoRoute => {
            "No route over the pools of enabled venues leads from the input to the output token, or no pool has enough of the output token."
        }
        SlippageExceeded => {
            "The best route gives less than the order's minimum output, in the quote or on the chain. Nothing was swapped."
        }
        PriceImpactTooHigh => {
            "The price impact of the best route is above the operator's limit, which applies whatever the order's slippage. Nothing was swapped."
        }
        InsufficientFunds => "The wallet's balance is below the order's amount plus fees.",
        FundsReserved => {
            "The wallet's balance covers the order, but not beside those that are in flight: they may still take it. Try again when they have ended. Nothing was sent."
        }
        RouterUnavailable => "The router does not answer, or has no state fresh enough to quote.",
        ClusterUnavailable => "No node of the cluster answered.",
        SignerUnavailable => "The program that holds the wallet's key gave no signature. Nothing was sent.",
        AttemptTimedOut => "The attempt passed its deadline. Nothing was sent.",
        Interrupted => "The executor stopped during the attempt. Nothing was sent.",
        SimulationFailed => {
            "The simulation of the transaction failed, or gave another result than calculated. Nothing was sent."
        }
        TransactionReverted => {
            "The transaction landed and was reverted. The network fee was paid, nothing was swapped."
        }
        TransactionExpired => "The transaction can no longer land. Nothing was swapped.",
        MarkerInUse => {
            "The order's marker account, which only one of its transactions can create, exists already. So the chain refused the transaction, which swapped nothing."
        }
        WalletChanged => {
            "Another wallet signed an earlier transaction of the order, so this wallet must not sign a second one. Nothing was swapped."
        }
        Halted => {
            "Trading is halted by an operator. New orders are rejected and accepted ones are not signed until it is resumed. Nothing was swapped. A repeated Idempotency-Key still returns its order."
        }
        LimitExceeded => {
            "The order exceeds the operator's limit in US dollars for one order or for the orders of a day, or its account's policy does not allow it. Nothing was swapped."
        }
        Unsupported => "The request needs a feature that this engine does not have.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_distinct_and_every_status_is_an_error() {
        let mut names = HashSet::new();
        for code in Code::all() {
            let entry = code.entry();
            assert!(names.insert(entry.name), "{} is there twice", entry.name);
            assert!(entry.status.is_client_error() || entry.status.is_server_error(), "{}", entry.name);
            assert!(!code.explanation().is_empty());
            if entry.status.is_server_error() {
                assert!(entry.retryable, "{}: what is our fault may pass", entry.name);
            }
        }
    }

    #[test]
    fn only_internal_is_a_500() {
        let faults: Vec<&str> = Code::all()
            .filter(|code| code.entry().status == StatusCode::INTERNAL_SERVER_ERROR)
            .map(|code| code.entry().name)
            .collect();
        assert_eq!(faults, ["internal"]);
    }
}
