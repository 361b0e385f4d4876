//! A WebSocket with timeouts for sending and closing.

use super::message::Message;
use crate::api::v0::{self, V0};
use crate::http::problem::Problem;
use crate::server::connection::PACE;
use axum::extract::ws::{CloseFrame, Message as Frame, WebSocket};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tungstenite::Error as SocketError;
use tungstenite::error::ProtocolError;

/// Time for a message to be sent: a little less than the connection gives a client to read, so that the
/// client is told the reason.
const SEND_TIMEOUT: Duration = PACE.stall.saturating_sub(CLOSE_TIMEOUT);

/// Time for the client to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Time for the reason to reach a client whose bytes are not read any more.
const LINGER: Duration = Duration::from_millis(250);

/// Pause between two frames of a client that sends too many, while it is told so.
const FLOOD_PAUSE: Duration = Duration::from_millis(1);

/// Most frames of a client in a second, pings included. It has nothing to say but an order and signs of life.
const MAX_FRAMES_PER_SECOND: u32 = 100;

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
    /// The client has broken the protocol.
    ProtocolError,
    /// A text message is not UTF-8.
    InvalidText,
    /// A message is too long.
    TooLarge,
    /// A message is not text.
    NotText,
    /// A message was sent after the order, and refused. The client has all events up to `seq`.
    SecondMessage { seq: u64 },
    /// The client sends too many frames.
    TooManyFrames,
    /// The client closes the connection. The answer to its close frame is sent.
    ByClient,
    /// The client is gone, so no close frame is sent.
    Gone,
}

impl Closing {
    /// The reason for closing after a failed read.
    fn after(error: axum::Error) -> Self {
        match error.into_inner().downcast_ref::<SocketError>() {
            Some(SocketError::Protocol(ProtocolError::ResetWithoutClosingHandshake)) | None => Self::Gone,
            Some(SocketError::Protocol(_)) => Self::ProtocolError,
            Some(SocketError::Utf8(_)) => Self::InvalidText,
            Some(SocketError::Capacity(_)) => Self::TooLarge,
            Some(_) => Self::Gone,
        }
    }

    /// True if the client's next bytes are not read any more.
    fn ends_reading(&self) -> bool {
        matches!(self, Self::ProtocolError | Self::InvalidText | Self::TooLarge)
    }

    /// The close code and the reason; None if the client is gone, or has closed by itself.
    fn frame(&self) -> Option<(u16, String)> {
        Some(match self {
            Self::Ended => (1000, "the order has ended".to_owned()),
            Self::UnknownOrder => (1008, "there is no such order".to_owned()),
            Self::Refused => (1008, "the order was refused".to_owned()),
            Self::TooSlow { seq } => (1013, format!("too slow: resume with ?after={seq}")),
            Self::Unavailable { seq } => (1013, format!("not available: resume with ?after={seq}")),
            Self::GoingAway { seq } => (1001, format!("going away: resume with ?after={seq}")),
            Self::Fault => (1011, "something went wrong here".to_owned()),
            Self::ProtocolError => (1002, "the client broke the protocol".to_owned()),
            Self::InvalidText => (1007, "the text is not UTF-8".to_owned()),
            Self::TooLarge => (1009, "the message is too long".to_owned()),
            Self::NotText => (1003, "messages are text".to_owned()),
            Self::SecondMessage { seq } => {
                (1008, format!("one order for each WebSocket: follow it with ?after={seq}"))
            }
            Self::TooManyFrames => (1008, format!("more than {MAX_FRAMES_PER_SECOND} messages in a second")),
            Self::ByClient | Self::Gone => return None,
        })
    }
}

/// The frames of a client within the second that began with the first of them.
#[derive(Debug)]
struct Frames {
    since: Instant,
    count: u32,
}

impl Frames {
    /// Counts a frame that came `now`; false if it is one too many.
    fn allow(&mut self, now: Instant) -> bool {
        if now.duration_since(self.since) >= Duration::from_secs(1) {
            *self = Self { since: now, count: 0 };
        }
        self.count = self.count.saturating_add(1);
        self.count <= MAX_FRAMES_PER_SECOND
    }
}

/// An open WebSocket.
#[derive(Debug)]
pub(crate) struct Connection {
    socket: WebSocket,
    frames: Frames,
    /// Id of the request that has opened it, repeated in refusals.
    request_id: Option<String>,
    /// Set for a client of version 0.
    version: Option<V0>,
    /// The turns that all WebSockets of the client share.
    turns: Arc<Semaphore>,
}

/// A frame from the client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Inbound {
    /// A text frame.
    Text(String),
    /// A binary frame.
    Binary,
    /// Any other frame: the client is alive.
    Sign,
    /// The connection is to be closed.
    End(Closing),
}

impl Connection {
    /// A connection on an open socket.
    pub(crate) fn new(
        socket: WebSocket,
        request_id: Option<String>,
        version: Option<V0>,
        turns: Arc<Semaphore>,
    ) -> Self {
        Self { socket, frames: Frames { since: Instant::now(), count: 0 }, request_id, version, turns }
    }

    /// The client's turns to read from the database.
    pub(crate) fn turns(&self) -> Arc<Semaphore> {
        Arc::clone(&self.turns)
    }

    /// Sends the reason why a message of the client is refused.
    ///
    /// # Errors
    /// As [`Connection::send`].
    pub(crate) async fn refuse(&mut self, problem: &Problem, seq: u64) -> Result<(), Closing> {
        let refusal = Message::Error { problem: problem.body(self.request_id.as_deref()) };
        self.send(&refusal, seq).await
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
        let text = if self.version.is_some() { v0::numbers(&text) } else { text };
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
            Ok(Err(error)) => match error.into_inner().downcast_ref::<SocketError>() {
                Some(SocketError::WriteBufferFull(_)) => Err(Closing::TooSlow { seq }),
                _ => Err(Closing::Gone),
            },
            Err(_) => Err(Closing::TooSlow { seq }),
        }
    }

    /// The next frame from the client.
    pub(crate) async fn receive(&mut self) -> Inbound {
        let received = self.socket.recv().await;
        if !self.frames.allow(Instant::now()) {
            return Inbound::End(Closing::TooManyFrames);
        }
        match received {
            Some(Ok(Frame::Text(text))) => Inbound::Text(text.as_str().to_owned()),
            Some(Ok(Frame::Binary(_))) => Inbound::Binary,
            Some(Ok(Frame::Ping(_) | Frame::Pong(_))) => Inbound::Sign,
            Some(Ok(Frame::Close(_))) => Inbound::End(Closing::ByClient),
            Some(Err(error)) => Inbound::End(Closing::after(error)),
            None => Inbound::End(Closing::Gone),
        }
    }

    /// Sends the reason, or the answer to the client's close frame, and waits until the client has it.
    pub(crate) async fn close(mut self, closing: &Closing) {
        let frame = closing.frame();
        let label = match (&frame, closing) {
            (Some((code, _)), _) => code.to_string(),
            (None, Closing::ByClient) => "client".to_owned(),
            (None, _) => "1006".to_owned(),
        };
        crate::metrics::socket_closed(label);
        if *closing == Closing::Gone {
            return;
        }
        let farewell = async {
            if let Some((code, reason)) = frame {
                let frame = CloseFrame { code, reason: reason.into() };
                if self.socket.send(Frame::Close(Some(frame))).await.is_err() {
                    return;
                }
            }
            if closing.ends_reading() {
                // Closing with unread bytes resets the connection, which can overtake the reason.
                tokio::time::sleep(LINGER).await;
            }
            // The connection stays open until the client has read the reason. Reading sends the answer to a
            // close frame, too.
            while let Some(Ok(_)) = self.socket.recv().await {
                if *closing == Closing::TooManyFrames {
                    // Its further frames are not to cost as much as those before.
                    tokio::time::sleep(FLOOD_PAUSE).await;
                }
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

    #[tokio::test(start_paused = true)]
    async fn frames_are_counted_by_the_second() {
        let mut frames = Frames { since: Instant::now(), count: 0 };
        for _ in 0..2 {
            for _ in 0..MAX_FRAMES_PER_SECOND {
                assert!(frames.allow(Instant::now()));
            }
            assert!(!frames.allow(Instant::now()));
            tokio::time::advance(Duration::from_secs(1)).await;
        }
    }

    #[test]
    fn every_reason_fits_into_a_close_frame() {
        for closing in [
            Closing::Unavailable { seq: u64::MAX },
            Closing::GoingAway { seq: u64::MAX },
            Closing::SecondMessage { seq: u64::MAX },
            Closing::TooManyFrames,
        ] {
            let (_, reason) = closing.frame().unwrap();
            assert!(reason.len() <= 123, "{reason}");
        }
    }
}
