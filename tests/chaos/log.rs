//! The client's own record: what it asked, what it was told. The first witness.

use anyhow::{Context, Result, anyhow};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// A line of the record.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum Line {
    /// The client got a quote, which the order with this key names.
    Quoted { key: String, minimum_output: String },
    /// An order is about to be sent, for the first time or again.
    Asked { key: String },
    /// The gateway answered.
    Answered { key: String, status: u16, order_id: Option<String>, code: Option<String> },
    /// Somebody asked for the order with the key of another account.
    Spied { order_id: String, status: u16 },
    /// A WebSocket was opened for what comes after a seq.
    Following { connection: u64, order_id: String, after: u64 },
    /// A frame came.
    Frame { connection: u64, order_id: String, frame: Value },
    /// The gateway closed the WebSocket in good order.
    Closed { connection: u64, code: Option<u16> },
    /// From here on nothing is broken, and each service in turn is asked to end, and replaced.
    RollBegins,
    /// All have been replaced.
    RollEnds,
}

/// Writes lines to a file, each on the disk soon after.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    lines: Sender<Line>,
    writer: JoinHandle<Result<()>>,
}

impl Log {
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("making {}", path.display()))?;
        let (lines, received) = channel();
        let writer = std::thread::spawn(move || write(file, &received));
        Ok(Self { path: path.to_owned(), lines, writer })
    }

    /// Where lines may be sent to.
    pub(crate) fn lines(&self) -> Sender<Line> {
        self.lines.clone()
    }

    /// Waits until everything is on the disk, once all who write have gone, and reads it back.
    pub(crate) fn read(self) -> Result<Vec<Line>> {
        drop(self.lines);
        self.writer.join().map_err(|_| anyhow!("the client's log ended with a panic"))??;
        let text = std::fs::read_to_string(&self.path).context("reading the client's log")?;
        text.lines().map(|line| serde_json::from_str(line).context("reading the client's log")).collect()
    }
}

/// Everything that has come meanwhile goes to the disk at once.
fn write(mut file: File, lines: &Receiver<Line>) -> Result<()> {
    while let Ok(first) = lines.recv() {
        let mut text = Vec::new();
        for line in std::iter::once(first).chain(lines.try_iter()) {
            serde_json::to_writer(&mut text, &line)?;
            text.push(b'\n');
        }
        file.write_all(&text).and_then(|()| file.sync_data()).context("writing the client's log")?;
    }
    Ok(())
}
