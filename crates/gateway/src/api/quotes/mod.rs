//! `POST /api/orders/quote`

mod request;
pub(crate) mod response;

use self::request::{QuoteBody, QuoteRequest};
use crate::access::Caller;
use crate::api::swap::{Swap, require_minimum};
use crate::http::body;
use crate::http::problem::Problem;
use crate::http::rate_limit;
use crate::state::App;
use axum::Json;
use axum::extract::State;
use axum::middleware::from_fn_with_state;
use cache::Quoted;
use order_core::InputBuffer;
use order_core::quote::Exclusions;
use std::collections::BTreeSet;
use std::time::Duration;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Time that a quote is kept after its expiry, so that a late order gets `quote_expired`.
const REMEMBERED: Duration = Duration::from_secs(60);

/// The route of quotes, behind its rate limit.
pub(super) fn routes(app: &App) -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(quote))
        .route_layer(from_fn_with_state(app.clone(), rate_limit::quotes))
}

/// The best quote now. Places no order.
#[utoipa::path(
    post, path = "/api/orders/quote", operation_id = "getQuote", tag = "Markets",
    request_body(content = QuoteBody, description = "The swap"),
    responses(
        (status = 200, body = response::Quote, description = "The quote"),
        (status = 422, description = "The request is not valid, or there is no route"),
        (status = 429, description = "Too many requests"),
    ),
)]
pub(crate) async fn quote(
    State(app): State<App>,
    caller: Caller,
    body::Json(body): body::Json,
) -> Result<Json<response::Quote>, Problem> {
    let Swap { token_in, token_out, amount, mode, max_slippage, use_full_input } =
        QuoteRequest::parse(&body)?.resolve(&app.registry).await?;
    let max_slippage = max_slippage.unwrap_or(app.configuration.default_max_slippage);
    let disabled = app.admission.disabled_venues();
    let policy = app.journal.policies.of(&caller.account).await?;
    let asked = proto::quote::Request {
        mint_in: token_in.mint,
        mint_out: token_out.mint,
        amount,
        mode,
        input_buffer: InputBuffer::of(1, max_slippage),
        use_full_input,
        // Executors do not use these either.
        excluded: Exclusions {
            venues: disabled.iter().map(|disabled| disabled.venue).chain(policy.refused_venues()).collect(),
            pools: BTreeSet::new(),
        },
    };
    let quote = app.registry.quote(&asked).await.map_err(|failure| Problem::failure(&failure))?;
    require_minimum(quote.amount_out(), max_slippage)?;
    let quoted = Quoted { account: caller.account, quote, token_in, token_out, mode, amount };
    let pair = response::Pair { token_in: &quoted.token_in, token_out: &quoted.token_out };
    let seen = response::Quote::of(&quoted.quote, pair, amount, mode, max_slippage, app.environment());
    let left = (quoted.quote.expires_at - service::now()).to_std().unwrap_or(Duration::ZERO);
    let kept = app.cache.remember_quote(&quoted, &app.quote_key, left.saturating_add(REMEMBERED)).await;
    if let Err(error) = kept {
        tracing::debug!(%error, quote.id = %quoted.quote.id, "Redis unavailable: no order can use this quote");
    }
    Ok(Json(seen))
}
