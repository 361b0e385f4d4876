use crate::gateway::is_terminal;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// Longer than a heartbeat: a connection that is silent for this long is broken.
const SILENCE: Duration = Duration::from_secs(60);

/// A WebSocket with an order's updates.
pub struct Updates {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// A frame of the connection.
enum Frame {
    Text(Value),
    Closed(Option<CloseFrame>),
}

impl Updates {
    pub(crate) async fn connect(url: &str) -> Self {
        let (socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        Self { socket }
    }

    /// Sends a message.
    ///
    /// # Panics
    /// The connection is broken.
    pub async fn send(&mut self, message: &Value) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The next update.
    ///
    /// # Panics
    /// The connection was closed, or has been silent for too long.
    pub async fn next(&mut self) -> Value {
        match self.frame().await {
            Frame::Text(update) => update,
            Frame::Closed(frame) => panic!("closed instead of an update: {frame:?}"),
        }
    }

    /// All updates to the terminal one, whose seqs have no gap from `first`; then the connection is
    /// closed in good order.
    ///
    /// # Panics
    /// That is not so.
    pub async fn to_the_end(mut self, first: u64) -> Vec<Value> {
        let mut updates: Vec<Value> = Vec::new();
        while !updates.last().is_some_and(|update| update["status"].as_str().is_some_and(is_terminal)) {
            let update = self.next().await;
            let due = first + u64::try_from(updates.len()).unwrap();
            assert_eq!(update["seq"], due, "a gap or a duplicate: {update}");
            assert_eq!(update["type"], "order_update");
            updates.push(update);
        }
        assert_eq!(self.close_code().await, 1000, "the code after the terminal event");
        updates
    }

    /// The code that the gateway closes the connection with.
    ///
    /// # Panics
    /// Another update comes instead, or the connection ends without a code.
    pub async fn close_code(&mut self) -> u16 {
        match self.frame().await {
            Frame::Text(update) => panic!("an update instead of the end: {update}"),
            Frame::Closed(frame) => frame.expect("a close frame has a code").code.into(),
        }
    }

    /// The seqs of all updates that still come, and the code that the connection is closed with, if it is
    /// closed in good order.
    ///
    /// # Panics
    /// The connection breaks, or is silent for too long.
    pub async fn to_the_close(&mut self) -> (Vec<u64>, Option<u16>) {
        let mut seqs = Vec::new();
        loop {
            match self.frame().await {
                Frame::Text(update) => seqs.push(update["seq"].as_u64().unwrap()),
                Frame::Closed(frame) => return (seqs, frame.map(|frame| frame.code.into())),
            }
        }
    }

    async fn frame(&mut self) -> Frame {
        loop {
            let message = timeout(SILENCE, self.socket.next()).await.expect("the connection is silent");
            match message {
                Some(Ok(Message::Text(text))) => {
                    let value: Value = serde_json::from_str(&text).unwrap();
                    if value["type"] != "heartbeat" {
                        return Frame::Text(value);
                    }
                }
                Some(Ok(Message::Close(frame))) => return Frame::Closed(frame),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(other)) => panic!("not a text frame: {other:?}"),
                Some(Err(error)) => panic!("the connection broke: {error}"),
                None => return Frame::Closed(None),
            }
        }
    }
}
