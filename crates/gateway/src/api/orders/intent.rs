//! From a request to an [`Intent`]: admission, expiry, slippage limit and reference quote.

use super::request::ResolvedOrder;
use crate::api::swap::{Swap, require_minimum};
use crate::http::error_codes::Code;
use crate::http::problem::Problem;
use crate::state::App;
use order_core::order::{Expiry, Intent, InvalidIntent, Reference};
use order_core::quote::{self, Mode};
use order_core::{AccountId, AccountPolicy, Timestamp, failure};

/// Builds the [`Intent`]. Refuses it if trading is halted, the backlog is full, the expiry or the slippage is
/// out of range, the account may not trade a token, or the quote cannot be used.
pub(super) async fn intent(app: &App, account: &AccountId, order: ResolvedOrder) -> Result<Intent, Problem> {
    if app.admission.is_halted() {
        return Err(halted());
    }
    let (open, own) = app.admission.count(account);
    if own >= app.configuration.max_backlog_per_account {
        let most = app.configuration.max_backlog_per_account;
        let detail = format!("{most} orders of the account are open already; try again later");
        let retry_after_seconds = Some(1);
        return Err(Problem { retry_after_seconds, ..Problem::new(Code::RateLimited, detail) });
    }
    if open >= app.configuration.max_backlog {
        let detail = format!("{} orders are open already; try again later", app.configuration.max_backlog);
        return Err(Problem::new(Code::Overloaded, detail));
    }
    let expiry = expiry(app, order.expires_at, service::now())?;
    let policy = app.journal.policies.of(account).await?;
    allowed(&policy, &order.swap)?;
    let most = policy
        .max_slippage
        .map_or(app.configuration.max_slippage, |own| own.min(app.configuration.max_slippage));
    let max_slippage = order.swap.max_slippage.unwrap_or(app.configuration.default_max_slippage.min(most));
    if max_slippage > most {
        let message = format!("must be at most {}", most.to_decimal());
        return Err(Problem::field(Code::SlippageTooHigh, "maxSlippage", message));
    }
    let reference = match order.quote_id {
        None => None,
        Some(id) => Some(reference(app, account, id, &order.swap).await?),
    };
    if let Some(reference) = &reference {
        require_minimum(reference.amount_out, max_slippage)?;
    }
    let swap = order.swap;
    let intent = Intent::market(swap.token_in, swap.token_out, swap.amount, max_slippage, reference);
    let intent = intent.map_err(|error| match error {
        InvalidIntent::EqualTokens => {
            Problem::field(Code::EqualTokens, "tokenOut", "must differ from tokenIn")
        }
        InvalidIntent::ZeroAmount => {
            Problem::field(Code::InvalidAmount, "amount", "must be greater than zero")
        }
    })?;
    Ok(intent.expiring(expiry).spending_all(swap.use_full_input))
}

/// Trading is halted.
pub(super) fn halted() -> Problem {
    Problem::new(Code::Failure(failure::Code::Halted), "trading is halted by an operator; try again later")
}

/// Refuses tokens that the account may not trade. Its other bounds need a price: executors know them.
fn allowed(policy: &AccountPolicy, swap: &Swap) -> Result<(), Problem> {
    for (field, token) in [("tokenIn", &swap.token_in), ("tokenOut", &swap.token_out)] {
        if !policy.allows_token(token.mint) {
            return Err(Problem::field(
                Code::TokenNotAllowed,
                field,
                "is not among the tokens of the account",
            ));
        }
    }
    Ok(())
}

/// The expiry of the order. Only refuses values out of range: the database's clock decides later.
fn expiry(app: &App, asked: Option<Timestamp>, now: Timestamp) -> Result<Expiry, Problem> {
    let Some(moment) = asked else {
        let after = app.configuration.order_ttl().as_millis();
        return Ok(Expiry::AfterMs(u64::try_from(after).unwrap_or(u64::MAX)));
    };
    let away = moment.signed_duration_since(now).to_std();
    if away.is_ok_and(|away| !away.is_zero() && away <= Expiry::MAX) {
        return Ok(Expiry::At(moment));
    }
    let minutes = Expiry::MAX.as_secs() / 60;
    let message = format!("must be in the future, and at most {minutes} minutes away");
    Err(Problem::field(Code::InvalidExpiry, "expiresAt", message))
}

/// The reference quote: the price that the account has seen.
async fn reference(app: &App, account: &AccountId, id: quote::Id, swap: &Swap) -> Result<Reference, Problem> {
    let quoted = app.cache.quote(id, &app.quote_key).await.map_err(|error| {
        tracing::warn!(%error, "Redis unavailable: quote not read");
        Problem::new(
            Code::QuotesUnavailable,
            "quotes cannot be read at the moment; try again, or order without a quote",
        )
    })?;
    let Some(quoted) = quoted.filter(|quoted| quoted.account == *account) else {
        return Err(Problem::field(
            Code::QuoteNotFound,
            "quoteId",
            "is unknown or was deleted; request a new quote",
        ));
    };
    let fits = quoted.mode == Mode::ExactIn
        && quoted.token_in.mint == swap.token_in.mint
        && quoted.token_out.mint == swap.token_out.mint
        && quoted.amount == swap.amount;
    if !fits {
        let message = "belongs to a quote for other tokens, another amount, or an exact output";
        return Err(Problem::field(Code::QuoteMismatch, "quoteId", message));
    }
    if quoted.quote.expires_at <= service::now() {
        let message = format!("belongs to a quote that expired at {}", quoted.quote.expires_at);
        return Err(Problem::field(Code::QuoteExpired, "quoteId", message));
    }
    Ok(Reference { quote_id: id, amount_out: quoted.quote.amount_out() })
}
