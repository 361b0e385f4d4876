//! The operators' program.

use clap::Parser as _;
use std::io::Write as _;
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = ops::Arguments::parse();
    let json = arguments.json;
    match ops::run(arguments).await {
        Ok(said) => match writeln!(std::io::stdout(), "{}", said.shown(json)) {
            Ok(()) if said.is_failed() => ExitCode::FAILURE,
            Ok(()) => ExitCode::SUCCESS,
            // The reader has gone, as in `ops man | head`: there is nobody to tell.
            Err(_) => ExitCode::FAILURE,
        },
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
