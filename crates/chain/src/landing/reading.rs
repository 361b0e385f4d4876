//! What a transaction that is in a block did, as several nodes show it.

use super::flight::{Flight, Report};
use super::{MARKER_SIGNATURES_MAX, Pace, WITNESSES};
use crate::transaction::{failed_program, message};
use crate::{Client, Commitment, Error, Explain, LandedTransaction, Snapshot};
use futures_util::future::join_all;
use order_core::order::Observation;
use order_core::{Signature, failure};
use solana_pubkey::Pubkey;
use std::collections::BTreeSet;

/// What is known of a transaction that nodes say is in a block.
#[derive(Debug, PartialEq)]
pub(super) enum Reading {
    Decided(Observation),
    /// Nodes show what cannot be.
    Unreadable(String),
    /// Too few nodes show it yet.
    Waiting,
}

/// Reads transactions that are in a block.
pub(super) struct Reader<'a> {
    pub(super) client: &'a Client,
    pub(super) explain: Explain,
    pub(super) pace: &'a Pace,
}

impl Reader<'_> {
    /// Reads a transaction of which a node says that it is in a block.
    pub(super) async fn read(&self, flight: &Flight, report: Report, witnessed: bool) -> Reading {
        if report.reverted {
            self.read_revert(flight).await
        } else if witnessed {
            self.read_success(flight, report).await
        } else {
            Reading::Waiting
        }
    }

    /// The flights whose success no other host contradicts, and one confirms if it answers: their markers are
    /// there. A node that is behind, or does not answer, says nothing.
    pub(super) async fn witnessed(&self, landed: &[(&Flight, Report)]) -> BTreeSet<Signature> {
        let mut confirmed = BTreeSet::new();
        let mut contradicted = BTreeSet::new();
        for node in (0..self.client.node_count()).filter(|node| self.client.is_reachable(*node)) {
            let elsewhere = |report: &Report| self.client.host(report.node) != self.client.host(node);
            let asked: Vec<_> = landed
                .iter()
                .filter(|(flight, report)| elsewhere(report) && !confirmed.contains(&flight.signature()))
                .filter_map(|(flight, report)| Some((flight.signature(), flight.marker()?, *report)))
                .collect();
            for chunk in asked.chunks(Client::ACCOUNTS_MAX) {
                let Ok(snapshot) = self.markers(node, chunk).await else { continue };
                for ((signature, _, report), account) in chunk.iter().zip(&snapshot.accounts) {
                    if account.is_some() {
                        confirmed.insert(*signature);
                    } else if snapshot.slot >= report.slot {
                        contradicted.insert(*signature);
                    }
                }
            }
        }
        let signatures = landed.iter().map(|(flight, _)| flight.signature());
        signatures.filter(|landed| confirmed.contains(landed) || !contradicted.contains(landed)).collect()
    }

    async fn markers(&self, node: usize, asked: &[(Signature, Pubkey, Report)]) -> Result<Snapshot, Error> {
        let addresses: Vec<_> = asked.iter().map(|(_, address, _)| *address).collect();
        let commitment = asked.iter().map(|(.., report)| report.commitment).min();
        self.client.accounts_of(node, &addresses, commitment.unwrap_or(Commitment::Finalized)).await
    }

    /// Asks one node after the other, the one that told of the success after those that answer: so a lie has to
    /// agree with the truth of another. The amounts must be ones that the chain may have let happen.
    async fn read_success(&self, flight: &Flight, report: Report) -> Reading {
        let signature = flight.signature();
        let nodes = self.client.node_count();
        let mut complaint = None;
        let in_turn =
            (1..=nodes).map(|turn| report.node.saturating_add(turn).checked_rem(nodes).unwrap_or(0));
        let (mut asked, silent): (Vec<usize>, Vec<usize>) =
            in_turn.partition(|node| self.client.is_reachable(*node));
        asked.extend(silent);
        for node in asked {
            let (client, commitment) = (self.client, report.commitment);
            match faults::effect!("transaction", client.transaction_of(node, &signature, commitment).await) {
                // The node may still be on another fork than the one that the status came from.
                Ok(Some(landed)) if landed.failure.is_some() => {}
                Ok(Some(landed)) => match observe(flight, &landed, self.explain) {
                    Ok(observation) => return Reading::Decided(observation),
                    Err(reason) => complaint = Some(reason),
                },
                Ok(None) => {}
                Err(error @ Error::Malformed { .. }) => complaint = Some(error.to_string()),
                Err(error) => tracing::debug!(%signature, %error, "cannot read a landed transaction yet"),
            }
        }
        match complaint {
            Some(reason) => Reading::Unreadable(reason),
            None if report.commitment == Commitment::Finalized
                && flight.has_waited_for_silent_nodes(self.pace) =>
            {
                tracing::warn!(%signature, "a transaction landed and no node shows it: its amounts are unknown");
                Reading::Decided(Observation::Landed { fill: None })
            }
            None => Reading::Waiting,
        }
    }

    /// Weighs what all nodes show. A host votes for success if its marker is the transaction's, or it shows the
    /// transaction without an error; for the revert if it shows the transaction with one and has no such marker.
    async fn read_revert(&self, flight: &Flight) -> Reading {
        let votes = join_all((0..self.client.node_count()).map(|node| self.vote(node, flight))).await;
        let hosts = |success: bool| -> BTreeSet<&str> {
            let votes = votes.iter().enumerate();
            let same = votes.filter(|(_, vote)| vote.success == Some(success));
            same.map(|(node, _)| self.client.host(node)).collect()
        };
        let (successes, reverts) = (hosts(true), hosts(false));
        let shown = |reverted: bool| {
            let mut shown = votes.iter().filter_map(|vote| vote.landed.as_ref());
            shown.find(|landed| landed.failure.is_some() == reverted)
        };
        let mut undecided = votes.iter().enumerate().filter(|(_, vote)| vote.success.is_none());
        let awaited = undecided.any(|(node, _)| self.client.is_reachable(node))
            && !flight.has_waited_for_silent_nodes(self.pace);
        let enough =
            reverts.len() >= self.client.host_count().min(WITNESSES) || !awaited && !reverts.is_empty();
        let landed = match (shown(false), shown(true)) {
            (Some(success), _) if successes.len() > reverts.len() => success,
            (None, Some(revert)) if successes.is_empty() && enough => revert,
            (_, Some(_)) if !successes.is_empty() => {
                return Reading::Unreadable("nodes contradict each other about its success".to_owned());
            }
            (Some(_) | None, Some(_) | None) => return Reading::Waiting,
        };
        observe(flight, landed, self.explain).map_or_else(Reading::Unreadable, Reading::Decided)
    }

    async fn vote(&self, node: usize, flight: &Flight) -> Vote {
        let (client, signature) = (self.client, flight.signature());
        let shown = faults::effect!(
            "transaction",
            client.transaction_of(node, &signature, Commitment::Finalized).await
        );
        let landed = shown.ok().flatten();
        let marker = match flight.marker() {
            Some(marker) => self.client.accounts_of(node, &[marker], Commitment::Finalized).await.ok(),
            None => None,
        };
        let has_marker =
            marker.as_ref().is_some_and(|snapshot| snapshot.accounts.iter().any(Option::is_some));
        // Only a state that has come past the transaction shows that no marker came of it.
        let is_past = |landed: &LandedTransaction| {
            let reached = |snapshot: &Snapshot| snapshot.slot >= landed.slot;
            flight.marker().is_none() || marker.as_ref().is_some_and(reached)
        };
        let told = landed.as_ref().filter(|landed| landed.failure.is_none() || is_past(landed));
        let shown = told.map(|landed| landed.failure.is_none());
        let success = if has_marker { self.success_by_marker(node, flight).await } else { shown };
        Vote { success, landed }
    }

    /// True if one node knows that the transaction has made its marker, false if it knows that others have. None
    /// if it does not tell by which transaction the marker came to be.
    async fn success_by_marker(&self, node: usize, flight: &Flight) -> Option<bool> {
        let marker = flight.marker()?;
        let named = self.client.signatures_of(node, &marker, MARKER_SIGNATURES_MAX, Commitment::Finalized);
        let named = named.await.ok()?;
        let mut succeeded = named.iter().filter(|named| named.succeeded).peekable();
        succeeded.peek()?;
        Some(succeeded.any(|named| named.signature == flight.signature()))
    }
}

/// One node's word about a transaction that some node shows with an error.
struct Vote {
    /// None if it says neither.
    success: Option<bool>,
    landed: Option<LandedTransaction>,
}

fn observe(flight: &Flight, landed: &LandedTransaction, explain: Explain) -> Result<Observation, String> {
    let message = message(&flight.transaction.bytes).map_err(|error| error.to_string())?;
    let LandedTransaction { slot, balances, logs, failure: _, bytes: _ } = landed;
    if let Some(error) = &landed.failure {
        let program = failed_program(&message, error, logs);
        return Ok(Observation::Reverted {
            failure: error.explained(program, logs, explain, failure::Code::TransactionReverted),
            network_fee: balances.network_fee,
            slot: *slot,
        });
    }
    let fill = balances.fill(&flight.trade, message.static_account_keys(), *slot);
    let fill = fill.map_err(|error| error.to_string())?;
    if !flight.trade.allows(&fill) {
        let (spent, bought) = (fill.amount_in.get(), fill.amount_out.get());
        return Err(format!(
            "a node says that it spent {spent} base units for {bought}, which the transaction does not allow"
        ));
    }
    Ok(Observation::Landed { fill: Some(fill) })
}
