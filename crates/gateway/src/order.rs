//! `GET /api/orders/{orderId}`

use crate::http::problem::{self, Problem};
use crate::state::App;
use crate::view;
use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use http::request::Parts;
use order_core::order::{Id, InvalidHistory, Recorded};

/// An order's status and result.
#[utoipa::path(
    get, path = "/api/orders/{orderId}", tag = "Orders",
    params(("orderId" = String, Path, description = "The order")),
    responses(
        (status = 200, body = view::Order),
        (status = 404, description = "There is no such order", body = problem::Body, content_type = "application/problem+json"),
        (status = 503, description = "The database does not answer", body = problem::Body, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn order(State(app): State<App>, Named(name): Named) -> Result<Json<view::Order>, Problem> {
    let (id, history) = history(&app, &name).await?;
    let story = view::Story::replay(id, &history).map_err(|error| corrupt(id, &error))?;
    Ok(Json(story.order(view::now())))
}

/// What a path names as an order. Whatever it is, it is at most unknown.
#[derive(Debug)]
pub(crate) struct Named(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(_) => Err(Problem::unknown_order(parts.uri.path())),
        }
    }
}

/// The events of an order that a client named.
///
/// # Errors
/// There is none of that name, or the journal is of no help.
pub(crate) async fn history(app: &App, name: &str) -> Result<(Id, Vec<Recorded>), Problem> {
    let Ok(id) = name.parse::<Id>() else { return Err(Problem::unknown_order(name)) };
    match app.journal.history(id, 0).await? {
        Some(history) => Ok((id, history)),
        None => Err(Problem::unknown_order(name)),
    }
}

/// The record of an order cannot be understood: a fault of ours.
pub(crate) fn corrupt(id: Id, error: &InvalidHistory) -> Problem {
    tracing::error!(order.id = %id, %error, "the recorded events of an order are no order");
    Problem::new(
        crate::http::error_codes::Code::Internal,
        "the record of the order has a fault; the log has the details",
    )
}
