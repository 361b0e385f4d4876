//! Takes the lamports of order markers back once every transaction of the order is certainly dead.

use crate::metrics;
use crate::wallets::Wallets;
use chain::{Client, RECLAIMED_AT_ONCE, ReclaimError, Wallet};
use journal::{Markers, OldMarker};
use order_core::order::Status;
use std::time::Duration;

/// The pause between two looks for old markers.
const EVERY: Duration = Duration::from_secs(30);

/// Takes back the lamports of the markers that the wallets' orders have left.
pub(crate) struct Reclaimer {
    pub(crate) markers: Markers,
    pub(crate) cluster: Client,
    pub(crate) wallets: Wallets,
    /// Age of an order's last transaction from which on its marker is taken back.
    pub(crate) marker_age: Duration,
}

impl Reclaimer {
    /// Looks for old markers again and again.
    pub(super) async fn run(&self) {
        loop {
            tokio::time::sleep(EVERY).await;
            for wallet in self.wallets.iter() {
                // As long as there are many, there is no pause.
                while self.reclaim_some(wallet).await {}
            }
        }
    }

    /// Takes the lamports of some markers back; true if there may be more.
    async fn reclaim_some(&self, wallet: &Wallet) -> bool {
        let address = wallet.pubkey().to_string();
        let looked = self.markers.old(&address, self.marker_age, RECLAIMED_AT_ONCE).await;
        metrics::task_ran("reclaim", looked.is_ok());
        let old = match looked {
            Ok(old) => old,
            Err(error) => {
                tracing::debug!(%error, "the next look for old markers follows");
                return false;
            }
        };
        let markers: Vec<_> =
            old.iter().map(|old| (old.marker.clone(), old.last_valid_block_height)).collect();
        if markers.is_empty() {
            return false;
        }
        match self.cluster.reclaim(wallet, &markers).await {
            Ok(gone) => {
                old.iter().filter(|old| !gone.contains(&old.marker.address)).for_each(alarm_if_misreported);
                let gone: Vec<String> = gone.iter().map(ToString::to_string).collect();
                if let Err(error) = self.markers.forget(&gone).await {
                    tracing::debug!(%error, "markers that are gone are looked at again");
                }
                true
            }
            Err(error @ (ReclaimError::TooEarly { .. } | ReclaimError::Node(_))) => {
                tracing::debug!(%error, "markers are not reclaimed yet");
                false
            }
            Err(error @ ReclaimError::Refused(_)) => {
                tracing::warn!(%error, "markers were not reclaimed; they are tried again");
                false
            }
        }
    }
}

/// Calls for a human if the marker exists of an order that was told not to have swapped: either it has, or
/// somebody else has put lamports there.
fn alarm_if_misreported(old: &OldMarker) {
    let (id, status) = old.order;
    if status != Status::Confirmed {
        metrics::misreported();
        tracing::error!(
            order.id = %id,
            %status,
            marker = %old.marker.address,
            "the marker exists of an order that did not swap: look up which transaction made it"
        );
    }
}
