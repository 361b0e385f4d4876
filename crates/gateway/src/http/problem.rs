//! Error responses as RFC 9457 problem documents.

use crate::api::schema::ErrorCode;
use crate::http::error_codes::Code;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use order_core::Failure;
use serde::Serialize;
use std::fmt;
use utoipa::ToSchema;

/// The media type of every problem.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// `Retry-After` of a 503 whose duration is unknown.
const RETRY_AFTER_SECONDS: u64 = 1;

/// An error response.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) code: Code,
    pub(crate) detail: String,
    pub(crate) errors: Vec<FieldError>,
    pub(crate) retry_after_seconds: Option<u64>,
}

/// An error of one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// Name of the field in the request; empty for the request as a whole.
    #[schema(example = "amount")]
    pub(crate) field: String,
    /// Description of the error, for people.
    #[schema(example = "must be greater than zero")]
    pub(crate) message: String,
}

/// The errors of a request's fields, collected so that one response names them all.
#[derive(Debug, Default)]
pub(crate) struct FieldErrors(Vec<(Code, FieldError)>);

impl FieldErrors {
    /// The longest field name that is repeated to the client, in characters.
    const MAX_NAME: usize = 64;

    /// Adds an error of one field. The name may come from the client, so it is shortened.
    pub(crate) fn add(&mut self, code: Code, field: &str, message: impl fmt::Display) {
        let field = field.chars().take(Self::MAX_NAME).collect();
        self.0.push((code, FieldError { field, message: message.to_string() }));
    }

    /// Returns true if there is no error.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of errors.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Ok without errors.
    ///
    /// # Errors
    /// One problem with all errors. Its code is theirs if they share one, else `invalid_request`.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        let Some((first, _)) = self.0.first() else { return Ok(()) };
        let alike = self.0.iter().all(|(code, _)| code == first);
        let code = if alike { *first } else { Code::InvalidRequest };
        let errors: Vec<FieldError> = self.0.into_iter().map(|(_, error)| error).collect();
        let detail: Vec<String> =
            errors.iter().map(|error| format!("`{}` {}", error.field, error.message)).collect();
        Err(Problem { errors, ..Problem::new(code, detail.join("; ")) })
    }
}

/// A problem document as it is sent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub(crate) struct Body {
    /// Link to the explanation of the code.
    #[serde(rename = "type")]
    #[schema(example = "/docs/errors/invalid_amount")]
    kind: String,
    /// Short description of the code.
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599, example = 422)]
    status: u16,
    /// Description of this error, for people.
    detail: String,
    /// Stable code for programs.
    #[schema(value_type = ErrorCode)]
    code: &'static str,
    /// The same as `detail`, for older clients.
    error: String,
    /// True if the same request may succeed later.
    retryable: bool,
    /// Id of the request in the logs; the same as the header `x-request-id`.
    #[schema(required)]
    request_id: Option<String>,
    /// The errors of single fields.
    errors: Vec<FieldError>,
}

impl Problem {
    /// A problem without field errors.
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        let retry_after_seconds =
            (code.entry().status == StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_AFTER_SECONDS);
        Self { code, detail: detail.into(), errors: Vec::new(), retry_after_seconds }
    }

    /// A problem with one field error.
    pub(crate) fn field(code: Code, field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let detail = format!("`{field}` {message}");
        Self { errors: vec![FieldError { field: field.to_owned(), message }], ..Self::new(code, detail) }
    }

    /// An order or quote failed with this code.
    pub(crate) fn failure(failure: &Failure) -> Self {
        Self::new(Code::Failure(failure.code), failure.message.clone())
    }

    /// The order does not exist.
    pub(crate) fn unknown_order(id: &str) -> Self {
        let shown: String = id.chars().take(64).collect();
        Self::new(Code::OrderNotFound, format!("there is no order `{shown}`"))
    }

    /// The database did not accept an order, or may have accepted it.
    pub(crate) fn accepting(error: journal::Error) -> Self {
        match &error {
            journal::Error::Unknown { .. } => {
                tracing::warn!(%error, "database connection lost: an order may have been recorded");
                Self::new(
                    Code::OutcomeUnknown,
                    "the database connection was lost; the order may have been recorded: send it again with the same Idempotency-Key to be sure",
                )
            }
            journal::Error::Unavailable { .. }
            | journal::Error::NotMigrated { .. }
            | journal::Error::Overloaded { .. }
            | journal::Error::Refused { .. }
            | journal::Error::Corrupt { .. } => Self::from(error),
        }
    }

    /// The database did not cancel an order, or may have cancelled it.
    pub(crate) fn cancelling(error: journal::Error) -> Self {
        match &error {
            journal::Error::Unknown { .. } => {
                tracing::warn!(%error, "database connection lost: an order may have been cancelled");
                Self::new(
                    Code::OutcomeUnknown,
                    "the database connection was lost; the order may be cancelled: read its events, or cancel it again",
                )
            }
            journal::Error::Unavailable { .. }
            | journal::Error::NotMigrated { .. }
            | journal::Error::Overloaded { .. }
            | journal::Error::Refused { .. }
            | journal::Error::Corrupt { .. } => Self::from(error),
        }
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> StatusCode {
        self.code.entry().status
    }

    /// The problem document.
    pub(crate) fn body(&self, request_id: Option<&str>) -> Body {
        let entry = self.code.entry();
        Body {
            kind: format!("/docs/errors/{}", entry.name),
            title: entry.title,
            status: entry.status.as_u16(),
            detail: self.detail.clone(),
            code: entry.name,
            error: self.detail.clone(),
            retryable: entry.retryable,
            request_id: request_id.map(str::to_owned),
            errors: self.errors.clone(),
        }
    }

    /// The response, with the id of its request.
    pub(crate) fn answer(self, request_id: Option<&str>) -> Response {
        let body = serde_json::to_vec(&self.body(request_id)).unwrap_or_default();
        let mut response = (self.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.code == Code::UpgradeRequired {
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        }
        if self.code == Code::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // The outermost layer knows the request id, and renders the problem again with it.
        response.extensions_mut().insert(self);
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.answer(None)
    }
}

impl From<journal::Error> for Problem {
    fn from(error: journal::Error) -> Self {
        match &error {
            // A read with an unknown outcome changed nothing. Writes are handled by `Problem::accepting` and
            // `Problem::cancelling`.
            journal::Error::Unavailable { .. }
            | journal::Error::Unknown { .. }
            | journal::Error::NotMigrated { .. } => {
                tracing::warn!(%error, "database unavailable");
                Self::new(Code::JournalUnavailable, "the database does not answer; try again")
            }
            journal::Error::Overloaded { .. } => Self::new(
                Code::Overloaded,
                "too many writes are waiting for the database; nothing was recorded, try again",
            ),
            journal::Error::Refused { .. } | journal::Error::Corrupt { .. } => {
                tracing::error!(%error, "database refused a statement, or holds a corrupt record");
                Self::new(Code::Internal, "the stored orders have a fault; the log has the details")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_keeps_its_wire_form() {
        let problem = Problem::field(Code::InvalidAmount, "amount", "must be greater than zero");
        assert_eq!(
            serde_json::to_string(&problem.body(Some("r-1"))).unwrap(),
            r#"{"type":"/docs/errors/invalid_amount","title":"The amount is not valid","status":422,"detail":"`amount` must be greater than zero","code":"invalid_amount","error":"`amount` must be greater than zero","retryable":false,"requestId":"r-1","errors":[{"field":"amount","message":"must be greater than zero"}]}"#
        );
    }

    #[test]
    fn unknown_outcome_is_reported_for_writes_only() {
        let cause = crate::tests::database_away();
        let unknown = journal::Error::Unknown { doing: "test", cause };
        assert_eq!(Problem::from(unknown.clone()).code, Code::JournalUnavailable);
        let body = serde_json::to_value(Problem::accepting(unknown).body(None)).unwrap();
        assert_eq!(
            (&body["code"], &body["status"], &body["retryable"]),
            (&"outcome_unknown".into(), &503.into(), &true.into())
        );
        assert!(body["detail"].as_str().unwrap().contains("same Idempotency-Key"), "{body}");
        let full = journal::Error::Overloaded { doing: "test" };
        assert_eq!(Problem::accepting(full).code, Code::Overloaded);
    }

    #[test]
    fn temporary_problems_have_retry_after() {
        let response = Problem::new(Code::Overloaded, "full").into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()["retry-after"], "1");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert!(!Problem::new(Code::NotFound, "").into_response().headers().contains_key("retry-after"));
    }
}
