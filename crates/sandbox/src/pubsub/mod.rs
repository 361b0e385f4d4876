//! PubSub as Solana nodes speak it: one WebSocket, many subscriptions, nothing is repeated.

mod subscription;

use crate::cluster::Advance;
use crate::connection::Reset;
use crate::node::Node;
use crate::rpc::{Error, Params, Request, Response};
use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use subscription::Subscription;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

/// The longest request: an address and a few options.
pub(crate) const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// The most subscriptions of one connection.
const SUBSCRIPTIONS_MAX: usize = 10_000;

/// How long a client may take to make room for a message.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// The client is gone, or too slow to be served.
struct Gone;

/// Serves one WebSocket to its end.
pub(crate) async fn serve(mut socket: WebSocket, node: Node, reset: Reset, shutdown: CancellationToken) {
    let (mut advances, mut faults) = (node.network.advances(), node.faults().changes());
    let mut connection =
        Connection { node, subscriptions: BTreeMap::new(), last_id: 0, late: VecDeque::new() };
    let reason = loop {
        let outcome = tokio::select! {
            biased;
            () = shutdown.cancelled() => break Some((close_code::AWAY, "the cluster is shutting down")),
            Ok(()) = faults.changed() => Ok(()),
            advance = advances.recv() => match advance {
                Ok(advance) => send_all(&mut socket, connection.advance(advance)).await,
                Err(RecvError::Lagged(_)) => break Some((close_code::POLICY, "too slow: notifications were lost")),
                Err(RecvError::Closed) => break None,
            },
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => send_all(&mut socket, connection.answer(text.as_bytes())).await,
                Some(Ok(Message::Binary(bytes))) => send_all(&mut socket, connection.answer(&bytes)).await,
                // Axum answers pings itself.
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => break None,
            },
        };
        if outcome.is_err() {
            break None;
        }
        if connection.is_cut() {
            reset.reset();
            break None;
        }
    };
    if let Some((code, reason)) = reason {
        let frame = CloseFrame { code, reason: reason.into() };
        // The connection ends either way.
        let _ = tokio::time::timeout(SEND_TIMEOUT, socket.send(Message::Close(Some(frame)))).await;
    }
}

async fn send_all(socket: &mut WebSocket, messages: Vec<Value>) -> Result<(), Gone> {
    for message in messages {
        let send = socket.send(Message::text(message.to_string()));
        match tokio::time::timeout(SEND_TIMEOUT, send).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return Err(Gone),
        }
    }
    Ok(())
}

struct Connection {
    node: Node,
    subscriptions: BTreeMap<u64, Subscription>,
    last_id: u64,
    /// Blocks that the node is too far behind to know.
    late: VecDeque<Arc<Advance>>,
}

impl Connection {
    /// The notifications of the next block: of the blocks that the node has come to, unless it is mute.
    fn advance(&mut self, advance: Arc<Advance>) -> Vec<Value> {
        let (newest, faults) = (advance.slot, self.node.faults());
        let (lag, mute) = (faults.lag(self.node.number), faults.mutes(self.node.number));
        self.late.push_back(advance);
        let mut messages = Vec::new();
        while let Some(advance) = self.late.pop_front_if(|late| late.slot.saturating_add(lag) <= newest) {
            if !mute {
                messages.extend(self.notifications(&advance));
            }
        }
        messages
    }

    /// True if it is to be broken off.
    fn is_cut(&self) -> bool {
        self.node.faults().cuts(self.node.number)
    }

    /// The answer to a message, and what the answer makes known at once.
    fn answer(&mut self, text: &[u8]) -> Vec<Value> {
        let Ok(value) = serde_json::from_slice(text) else {
            return vec![json!(Response::new(Value::Null, Err(Error::parse())))];
        };
        let mut request = match Request::read(value) {
            Ok(request) => request,
            Err(error) => return vec![json!(Response::new(Value::Null, Err(error)))],
        };
        let mut follow_up = None;
        let outcome = request.params().and_then(|params| self.call(&request.method, &params, &mut follow_up));
        let mut messages = vec![json!(Response::new(request.id, outcome))];
        messages.extend(follow_up);
        messages
    }

    fn call(&mut self, method: &str, params: &Params, follow_up: &mut Option<Value>) -> Result<Value, Error> {
        if let Some(kind) = method.strip_suffix("Unsubscribe").filter(|kind| Subscription::is_kind(kind)) {
            let id: u64 = params.required(0, "subscription")?;
            let found = self.subscriptions.get(&id).is_some_and(|subscription| subscription.kind() == kind);
            if !found {
                return Err(Error::invalid_params("Invalid subscription id."));
            }
            self.subscriptions.remove(&id);
            return Ok(json!(true));
        }
        let kind = method.strip_suffix("Subscribe").ok_or_else(Error::method_not_found)?;
        let subscription = Subscription::read(kind, params)?;
        if self.subscriptions.len() >= SUBSCRIPTIONS_MAX {
            return Err(Error::invalid_request("too many subscriptions on this connection"));
        }
        self.last_id = self.last_id.saturating_add(1);
        let id = self.last_id;
        match subscription.already(&self.node.view()) {
            Some(result) => *follow_up = Some(notification(subscription.kind(), id, &result)),
            None => {
                self.subscriptions.insert(id, subscription);
            }
        }
        Ok(json!(id))
    }

    fn notifications(&mut self, advance: &Advance) -> Vec<Value> {
        let mut messages = Vec::new();
        let faults = self.node.faults();
        let (claimed, mute) = (faults.claims(self.node.number), faults.mutes_accounts(self.node.number));
        self.subscriptions.retain(|id, subscription| {
            if mute && subscription.kind() == "account" {
                return true;
            }
            let results = subscription.results(advance, claimed);
            let ends = subscription.is_once() && !results.is_empty();
            messages.extend(results.iter().map(|result| notification(subscription.kind(), *id, result)));
            !ends
        });
        messages
    }
}

fn notification(kind: &str, id: u64, result: &Value) -> Value {
    json!({
        "jsonrpc": "2.0",
        "method": format!("{kind}Notification"),
        "params": { "result": result, "subscription": id },
    })
}
