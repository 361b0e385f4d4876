//! The gRPC contract of the router: generated code, its conversions, its status codes, its client.
//!
//! Architecture invariants: nothing that arrives over the wire is believed: a reply that does not
//! answer what was asked is an error, never a panic and never a quote. A [`Failure`](order_core::Failure)
//! crosses the wire as a status with `google.rpc.ErrorInfo` and comes back as the same code.

mod client;
mod invalid;
pub mod pools;
pub mod quote;
pub mod status;
pub mod wire;

pub use client::{InvalidRouter, RouterClient};
pub use invalid::Invalid;
