//! How an operator makes a table and adds to it.

use super::open;
use crate::client::{Client, Commitment};
use crate::transaction::{self, BuildError, SignError};
use crate::{Error, Instruction, NotTaken, TransactionFailure, Wallet};
use solana_address_lookup_table_interface::instruction::{create_lookup_table, extend_lookup_table};
use solana_address_lookup_table_interface::state::LOOKUP_TABLE_MAX_ADDRESSES;
use solana_pubkey::Pubkey;
use std::collections::HashSet;
use std::time::Duration;
use tokio::time::sleep;

/// So many addresses fit into a transaction that adds them.
pub(super) const ADDED_AT_ONCE: usize = 30;

/// The pause before the same bytes are sent again.
const SEND_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// So often a transaction is sent that no node takes: one that is behind does not know the table yet.
const REFUSALS_MAX: u32 = 10;

/// Why a table could not be made or added to.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// A node gave no usable answer.
    #[error(transparent)]
    Cluster(#[from] Error),
    /// No node took the transaction.
    #[error(transparent)]
    NotTaken(NotTaken),
    /// The transaction cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The transaction is not signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// It is no table that can be added to.
    #[error("the table {table} cannot be added to: {reason}")]
    Unusable {
        /// Its address.
        table: Pubkey,
        /// The fault.
        reason: &'static str,
    },
    /// The table would have more addresses than it can hold.
    #[error(
        "the table would have {addresses} addresses, it holds {LOOKUP_TABLE_MAX_ADDRESSES} at most; name \
         fewer pools, and make another table for the others"
    )]
    Full {
        /// How many there would be.
        addresses: usize,
    },
    /// The transaction landed and failed.
    #[error("the transaction was reverted: {0}")]
    Reverted(TransactionFailure),
    /// The transaction that makes a table failed, or nobody said that it landed.
    #[error("making {table}: {cause}; if it is there by now, go on with `ops lookup-table extend {table}`")]
    Unmade {
        /// Where the table would be.
        table: Pubkey,
        /// The error.
        cause: Box<ChangeError>,
    },
    /// The transaction can no longer land.
    #[error("the transaction did not land; try again")]
    Expired,
}

impl Client {
    /// Makes an empty table that only the wallet may add to. The wallet pays for it.
    ///
    /// # Errors
    /// The transaction did not land, or failed.
    pub async fn create_lookup_table(&self, wallet: &Wallet) -> Result<Pubkey, ChangeError> {
        // A slot that is final has a block, which the program asks for.
        let slot = self.slot(Commitment::Finalized).await?;
        let (create, table) = create_lookup_table(wallet.pubkey(), wallet.pubkey(), slot);
        let made = self.execute(wallet, &[create]).await;
        made.map_err(|cause| ChangeError::Unmade { table, cause: Box::new(cause) })?;
        Ok(table)
    }

    /// Adds those of the addresses that a table of the wallet does not have, and says how many these were.
    /// Some may have been added when it fails: call it again.
    ///
    /// # Errors
    /// It is no such table, there is no room, a transaction did not land, or it failed.
    pub async fn extend_lookup_table(
        &self,
        wallet: &Wallet,
        table: Pubkey,
        addresses: &[Pubkey],
    ) -> Result<usize, ChangeError> {
        let snapshot = self.accounts(&[table], Commitment::Confirmed).await?;
        let opened = open(snapshot.accounts.first().and_then(Option::as_ref));
        let opened = opened.map_err(|reason| ChangeError::Unusable { table, reason })?;
        let mut known: HashSet<Pubkey> = opened.addresses.iter().copied().collect();
        let mut missing = addresses.to_vec();
        missing.retain(|address| known.insert(*address));
        let after = opened.addresses.len().saturating_add(missing.len());
        if after > LOOKUP_TABLE_MAX_ADDRESSES {
            return Err(ChangeError::Full { addresses: after });
        }
        for part in missing.chunks(ADDED_AT_ONCE) {
            let (owner, added) = (wallet.pubkey(), part.to_vec());
            self.execute(wallet, &[extend_lookup_table(table, owner, Some(owner), added)]).await?;
        }
        Ok(missing.len())
    }

    /// Sends the instructions until they are confirmed, or can no longer land.
    pub(crate) async fn execute(
        &self,
        wallet: &Wallet,
        instructions: &[Instruction],
    ) -> Result<(), ChangeError> {
        let blockhash = self.latest_blockhash().await?;
        let unsigned = transaction::unsigned(&wallet.pubkey(), instructions, &[], &blockhash)?;
        let transaction = unsigned.sign(wallet).await?;
        let mut refusals = 0u32;
        loop {
            if let Err(error) = self.send(&transaction.bytes).await {
                refusals = refusals.saturating_add(1);
                if refusals >= REFUSALS_MAX {
                    return Err(ChangeError::NotTaken(error));
                }
            }
            sleep(SEND_AGAIN_AFTER).await;
            let known = self.signature_statuses(&[transaction.signature], false).await?.statuses;
            if let Some(status) = known.into_iter().flatten().next()
                && status.commitment >= Commitment::Confirmed
            {
                return status.failure.map_or(Ok(()), |failure| Err(ChangeError::Reverted(failure)));
            }
            if self.block_height(Commitment::Finalized).await? > transaction.last_valid_block_height {
                return Err(ChangeError::Expired);
            }
        }
    }
}
