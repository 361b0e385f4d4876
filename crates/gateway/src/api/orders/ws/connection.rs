//! A WebSocket with timeouts for sending and closing.

use super::message::Message;
use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket};
use std::time::Duration;

/// Time for a message to be sent.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// Time for the client to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The reason for closing a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Closing {
    /// The order has ended, and all its events were sent.
    Ended,
    /// The order does not exist.
    UnknownOrder,
    /// The order was refused, and the reason was sent.
    Refused,
    /// The client is too slow. It has all events up to `seq`.
    TooSlow { seq: u64 },
    /// A dependency does not answer. The client has all events up to `seq`.
    Unavailable { seq: u64 },
    /// The gateway stops. The client has all events up to `seq`.
    GoingAway { seq: u64 },
    /// A fault of the gateway.
    Fault,
    /// The client is gone, so no close frame is sent.
    Gone,
}

impl Closing {
    /// The close code and the reason; None if the client is gone.
    fn frame(&self) -> Option<(u16, String)> {
        Some(match self {
            Self::Ended => (1000, "the order has ended".to_owned()),
            Self::UnknownOrder => (1008, "there is no such order".to_owned()),
            Self::Refused => (1008, "the order was refused".to_owned()),
            Self::TooSlow { seq } => (1013, format!("too slow: resume with ?after={seq}")),
            Self::Unavailable { seq } => (1013, format!("not available: resume with ?after={seq}")),
            Self::GoingAway { seq } => (1001, format!("going away: resume with ?after={seq}")),
            Self::Fault => (1011, "something went wrong here".to_owned()),
            Self::Gone => return None,
        })
    }
}

/// An open WebSocket.
#[derive(Debug)]
pub(crate) struct Connection {
    socket: WebSocket,
}

/// A frame from the client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Inbound {
    /// A text frame.
    Text(String),
    /// Any other frame: the client is alive.
    Sign,
    /// The connection has ended.
    Gone,
}

impl Connection {
    /// A connection on an open socket.
    pub(crate) fn new(socket: WebSocket) -> Self {
        Self { socket }
    }

    /// Sends a message as JSON text. `seq` is the last event that the client has.
    ///
    /// # Errors
    /// The reason to close the connection: the client is too slow, or gone.
    pub(crate) async fn send(&mut self, message: &Message, seq: u64) -> Result<(), Closing> {
        let text = serde_json::to_string(message).map_err(|error| {
            tracing::error!(%error, "message not serialized as JSON");
            Closing::Fault
        })?;
        self.transmit(Frame::text(text), seq).await
    }

    /// Sends a ping.
    ///
    /// # Errors
    /// As [`Connection::send`].
    pub(crate) async fn ping(&mut self, seq: u64) -> Result<(), Closing> {
        self.transmit(Frame::Ping(bytes::Bytes::new()), seq).await
    }

    async fn transmit(&mut self, message: Frame, seq: u64) -> Result<(), Closing> {
        match tokio::time::timeout(SEND_TIMEOUT, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Closing::Gone),
            Err(_) => Err(Closing::TooSlow { seq }),
        }
    }

    /// The next frame from the client.
    pub(crate) async fn receive(&mut self) -> Inbound {
        match self.socket.recv().await {
            Some(Ok(Frame::Text(text))) => Inbound::Text(text.as_str().to_owned()),
            Some(Ok(Frame::Binary(_) | Frame::Ping(_) | Frame::Pong(_))) => Inbound::Sign,
            Some(Ok(Frame::Close(_)) | Err(_)) | None => Inbound::Gone,
        }
    }

    /// Sends the reason, and closes.
    pub(crate) async fn close(mut self, closing: &Closing) {
        let Some((code, reason)) = closing.frame() else {
            metrics::counter!("gateway_sockets_closed_total", "code" => "1006").increment(1);
            return;
        };
        metrics::counter!("gateway_sockets_closed_total", "code" => code.to_string()).increment(1);
        let farewell = async {
            let frame = CloseFrame { code, reason: reason.into() };
            if self.socket.send(Frame::Close(Some(frame))).await.is_ok() {
                // The connection stays open until the client has read the reason.
                while let Some(Ok(_)) = self.socket.recv().await {}
            }
        };
        if tokio::time::timeout(CLOSE_TIMEOUT, farewell).await.is_err() {
            tracing::debug!("client did not answer the close frame");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_frames_keep_their_form() {
        assert_eq!(Closing::Ended.frame().unwrap().0, 1000);
        assert_eq!(Closing::UnknownOrder.frame().unwrap().0, 1008);
        assert_eq!(
            Closing::TooSlow { seq: 3 }.frame().unwrap(),
            (1013, "too slow: resume with ?after=3".to_owned())
        );
        assert_eq!(
            Closing::GoingAway { seq: 3 }.frame().unwrap(),
            (1001, "going away: resume with ?after=3".to_owned())
        );
        assert_eq!(Closing::Gone.frame(), None);
    }

    #[test]
    fn every_reason_fits_into_a_close_frame() {
        let (_, reason) = Closing::Unavailable { seq: u64::MAX }.frame().unwrap();
        assert!(reason.len() <= 123);
    }
}
