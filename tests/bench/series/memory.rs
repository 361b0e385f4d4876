use super::orders::sustained;
use super::{Answers, Begun};
use crate::report::Row;
use crate::stage::{Engine, Setup, Stage};
use anyhow::Result;
use std::time::Duration;

/// Orders that are open at the same time.
const OPEN: usize = 100;

/// Time for an engine that has started to come to rest.
const REST: Duration = Duration::from_secs(5);

pub(super) async fn run(engine: Engine<'_>, length: Duration) -> Result<Vec<Row>> {
    let stage = Stage::start(engine, Setup { concurrency: OPEN, ..Setup::USUAL })?;
    let begun = Begun::now(&stage)?;
    tokio::time::sleep(REST).await;
    let idle = begun.end(&stage, "memory", "idle".to_owned(), Answers::default())?;
    let idle = Row { memory: stage.memory()?, ..idle };
    let loaded = sustained(&stage, "memory", format!("after {OPEN} open orders"), OPEN, length).await?;
    let loaded = Row { memory: stage.memory()?, ..loaded };
    stage.stop()?;
    Ok(vec![idle, loaded])
}
