//! The one catalogue of what can go wrong: for REST, the WebSocket, and what an order failed of.

use http::StatusCode;
use order_core::failure;

/// A stable code for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Code {
    /// The body is no JSON.
    MalformedJson,
    /// Several things are wrong with the request, or one that has no code of its own.
    InvalidRequest,
    /// A field that must be given is not.
    MissingField,
    /// A field that does not exist.
    UnknownField,
    /// A field with another type of value than it takes.
    WrongType,
    /// The amount is no decimal number, not above zero, too fine or too large.
    InvalidAmount,
    /// No known symbol, and no mint that can be traded.
    UnknownToken,
    /// Input and output are the same.
    EqualTokens,
    /// The slippage is no fraction of at least 0 and below 1.
    InvalidSlippage,
    /// The slippage is more than the operator lets an order have.
    SlippageTooHigh,
    /// The expiry is no moment in the future, or too far in it.
    InvalidExpiry,
    /// The quote that an order names does not exist, or no longer.
    QuoteNotFound,
    /// The quote that an order names may no longer be used.
    QuoteExpired,
    /// The quote that an order names is for something else.
    QuoteMismatch,
    /// The header is not 1 to 255 visible ASCII characters.
    InvalidIdempotencyKey,
    /// The key was used before, with another body.
    IdempotencyKeyReused,
    /// A transaction of the order may land, or it has ended.
    TooLate,
    /// No such order.
    OrderNotFound,
    /// No such page.
    NotFound,
    /// The page does not take this method.
    MethodNotAllowed,
    /// The body did not arrive in time.
    RequestTimeout,
    /// The body is longer than is read.
    BodyTooLarge,
    /// The body is not declared as JSON.
    UnsupportedMediaType,
    /// The page speaks WebSocket only.
    UpgradeRequired,
    /// A page of another site may not place orders.
    OriginNotAllowed,
    /// The client makes more requests than it may.
    RateLimited,
    /// More orders are waiting, or more connections open, than the bound allows.
    Overloaded,
    /// The database does not answer.
    JournalUnavailable,
    /// The database was lost while an order was being recorded.
    OutcomeUnknown,
    /// The store of quotes does not answer.
    QuotesUnavailable,
    /// The answer took too long.
    Timeout,
    /// A fault of ours.
    Internal,
    /// What an attempt, or a quote, failed of.
    Failure(failure::Code),
}

/// What a code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The code as programs read it.
    pub(crate) name: &'static str,
    /// The code in a few words.
    pub(crate) title: &'static str,
    /// The HTTP status of an answer that carries it.
    pub(crate) status: StatusCode,
    /// Whether the same request may succeed later.
    pub(crate) retryable: bool,
}

impl Code {
    /// Every code that is not what an attempt failed of.
    const REQUEST: [Self; 32] = [
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
        Self::OrderNotFound,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::UpgradeRequired,
        Self::OriginNotAllowed,
        Self::RateLimited,
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

    /// What the code means.
    pub(crate) const fn entry(self) -> Entry {
        match self {
            Self::MalformedJson => refused("malformed_json", "The body is not JSON", 400),
            Self::InvalidRequest => refused("invalid_request", "The request is not valid", 422),
            Self::MissingField => refused("missing_field", "A required field is missing", 422),
            Self::UnknownField => refused("unknown_field", "A field is not known", 422),
            Self::WrongType => refused("wrong_type", "A field has the wrong type", 422),
            Self::InvalidAmount => refused("invalid_amount", "The amount is not valid", 422),
            Self::UnknownToken => refused("unknown_token", "The token is not known", 422),
            Self::EqualTokens => refused("equal_tokens", "Input and output token are the same", 422),
            Self::InvalidSlippage => refused("invalid_slippage", "The slippage is out of range", 422),
            Self::SlippageTooHigh => {
                refused("slippage_too_high", "The slippage is more than is allowed", 422)
            }
            Self::InvalidExpiry => refused("invalid_expiry", "The expiry is out of range", 422),
            Self::QuoteNotFound => refused("quote_not_found", "The quote is not known", 422),
            Self::QuoteExpired => refused("quote_expired", "The quote has expired", 422),
            Self::QuoteMismatch => refused("quote_mismatch", "The quote is for another order", 422),
            Self::InvalidIdempotencyKey => {
                refused("invalid_idempotency_key", "The idempotency key is not valid", 422)
            }
            Self::IdempotencyKeyReused => {
                refused("idempotency_key_reused", "The idempotency key was used for another order", 422)
            }
            Self::TooLate => refused("too_late", "The order cannot be cancelled any more", 409),
            Self::OrderNotFound => refused("order_not_found", "There is no such order", 404),
            Self::NotFound => refused("not_found", "There is nothing here", 404),
            Self::MethodNotAllowed => refused("method_not_allowed", "The method is not allowed here", 405),
            Self::RequestTimeout => passing("request_timeout", "The request did not arrive in time", 408),
            Self::BodyTooLarge => refused("body_too_large", "The body is too large", 413),
            Self::UnsupportedMediaType => {
                refused("unsupported_media_type", "The body must be application/json", 415)
            }
            Self::UpgradeRequired => refused("upgrade_required", "This page speaks WebSocket", 426),
            Self::OriginNotAllowed => refused("origin_not_allowed", "Another site may not do this", 403),
            Self::RateLimited => passing("rate_limited", "Too many requests", 429),
            Self::Overloaded => passing("overloaded", "Too much is waiting", 503),
            Self::JournalUnavailable => passing("journal_unavailable", "The database does not answer", 503),
            Self::OutcomeUnknown => passing("outcome_unknown", "The order may have been recorded", 503),
            Self::QuotesUnavailable => passing("quotes_unavailable", "Quotes cannot be looked up", 503),
            Self::Timeout => passing("timeout", "The answer took too long", 503),
            Self::Internal => passing("internal", "Something went wrong here", 500),
            Self::Failure(code) => failed(code),
        }
    }

    /// What leads to the code, for the page of codes.
    pub(crate) const fn explanation(self) -> &'static str {
        match self {
            Self::MalformedJson => "The body, or the WebSocket's first message, cannot be read as JSON.",
            Self::InvalidRequest => {
                "Several fields are wrong at once, or one in a way that has no code of its own. `errors` names each."
            }
            Self::MissingField => "A field that has no default was not given. `errors` names it.",
            Self::UnknownField => {
                "Fields that are not part of the request are refused, because a misspelt option must not be ignored."
            }
            Self::WrongType => "The value of a field has the wrong JSON type, or is not in its notation.",
            Self::InvalidAmount => {
                "The amount is no decimal number, is not above zero, has more decimals than the token, or does not fit into 64 bits of the token's smallest unit."
            }
            Self::UnknownToken => {
                "A token is named by a known symbol or by the address of a mint that one of the pools trades. GET /api/tokens lists them."
            }
            Self::EqualTokens => "A token cannot be swapped for itself.",
            Self::InvalidSlippage => "A slippage is a fraction: 0.01 is one percent. At least 0, below 1.",
            Self::SlippageTooHigh => {
                "An operator has bounded the slippage of orders (MAX_SLIPPAGE). Nothing was recorded."
            }
            Self::InvalidExpiry => "An expiry is a moment in RFC 3339, at most 30 minutes from now.",
            Self::QuoteNotFound => {
                "No quote with this id is kept. Quotes are forgotten soon after they expire. Ask for a new one."
            }
            Self::QuoteExpired => "The quote is older than its `expiresAt`. Ask for a new one.",
            Self::QuoteMismatch => {
                "An order that names a quote must have its tokens and its amount, and the quote must be of mode exactIn."
            }
            Self::InvalidIdempotencyKey => "The header takes 1 to 255 visible ASCII characters.",
            Self::IdempotencyKeyReused => {
                "The same key with another body is a mistake of the client. Nothing was recorded."
            }
            Self::TooLate => {
                "A transaction of the order is signed and may land, or the order has ended. The cancel of an open order is kept: if its transaction comes to nothing, no other follows."
            }
            Self::OrderNotFound => "No order has this id. An id that is no UUID is no order's either.",
            Self::NotFound => "The path does not exist. GET /docs lists those that do.",
            Self::MethodNotAllowed => "The header Allow lists the methods of this path.",
            Self::RequestTimeout => "The body did not arrive within the time allowed for it.",
            Self::BodyTooLarge => "Bodies of up to 16 KiB are read.",
            Self::UnsupportedMediaType => "A body needs the header Content-Type: application/json.",
            Self::UpgradeRequired => "Open this path as a WebSocket.",
            Self::OriginNotAllowed => {
                "A WebSocket that a browser opens is only taken from a page of this host."
            }
            Self::RateLimited => {
                "The client's address makes more requests a minute than are allowed. Retry-After and RateLimit tell when to go on."
            }
            Self::Overloaded => {
                "More orders are waiting to be executed, or more connections are open, than the bound allows. Nothing was recorded."
            }
            Self::JournalUnavailable => {
                "No order can be accepted or read without the database. Nothing was recorded."
            }
            Self::OutcomeUnknown => {
                "The database was lost while the order was being recorded: it may be executed. Send it again only with the same Idempotency-Key; without one, look into GET /api/orders first."
            }
            Self::QuotesUnavailable => {
                "An order that names a quote cannot be placed while the store of quotes is away. One without a quote can."
            }
            Self::Timeout => {
                "The request was not answered in time. If an order was being accepted, it may have been recorded: send it again with the same Idempotency-Key to be sure."
            }
            Self::Internal => "A fault of this service. The log has the details under the request's id.",
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

/// The statuses of the table above; whatever else were written there would be a fault of ours.
const fn status_code(status: u16) -> StatusCode {
    match StatusCode::from_u16(status) {
        Ok(status) => status,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

const fn failed(code: failure::Code) -> Entry {
    use failure::Code::{
        AttemptTimedOut, ClusterUnavailable, Halted, InsufficientFunds, Interrupted, LimitExceeded,
        MarkerInUse, NoRoute, PriceImpactTooHigh, RouterUnavailable, SimulationFailed, SlippageExceeded,
        TransactionExpired, TransactionReverted, Unsupported, WalletChanged,
    };
    let (title, status) = match code {
        NoRoute => ("No route", 422),
        SlippageExceeded => ("The price is beyond the slippage", 422),
        PriceImpactTooHigh => ("The amount is too large for the pools", 422),
        InsufficientFunds => ("Not enough funds", 422),
        RouterUnavailable => ("No prices at the moment", 503),
        ClusterUnavailable => ("The cluster does not answer", 503),
        AttemptTimedOut => ("The attempt timed out", 503),
        Interrupted => ("The attempt was interrupted", 503),
        SimulationFailed => ("The simulation failed", 422),
        TransactionReverted => ("The transaction was reverted", 422),
        TransactionExpired => ("The transaction expired", 503),
        MarkerInUse => ("The order's marker is in use", 503),
        WalletChanged => ("The wallet was changed", 422),
        Halted => ("Trading is halted", 503),
        LimitExceeded => ("The order is worth more than may be spent", 422),
        Unsupported => ("Not supported", 422),
    };
    Entry { name: code.name(), title, status: status_code(status), retryable: code.retryable() }
}

const fn explain_failure(code: failure::Code) -> &'static str {
    use failure::Code::{
        AttemptTimedOut, ClusterUnavailable, Halted, InsufficientFunds, Interrupted, LimitExceeded,
        MarkerInUse, NoRoute, PriceImpactTooHigh, RouterUnavailable, SimulationFailed, SlippageExceeded,
        TransactionExpired, TransactionReverted, Unsupported, WalletChanged,
    };
    match code {
        NoRoute => {
            "No way over the pools of enabled venues leads from one token to the other, or none has enough of the output."
        }
        SlippageExceeded => {
            "The best route gives less than the order's minimum, before or on the chain. Nothing was swapped."
        }
        PriceImpactTooHigh => {
            "The amount moves the price of the best route's pools further than this engine accepts, whatever the order's slippage. Nothing was swapped."
        }
        InsufficientFunds => "The wallet has less than the order spends, fees included.",
        RouterUnavailable => "The router does not answer, or has no state fresh enough to quote.",
        ClusterUnavailable => "No node of the cluster answered.",
        AttemptTimedOut => "The attempt took longer than its deadline, and nothing was sent.",
        Interrupted => "The executor stopped in the middle of the attempt, and nothing was sent.",
        SimulationFailed => {
            "The pools' program refused the transaction in simulation, or did something else than was calculated. Nothing was sent."
        }
        TransactionReverted => {
            "The transaction landed and was reverted: the network fee was paid, nothing was swapped."
        }
        TransactionExpired => "The transaction can no longer land. Nothing was swapped.",
        MarkerInUse => {
            "The account that only one transaction of the order can create exists already, so the chain refused the transaction. Nothing was swapped by it."
        }
        WalletChanged => {
            "An earlier transaction of the order was signed by another wallet, so this wallet must not sign a second one. Nothing was swapped."
        }
        Halted => {
            "An operator has stopped trading: no new order is taken on, and none that was is signed, until it goes on. Nothing was swapped. A repeated Idempotency-Key still answers with its order."
        }
        LimitExceeded => {
            "The operator limits what an order, and what a day's orders, may be worth in US dollars. Nothing was swapped."
        }
        Unsupported => "The request asks for what this engine cannot do.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_distinct_and_every_status_tells_of_an_error() {
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
    fn only_a_fault_of_ours_is_a_500() {
        let faults: Vec<&str> = Code::all()
            .filter(|code| code.entry().status == StatusCode::INTERNAL_SERVER_ERROR)
            .map(|code| code.entry().name)
            .collect();
        assert_eq!(faults, ["internal"]);
    }
}
