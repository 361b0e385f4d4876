//! An order's updates over a WebSocket.

pub(crate) mod submit;
pub(crate) mod watch;

mod connection;
mod follower;
mod upgrade;
