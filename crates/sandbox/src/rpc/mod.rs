//! JSON-RPC as Solana nodes speak it: the methods that the engine needs, with real nodes' error
//! codes.

mod account;
mod chain;
mod error;
mod forge;
mod landed;
mod params;
mod send;
mod state;

pub(crate) use account::{Filter, Filters, Form};
pub(crate) use error::Error;
pub(crate) use params::{Params, address};

use crate::faults::Failure;
use crate::node::Node;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

/// The version of the validator that this node resembles.
const API_VERSION: &str = "4.2.2";

/// The most requests of one batch.
const BATCH_MAX: usize = 100;

/// A JSON-RPC request.
#[derive(Debug, Deserialize)]
pub(crate) struct Request {
    jsonrpc: String,
    #[serde(default)]
    pub(crate) id: Value,
    pub(crate) method: String,
    params: Option<Value>,
}

/// A JSON-RPC answer.
#[derive(Debug, Serialize)]
pub(crate) struct Response {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Error>,
    id: Value,
}

impl Request {
    /// Reads a request.
    pub(crate) fn read(value: Value) -> Result<Self, Error> {
        let request = serde_json::from_value::<Self>(value).ok().filter(|request| request.jsonrpc == "2.0");
        request.ok_or_else(|| Error::invalid_request("Invalid request"))
    }

    /// Its parameters.
    pub(crate) fn params(&mut self) -> Result<Params, Error> {
        Params::read(self.params.take())
    }
}

impl Response {
    /// The answer to the request `id`.
    pub(crate) fn new(id: Value, outcome: Result<Value, Error>) -> Self {
        let (result, error) = match outcome {
            Ok(result) => (Some(result), None),
            Err(error) => (None, Some(error)),
        };
        Self { jsonrpc: "2.0", result, error, id }
    }
}

/// The answer that a client gets, and its failure, if any.
pub(crate) struct Answer {
    /// The answer.
    pub(crate) body: Value,
    /// How much later.
    pub(crate) slowness: Duration,
    /// The failure that comes in its place.
    pub(crate) failure: Option<Failure>,
}

/// Answers the body of an HTTP request: one call or a batch of them. Takes the time it takes;
/// call it where a thread may block.
pub(crate) fn answer(node: &Node, body: &[u8]) -> Answer {
    let mut answer = Answer { body: Value::Null, slowness: Duration::ZERO, failure: None };
    answer.body = match serde_json::from_slice::<Value>(body) {
        Err(_) => json!(Response::new(Value::Null, Err(Error::parse()))),
        Ok(Value::Array(calls)) if (1..=BATCH_MAX).contains(&calls.len()) => {
            calls.into_iter().map(|call| json!(answer.answer_one(node, call))).collect()
        }
        Ok(Value::Array(_)) => {
            let error = Error::invalid_request("Invalid request: a batch has 1 to 100 calls");
            json!(Response::new(Value::Null, Err(error)))
        }
        Ok(call) => json!(answer.answer_one(node, call)),
    };
    answer
}

impl Answer {
    fn answer_one(&mut self, node: &Node, call: Value) -> Response {
        let id = call.get("id").cloned().unwrap_or_default();
        match Request::read(call) {
            Ok(mut request) => {
                let outcome =
                    request.params().and_then(|params| self.perform(node, &request.method, &params));
                Response::new(request.id, outcome)
            }
            Err(error) => Response::new(id, Err(error)),
        }
    }

    /// Calls a method, as far as no fault prevents it.
    fn perform(&mut self, node: &Node, method: &str, params: &Params) -> Result<Value, Error> {
        self.slowness = self.slowness.max(node.faults().slowness(node.number, method));
        let Some((failure, performed)) = node.faults().failure(node.number, method) else {
            return call_method(node, method, params);
        };
        if performed {
            // Whatever it says is lost.
            let _ = call_method(node, method, params);
        }
        match failure {
            Failure::Rpc { code, message } => Err(Error::of_fault(code, message)),
            Failure::Http { .. } | Failure::Reset | Failure::Hang => {
                self.failure = Some(failure);
                Ok(Value::Null)
            }
        }
    }
}

fn call_method(node: &Node, method: &str, params: &Params) -> Result<Value, Error> {
    match method {
        "getHealth" => Ok(json!("ok")),
        "getVersion" => Ok(json!({ "solana-core": API_VERSION, "feature-set": 0 })),
        "getGenesisHash" => Ok(json!(chain::genesis_hash(node))),
        "getSignaturesForAddress" => landed::signatures_for_address(node, params),
        "getSlot" => chain::slot(node, params),
        "getBlockHeight" => chain::block_height(node, params),
        "getEpochInfo" => chain::epoch_info(node, params),
        "getLatestBlockhash" => chain::latest_blockhash(node, params),
        "isBlockhashValid" => chain::is_blockhash_valid(node, params),
        "getRecentPrioritizationFees" => chain::recent_prioritization_fees(node, params),
        "getMinimumBalanceForRentExemption" => state::minimum_balance(node, params),
        "getBalance" => state::balance(node, params),
        "getAccountInfo" => state::account(node, params),
        "getMultipleAccounts" => state::accounts(node, params),
        "getProgramAccounts" => state::program_accounts(node, params),
        "getTokenAccountBalance" => state::token_balance(node, params),
        "simulateTransaction" => send::simulate(node, params),
        "sendTransaction" => send::send(node, params),
        "getFirstAvailableBlock" => Ok(json!(node.first_available(&node.view()))),
        "getSignatureStatuses" => landed::statuses(node, params),
        "getTransaction" => landed::transaction(node, params),
        _ => Err(Error::method_not_found()),
    }
}

/// A result with the slot that it was read at.
pub(crate) fn in_context(slot: u64, value: Value) -> Value {
    json!({ "context": { "apiVersion": API_VERSION, "slot": slot }, "value": value })
}
