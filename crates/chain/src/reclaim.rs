//! Takes the lamports of old order markers back.

use crate::{ChangeError, Client, Commitment, Error, Wallet, marker};
use futures_util::future::try_join_all;
use order_core::order::Marker;
use order_core::{AccountAddress, Atoms};
use std::collections::HashMap;

/// Markers whose lamports fit into one transaction.
pub const RECLAIMED_AT_ONCE: u32 = 8;

/// Why markers were not reclaimed. They stay, and can be tried again.
#[derive(Debug, thiserror::Error)]
pub enum ReclaimError {
    /// A transaction of one of the orders may still land: some node's finalized chain has not left it behind.
    #[error("the finalized chain of a node is at block height {height}, a transaction can land until {last}")]
    TooEarly {
        /// The lowest finalized block height of all nodes.
        height: u64,
        /// The highest block height at which one of the transactions can land.
        last: u64,
    },
    /// A node did not answer: all of them must.
    #[error(transparent)]
    Node(#[from] Error),
    /// The transaction did not land, or failed.
    #[error("taking the lamports of order markers back: {0}")]
    Refused(#[from] ChangeError),
}

impl Client {
    /// Takes the lamports of these markers back to their wallet, and answers with those that no node's
    /// finalized chain has: there is nothing left of them. Each comes with the last block height at which a
    /// transaction of its order could land; every node's finalized chain must be past it.
    ///
    /// # Errors
    /// See [`ReclaimError`].
    pub async fn reclaim(
        &self,
        wallet: &Wallet,
        markers: &[(Marker, u64)],
    ) -> Result<Vec<AccountAddress>, ReclaimError> {
        let last = markers.iter().map(|(_, last)| *last).max().unwrap_or(0);
        let nodes = || 0..self.node_count();
        let finalized = try_join_all(nodes().map(|node| self.finalized(node))).await?;
        let height = finalized.iter().map(|info| info.block_height).min().unwrap_or(0);
        if height <= last {
            return Err(ReclaimError::TooEarly { height, last });
        }
        let addresses: Vec<_> = markers.iter().map(|(marker, _)| marker.address.pubkey()).collect();
        let states = nodes().map(|node| self.accounts_of(node, &addresses, Commitment::Finalized));
        let mut lamports: HashMap<AccountAddress, u64> = HashMap::new();
        for (snapshot, info) in try_join_all(states).await?.into_iter().zip(&finalized) {
            if snapshot.slot < info.slot {
                return Err(ReclaimError::TooEarly { height: snapshot.slot, last: info.slot });
            }
            let there = markers.iter().zip(snapshot.accounts);
            lamports
                .extend(there.filter_map(|((marker, _), account)| Some((marker.address, account?.lamports))));
        }
        let instructions: Vec<_> = markers
            .iter()
            .filter_map(|(marker, _)| marker::reclaim(marker, Atoms::new(*lamports.get(&marker.address)?)))
            .collect();
        if !instructions.is_empty() {
            self.execute(wallet, &instructions).await?;
            tracing::info!(markers = instructions.len(), "the lamports of order markers were taken back");
        }
        let gone = markers.iter().map(|(marker, _)| marker.address);
        Ok(gone.filter(|address| !lamports.contains_key(address)).collect())
    }
}
