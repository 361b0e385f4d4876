//! Questions that each node is asked by itself, because together they are evidence.

use super::{Blockhash, Client, Commitment, EpochInfo, LandedTransaction, STATUSES, Snapshot, Statuses};
use super::{accounts, complete, decode_statuses, limit, malformed, texts};
use crate::rpc::CALL_TIMEOUT;
use crate::wire::{InContext, WireAccountSignature, WireBlockhash, WireEpochInfo, WireTransaction};
use crate::{Error, Hash};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use order_core::Signature;
use serde_json::json;
use solana_pubkey::Pubkey;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// A transaction that named an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AccountSignature {
    pub(crate) signature: Signature,
    /// True if it has no error.
    pub(crate) succeeded: bool,
    pub(crate) block_time: Option<i64>,
}

/// Blocks after its own in which a blockhash can be used.
const BLOCKHASH_AGE_MAX: u64 = 150;
/// A node that takes longer to tell its height is left out.
const HEIGHT_TIMEOUT: Duration = Duration::from_secs(1);
/// Once a node has told its height, the others have this time left: one that hangs holds up nobody.
const HEIGHT_PATIENCE: Duration = Duration::from_millis(200);
/// Blocks by which nodes that are well may differ.
const HEIGHT_SLACK: u64 = 100;

/// True if a node at this height can have given a blockhash with this last valid block height.
fn is_possible(last_valid_block_height: u64, height: u64) -> bool {
    let usual = height.saturating_add(BLOCKHASH_AGE_MAX);
    last_valid_block_height.abs_diff(usual) <= HEIGHT_SLACK
}

impl Client {
    /// How many distinct hosts the nodes are on. Nodes of one host are one witness: one operator runs them.
    pub fn host_count(&self) -> usize {
        (0..self.node_count()).map(|node| self.host(node)).collect::<BTreeSet<_>>().len()
    }

    /// Checks from now on, before anything is asked of a node, that it is of this cluster: once, and again
    /// after each time that it could not be reached.
    pub fn require_genesis(&self, genesis: Hash) {
        self.nodes.require_genesis(genesis);
    }

    /// The genesis hash that each node tells, in the nodes' order.
    pub async fn genesis_of_each(&self) -> Vec<Result<Hash, Error>> {
        const METHOD: &str = "getGenesisHash";
        let answers = self.nodes.call_all::<String>(METHOD, &json!([])).await.into_iter();
        answers
            .map(|answer| answer?.parse().map_err(|_| malformed(METHOD, "it is no hash".to_owned())))
            .collect()
    }

    /// How many nodes there are.
    pub(crate) fn node_count(&self) -> usize {
        self.nodes.count()
    }

    /// True if a node answered when it was last asked.
    pub(crate) fn is_reachable(&self, node: usize) -> bool {
        self.nodes.is_reachable(node)
    }

    /// The host of a node.
    pub(crate) fn host(&self, node: usize) -> &str {
        self.nodes.host(node)
    }

    /// The block height that each node tells at `confirmed`; None for a node that does not answer.
    pub(crate) async fn heights(&self) -> Vec<Option<u64>> {
        let params = json!([{ "commitment": Commitment::Confirmed.name() }]);
        let ask = async |node| {
            (node, self.nodes.call_one::<u64>(node, "getBlockHeight", &params, HEIGHT_TIMEOUT).await)
        };
        let mut asked: FuturesUnordered<_> = (0..self.node_count()).map(ask).collect();
        let mut heights = vec![None; self.node_count()];
        let mut until = Instant::now() + HEIGHT_TIMEOUT;
        while let Ok(Some((node, answer))) = timeout_at(until, asked.next()).await {
            let (Some(height), Ok(told)) = (heights.get_mut(node), answer) else { continue };
            *height = Some(told);
            until = until.min(Instant::now() + HEIGHT_PATIENCE);
        }
        heights
    }

    /// A blockhash of one node, if its last valid block height is possible: by the node's own height, and by more
    /// of the `heights` that all nodes told than not.
    pub(crate) async fn blockhash_of(
        &self,
        node: usize,
        heights: &[Option<u64>],
    ) -> Result<Blockhash, Error> {
        const METHOD: &str = "getLatestBlockhash";
        let own = heights.get(node).copied().flatten();
        let own = own.ok_or_else(|| malformed(METHOD, "the node does not tell its height".to_owned()))?;
        let params = json!([{ "commitment": Commitment::Confirmed.name() }]);
        let answer: InContext<WireBlockhash> =
            self.nodes.call_one(node, METHOD, &params, CALL_TIMEOUT).await?;
        let last = answer.value.last_valid_block_height;
        let told: Vec<u64> = heights.iter().copied().flatten().collect();
        let agree = told.iter().filter(|height| is_possible(last, **height)).count();
        if !is_possible(last, own) || agree.saturating_mul(2) <= told.len() {
            let reason =
                format!("its last valid block height {last} does not fit the block heights {told:?}");
            return Err(malformed(METHOD, reason));
        }
        let slot = answer.context.slot;
        Ok(Blockhash { hash: answer.value.blockhash, last_valid_block_height: last, slot })
    }

    /// How far one node's finalized chain is.
    pub(crate) async fn finalized(&self, node: usize) -> Result<EpochInfo, Error> {
        self.epoch_info(node, Commitment::Finalized).await
    }

    /// How far one node's chain is.
    pub(crate) async fn epoch_info(&self, node: usize, commitment: Commitment) -> Result<EpochInfo, Error> {
        let params = json!([{ "commitment": commitment.name() }]);
        let info: WireEpochInfo = self.nodes.call_one(node, "getEpochInfo", &params, CALL_TIMEOUT).await?;
        Ok(EpochInfo { epoch: info.epoch, slot: info.absolute_slot, block_height: info.block_height })
    }

    /// The first block that one node's history still has.
    pub(crate) async fn first_available_block(&self, node: usize) -> Result<u64, Error> {
        self.nodes.call_one(node, "getFirstAvailableBlock", &json!([]), CALL_TIMEOUT).await
    }

    /// The statuses of these signatures in one node's history.
    pub(crate) async fn history(&self, node: usize, signatures: &[Signature]) -> Result<Statuses, Error> {
        limit(STATUSES, signatures.len(), Self::SIGNATURES_MAX)?;
        let params = json!([texts(signatures), { "searchTransactionHistory": true }]);
        let answer = self.nodes.call_one(node, STATUSES, &params, CALL_TIMEOUT).await?;
        decode_statuses(signatures.len(), answer)
    }

    /// True while one node would still take a transaction with this blockhash.
    pub(crate) async fn is_blockhash_valid(&self, node: usize, blockhash: Hash) -> Result<bool, Error> {
        let options = json!({ "commitment": Commitment::Processed.name() });
        let params = json!([blockhash.to_string(), options]);
        let answer: InContext<bool> =
            self.nodes.call_one(node, "isBlockhashValid", &params, CALL_TIMEOUT).await?;
        Ok(answer.value)
    }

    /// Accounts as one node has them, at most [`Self::ACCOUNTS_MAX`].
    pub(crate) async fn accounts_of(
        &self,
        node: usize,
        addresses: &[Pubkey],
        commitment: Commitment,
    ) -> Result<Snapshot, Error> {
        let params = accounts::params(addresses, commitment, None)?;
        let answer = self.nodes.call_one(node, accounts::ACCOUNTS, &params, CALL_TIMEOUT).await?;
        accounts::read(addresses, answer)
    }

    /// A landed transaction as one node shows it; None if it does not (yet) at this commitment.
    pub(crate) async fn transaction_of(
        &self,
        node: usize,
        signature: &Signature,
        commitment: Commitment,
    ) -> Result<Option<LandedTransaction>, Error> {
        const METHOD: &str = "getTransaction";
        let params = super::transaction_params(signature, commitment);
        let found: Option<WireTransaction> = self.nodes.call_one(node, METHOD, &params, CALL_TIMEOUT).await?;
        let decoded = found.map(WireTransaction::decode).transpose();
        decoded.map_err(|reason| malformed(METHOD, reason))
    }

    /// The latest transactions that named an account, the newest first, as one node knows them.
    pub(crate) async fn signatures_of(
        &self,
        node: usize,
        address: &Pubkey,
        most: usize,
        commitment: Commitment,
    ) -> Result<Vec<AccountSignature>, Error> {
        const METHOD: &str = "getSignaturesForAddress";
        let options = json!({ "limit": most, "commitment": commitment.name() });
        let params = json!([address.to_string(), options]);
        let found: Vec<WireAccountSignature> =
            self.nodes.call_one(node, METHOD, &params, CALL_TIMEOUT).await?;
        complete(METHOD, found.len().min(most), found.len())?;
        Ok(found.into_iter().map(WireAccountSignature::decode).collect())
    }
}
