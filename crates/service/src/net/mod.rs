//! Network connections with limits: a share for each client, and the end of those who hold up.
//!
//! Architecture invariant: each connection costs a bounded time and a bounded amount of memory, whatever the
//! other side does.

mod activity;
mod client;
mod files;
mod paced;
mod reserved;
mod seats;
mod tls;

pub use activity::{Activity, Exchange, Times};
pub use client::ClientNetwork;
pub use files::{open_files_limit, raise_open_files_limit};
pub use paced::{Pace, PacedStream};
pub(crate) use reserved::Reserved;
pub use seats::{NoSeat, Seat, Seats};
pub use tls::{Tls, TlsFiles, TlsStream};
