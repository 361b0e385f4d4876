use super::Block;
use anyhow::Context as _;
use order_core::Timestamp;
use serde::Serialize;
use solana_signature::Signature;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

/// For so many blocks after a transaction was received, each finalized height is written down: longer
/// than any transaction may land.
const HEIGHTS_AFTER_RECEIPT: u64 = 400;

/// The independent witness: an append-only file of one JSON object for each time that a transaction
/// was received, landed, or was rolled back with its block, and, while one may be open, for each height
/// that was finalized. Tests compare it with what the engine says of itself.
#[derive(Default)]
pub(crate) struct Ledger {
    file: Option<File>,
    /// The latest finalized height, and up to which one heights are written.
    finalized: u64,
    heights_until: u64,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Line<'a> {
    Received { signature: String, slot: u64, at: Timestamp, node: usize },
    Landed { signature: String, slot: u64, at: Timestamp, err: &'a serde_json::Value, fee: u64 },
    RolledBack { signature: String, slot: u64, at: Timestamp },
    Finalized { height: u64, at: Timestamp },
}

impl Ledger {
    /// Opens the file for appending; without a path nothing is written.
    pub(crate) fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let open = |path: &Path| {
            let file = File::options().create(true).append(true).open(path);
            file.with_context(|| format!("opening the ledger {}", path.display()))
        };
        Ok(Self { file: path.map(open).transpose()?, ..Self::default() })
    }

    /// Writes that a node received a transaction, once for each time.
    pub(crate) fn received(
        &mut self,
        signature: &Signature,
        slot: u64,
        at: Timestamp,
        node: usize,
    ) -> anyhow::Result<()> {
        self.heights_until = self.finalized.saturating_add(HEIGHTS_AFTER_RECEIPT);
        self.write(&[Line::Received { signature: signature.to_string(), slot, at, node }])
    }

    /// Writes which height is finalized now, if a transaction may be open.
    pub(crate) fn finalized(&mut self, height: u64, at: Timestamp) -> anyhow::Result<()> {
        self.finalized = height;
        if height > self.heights_until {
            return Ok(());
        }
        self.write(&[Line::Finalized { height, at }])
    }

    /// Writes what was in blocks that are rolled back, with the slots it had landed in.
    pub(crate) fn rolled_back(&mut self, blocks: &[Arc<Block>], at: Timestamp) -> anyhow::Result<()> {
        let lines = blocks.iter().flat_map(|block| &block.landed).map(|landed| Line::RolledBack {
            signature: landed.signature.to_string(),
            slot: landed.slot,
            at,
        });
        self.write(&lines.collect::<Vec<_>>())
    }

    /// Writes what landed in a block.
    pub(crate) fn landed(&mut self, block: &Block, at: Timestamp) -> anyhow::Result<()> {
        if self.file.is_none() {
            return Ok(());
        }
        let errors = block.landed.iter().map(|landed| serde_json::to_value(&landed.error));
        let errors = errors.collect::<Result<Vec<_>, _>>().context("writing an error as JSON")?;
        let lines = block.landed.iter().zip(&errors).map(|(landed, err)| Line::Landed {
            signature: landed.signature.to_string(),
            slot: landed.slot,
            at,
            err,
            fee: landed.fee,
        });
        self.write(&lines.collect::<Vec<_>>())
    }

    /// One write for whole lines: no reader sees half of one, whenever the process dies.
    fn write(&mut self, lines: &[Line<'_>]) -> anyhow::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let mut text = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut text, line).context("writing a ledger line as JSON")?;
            text.push(b'\n');
        }
        file.write_all(&text).and_then(|()| file.flush()).context("writing to the ledger")
    }
}
