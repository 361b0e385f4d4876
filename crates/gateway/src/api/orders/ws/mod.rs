//! An order's updates over a WebSocket.

pub(crate) mod submit;
pub(crate) mod watch;

mod connection;
mod follower;
pub(crate) mod message;
mod upgrade;
