//! The executor's process.

use executor::{Configuration, bind, serve};
use std::process::ExitCode;

/// Takes less of the processor than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    service::run("executor", async |configuration: Configuration, shell| {
        let executor = Box::pin(bind(configuration, &shell)).await?;
        serve(executor, &shell).await
    })
}
