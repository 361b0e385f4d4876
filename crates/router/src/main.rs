//! The router's process.

use std::process::ExitCode;

/// Takes less of the processor than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    service::run("router", async |configuration, shell| {
        router::Router::bind(configuration, shell).await?.serve().await
    })
}
