//! Who has put lamports at the address of an order's marker.

use crate::client::AccountSignature;
use crate::tip::tip;
use crate::{Client, Commitment, Error, transaction};
use futures_util::future::join_all;
use order_core::Signature;
use order_core::order::{Marker, SignedTransaction};
use solana_message::VersionedMessage;
use std::collections::BTreeSet;

/// Transactions of a marker that are looked at.
const SIGNATURES_MAX: usize = 20;
/// Blocks in which a blockhash can be used: an upper bound for a transaction whose own is not known.
const BLOCKHASH_AGE_MAX: u64 = 150;
/// Hosts that must agree, where there are as many.
const WITNESSES: usize = 2;

/// Who has put lamports at the address of an order's marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Occupant {
    /// No transaction: there is no such account.
    Nobody,
    /// A transaction that the order's wallet has signed, and so one of this order.
    Ours(Box<SignedTransaction>),
    /// Transactions of others alone. The order needs another marker.
    Stranger,
    /// Nodes contradict each other, or do not tell.
    Unknown,
}

/// One node's word.
enum Testimony {
    Nobody,
    Ours(Box<SignedTransaction>),
    Stranger,
    Unknown,
}

impl Client {
    /// Asks every node who has occupied a marker. `known` are the order's transactions; one that the wallet has
    /// signed and that is not among them, as after a database was restored, is ours as well.
    pub async fn occupant(&self, marker: &Marker, known: &[SignedTransaction]) -> Occupant {
        let nodes = 0..self.node_count();
        let answers = join_all(nodes.map(|node| self.occupant_by(node, marker, known))).await;
        let (mut nobody, mut stranger, mut unknown) = (0usize, BTreeSet::new(), false);
        for (node, answer) in answers.into_iter().enumerate() {
            match answer {
                // Nobody but the wallet can have signed it, and it is followed to its end.
                Ok(Testimony::Ours(transaction)) => return Occupant::Ours(transaction),
                Ok(Testimony::Nobody) => nobody = nobody.saturating_add(1),
                Ok(Testimony::Stranger) => _ = stranger.insert(self.host(node)),
                Ok(Testimony::Unknown) => unknown = true,
                Err(error) => tracing::debug!(%error, "a node does not tell who occupies a marker"),
            }
        }
        if nobody > 0 && stranger.is_empty() && !unknown {
            // The same marker serves again, so a node that does not answer need not be waited for.
            Occupant::Nobody
        } else if nobody == 0 && !unknown && stranger.len() >= self.host_count().min(WITNESSES) {
            Occupant::Stranger
        } else {
            Occupant::Unknown
        }
    }

    async fn occupant_by(
        &self,
        node: usize,
        marker: &Marker,
        known: &[SignedTransaction],
    ) -> Result<Testimony, Error> {
        let address = marker.address.pubkey();
        let snapshot = self.accounts_of(node, &[address], Commitment::Confirmed).await?;
        if snapshot.accounts.iter().all(Option::is_none) {
            return Ok(Testimony::Nobody);
        }
        let named = self.signatures_of(node, &address, SIGNATURES_MAX, Commitment::Confirmed).await?;
        let mut others = 0usize;
        for AccountSignature { signature, .. } in named.iter().filter(|named| named.succeeded) {
            if let Some(ours) = known.iter().find(|known| known.signature == *signature) {
                return Ok(Testimony::Ours(Box::new(ours.clone())));
            }
            match self.signed_by(node, marker, signature).await? {
                Some(ours) => return Ok(Testimony::Ours(Box::new(ours))),
                None => others = others.saturating_add(1),
            }
        }
        Ok(if others > 0 { Testimony::Stranger } else { Testimony::Unknown })
    }

    /// A transaction as one node shows it, if the marker's wallet has signed it.
    async fn signed_by(
        &self,
        node: usize,
        marker: &Marker,
        signature: &Signature,
    ) -> Result<Option<SignedTransaction>, Error> {
        let missing = || Error::Malformed {
            method: "getTransaction",
            reason: format!("the node has the signature {signature} and not its transaction"),
        };
        let shown = self.transaction_of(node, signature, Commitment::Confirmed).await?.ok_or_else(missing)?;
        let wallet = marker.wallet.pubkey();
        let message = transaction::message(&shown.bytes).ok();
        let ours = |message: &VersionedMessage| message.static_account_keys().first() == Some(&wallet);
        let Some(message) = message.filter(ours).filter(|_| is_signed(&shown.bytes, signature)) else {
            return Ok(None);
        };
        let tip = tip(&message, &transaction::temporary_account(&wallet, marker));
        let height = self.epoch_info(node, Commitment::Confirmed).await?.block_height;
        Ok(Some(SignedTransaction {
            signature: *signature,
            bytes: shown.bytes,
            last_valid_block_height: height.saturating_add(BLOCKHASH_AGE_MAX),
            blockhash_slot: None,
            marker: Some(marker.clone()),
            tip,
        }))
    }
}

/// True if the bytes are a transaction with this signature, and it is valid.
fn is_signed(bytes: &[u8], signature: &Signature) -> bool {
    let Ok(decoded) = transaction::decode(bytes) else { return false };
    let first = decoded.signatures.first().map(ToString::to_string);
    first == Some(signature.to_string()) && decoded.verify_with_results().into_iter().all(|valid| valid)
}
