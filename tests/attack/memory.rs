//! The memory of a process.

use anyhow::{Context, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

/// Pause between two looks.
const INTERVAL: Duration = Duration::from_millis(100);

/// The resident memory of a process, in kB.
///
/// # Errors
/// The system does not tell.
pub(crate) fn resident_kb(process: u32) -> Result<u64> {
    let path = format!("/proc/{process}/status");
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.context("the resident memory is not there")?.parse().context("reading the resident memory")
}

/// Watches a process until it is dropped.
pub(crate) struct Memory {
    most: Arc<AtomicU64>,
    watching: JoinHandle<()>,
}

impl Memory {
    pub(crate) fn watch(process: u32) -> Self {
        let most = Arc::new(AtomicU64::new(0));
        let seen = Arc::clone(&most);
        let watching = tokio::spawn(async move {
            while let Ok(now) = resident_kb(process) {
                seen.fetch_max(now, Ordering::Relaxed);
                tokio::time::sleep(INTERVAL).await;
            }
        });
        Self { most, watching }
    }

    /// The most that it had.
    pub(crate) fn most_kb(self) -> u64 {
        self.most.load(Ordering::Relaxed)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.watching.abort();
    }
}
