//! The sandbox's process.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::run("sandbox", |configuration: sandbox::Configuration, shell| async move {
        let server = sandbox::bind(&configuration).await?;
        shell.check("cluster", || async { Ok(()) });
        server.serve(shell.shutdown()).await
    })
}
