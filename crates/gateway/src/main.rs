//! The gateway process.

/// Gives memory back after a crowd of clients has left: the system's allocator keeps it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    service::run("gateway", gateway::start)
}
