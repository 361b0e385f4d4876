//! `DELETE /api/orders/{orderId}`

use super::load::OrderPath;
use super::response::Receipt;
use crate::access::Caller;
use crate::http::error_codes::Code;
use crate::http::problem::Problem;
use crate::metrics;
use crate::state::App;
use axum::Json;
use axum::extract::State;
use journal::Cancellation;
use order_core::order::{Id, Status};

/// Cancels an order.
///
/// An order without a signed transaction ends at once, and a repeated cancel returns 200 again. After a
/// transaction is signed, the response is 409; if that transaction does not land, no other attempt follows.
/// Works while trading is halted.
#[utoipa::path(
    delete, path = "/api/orders/{orderId}", operation_id = "cancelOrder", tag = "Orders",
    params(("orderId" = uuid::Uuid, Path, description = "The order")),
    responses(
        (status = 200, body = Receipt, description = "The order is cancelled"),
        (status = 404, description = "The order does not exist"),
        (status = 409, description = "A transaction of the order may land, or the order has already ended"),
        (status = 503, description = "The database does not answer; with the code `outcome_unknown`, the order may be cancelled"),
    ),
)]
pub(crate) async fn cancel(
    State(app): State<App>,
    caller: Caller,
    OrderPath(name): OrderPath,
) -> Result<Json<Receipt>, Problem> {
    let id: Id = name.parse().map_err(|_| Problem::unknown_order(&name))?;
    let cancelled = match app.journal.orders.cancel(&caller.account, id).await {
        // A second call reports the outcome of the first.
        Err(journal::Error::Unknown { .. }) => app.journal.orders.cancel(&caller.account, id).await,
        cancelled => cancelled,
    };
    match cancelled.map_err(Problem::cancelling)?.ok_or_else(|| Problem::unknown_order(&name))? {
        Cancellation::Now(recorded) => {
            metrics::cancelled();
            tracing::info!(order.id = %id, "order cancelled");
            app.cache.publish(id, &recorded).await;
            Ok(Json(Receipt::of(id, Status::Cancelled)))
        }
        Cancellation::Before => Ok(Json(Receipt::of(id, Status::Cancelled))),
        Cancellation::TooLate(status) => Err(too_late(status)),
    }
}

fn too_late(status: Status) -> Problem {
    let detail = if status.is_terminal() {
        format!("the order is {status}")
    } else {
        format!("the order is {status}: its transaction may land; if it does not, no other attempt follows")
    };
    Problem::field(Code::TooLate, "status", detail)
}
