//! The front door: REST, WebSocket, and the pages that explain them.
//!
//! Architecture invariants: a request is read once, at the edge, into the types of `order_core`; what
//! was refused left no trace in the journal. An order is answered only after it is durable. What
//! clients see of an order is folded from its recorded events by one module, `view`. Redis and NATS
//! may be away: answers get slower, never wrong. Everything that can go wrong is in `catalogue`.

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

/// Connects to everything, opens the port, and serves until the shell says to stop.
///
/// # Errors
/// The database lacks migrations, an address is not valid, or the port is taken.
pub async fn start(configuration: Configuration, shell: service::Shell) -> anyhow::Result<()> {
    Server::bind(configuration, shell).await?.serve().await
}
