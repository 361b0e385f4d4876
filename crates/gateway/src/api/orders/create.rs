//! `POST /api/orders/execute`, and the one code path that places an order, for REST and WebSocket.

use super::request::{self, OrderBody};
use super::response::Receipt;
use crate::http::body;
use crate::http::error_codes::Code;
use crate::http::problem::{self, Problem};
use crate::state::App;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use journal::{Acceptance, Accepted, Idempotency};
use order_core::order::{Anchor, Expiry, Id, Intent, InvalidIntent, Status};
use order_core::quote::{self, Mode};
use order_core::{Timestamp, failure};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The header that makes a request the same when it is made again.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Keys of up to this length are kept.
const MAX_KEY: usize = 255;

/// Who places orders, as long as there is one who may.
const OWNER: &str = "operator";

/// Places a market order.
///
/// When this answers 202, the order is durable and will end. Follow it at its WebSocket.
#[utoipa::path(
    post, path = "/api/orders/execute", tag = "Orders",
    request_body = OrderBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters. The same key with the same body answers with the same order")),
    responses(
        (status = 202, body = Receipt, headers(
            ("Location" = String, description = "Where the order is"),
            ("Idempotent-Replayed" = String, description = "`true` if the key was used before"),
        )),
        (status = 400, description = "The body is not JSON", body = problem::Body, content_type = "application/problem+json"),
        (status = 413, description = "The body is over 16 KiB", body = problem::Body, content_type = "application/problem+json"),
        (status = 415, description = "The body is not declared as JSON", body = problem::Body, content_type = "application/problem+json"),
        (status = 422, description = "Something is wrong with the request; nothing was recorded", body = problem::Body, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = problem::Body, content_type = "application/problem+json"),
        (status = 503, description = "What is needed does not answer, or too many orders are waiting", body = problem::Body, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn execute(
    State(app): State<App>,
    headers: HeaderMap,
    body::Json(body): body::Json,
) -> Result<Response, Problem> {
    let placed = place(&app, &headers, &body).await?;
    Ok(answer(placed))
}

fn answer(placed: Placed) -> Response {
    let receipt = Receipt::of(placed.id, Status::Pending);
    let mut response = (StatusCode::ACCEPTED, Json(receipt)).into_response();
    let headers = response.headers_mut();
    if let Ok(location) = HeaderValue::try_from(format!("/api/orders/{}", placed.id)) {
        headers.insert(header::LOCATION, location);
    }
    if placed.replayed {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// An order that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) id: Id,
    /// Whether the same request was made before.
    pub(crate) replayed: bool,
}

/// Accepts an order. When this returns one, it is durable.
///
/// # Errors
/// The request is not valid, or cannot be fulfilled now. Nothing was recorded, unless the problem
/// says that it may have been.
pub(crate) async fn place(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<Placed, Problem> {
    let idempotency = idempotency_key(headers)?.map(|key| Idempotency { key, request_hash: hash(body) });
    // A request that was accepted once is answered alike even when it would not be any more.
    if let Some(placed) = replay(app, idempotency.as_ref()).await? {
        return Ok(placed);
    }
    let request = request::Order::read(body, &app.registry).await?;
    let intent = intent(app, request).await?;
    let acceptance = Acceptance {
        id: Id(Uuid::now_v7()),
        intent,
        owner: OWNER.to_owned(),
        idempotency,
        traceparent: service::trace::traceparent(),
    };
    accept(app, acceptance).await
}

async fn accept(app: &App, acceptance: Acceptance) -> Result<Placed, Problem> {
    let (id, traceparent) = (acceptance.id, acceptance.traceparent.clone());
    let accepted = match app.journal.accept(acceptance.clone()).await {
        // Under the same id the journal tells what became of it.
        Err(unknown @ journal::Error::Unknown { .. }) => {
            settled(unknown, app.journal.accept(acceptance).await)
        }
        accepted => accepted,
    }
    .map_err(Problem::accepting)?;
    match accepted {
        Accepted::New => {
            app.admission.add();
            metrics::counter!("orders_accepted_total").increment(1);
            app.dispatcher.dispatch(id, traceparent);
            tracing::info!(order.id = %id, "accepted an order");
            Ok(Placed { id, replayed: false })
        }
        Accepted::Replayed { id } => Ok(Placed { id, replayed: true }),
        Accepted::Conflict { .. } => Err(reused()),
    }
}

/// What is known after a second try. That it recorded nothing says nothing of the first.
fn settled(
    unknown: journal::Error,
    again: Result<Accepted, journal::Error>,
) -> Result<Accepted, journal::Error> {
    match again {
        Err(
            journal::Error::Unavailable { .. }
            | journal::Error::Unknown { .. }
            | journal::Error::Overloaded { .. }
            | journal::Error::NotMigrated { .. },
        ) => Err(unknown),
        Ok(_) | Err(journal::Error::Refused { .. } | journal::Error::Corrupt { .. }) => again,
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let key = value
        .to_str()
        .ok()
        .filter(|key| (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()));
    match (key, values.next()) {
        (Some(key), None) => Ok(Some(key.to_owned())),
        (_, _) => Err(Problem::field(
            Code::InvalidIdempotencyKey,
            "Idempotency-Key",
            format!("must be one value of 1 to {MAX_KEY} visible ASCII characters"),
        )),
    }
}

/// The same for requests that are the same; of a body that is no order, for the same bytes.
pub(crate) fn hash(body: &[u8]) -> [u8; 32] {
    match request::essence(body) {
        Some(essence) => Sha256::digest(essence).into(),
        None => Sha256::digest(body).into(),
    }
}

/// What is to be executed, as far as it can be taken on now.
async fn intent(app: &App, request: request::Order) -> Result<Intent, Problem> {
    if app.admission.is_halted() {
        return Err(Problem::new(
            Code::Failure(failure::Code::Halted),
            "an operator has stopped trading; try again later",
        ));
    }
    if app.admission.count() >= app.configuration.max_backlog {
        let detail = format!("{} orders are waiting already; try again", app.configuration.max_backlog);
        return Err(Problem::new(Code::Overloaded, detail));
    }
    let expiry = expiry(app, request.expires_at, service::now())?;
    let max_slippage = request.swap.max_slippage.unwrap_or(app.configuration.default_max_slippage);
    if max_slippage > app.configuration.max_slippage {
        let most = app.configuration.max_slippage.to_decimal();
        return Err(Problem::field(Code::SlippageTooHigh, "maxSlippage", format!("must be at most {most}")));
    }
    let anchor = match request.quote_id {
        None => None,
        Some(id) => Some(anchor(app, id, &request.swap).await?),
    };
    let swap = request.swap;
    let intent = Intent::market(swap.token_in, swap.token_out, swap.amount, max_slippage, anchor);
    let intent = intent.map_err(|error| match error {
        InvalidIntent::EqualTokens => {
            Problem::field(Code::EqualTokens, "tokenOut", "must differ from tokenIn")
        }
        InvalidIntent::ZeroAmount => {
            Problem::field(Code::InvalidAmount, "amount", "must be greater than zero")
        }
    })?;
    Ok(intent.expiring(expiry))
}

/// When the order expires. The database's clock decides later: this only refuses what makes no sense.
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

/// The price that the client has seen.
async fn anchor(app: &App, id: quote::Id, swap: &request::Swap) -> Result<Anchor, Problem> {
    let quoted = app.live.quote(id, &app.quote_key).await.map_err(|error| {
        tracing::warn!(%error, "a quote was not looked up");
        Problem::new(Code::QuotesUnavailable, "quotes cannot be looked up; try again, or order without one")
    })?;
    let Some(quoted) = quoted else {
        return Err(Problem::field(
            Code::QuoteNotFound,
            "quoteId",
            "is not known, or was forgotten; ask for a new quote",
        ));
    };
    let fits = quoted.mode == Mode::ExactIn
        && quoted.token_in.mint == swap.token_in.mint
        && quoted.token_out.mint == swap.token_out.mint
        && quoted.amount == swap.amount;
    if !fits {
        let message = "is of a quote for other tokens, another amount, or an exact output";
        return Err(Problem::field(Code::QuoteMismatch, "quoteId", message));
    }
    if quoted.quote.expires_at <= service::now() {
        let message = format!("is of a quote that expired at {}", quoted.quote.expires_at);
        return Err(Problem::field(Code::QuoteExpired, "quoteId", message));
    }
    Ok(Anchor { quote_id: id, amount_out: quoted.quote.amount_out() })
}

/// The order that this request placed before, if it did.
async fn replay(app: &App, idempotency: Option<&Idempotency>) -> Result<Option<Placed>, Problem> {
    let Some(idempotency) = idempotency else { return Ok(None) };
    match app.journal.accepted(OWNER, idempotency).await? {
        None | Some(Accepted::New) => Ok(None),
        Some(Accepted::Replayed { id }) => Ok(Some(Placed { id, replayed: true })),
        Some(Accepted::Conflict { .. }) => Err(reused()),
    }
}

fn reused() -> Problem {
    Problem::field(Code::IdempotencyKeyReused, "Idempotency-Key", "was used before, with another body")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::example;

    /// Fingerprints as they are stored in PostgreSQL beside the keys. A change of one would turn a repeated
    /// request into a conflict.
    const STORED: [(&str, &str); 12] = [
        (
            r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":100}"#,
            "1d09e51961f453d4bd68b1d38b06743da61d0273066919fba9ce9036b0411e37",
        ),
        (
            r#" {"amount":"1e2", "tokenOut":"EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v","tokenIn":"SOL","quoteId":null}"#,
            "1d09e51961f453d4bd68b1d38b06743da61d0273066919fba9ce9036b0411e37",
        ),
        (
            r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":1.50,"maxSlippage":"0.010","quoteId":"01A21A78-27AD-7000-8000-00000000000A","expiresAt":"2026-01-01T01:00:00+01:00"}"#,
            "da65b8426a3008dc0eca9b52a387c62a802848a51685ae77a4dfd63fc1f8b5dc",
        ),
        (
            r#"{"tokenIn":"11111111111111111111111111111111","tokenOut":"SOL","amount":"0.000000001"}"#,
            "a5c9b63e66a1694d45d3bf67bd6d101b57b89f7597eaa05806aabb4335696cbf",
        ),
        (
            r#"{"tokenIn":"DOGE","tokenOut":"DOGE","amount":0}"#,
            "5be27ce7c91367b49fd8f4334a1ff7aa40de8b4ed4e871288c6f008dd14e1d32",
        ),
        (r#""#, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (r#"{"#, "021fb596db81e6d02bf3d2586ee3981fe519f275c0ac9ca76bbcf2ebb4097d96"),
        (r#"[]"#, "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"),
        (
            r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":"1,5"}"#,
            "8d9b4685c6748c645fc868f601fb7b9f0a9cf85f44decc88d29b155f30183723",
        ),
        (
            r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":1,"side":"buy"}"#,
            "93c35145a27d21effeb6ba7d562dd5d18ea44f6e39ff2c5c7d823b4b21df56a9",
        ),
        (
            r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":1,"amount":1}"#,
            "11b771710ea1a3f6224bf7a0f5aa21b40acea2aaab66198e9feb5a49c77780ff",
        ),
        (
            r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":1,"quoteId":"7"}"#,
            "eecee51678c2acd0d1502a279c94ab595f87f6d81c406b372dba6930f419f5b4",
        ),
    ];

    #[test]
    fn fingerprints_stay_as_they_are_stored() {
        for (body, stored) in STORED {
            let hash: String = hash(body.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hash, stored, "{body}");
        }
    }

    #[test]
    fn a_request_is_the_same_however_it_is_written() {
        let first = hash(br#"{"tokenIn":"SOL","tokenOut":"USDC","amount":100}"#);
        let again =
            br#" {"amount":"1e2", "tokenOut":"EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v","tokenIn":"SOL"}"#;
        assert_eq!(first, hash(again));
        for other in [
            r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":101}"#,
            r#"{"tokenIn":"SOL","tokenOut":"USDT","amount":100}"#,
            r#"{"tokenIn":"RAY","tokenOut":"USDC","amount":100}"#,
            r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":100,"maxSlippage":0.01}"#,
            r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":100,"quoteId":"00000000-0000-0000-0000-000000000000"}"#,
            r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":100,"expiresAt":"2026-01-01T00:00:00Z"}"#,
            r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":100,"side":"buy"}"#,
            r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":-100}"#,
            "{",
        ] {
            assert_ne!(first, hash(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn a_second_try_that_records_nothing_does_not_make_the_first_known() {
        let cause = crate::tests::database_away();
        let unknown = journal::Error::Unknown { doing: "accept", cause: cause.clone() };
        let code = |again| settled(unknown.clone(), again).map_err(|error| Problem::accepting(error).code);
        for again in [
            journal::Error::Unavailable { doing: "accept", cause },
            journal::Error::Overloaded { doing: "accept" },
            journal::Error::NotMigrated { version: 1 },
            unknown.clone(),
        ] {
            assert_eq!(code(Err(again)), Err(Code::OutcomeUnknown));
        }
        let refused = journal::Error::Refused { doing: "accept", rule: "a rule".to_owned() };
        assert_eq!(code(Err(refused)), Err(Code::Internal));
        assert_eq!(code(Ok(Accepted::New)), Ok(Accepted::New));
    }

    #[test]
    fn a_key_is_one_word_of_visible_ascii() {
        let key = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(IDEMPOTENCY_KEY, HeaderValue::from_bytes(value).unwrap());
            }
            idempotency_key(&headers).map_err(|problem| problem.code)
        };
        assert_eq!(key(&[]), Ok(None));
        assert_eq!(key(&[b"k-1"]), Ok(Some("k-1".to_owned())));
        assert_eq!(key(&[&[b'x'; 255]]).unwrap().unwrap().len(), 255);
        for refused in [&[b"".as_slice()][..], &[b"a b"], &[b"\xc3\xa9"], &[&[b'x'; 256]], &[b"a", b"b"]] {
            assert_eq!(key(refused), Err(Code::InvalidIdempotencyKey), "{refused:?}");
        }
    }

    #[tokio::test]
    async fn a_receipt_keeps_its_wire_form() {
        let response = answer(Placed { id: example::id(), replayed: true });
        assert_eq!(response.status(), StatusCode::ACCEPTED);
        assert_eq!(response.headers()["location"], "/api/orders/00000000-0000-0000-0000-000000000007");
        assert_eq!(response.headers()["idempotent-replayed"], "true");
        let body = axum::body::to_bytes(response.into_body(), 1_000).await.unwrap();
        assert_eq!(
            &body[..],
            br#"{"orderId":"00000000-0000-0000-0000-000000000007","status":"pending","message":"Order received and queued"}"#
        );
        let fresh = answer(Placed { id: example::id(), replayed: false });
        assert!(!fresh.headers().contains_key("idempotent-replayed"));
    }
}
