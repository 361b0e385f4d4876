use super::orders::sustained;
use crate::report::Row;
use crate::stage::{Engine, Setup, Stage};
use anyhow::Result;
use std::time::Duration;

/// Executors at the same time.
const EXECUTORS: [usize; 3] = [1, 2, 4];

/// Orders that each works on at once: with slots as long as mainnet's, the permits bind, not the machine.
const CONCURRENCY: usize = 10;

const SLOT_MS: u64 = 400;

pub(super) async fn run(engine: Engine<'_>, length: Duration) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for executors in EXECUTORS {
        let setup = Setup { executors, concurrency: CONCURRENCY, slot_ms: SLOT_MS };
        let stage = Stage::start(engine, setup)?;
        let setting = format!("{executors} of {CONCURRENCY} permits, slot {SLOT_MS} ms");
        // Twice as many are open as are worked on: no permit is ever free.
        let open = 2 * executors * CONCURRENCY;
        rows.push(sustained(&stage, "executors", setting, open, length).await?);
        stage.stop()?;
    }
    Ok(rows)
}
