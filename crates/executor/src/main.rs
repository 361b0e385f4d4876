//! The executor's process.

use executor::{Configuration, bind, serve};
use std::process::ExitCode;

fn main() -> ExitCode {
    service::run("executor", async |configuration: Configuration, shell| {
        let executor = Box::pin(bind(configuration, &shell)).await?;
        serve(executor, &shell).await
    })
}
