//! The operators' program.

use clap::Parser as _;
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = ops::Arguments::parse();
    let json = arguments.json;
    match ops::run(arguments).await {
        Ok(said) => {
            println!("{}", said.shown(json));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
