//! A conversation with a Solana node, the same for a real one and for the sandbox. The shapes of the answers are what is
//! compared; `tests/real_node/recorded.json` has those of a real node.

mod player;
mod pubsub;
mod reads;
mod sends;
mod shape;
mod version_1;

pub use player::Node;
pub use shape::differences;

use anyhow::{Context, Result};
use player::Player;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The shape of each answer, by the name of its step.
pub type Transcript = BTreeMap<String, Value>;

/// Steps in which the sandbox differs from a real node, and why it may: nothing in the engine asks for that.
pub const KNOWN_DIFFERENCES: [(&str, &str); 2] = [
    ("an empty batch", "nobody sends one, and a real node's empty body helps nobody who does"),
    (
        "an unknown commitment",
        "real nodes take it as finalized; that it is refused here shows a misspelt one",
    ),
];

/// Plays the whole conversation. The wallet, a keypair file, pays for a few transfers.
///
/// # Errors
/// The node does not answer, or a transaction that ought to land does not.
pub async fn play(node: Node, wallet: &Path) -> Result<Transcript> {
    let mut player = Player::new(node, wallet)?;
    Box::pin(reads::play(&mut player)).await.context("reading")?;
    Box::pin(sends::play(&mut player)).await.context("sending")?;
    Box::pin(version_1::play(&mut player)).await.context("sending version 1")?;
    Box::pin(pubsub::play(&mut player)).await.context("subscribing")?;
    Box::pin(sends::expiry(&mut player)).await.context("waiting for a blockhash to expire")?;
    Ok(player.said)
}

/// The file with what a real node has said.
pub fn recorded_file() -> PathBuf {
    xtask::workspace::root().join("tests/real_node/recorded.json")
}

/// The transcript of a real node.
///
/// # Errors
/// The file cannot be read.
pub fn recorded() -> Result<Transcript> {
    let path = recorded_file();
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("understanding {}", path.display()))
}

/// The steps that differ between a real node and another, those that may apart, each with where.
pub fn unexpected(real: &Transcript, other: &Transcript) -> Vec<String> {
    let known = |step: &str| KNOWN_DIFFERENCES.iter().any(|(known, _)| *known == step);
    let nothing = Value::String("<not asked>".to_owned());
    let steps: std::collections::BTreeSet<&String> = real.keys().chain(other.keys()).collect();
    let mut unexpected = Vec::new();
    for step in steps {
        let [first, second] = [real, other].map(|said| said.get(step).unwrap_or(&nothing));
        let found = differences(first, second);
        match (found.is_empty(), known(step)) {
            (false, false) => unexpected.extend(found.iter().map(|place| format!("{step}{place}"))),
            (true, true) => unexpected.push(format!("{step}: known as different, and is not")),
            (true, false) | (false, true) => {}
        }
    }
    unexpected
}
