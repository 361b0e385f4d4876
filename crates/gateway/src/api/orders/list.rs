//! `GET /api/orders`

use super::fold::OrderView;
use super::response::OrderResponse;
use crate::access::Caller;
use crate::api::schema::{Dex as DexName, OrderStatus, TokenName};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::registry::Registry;
use crate::state::App;
use axum::Json;
use axum::extract::State;
use journal::{Filter, Listed};
use order_core::order::Id;
use order_core::{Environment, Mint, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

/// Default number of orders on a page.
const DEFAULT_LIMIT: u32 = 50;

/// Highest number of orders on a page.
const MAX_LIMIT: u32 = 100;

/// A page of orders.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Orders {
    /// Newest first. An order with corrupt events is left out.
    orders: Vec<OrderResponse>,
    /// The `cursor` of the next page; null on the last.
    #[schema(value_type = Option<uuid::Uuid>, required)]
    next_cursor: Option<Id>,
}

/// Orders, newest first.
#[utoipa::path(
    get, path = "/api/orders", operation_id = "listOrders", tag = "Orders",
    params(
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100, description = "Orders on a page; default 50"),
        ("cursor" = Option<uuid::Uuid>, Query, description = "`nextCursor` of the previous page"),
        ("status" = Option<OrderStatus>, Query, description = "Only orders with this status"),
        ("dex" = Option<DexName>, Query, description = "Only orders whose latest route is over this exchange. Not together with `tokenIn` or `tokenOut`"),
        ("tokenIn" = Option<TokenName>, Query, description = "A known symbol, or a mint"),
        ("tokenOut" = Option<TokenName>, Query, description = "A known symbol, or a mint"),
        ("from" = Option<String>, Query, format = DateTime, description = "Accepted at this time or later (RFC 3339). All filters can be combined, except `dex` with tokens"),
        ("to" = Option<String>, Query, format = DateTime, description = "Accepted before this time (RFC 3339)"),
    ),
    responses((status = 200, body = Orders, description = "A page of orders")),
)]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    query: Query,
) -> Result<Json<Orders>, Problem> {
    let Page { filter, cursor, limit } = Page::read(query)?;
    let listed = app.journal.reports.list(&caller.account, &filter, cursor, limit).await?;
    let full = u32::try_from(listed.len()).is_ok_and(|length| length >= limit);
    let next_cursor = if full { listed.last().map(|last| last.id) } else { None };
    let (now, environment) = (crate::http::now(), app.environment());
    let orders = listed.into_iter().filter_map(|listed| shown(listed, now, environment)).collect();
    Ok(Json(Orders { orders, next_cursor }))
}

/// The order for the list. None if its events are corrupt, so that the others can still be listed.
fn shown(listed: Listed, now: Timestamp, environment: Environment) -> Option<OrderResponse> {
    match listed.history.map(|history| OrderView::replay(listed.id, &history)) {
        Ok(Ok(view)) => return Some(view.response(now, environment)),
        Ok(Err(error)) => {
            tracing::error!(order.id = %listed.id, %error, "corrupt events: order left out of the list")
        }
        Err(error) => {
            tracing::error!(order.id = %listed.id, %error, "corrupt events: order left out of the list")
        }
    }
    None
}

/// The parameters of a list.
#[derive(Debug, PartialEq, Eq)]
struct Page {
    filter: Filter,
    cursor: Option<Id>,
    limit: u32,
}

impl Page {
    fn read(mut query: Query) -> Result<Self, Problem> {
        let limit = query.parsed("limit", limit).unwrap_or(DEFAULT_LIMIT);
        let cursor =
            query.parsed("cursor", |text| text.parse::<Id>().map_err(|_| "is not a `nextCursor` of a page"));
        let filter = Filter {
            status: query.parsed("status", str::parse),
            dex: query.parsed("dex", str::parse),
            token_in: query.parsed("tokenIn", mint),
            token_out: query.parsed("tokenOut", mint),
            from: query.parsed("from", moment),
            to: query.parsed("to", moment),
        };
        if !filter.is_indexed() {
            query.refuse("dex", "cannot be combined with tokenIn or tokenOut: list by one of them");
        }
        query.finish()?;
        Ok(Self { filter, cursor, limit })
    }
}

fn limit(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
        Ok(_) | Err(_) => Err(format!("must be a number from 1 to {MAX_LIMIT}")),
    }
}

fn mint(text: &str) -> Result<Mint, &'static str> {
    Registry::known(text)
        .map(|token| token.mint)
        .or_else(|| text.parse().ok())
        .ok_or("is neither a known symbol nor a mint address")
}

fn moment(text: &str) -> Result<Timestamp, &'static str> {
    // An unescaped `+` arrives as a space.
    chrono::DateTime::parse_from_rfc3339(&text.replace(' ', "+"))
        .map(Into::into)
        .map_err(|_| "must be a time such as 2026-01-31T12:00:00Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::error_codes::Code;
    use order_core::order::Status;
    use order_core::{Dex, token};

    fn page(pairs: &[(&str, &str)]) -> Result<Page, Vec<String>> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Page::read(Query::of(pairs)).map_err(|problem| {
            assert!(matches!(problem.code, Code::InvalidRequest | Code::UnknownField));
            problem.errors.into_iter().map(|error| error.field).collect()
        })
    }

    #[test]
    fn all_parameters_are_optional() {
        assert_eq!(page(&[]), Ok(Page { filter: Filter::default(), cursor: None, limit: 50 }));
    }

    #[test]
    fn parameters_are_parsed() {
        let read = page(&[
            ("limit", "100"),
            ("status", "confirmed"),
            ("tokenOut", "USDC"),
            ("tokenIn", "SOL"),
            ("from", "2026-01-01T00:00:00+01:00"),
        ])
        .unwrap();
        assert_eq!((read.limit, read.filter.status), (100, Some(Status::Confirmed)));
        assert_eq!(page(&[("dex", "meteora")]).unwrap().filter.dex, Some(Dex::Meteora));
        assert_eq!(read.filter.token_in, Some(token::NATIVE_MINT));
        assert_eq!(read.filter.from.unwrap().to_rfc3339(), "2025-12-31T23:00:00+00:00");
    }

    #[test]
    fn only_an_exchange_with_a_token_is_refused() {
        let all = [
            ("dex", "orca"),
            ("tokenIn", "SOL"),
            ("tokenOut", "USDC"),
            ("status", "failed"),
            ("from", "2026-01-01T00:00:00Z"),
            ("to", "2026-02-01T00:00:00Z"),
            ("cursor", "01a21a78-27ad-7000-8000-000000000000"),
        ];
        for set in 0..1_u32 << all.len() {
            let given: Vec<_> =
                (0..all.len()).filter(|bit| set & (1 << bit) != 0).map(|bit| all[bit]).collect();
            let has = |name| given.iter().any(|(given, _)| *given == name);
            let expected = if has("dex") && (has("tokenIn") || has("tokenOut")) {
                Err(vec!["dex".to_owned()])
            } else {
                Ok(())
            };
            assert_eq!(page(&given).map(drop), expected, "{given:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (name, value) in [
            ("limit", "0"),
            ("limit", "101"),
            ("limit", "ten"),
            ("cursor", "7"),
            ("status", "done"),
            ("dex", "nyse"),
            ("tokenOut", "DOGE"),
            ("to", "yesterday"),
            ("page", "2"),
        ] {
            assert_eq!(page(&[(name, value)]), Err(vec![name.to_owned()]), "{value}");
        }
    }
}
