//! Metrics of the cluster's nodes and of transactions on their way.

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use std::time::Duration;

/// Describes every metric of this crate.
pub(crate) fn describe() {
    describe_counter!(
        "chain_requests_total",
        "Calls of nodes, by node, method and outcome: ok, refused, limited, unanswered."
    );
    describe_histogram!("chain_request_seconds", "Time of a call of a node, by node and method.");
    describe_counter!(
        "chain_nodes_of_another_cluster_total",
        "Nodes that were found to be of another cluster."
    );
    describe_counter!("chain_pubsub_losses_total", "Subscriptions to nodes that were lost.");
    describe_histogram!(
        "chain_first_send_seconds",
        "Time from an order's signature being handed over to the first node that took its bytes."
    );
    describe_counter!(
        "chain_handovers_total",
        "Sends of a transaction's bytes, by sender (a node, or one of SENDERS) and outcome: accepted, refused, limited, \
         unanswered, skipped."
    );
    describe_histogram!(
        "chain_handover_seconds",
        "Time until a sender answered a transaction's bytes, by sender."
    );
    describe_counter!(
        "chain_accepted_landings_total",
        "Transactions in a block that a sender has accepted, by sender: each counts for all who accepted it."
    );
    describe_counter!(
        "chain_first_landings_total",
        "Transactions in a block, by the sender that was the first to accept them."
    );
    describe_counter!("chain_sends_total", "Sends of a transaction's bytes, each to all nodes.");
    describe_counter!(
        "chain_observations_total",
        "Transactions that the chain has decided, by outcome: landed, reverted, expired."
    );
    describe_histogram!(
        "chain_landing_seconds",
        "Time from the start of the watch to the chain's decision, by outcome."
    );
    describe_gauge!("chain_transactions_in_flight", "Transactions that wait for the chain's decision.");
    describe_gauge!(
        "chain_transactions_undecided",
        "Transactions in flight that need an operator: no node decides them."
    );
    describe_counter!(
        "chain_transactions_undecided_total",
        "Transactions that no node had decided within five minutes."
    );
}

/// A call of a node has ended. The node is host and port alone: its URL may hold a key.
pub(crate) fn requested(node: &str, method: &'static str, outcome: &'static str, took: Duration) {
    let node = node.to_owned();
    histogram!("chain_request_seconds", "node" => node.clone(), "method" => method).record(took);
    counter!("chain_requests_total", "node" => node, "method" => method, "outcome" => outcome).increment(1);
}

pub(crate) fn of_another_cluster() {
    counter!("chain_nodes_of_another_cluster_total").increment(1);
}

pub(crate) fn subscription_lost() {
    counter!("chain_pubsub_losses_total").increment(1);
}

/// The first send that a node has taken.
pub(crate) fn first_sent(took: Duration) {
    histogram!("chain_first_send_seconds").record(took);
}

/// A node or sender was handed a transaction. The name is host and port alone: the URL may hold a key.
pub(crate) fn handed_over(sender: &str, outcome: &'static str, took: Option<Duration>) {
    let sender = sender.to_owned();
    if let Some(took) = took {
        histogram!("chain_handover_seconds", "sender" => sender.clone()).record(took);
    }
    counter!("chain_handovers_total", "sender" => sender, "outcome" => outcome).increment(1);
}

/// A transaction is in a block that a node or sender has accepted, maybe as the first of them.
pub(crate) fn in_a_block(taker: &str, first: bool) {
    let taker = taker.to_owned();
    if first {
        counter!("chain_first_landings_total", "sender" => taker.clone()).increment(1);
    }
    counter!("chain_accepted_landings_total", "sender" => taker).increment(1);
}

pub(crate) fn sent() {
    counter!("chain_sends_total").increment(1);
}

pub(crate) fn observed(outcome: &'static str, took: Duration) {
    counter!("chain_observations_total", "outcome" => outcome).increment(1);
    histogram!("chain_landing_seconds", "outcome" => outcome).record(took);
}

pub(crate) fn became_undecided() {
    counter!("chain_transactions_undecided_total").increment(1);
}

/// Transactions in flight, and those of them that need an operator.
pub(crate) fn flights(all: usize, undecided: usize) {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    gauge!("chain_transactions_in_flight").set(number(all));
    gauge!("chain_transactions_undecided").set(number(undecided));
}
