//! The router's process.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::run("router", async |configuration, shell| {
        router::Router::bind(configuration, shell).await?.serve().await
    })
}
