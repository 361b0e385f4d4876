//! The sandbox's process.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::run("sandbox", |configuration: sandbox::Configuration, shell| async move {
        if let Some(folder) = &configuration.dump {
            let accounts = sandbox::dump(&configuration, folder)?;
            tracing::info!(accounts, folder = %folder.display(), "dumped");
            return Ok(());
        }
        let server = sandbox::bind(&configuration).await?;
        shell.check("cluster", || async { Ok(()) });
        server.serve(shell.shutdown()).await
    })
}
