//! The sandbox says what a real node has said, as far as anybody asks.

use system_tests::Engine;
use system_tests::conversation::{Node, play, recorded, unexpected};

/// The real node's answers are in `tests/real_node/recorded.json`; `cargo xtask real-node --record` writes it.
#[tokio::test]
async fn the_sandbox_answers_as_a_real_node_does() {
    let engine = Engine::start(0, 0, vec![]);
    let address = engine.stack.sandbox.address;
    let said = play(Node { rpc: address, pubsub: address }, &engine.stack.wallet).await.unwrap();
    let unexpected = unexpected(&recorded().unwrap(), &said);
    assert!(unexpected.is_empty(), "place: real node / sandbox\n{}", unexpected.join("\n"));
}
