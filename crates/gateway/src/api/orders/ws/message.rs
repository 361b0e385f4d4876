//! The messages that the gateway sends on a WebSocket.

use crate::api::orders::response::OrderUpdate;
use crate::http::problem;
use order_core::order::Id;
use serde::Serialize;
use utoipa::ToSchema;

/// A text frame from the gateway; `type` names its form.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schema(as = SocketMessage)]
pub(crate) enum Message {
    /// One event of the order.
    OrderUpdate(Box<OrderUpdate>),
    /// The order was accepted, but its first event cannot be read yet.
    Accepted {
        #[serde(rename = "orderId")]
        #[schema(value_type = uuid::Uuid)]
        order_id: Id,
    },
    /// Sent every 15 seconds.
    Heartbeat {
        /// The number of the last event that was sent.
        seq: u64,
    },
    /// The order was refused.
    Error { problem: problem::Body },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_keeps_its_wire_form() {
        let receipt = Message::Accepted { order_id: Id(uuid::Uuid::from_u128(7)) };
        assert_eq!(
            serde_json::to_string(&receipt).unwrap(),
            r#"{"type":"accepted","orderId":"00000000-0000-0000-0000-000000000007"}"#
        );
    }

    #[test]
    fn a_heartbeat_keeps_its_wire_form() {
        let beat = Message::Heartbeat { seq: 3 };
        assert_eq!(serde_json::to_string(&beat).unwrap(), r#"{"type":"heartbeat","seq":3}"#);
    }
}
