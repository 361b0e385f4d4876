//! Transactions of version 1: long ones, without lookup tables, with their limits in their head.

use super::player::Player;
use anyhow::Result;
use serde_json::{Value, json};
use solana_instruction::Instruction;
use solana_message::VersionedMessage;
use solana_message::v1::{MAX_TRANSACTION_SIZE, Message, TransactionConfig};
use solana_pubkey::Pubkey;
use solana_system_interface::instruction::transfer;

const SIMULATE: &str = "simulateTransaction";
const SEND: &str = "sendTransaction";
const TRANSACTION: &str = "getTransaction";

/// The account that says whether version 1 is active.
const FEATURE: &str = "txv1aq4pp281K9um3tnPgkfX8UqtFT6wcVW3hNezGLL";

/// Enough for an account without data.
const ENOUGH: u64 = 2_000_000;

/// Receivers of a transaction that fits into no packet.
const MANY: usize = 40;

/// Limits that suffice for transfers.
const LIMITS: TransactionConfig = TransactionConfig::empty()
    .with_priority_fee(100)
    .with_compute_unit_limit(100_000)
    .with_loaded_accounts_data_size_limit(1_000_000);

pub(super) async fn play(player: &mut Player) -> Result<()> {
    let first_byte = json!({ "offset": 0, "length": 1 });
    let config = json!({ "encoding": "base64", "commitment": "finalized", "dataSlice": first_byte });
    player.ask("getAccountInfo of a feature", "getAccountInfo", json!([FEATURE, config])).await?;
    limits(player).await?;
    refusals(player).await?;
    landing(player).await?;
    charged(player).await
}

/// Transfers to so many accounts.
fn transfers(player: &Player, receivers: usize) -> Vec<Instruction> {
    (0..receivers).map(|_| transfer(&player.payer(), &Pubkey::new_unique(), ENOUGH)).collect()
}

async fn message(player: &Player, receivers: usize, config: TransactionConfig) -> Result<Message> {
    let hash = player.blockhash().await?.0.parse()?;
    let instructions = transfers(player, receivers);
    Ok(Message::try_compile_with_config(&player.payer(), &instructions, hash, config)?)
}

async fn limits(player: &mut Player) -> Result<()> {
    let steps = [
        ("simulateTransaction of version 1", LIMITS),
        (
            "simulateTransaction of version 1 that may compute nothing",
            TransactionConfig { compute_unit_limit: None, ..LIMITS },
        ),
        (
            "simulateTransaction of version 1 that may load nothing",
            TransactionConfig { loaded_accounts_data_size_limit: None, ..LIMITS },
        ),
    ];
    for (step, limits) in steps {
        let message = message(player, 1, limits).await?;
        let (text, _) = player.signed(VersionedMessage::V1(message))?;
        let config = json!({ "encoding": "base64", "commitment": "confirmed", "sigVerify": true });
        player.ask(step, SIMULATE, json!([text, config])).await?;
    }
    Ok(())
}

/// Transactions that break the rules of version 1.
async fn refusals(player: &mut Player) -> Result<()> {
    let good = message(player, MANY, LIMITS).await?;
    let mut twice = good.clone();
    if let [_, first, second, ..] = &mut twice.account_keys[..] {
        second.clone_from(first);
    }
    let odd = Message { config: LIMITS.with_heap_size(33_000), ..good.clone() };
    let many = message(player, 63, LIMITS).await?;
    let mut long = good;
    if let Some(first) = long.instructions.first_mut() {
        first.data = vec![0; MAX_TRANSACTION_SIZE];
    }
    let steps = [
        ("sendTransaction of version 1 with an address twice", twice),
        ("sendTransaction of version 1 with an odd heap", odd),
        ("sendTransaction of version 1 with 65 addresses", many),
        ("sendTransaction of version 1 that is too large", long),
    ];
    for (step, message) in steps {
        let (text, _) = player.signed(VersionedMessage::V1(message))?;
        player.ask(step, SEND, json!([text, sent()])).await?;
    }
    Ok(())
}

/// Its accounts are too much: it lands and is not run.
async fn charged(player: &mut Player) -> Result<()> {
    let message = message(player, 1, LIMITS.with_loaded_accounts_data_size_limit(1)).await?;
    let (text, signature) = player.signed(VersionedMessage::V1(message))?;
    let config = json!({ "encoding": "base64", "skipPreflight": true, "maxRetries": 0 });
    player.ask("sendTransaction of version 1 that may load nothing", SEND, json!([text, config])).await?;
    player.landed(&signature, "confirmed").await?;
    let config =
        json!({ "commitment": "confirmed", "encoding": "base64", "maxSupportedTransactionVersion": 1 });
    player
        .ask("getTransaction of version 1 that may load nothing", TRANSACTION, json!([signature, config]))
        .await?;
    Ok(())
}

fn sent() -> Value {
    json!({ "encoding": "base64", "skipPreflight": false, "preflightCommitment": "confirmed", "maxRetries": 0 })
}

async fn landing(player: &mut Player) -> Result<()> {
    let message = message(player, MANY, LIMITS).await?;
    let (text, signature) = player.signed(VersionedMessage::V1(message))?;
    player.ask("sendTransaction of version 1", SEND, json!([text, sent()])).await?;
    player.landed(&signature, "confirmed").await?;
    let config = |encoding: &str, version: u8| {
        json!([signature, {
            "commitment": "confirmed", "encoding": encoding, "maxSupportedTransactionVersion": version
        }])
    };
    player.ask("getTransaction of version 1", TRANSACTION, config("base64", 1)).await?;
    player.ask("getTransaction of version 1, in JSON", TRANSACTION, config("json", 1)).await?;
    player.ask("getTransaction of version 1 with 0 at most", TRANSACTION, config("base64", 0)).await?;
    Ok(())
}
