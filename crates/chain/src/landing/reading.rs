//! What a transaction that is in a block did, as several nodes show it.

use super::flight::{Flight, Report};
use super::{Pace, WITNESSES};
use crate::transaction::{failed_program, message};
use crate::{Client, Commitment, Error, Explain, LandedTransaction};
use futures_util::future::join_all;
use order_core::order::Observation;
use order_core::{Signature, failure};
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

    /// The flights whose success a second host confirms: their markers are there. Where there is only one host,
    /// or the others are silent for too long, the word of the one counts.
    pub(super) async fn witnessed(&self, landed: &[(&Flight, Report)]) -> BTreeSet<Signature> {
        let mut witnessed = BTreeSet::new();
        if self.client.host_count() < WITNESSES {
            witnessed.extend(landed.iter().map(|(flight, _)| flight.signature()));
            return witnessed;
        }
        // Before there were markers, one node's word was enough.
        let without = landed.iter().filter(|(flight, _)| flight.marker().is_none());
        witnessed.extend(without.map(|(flight, _)| flight.signature()));
        let mut answered = BTreeSet::new();
        for node in 0..self.client.node_count() {
            let elsewhere = |report: &Report| self.client.host(report.node) != self.client.host(node);
            let open = |signature: &Signature| !witnessed.contains(signature);
            let asked: Vec<_> = landed
                .iter()
                .filter(|(flight, report)| elsewhere(report) && open(&flight.signature()))
                .filter_map(|(flight, report)| {
                    Some((flight.signature(), flight.marker()?, report.commitment))
                })
                .collect();
            for chunk in asked.chunks(Client::ACCOUNTS_MAX) {
                let Ok(there) = self.markers(node, chunk).await else { continue };
                answered.extend(chunk.iter().map(|(signature, ..)| *signature));
                witnessed.extend(there);
            }
        }
        let silent = |flight: &Flight| !answered.contains(&flight.signature());
        let patient = |flight: &Flight| flight.has_waited_for_silent_nodes(self.pace);
        let alone = landed.iter().filter(|(flight, _)| silent(flight) && patient(flight));
        witnessed.extend(alone.map(|(flight, _)| flight.signature()));
        witnessed
    }

    async fn markers(
        &self,
        node: usize,
        asked: &[(Signature, solana_pubkey::Pubkey, Commitment)],
    ) -> Result<Vec<Signature>, Error> {
        let addresses: Vec<_> = asked.iter().map(|(_, address, _)| *address).collect();
        let commitment = asked.iter().map(|(.., commitment)| *commitment).min();
        let commitment = commitment.unwrap_or(Commitment::Finalized);
        let snapshot = self.client.accounts_of(node, &addresses, commitment).await?;
        let there = asked.iter().zip(snapshot.accounts);
        Ok(there.filter_map(|((signature, ..), account)| account.map(|_| *signature)).collect())
    }

    /// Asks one node after the other, the one that told of the success last: so a lie has to agree with the
    /// truth of another. The amounts must be ones that the chain may have let happen.
    async fn read_success(&self, flight: &Flight, report: Report) -> Reading {
        let signature = flight.signature();
        let nodes = self.client.node_count();
        let mut complaint = None;
        for turn in 1..=nodes {
            let node = report.node.saturating_add(turn).checked_rem(nodes).unwrap_or(0);
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

    /// Weighs what all nodes show. A host votes for success if it has the marker, or shows the transaction without
    /// an error; for the revert if it shows the transaction with one and has no marker.
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
        let silent = votes.iter().any(|vote| vote.success.is_none());
        let enough = reverts.len() >= self.client.host_count().min(WITNESSES)
            || silent && !reverts.is_empty() && flight.has_waited_for_silent_nodes(self.pace);
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
        let success = match &landed {
            _ if has_marker => Some(true),
            Some(landed) => Some(landed.failure.is_none()),
            None => None,
        };
        Vote { success, landed }
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
