//! The machine and the versions that figures come from.

use serde::Serialize;
use std::fmt;
use std::fs;
use xtask::install;

/// A machine, and the servers on it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Machine {
    processor: String,
    cores: usize,
    memory_mb: u64,
    kernel: String,
    /// Load of the machine before anything was started, as the system tells it.
    load_before: String,
    servers: Vec<String>,
}

impl Machine {
    /// This machine.
    ///
    /// # Errors
    /// A server is not installed and cannot be.
    pub(crate) fn this() -> anyhow::Result<Self> {
        let servers = install::programs()?.versions();
        Ok(Self {
            processor: field("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism()?.get(),
            memory_mb: field("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse::<u64>()? / 1_024,
            kernel: read("/proc/sys/kernel/osrelease"),
            load_before: read("/proc/loadavg"),
            servers,
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { processor, cores, memory_mb, kernel, load_before, servers } = self;
        writeln!(
            f,
            "{processor}, {cores} cores, {memory_mb} MB, Linux {kernel}; load before: {load_before}"
        )?;
        write!(f, "{}", servers.join("; "))
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_else(|_| "unknown".to_owned())
}

fn field(path: &str, name: &str) -> String {
    let text = read(path);
    let line = text.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned());
    value.unwrap_or_else(|| "unknown".to_owned())
}
