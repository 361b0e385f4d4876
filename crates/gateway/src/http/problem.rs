//! What an answer says when it is no success: RFC 9457, with a code of the catalogue.

use crate::http::error_codes::Code;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use order_core::Failure;
use serde::Serialize;
use std::fmt;
use utoipa::ToSchema;

/// The media type of every problem.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// The pause that is asked for when it is not known how long something lasts.
const RETRY_AFTER_SECONDS: u64 = 1;

/// Why a request was not fulfilled.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) code: Code,
    pub(crate) detail: String,
    pub(crate) errors: Vec<FieldError>,
    pub(crate) retry_after_seconds: Option<u64>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// The field's name in the request; empty for the request as a whole.
    #[schema(example = "amount")]
    pub(crate) field: String,
    /// What is wrong with it, for people.
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

/// A problem as it is sent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub(crate) struct Body {
    /// Where the code is explained.
    #[serde(rename = "type")]
    #[schema(example = "/docs/errors#invalid_amount")]
    kind: String,
    /// The code in a few words.
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 422)]
    status: u16,
    /// What happened to this request, for people.
    detail: String,
    /// The stable code for programs.
    #[schema(example = "invalid_amount")]
    code: &'static str,
    /// The same as `detail`, under the name that older clients read.
    error: String,
    /// Whether the same request may succeed later.
    retryable: bool,
    /// The request's name in the logs; the same as the header `x-request-id`.
    request_id: Option<String>,
    /// What is wrong with which field.
    errors: Vec<FieldError>,
}

impl Problem {
    /// A problem without fields.
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        let retry_after_seconds =
            (code.entry().status == StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_AFTER_SECONDS);
        Self { code, detail: detail.into(), errors: Vec::new(), retry_after_seconds }
    }

    /// A problem of one field.
    pub(crate) fn field(code: Code, field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let detail = format!("`{field}` {message}");
        Self { errors: vec![FieldError { field: field.to_owned(), message }], ..Self::new(code, detail) }
    }

    /// What an order, or a quote, failed of.
    pub(crate) fn failure(failure: &Failure) -> Self {
        Self::new(Code::Failure(failure.code), failure.message.clone())
    }

    /// The order does not exist.
    pub(crate) fn unknown_order(id: &str) -> Self {
        let shown: String = id.chars().take(64).collect();
        Self::new(Code::OrderNotFound, format!("there is no order `{shown}`"))
    }

    /// Why an order was not accepted, or may have been.
    pub(crate) fn accepting(error: journal::Error) -> Self {
        match &error {
            journal::Error::Unknown { .. } => {
                tracing::warn!(%error, "the journal may have recorded an order");
                Self::new(
                    Code::OutcomeUnknown,
                    "the database was lost in the middle; the order may have been recorded: send it again with the same Idempotency-Key to be sure",
                )
            }
            journal::Error::Unavailable { .. }
            | journal::Error::NotMigrated { .. }
            | journal::Error::Overloaded { .. }
            | journal::Error::Refused { .. }
            | journal::Error::Corrupt { .. } => Self::from(error),
        }
    }

    /// Why it is not known that an order is cancelled.
    pub(crate) fn cancelling(error: journal::Error) -> Self {
        match &error {
            journal::Error::Unknown { .. } => {
                tracing::warn!(%error, "the journal may have cancelled an order");
                Self::new(
                    Code::OutcomeUnknown,
                    "the database was lost in the middle; the order may be cancelled: its events tell, or cancel it again",
                )
            }
            journal::Error::Unavailable { .. }
            | journal::Error::NotMigrated { .. }
            | journal::Error::Overloaded { .. }
            | journal::Error::Refused { .. }
            | journal::Error::Corrupt { .. } => Self::from(error),
        }
    }

    /// The status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        self.code.entry().status
    }

    /// The problem as it is sent.
    pub(crate) fn body(&self, request_id: Option<&str>) -> Body {
        let entry = self.code.entry();
        Body {
            kind: format!("/docs/errors#{}", entry.name),
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

    /// The answer, with the name of the request it answers.
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
        // The outermost layer knows the request's name and answers again with it.
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
            // All that is unknown of a read is its answer. What may have been written is told by
            // `Problem::accepting`.
            journal::Error::Unavailable { .. }
            | journal::Error::Unknown { .. }
            | journal::Error::NotMigrated { .. } => {
                tracing::warn!(%error, "the journal is of no help");
                Self::new(Code::JournalUnavailable, "the database does not answer; try again")
            }
            journal::Error::Overloaded { .. } => Self::new(
                Code::Overloaded,
                "too much is waiting to be recorded; nothing was recorded, try again",
            ),
            journal::Error::Refused { .. } | journal::Error::Corrupt { .. } => {
                tracing::error!(%error, "the journal refused what it should not have been given");
                Self::new(Code::Internal, "the record of orders has a fault; the log has the details")
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
            r#"{"type":"/docs/errors#invalid_amount","title":"The amount is not valid","status":422,"detail":"`amount` must be greater than zero","code":"invalid_amount","error":"`amount` must be greater than zero","retryable":false,"requestId":"r-1","errors":[{"field":"amount","message":"must be greater than zero"}]}"#
        );
    }

    #[test]
    fn only_an_order_that_was_being_accepted_may_have_been_recorded() {
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
    fn what_passes_says_when_to_come_back() {
        let response = Problem::new(Code::Overloaded, "full").into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()["retry-after"], "1");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert!(!Problem::new(Code::NotFound, "").into_response().headers().contains_key("retry-after"));
    }
}
