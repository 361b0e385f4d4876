use crate::{Error, Journal};
use order_core::order::{self, Intent};

/// An order to take on.
#[derive(Debug, Clone)]
pub struct Acceptance {
    /// The order's name: a fresh UUID of version 7.
    pub id: order::Id,
    /// What is asked for.
    pub intent: Intent,
    /// Who asks; at most 255 bytes.
    pub owner: String,
    /// What makes the request the same when it is made again.
    pub idempotency: Option<Idempotency>,
    /// The W3C trace context of the request.
    pub traceparent: Option<String>,
}

/// What makes two requests of one owner the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The caller's key, of 1 to 255 bytes.
    pub key: String,
    /// SHA-256 of the request, which tells a repetition from another request with the same key.
    pub request_hash: [u8; 32],
}

/// What became of an acceptance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// The order is new and durable.
    New,
    /// The same request was accepted before.
    Replayed {
        /// As this order.
        id: order::Id,
    },
    /// Another request was accepted under the same key before. Nothing was recorded.
    Conflict {
        /// As this order.
        id: order::Id,
    },
}

impl Journal {
    /// Takes an order on: it is durable when this returns. Written together with whatever else
    /// waits to be accepted. Publish it afterwards, then call [`Journal::dispatched`].
    ///
    /// # Errors
    /// See [`Error`]. After [`Error::Unknown`] the same acceptance, with the same id or key, tells
    /// what happened.
    pub async fn accept(&self, _acceptance: Acceptance) -> Result<Accepted, Error> {
        unimplemented!()
    }
}
