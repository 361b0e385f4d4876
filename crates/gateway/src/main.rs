//! The gateway process.

/// Gives memory back to the system when thousands of connections have ended, which the system's own allocator
/// does not.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    service::run("gateway", gateway::start)
}
