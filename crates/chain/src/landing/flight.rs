//! A transaction that may land, and what was heard of it so far.

use super::Pace;
use crate::{Commitment, Error, Hash, Receipt, Trade, transaction};
use order_core::Signature;
use order_core::order::{Observation, SignedTransaction};
use solana_pubkey::Pubkey;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tokio::sync::oneshot;
use tokio::time::Instant;

#[derive(Debug)]
pub(super) struct Flight {
    pub(super) transaction: SignedTransaction,
    pub(super) trade: Trade,
    pub(super) reply: oneshot::Sender<Observation>,
    /// True while nodes say that it is in a block, however sure: it need not be sent again.
    pub(super) in_block: Arc<AtomicBool>,
    /// Who took its bytes.
    pub(super) receipt: Arc<Receipt>,
    pub(super) since: Instant,
    /// Since when nodes have said that it is in a block.
    landed_since: Option<Instant>,
    /// Since when every node that answers has said, each time, that it is not and never will be.
    absent_since: Option<Instant>,
    /// A human was called because no node tells its outcome.
    pub(super) alarmed: bool,
    /// A human was called because it landed and makes no sense.
    pub(super) unreadable: bool,
}

/// A node's word that a transaction is in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) node: usize,
    pub(super) commitment: Commitment,
    /// It is there with an error.
    pub(super) reverted: bool,
    /// The slot of its block.
    pub(super) slot: u64,
}

/// A transaction that may have expired.
#[derive(Debug, Clone, Copy)]
pub(super) struct Suspect {
    pub(super) signature: Signature,
    pub(super) last_valid_block_height: u64,
    pub(super) blockhash_slot: Option<u64>,
    /// None for bytes that are no transaction.
    pub(super) blockhash: Option<Hash>,
    pub(super) marker: Option<Pubkey>,
}

impl Suspect {
    /// True if a history that begins with this block has the transaction, if it landed.
    pub(super) fn is_within(&self, first: &Result<u64, Error>) -> bool {
        match (self.blockhash_slot, first) {
            // Signed before this was recorded.
            (None, _) => true,
            (Some(slot), Ok(first)) => *first <= slot,
            (Some(_), Err(_)) => false,
        }
    }
}

impl Flight {
    pub(super) fn new(
        transaction: SignedTransaction,
        trade: Trade,
        reply: oneshot::Sender<Observation>,
        (in_block, receipt): (Arc<AtomicBool>, Arc<Receipt>),
    ) -> Self {
        Self {
            transaction,
            trade,
            reply,
            in_block,
            receipt,
            since: Instant::now(),
            landed_since: None,
            absent_since: None,
            alarmed: false,
            unreadable: false,
        }
    }

    pub(super) fn signature(&self) -> Signature {
        self.transaction.signature
    }

    pub(super) fn marker(&self) -> Option<Pubkey> {
        self.transaction.marker.as_ref().map(|marker| marker.address.pubkey())
    }

    /// The part of it that the search for expired transactions needs.
    pub(super) fn suspect(&self) -> Suspect {
        let message = transaction::message(&self.transaction.bytes);
        Suspect {
            signature: self.signature(),
            last_valid_block_height: self.transaction.last_valid_block_height,
            blockhash_slot: self.transaction.blockhash_slot,
            blockhash: message.ok().map(|message| *message.recent_blockhash()),
            marker: self.marker(),
        }
    }

    /// Notes that nodes say that it is in a block.
    pub(super) fn note_landed(&mut self) {
        self.landed_since.get_or_insert_with(Instant::now);
        self.absent_since = None;
    }

    /// Notes the nodes' word at one look that it can never land, and tells whether they have said so for long
    /// enough. Nodes that do not answer may know better, so they are waited for.
    pub(super) fn note_absent(&mut self, all_answered: bool, pace: &Pace) -> bool {
        let since = self.absent_since.get_or_insert_with(Instant::now);
        since.elapsed() >= if all_answered { pace.absence } else { pace.silence }
    }

    /// Notes that nodes do not agree, or do not know, that it can never land.
    pub(super) fn note_undecided(&mut self) {
        self.absent_since = None;
    }

    /// True once nodes that do not answer have been waited for long enough since it landed.
    pub(super) fn has_waited_for_silent_nodes(&self, pace: &Pace) -> bool {
        self.landed_since.is_some_and(|since| since.elapsed() >= pace.silence)
    }
}
