//! Reading the order that a path names.

use crate::http::error_codes::Code;
use crate::http::problem::Problem;
use crate::state::App;
use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use order_core::AccountId;
use order_core::order::{Id, InvalidHistory, Recorded};

/// The order id in a path, as text. Text that is no id is an unknown order, not an invalid request.
#[derive(Debug)]
pub(crate) struct OrderPath(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for OrderPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(id)) => Ok(Self(id)),
            Err(_) => Err(Problem::unknown_order(parts.uri.path())),
        }
    }
}

/// The recorded events of an order of the account.
///
/// # Errors
/// The account has no such order, or the database does not answer.
pub(crate) async fn history(
    app: &App,
    account: &AccountId,
    name: &str,
) -> Result<(Id, Vec<Recorded>), Problem> {
    let Ok(id) = name.parse::<Id>() else { return Err(Problem::unknown_order(name)) };
    match app.journal.history.read_for(account, id, 0).await? {
        Some(history) => Ok((id, history)),
        None => Err(Problem::unknown_order(name)),
    }
}

/// The recorded events are not a valid history: a fault of the service.
pub(crate) fn corrupt(id: Id, error: &InvalidHistory) -> Problem {
    tracing::error!(order.id = %id, %error, "corrupt events: not a valid history of an order");
    Problem::new(Code::Internal, "the events of the order have a fault; the log has the details")
}
