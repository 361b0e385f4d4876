//! The gateway: REST, WebSocket, and their documentation pages.
//!
//! Rooms: `api` has one folder or file per route, with its handlers, requests and responses. `http` serves
//! all routes. `access` lets callers in. `state` is shared by all handlers; admission, dispatcher, hub and registry are parts of it.
//!
//! Architecture invariants: a request is parsed once, at the edge, into the types of `order_core`. A
//! rejected order leaves no row in PostgreSQL. A 202 is sent only after the order is durable. An order as
//! clients see it is folded from its recorded events by one type, `OrderView`. Without Redis or NATS,
//! responses get slower, never wrong. Every error has a code in `http::error_codes`.

mod access;
mod admission;
mod api;
mod config;
mod dispatcher;
mod http;
mod hub;
mod metrics;
mod registry;
mod server;
mod state;

#[cfg(test)]
mod tests;

pub use config::Configuration;
pub use server::Server;

/// Connects to the servers, opens the port, and serves until the shell stops it.
///
/// # Errors
/// The database lacks migrations, an address is not valid, or the port is taken.
pub async fn start(configuration: Configuration, shell: service::Shell) -> anyhow::Result<()> {
    Server::bind(configuration, shell).await?.serve().await
}
