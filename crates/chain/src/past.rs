//! The past transactions of a wallet.

use crate::{Client, Commitment, Error, transaction};
use order_core::Signature;
use solana_pubkey::Pubkey;
use solana_system_interface::instruction::SystemInstruction;

/// A transaction of a wallet that has succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastTransaction {
    /// Its signature.
    pub signature: Signature,
    /// When its block was made, in seconds since 1970; None if the node does not know.
    pub block_time: Option<i64>,
}

impl Client {
    /// Most signatures that nodes list in one call.
    pub const PAST_MAX: usize = 1_000;

    /// The latest transactions that named a wallet and succeeded, the newest first, by the first node that
    /// answers. They are finalized.
    ///
    /// # Errors
    /// No usable answer.
    pub async fn past_transactions(&self, wallet: &Pubkey) -> Result<Vec<PastTransaction>, Error> {
        let mut last = None;
        for node in 0..self.node_count() {
            match self.signatures_of(node, wallet, Self::PAST_MAX, Commitment::Finalized).await {
                Ok(named) => {
                    let succeeded = named.into_iter().filter(|named| named.succeeded);
                    let past = |named: crate::client::AccountSignature| PastTransaction {
                        signature: named.signature,
                        block_time: named.block_time,
                    };
                    return Ok(succeeded.map(past).collect());
                }
                Err(error) => last = Some(error),
            }
        }
        last.map_or(Ok(Vec::new()), Err)
    }

    /// True if a landed transaction creates an order marker of this wallet: then it executed an order.
    ///
    /// # Errors
    /// No node shows the transaction, or none readably.
    pub async fn executes_an_order(&self, signature: &Signature, wallet: &Pubkey) -> Result<bool, Error> {
        const METHOD: &str = "getTransaction";
        let malformed = |reason: String| Error::Malformed { method: METHOD, reason };
        let landed = self.transaction(signature, Commitment::Finalized).await?;
        let landed = landed.ok_or_else(|| malformed(format!("no node shows {signature}")))?;
        let message = transaction::message(&landed.bytes).map_err(|error| malformed(error.to_string()))?;
        let keys = message.static_account_keys();
        Ok(message.instructions().iter().any(|instruction| {
            let program = keys.get(usize::from(instruction.program_id_index));
            program == Some(&solana_system_interface::program::ID)
                && matches!(
                    bincode::deserialize::<SystemInstruction>(&instruction.data),
                    Ok(SystemInstruction::CreateAccountWithSeed { base, .. }) if base == *wallet
                )
        }))
    }
}
