//! Methods about slots, blocks and their hashes.

use super::error::Error;
use super::in_context;
use super::params::{Context, Params, address};
use crate::cluster::{BLOCKHASH_AGE_MAX, Block, Commitment, EPOCH_SLOTS, compute_unit_price};
use crate::node::{Node, View};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use solana_hash::Hash;
use solana_pubkey::Pubkey;
use std::sync::Arc;

/// Recent fees are of this many blocks, as on real nodes.
const FEE_BLOCKS: usize = 150;

/// The hash that identifies this cluster: another at each start, because an order that was accepted for one chain
/// must not be executed on the next. A node may lie about it.
pub(super) fn genesis_hash(node: &Node) -> String {
    let right = || {
        let hash =
            Sha256::new_with_prefix(b"local sandbox cluster").chain_update(node.view().cluster().entropy());
        Hash::new_from_array(hash.finalize().into()).to_string()
    };
    node.faults().genesis_hash(node.number).unwrap_or_else(right)
}

pub(super) fn slot(node: &Node, params: &Params) -> Result<Value, Error> {
    let context: Context = params.optional(0, "config")?;
    Ok(json!(context.slot(&node.view())?))
}

pub(super) fn block_height(node: &Node, params: &Params) -> Result<Value, Error> {
    let context: Context = params.optional(0, "config")?;
    let block = block(&node.view(), context)?;
    Ok(json!(claimed_height(node, &block)))
}

pub(super) fn epoch_info(node: &Node, params: &Params) -> Result<Value, Error> {
    let context: Context = params.optional(0, "config")?;
    let view = node.view();
    let block = block(&view, context)?;
    Ok(json!({
        "absoluteSlot": block.slot,
        "blockHeight": claimed_height(node, &block),
        "epoch": block.slot / EPOCH_SLOTS,
        "slotIndex": block.slot % EPOCH_SLOTS,
        "slotsInEpoch": EPOCH_SLOTS,
        "transactionCount": view.cluster().history.count(),
    }))
}

pub(super) fn latest_blockhash(node: &Node, params: &Params) -> Result<Value, Error> {
    let context: Context = params.optional(0, "config")?;
    let block = block(&node.view(), context)?;
    let claimed = node.faults().last_valid_block_height(node.number);
    let last_valid = claimed.unwrap_or_else(|| last_valid_block_height(&block));
    Ok(in_context(block.slot, show_blockhash(&block, last_valid)))
}

/// The height that the node says a block has.
fn claimed_height(node: &Node, block: &Block) -> u64 {
    block.height.saturating_add(node.faults().heights_ahead(node.number))
}

/// A blockhash and the last block that may contain a transaction with it.
pub(super) fn blockhash(block: &Block) -> Value {
    show_blockhash(block, last_valid_block_height(block))
}

fn show_blockhash(block: &Block, last_valid: u64) -> Value {
    json!({ "blockhash": block.hash.to_string(), "lastValidBlockHeight": last_valid })
}

fn last_valid_block_height(block: &Block) -> u64 {
    block.height.saturating_add(BLOCKHASH_AGE_MAX)
}

pub(super) fn is_blockhash_valid(node: &Node, params: &Params) -> Result<Value, Error> {
    let hash: String = params.required(0, "blockhash")?;
    let hash = hash.parse().map_err(|_| Error::invalid_params("Invalid param: not a blockhash"))?;
    let context: Context = params.optional(1, "config")?;
    let view = node.view();
    let seen = block(&view, context)?;
    let named = view.cluster().bank.usable_blockhash(&hash, seen.height);
    Ok(in_context(seen.slot, json!(named.is_some_and(|named| named.slot <= seen.slot))))
}

pub(super) fn recent_prioritization_fees(node: &Node, params: &Params) -> Result<Value, Error> {
    let addresses: Vec<String> = params.optional(0, "addresses")?;
    let addresses = addresses.iter().map(|text| address(text)).collect::<Result<Vec<_>, _>>()?;
    let view = node.view();
    let newest = view.slot(Commitment::Processed);
    // Real nodes remember no block without a transaction.
    let blocks = view.cluster().bank.blocks_until(newest).filter(|block| !block.landed.is_empty());
    let mut blocks: Vec<_> = blocks.take(FEE_BLOCKS).collect();
    blocks.reverse();
    let fees = blocks
        .into_iter()
        .map(|block| json!({ "slot": block.slot, "prioritizationFee": least_price(block, &addresses) }));
    Ok(Value::Array(fees.collect()))
}

/// The least price that got a transaction into a block which writes all these accounts.
fn least_price(block: &Block, addresses: &[Pubkey]) -> u64 {
    let writers = block.landed.iter().filter(|landed| {
        let written = |address: &Pubkey| {
            let mut all = landed.accounts.addresses.iter().enumerate();
            all.any(|(index, key)| key == address && landed.accounts.is_writable(&landed.transaction, index))
        };
        addresses.iter().all(written)
    });
    writers.map(|landed| compute_unit_price(&landed.transaction)).min().unwrap_or(0)
}

fn block(view: &View<'_>, context: Context) -> Result<Arc<Block>, Error> {
    context.slot(view)?;
    newest_block(view, context.commitment)
}

/// The newest block that a commitment sees.
pub(super) fn newest_block(view: &View<'_>, commitment: Commitment) -> Result<Arc<Block>, Error> {
    let block = view.block(commitment).cloned();
    block.ok_or_else(|| Error::internal(&anyhow::anyhow!("the cluster has no block yet")))
}
