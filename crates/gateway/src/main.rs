//! The gateway process.

fn main() -> std::process::ExitCode {
    service::run("gateway", gateway::start)
}
