//! Placing an order, by whatever way, until somebody says yes or no.

use super::follow::{Inbound, Socket, connect, seq};
use super::{ANSWER_WITHIN, Client, RETRY_MS};
use crate::log::Line;
use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;

/// So many of a hundred orders are sent once more although they were accepted.
const REPEATED_PERCENT: u64 = 15;

/// So many of a hundred orders are asked for with the key of another account.
const SPIED_PERCENT: u64 = 20;

/// So many of a hundred orders are placed over a WebSocket.
const SOCKET_PERCENT: u64 = 25;

/// So many of a hundred requests are cut off by the client within so many milliseconds; so many of a
/// hundred clients who did that do not ask again.
const CUT_OFF_PERCENT: u64 = 8;
const CUT_OFF_MS: (u64, u64) = (0, 30);
const FORGOTTEN_PERCENT: u64 = 30;

/// An accepted order.
pub(super) struct Placed {
    pub(super) id: String,
    /// Where its updates come, if it was placed over a WebSocket, and the last one that came.
    pub(super) socket: Option<(Socket, u64)>,
}

/// The outcome of one request.
enum Answer {
    Accepted(Placed),
    /// It is not worth trying again.
    Refused,
    /// It failed for now, or nobody knows.
    Open,
    /// The client hung up.
    CutOff,
}

impl Client {
    /// The id of a quote for this order; None if there is none just now.
    pub(super) async fn quote(&mut self, key: &str, order: &Value) -> Option<Value> {
        let url = format!("http://{}/api/orders/quote", self.gateway());
        let answer = self.workload.http.post(url).bearer_auth(self.bearer()).json(order).send().await.ok()?;
        let quote: Value = answer.error_for_status().ok()?.json().await.ok()?;
        let minimum_output = quote["minimumOutput"].as_str()?.to_owned();
        self.workload.log(Line::Quoted { key: key.to_owned(), minimum_output });
        Some(quote["quoteId"].clone())
    }

    /// Sends an order until somebody says yes or no; the order if it was a yes.
    pub(super) async fn place(&mut self, key: &str, order: &Value) -> Option<Placed> {
        let mut accepted = None;
        while self.workload.goes_on() {
            match self.ask(key, order).await {
                Answer::Accepted(placed) => {
                    let repeat = accepted.is_none() && self.random.percent(REPEATED_PERCENT);
                    accepted = Some(placed);
                    if !repeat {
                        break;
                    }
                }
                Answer::Refused => break,
                Answer::CutOff if self.random.percent(FORGOTTEN_PERCENT) => break,
                Answer::Open | Answer::CutOff => self.pause(RETRY_MS).await,
            }
        }
        if let Some(placed) = &accepted
            && self.random.percent(SPIED_PERCENT)
        {
            self.spy(&placed.id).await;
        }
        accepted
    }

    /// Asks for the order with the other account's key.
    async fn spy(&mut self, id: &str) {
        let url = format!("http://{}/api/orders/{id}", self.gateway());
        let request = self.workload.http.get(url).bearer_auth(self.other_bearer());
        if let Ok(answer) = request.send().await {
            let status = answer.status().as_u16();
            self.workload.log(Line::Spied { order_id: id.to_owned(), status });
        }
    }

    async fn ask(&mut self, key: &str, order: &Value) -> Answer {
        self.workload.log(Line::Asked { key: key.to_owned() });
        if self.random.percent(SOCKET_PERCENT) {
            return self.submit(key, order).await.unwrap_or(Answer::Open);
        }
        if self.random.percent(CUT_OFF_PERCENT) {
            let patience = Duration::from_millis(self.random.between(CUT_OFF_MS.0, CUT_OFF_MS.1));
            let answer = timeout(patience, self.post(key, order)).await;
            return answer.map_or(Answer::CutOff, |answer| answer.unwrap_or(Answer::Open));
        }
        self.post(key, order).await.unwrap_or(Answer::Open)
    }

    /// By HTTP. None without an answer.
    async fn post(&mut self, key: &str, order: &Value) -> Option<Answer> {
        let url = format!("http://{}/api/orders/execute", self.gateway());
        let request = self.workload.http.post(url).bearer_auth(self.bearer());
        let request = request.header("Idempotency-Key", key).json(order);
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.ok()?;
        Some(self.answered(key, status, &body, None))
    }

    /// By WebSocket. None without an answer.
    async fn submit(&mut self, key: &str, order: &Value) -> Option<Answer> {
        let url = format!("ws://{}/api/orders/execute", self.gateway());
        let mut socket = connect(&url, self.bearer(), Some(key), self.workload.connection()).await?;
        socket.send(order.to_string()).await.ok()?;
        let Inbound::Frame(frame) = timeout(ANSWER_WITHIN, socket.next()).await.ok()?? else { return None };
        if frame["type"] == "error" {
            let status = frame["problem"]["status"].as_u64().and_then(|status| u16::try_from(status).ok())?;
            return Some(self.answered(key, status, &frame["problem"], None));
        }
        let order_id = frame["orderId"].as_str()?.to_owned();
        let (connection, seen) = (socket.number, seq(&frame).unwrap_or(0));
        let answer = self.answered(key, 202, &frame, Some((socket, seen)));
        self.workload.log(Line::Following { connection, order_id: order_id.clone(), after: 0 });
        self.workload.log(Line::Frame { connection, order_id, frame });
        Some(answer)
    }

    fn answered(&self, key: &str, status: u16, body: &Value, socket: Option<(Socket, u64)>) -> Answer {
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        let (order_id, code) = (text("orderId"), text("code"));
        self.workload.log(Line::Answered { key: key.to_owned(), status, order_id: order_id.clone(), code });
        match (status, order_id) {
            (202, Some(id)) => Answer::Accepted(Placed { id, socket }),
            (429 | 500.., _) => Answer::Open,
            (_, _) => Answer::Refused,
        }
    }
}
