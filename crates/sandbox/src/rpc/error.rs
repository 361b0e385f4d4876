use serde::Serialize;
use serde_json::{Value, json};

/// The error of a JSON-RPC request; the codes are those of real nodes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Error {
    code: i64,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
}

impl Error {
    /// The text is not JSON.
    pub(crate) fn parse() -> Self {
        Self::new(-32700, "Parse error")
    }

    /// The JSON is not a request.
    pub(crate) fn invalid_request(message: &str) -> Self {
        Self::new(-32600, message)
    }

    /// There is no such method.
    pub(crate) fn method_not_found() -> Self {
        Self::new(-32601, "Method not found")
    }

    /// The parameters do not fit the method.
    pub(crate) fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(-32602, message)
    }

    /// The node itself failed.
    pub(crate) fn internal(error: &anyhow::Error) -> Self {
        Self::new(-32603, format!("Internal error: {error:#}"))
    }

    /// The simulation before sending failed; `result` is what it said.
    pub(crate) fn preflight(message: &str, result: Value) -> Self {
        let message = format!("Transaction simulation failed: {message}");
        Self { code: -32002, message, data: Some(result) }
    }

    /// The node cannot take more now.
    pub(crate) fn unhealthy(message: impl Into<String>) -> Self {
        Self::new(-32005, message)
    }

    /// The request asks for a later state than there is.
    pub(crate) fn min_context_slot(slot: u64) -> Self {
        let message = "Minimum context slot has not been reached".to_owned();
        Self { code: -32016, message, data: Some(json!({ "contextSlot": slot })) }
    }

    /// The transaction is of a version that the request does not allow for.
    pub(crate) fn unsupported_version(version: u8) -> Self {
        let message = format!(
            "Transaction version ({version}) is not supported by the requesting client. \
             Please try the request again with the following configuration parameter: \
             \"maxSupportedTransactionVersion\": {version}"
        );
        Self::new(-32015, message)
    }

    /// The error that a fault puts in the place of an answer.
    pub(crate) fn of_fault(code: i64, message: impl Into<String>) -> Self {
        Self::new(code, message)
    }

    fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }
}
