//! The one task that asks what became of the transactions in flight.

use super::Pace;
use crate::transaction::{failed_program, message};
use crate::{Client, Commitment, Error, Explain, LandedTransaction, SignatureStatus, Trade};
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use order_core::order::{Observation, SignedTransaction};
use order_core::{Signature, failure};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior};

/// Landed transactions that are read at the same time: the node's other callers want answers too.
const READS_AT_ONCE: usize = 16;
/// Nodes that must not know a transaction before it counts as expired, where there are as many.
const WITNESSES: usize = 2;
/// A transaction is decided after two minutes at most if nodes answer; past this a human should look.
const UNDECIDED_ALARM: Duration = Duration::from_secs(300);

/// A transaction that may land.
#[derive(Debug)]
pub(super) struct Flight {
    transaction: SignedTransaction,
    trade: Trade,
    reply: oneshot::Sender<Observation>,
    since: Instant,
    /// A human was called because nobody says what became of it.
    alarmed: bool,
    /// A human was called because it landed and makes no sense.
    unreadable: bool,
}

impl Flight {
    pub(super) fn new(
        transaction: SignedTransaction,
        trade: Trade,
        reply: oneshot::Sender<Observation>,
    ) -> Self {
        Self { transaction, trade, reply, since: Instant::now(), alarmed: false, unreadable: false }
    }
}

/// Watches all that is in flight.
pub(super) struct Watch {
    client: Client,
    commitment: Commitment,
    explain: Explain,
    pace: Pace,
    flights: Vec<Flight>,
    /// Whether the last call for statuses went unanswered: said once, not at every look.
    unanswered: bool,
}

/// What one node says of a transaction that its finalized chain has left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Testimony {
    /// It is in its history, this sure, and that is enough.
    Decisive(Commitment),
    /// It is in its history, but its fork may yet be dropped.
    Pending,
    /// Its history lacks it.
    Absent,
}

/// What all nodes together say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// In a block, with or without success, this sure.
    Landed(Commitment),
    Expired,
    Undecided,
}

impl Watch {
    pub(super) fn new(client: Client, commitment: Commitment, explain: Explain, pace: Pace) -> Self {
        Self { client, commitment, explain, pace, flights: Vec::new(), unanswered: false }
    }

    /// Runs until nobody can ask for a landing any more.
    pub(super) async fn run(mut self, mut arrivals: mpsc::Receiver<Flight>) {
        let mut looks = tokio::time::interval(self.pace.status);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_expiry_look = None;
        loop {
            if self.flights.is_empty() {
                tell_in_flight(0);
                match arrivals.recv().await {
                    Some(flight) => self.flights.push(flight),
                    None => return,
                }
            }
            while let Ok(flight) = arrivals.try_recv() {
                self.flights.push(flight);
            }
            looks.tick().await;
            // Whoever dropped its landing has lost the order, or will ask again.
            self.flights.retain(|flight| !flight.reply.is_closed());
            tell_in_flight(self.flights.len());
            self.look_for_landed().await;
            if last_expiry_look.is_none_or(|last: Instant| last.elapsed() >= self.pace.expiry) {
                last_expiry_look = Some(Instant::now());
                self.look_for_expired().await;
                self.alarm();
            }
        }
    }

    /// Asks for the recent status of everything in flight. A null says nothing, and neither does an error.
    async fn look_for_landed(&mut self) {
        let signatures: Vec<Signature> = self.flights.iter().map(Flight::signature).collect();
        let mut landed = BTreeMap::new();
        for chunk in signatures.chunks(Client::SIGNATURES_MAX) {
            let answer = faults::effect!("status", self.client.signature_statuses(chunk, false).await);
            if answer.is_err() != self.unanswered {
                self.unanswered = answer.is_err();
                match &answer {
                    Ok(_) => tracing::info!("nodes tell the status of transactions in flight again"),
                    Err(error) => {
                        tracing::warn!(%error, "no node tells the status of transactions in flight")
                    }
                }
            }
            for (signature, status) in
                chunk.iter().zip(answer.map_or_else(|_| Vec::new(), |answer| answer.statuses))
            {
                if let Some(sure) = status.and_then(|status| decisive(&status, self.commitment)) {
                    landed.insert(*signature, sure);
                }
            }
        }
        self.conclude(landed).await;
    }

    /// Asks each node whether its finalized chain has left a transaction behind without having it.
    async fn look_for_expired(&mut self) {
        if self.flights.is_empty() {
            return;
        }
        let answers = join_all((0..self.client.node_count()).map(|node| self.testimonies(node))).await;
        let mut heard: BTreeMap<Signature, Vec<Testimony>> = BTreeMap::new();
        for answer in answers {
            match answer {
                Ok(testimonies) => {
                    for (signature, testimony) in testimonies {
                        heard.entry(signature).or_default().push(testimony);
                    }
                }
                Err(error) => tracing::debug!(%error, "a node cannot say which transactions have expired"),
            }
        }
        let witnesses = self.client.node_count().min(WITNESSES);
        let mut landed = BTreeMap::new();
        for (signature, testimonies) in heard {
            match judge(&testimonies, witnesses) {
                Verdict::Landed(sure) => {
                    landed.insert(signature, sure);
                }
                Verdict::Expired => self.finish(signature, &Observation::Expired),
                Verdict::Undecided => {}
            }
        }
        self.conclude(landed).await;
    }

    /// What one node says of every transaction that its finalized chain has left behind.
    ///
    /// The height is asked first and the history afterwards, of the same node, and the history must
    /// come from a bank that has reached the height. How far back it reaches is asked last: what it
    /// still has then, it had when it answered. Then a transaction that landed is in it.
    async fn testimonies(&self, node: usize) -> Result<Vec<(Signature, Testimony)>, Error> {
        let finalized = faults::effect!("height", self.client.finalized(node).await)?;
        let past = |flight: &&Flight| finalized.block_height > flight.transaction.last_valid_block_height;
        let past: Vec<&Flight> = self.flights.iter().filter(past).collect();
        let mut testimonies = Vec::with_capacity(past.len());
        for chunk in past.chunks(Client::SIGNATURES_MAX) {
            let signatures: Vec<Signature> = chunk.iter().map(|flight| flight.signature()).collect();
            let answer = faults::effect!("history", self.client.history(node, &signatures).await)?;
            if answer.slot < finalized.slot {
                tracing::debug!(
                    answer.slot,
                    finalized.slot,
                    "a node's history is behind its finalized chain"
                );
                continue;
            }
            let first = self.client.first_available_block(node).await;
            for (flight, status) in chunk.iter().zip(answer.statuses) {
                let testimony = match status {
                    Some(status) => {
                        decisive(&status, self.commitment).map_or(Testimony::Pending, Testimony::Decisive)
                    }
                    None if flight.is_within(&first) => Testimony::Absent,
                    None => {
                        let signature = flight.signature();
                        tracing::debug!(node, ?first, %signature, "a node's history does not reach back");
                        continue;
                    }
                };
                testimonies.push((flight.signature(), testimony));
            }
        }
        Ok(testimonies)
    }

    /// Reads what these transactions did, and tells whoever waits for it. A transaction that no node
    /// shows yet, or that cannot be read, stays in flight.
    async fn conclude(&mut self, landed: BTreeMap<Signature, Commitment>) {
        let sure = |flight| Some((flight, *landed.get(&Flight::signature(flight))?));
        let landed = self.flights.iter().filter_map(sure);
        let reads: Vec<_> = landed.map(|(flight, sure)| self.read(flight, sure)).collect();
        let read: Vec<_> = stream::iter(reads).buffer_unordered(READS_AT_ONCE).collect().await;
        for (signature, observation) in read.into_iter().flatten() {
            match observation {
                Ok(observation) => self.finish(signature, &observation),
                Err(reason) => self.complain(signature, &reason),
            }
        }
    }

    /// None if no node shows the transaction (yet), or it failed on a fork that may yet be dropped;
    /// an error if what they show makes no sense.
    ///
    /// It is read as surely as its status was: once that is finalized, a node that was left behind on
    /// a dropped fork has no say.
    async fn read(
        &self,
        flight: &Flight,
        sure: Commitment,
    ) -> Option<(Signature, Result<Observation, String>)> {
        let signature = flight.signature();
        match faults::effect!("transaction", self.client.transaction(&signature, sure).await) {
            Ok(landed) => {
                // The node that shows it may be on another fork than the one that told its status.
                let landed = landed.filter(|landed| sure >= needed(landed.failure.is_some(), sure))?;
                Some((signature, observe(flight, &landed, self.explain)))
            }
            Err(error) => {
                tracing::debug!(%signature, %error, "cannot read a landed transaction yet");
                None
            }
        }
    }

    fn complain(&mut self, signature: Signature, reason: &str) {
        let about = self.flights.iter_mut().filter(|flight| flight.signature() == signature);
        for flight in about.filter(|flight| !flight.unreadable) {
            flight.unreadable = true;
            tracing::error!(%signature, reason, "a transaction landed and cannot be read; its order waits");
        }
    }

    fn finish(&mut self, signature: Signature, observation: &Observation) {
        let outcome = match observation {
            Observation::Landed { .. } => "landed",
            Observation::Reverted { .. } => "reverted",
            Observation::Expired => "expired",
        };
        for flight in self.flights.extract_if(.., |flight| flight.signature() == signature) {
            metrics::counter!("chain_observations_total", "outcome" => outcome).increment(1);
            metrics::histogram!("chain_landing_seconds", "outcome" => outcome).record(flight.since.elapsed());
            // Nobody may be waiting any more: the next owner of the order asks again.
            let _ = flight.reply.send(observation.clone());
        }
    }

    /// Calls for a human where nodes leave a transaction undecided for too long. It stays in flight:
    /// it may have landed.
    fn alarm(&mut self) {
        for flight in &mut self.flights {
            if !flight.alarmed && flight.since.elapsed() >= UNDECIDED_ALARM {
                flight.alarmed = true;
                metrics::counter!("chain_transactions_undecided_total").increment(1);
                tracing::error!(
                    signature = %flight.transaction.signature,
                    "no node says what became of a transaction, and it is not given up; check the RPC nodes \
                     and how far back their histories reach"
                );
            }
        }
    }
}

impl Flight {
    fn signature(&self) -> Signature {
        self.transaction.signature
    }

    /// Whether a history that begins with this block has the transaction, if it landed.
    fn is_within(&self, first: &Result<u64, Error>) -> bool {
        match (self.transaction.blockhash_slot, first) {
            // Signed before this was recorded.
            (None, _) => true,
            (Some(slot), Ok(first)) => *first <= slot,
            (Some(_), Err(_)) => false,
        }
    }
}

fn tell_in_flight(transactions: usize) {
    metrics::gauge!("chain_transactions_in_flight").set(u32::try_from(transactions).unwrap_or(u32::MAX));
}

/// How sure a transaction's end must be, where a landing counts at `commitment`.
///
/// A failure must be finalized whatever the setting, because it sets the order free for a second
/// transaction. If the fork of the failure were dropped, the first, whose blockhash may still be
/// valid, could land beside the second, and the trade would be made twice. A success ends the order:
/// nothing is signed after it.
fn needed(failed: bool, commitment: Commitment) -> Commitment {
    if failed { Commitment::Finalized } else { commitment }
}

/// How sure it is that the transaction has come to its end; None if that is not enough.
fn decisive(status: &SignatureStatus, commitment: Commitment) -> Option<Commitment> {
    let needed = needed(status.failure.is_some(), commitment);
    (status.commitment >= needed).then_some(status.commitment)
}

/// One node that has it outweighs any number that do not: found late wins over expired. Of several
/// that have it the surest counts.
fn judge(testimonies: &[Testimony], witnesses: usize) -> Verdict {
    let mut absent = 0usize;
    let mut pending = false;
    let mut landed = None;
    for testimony in testimonies {
        match testimony {
            Testimony::Decisive(sure) => landed = landed.max(Some(*sure)),
            // It is on a fork that may yet win.
            Testimony::Pending => pending = true,
            Testimony::Absent => absent = absent.saturating_add(1),
        }
    }
    match landed {
        Some(sure) => Verdict::Landed(sure),
        None if absent >= witnesses && !pending => Verdict::Expired,
        None => Verdict::Undecided,
    }
}

fn observe(flight: &Flight, landed: &LandedTransaction, explain: Explain) -> Result<Observation, String> {
    let message = message(&flight.transaction.bytes).map_err(|error| error.to_string())?;
    let LandedTransaction { slot, balances, logs, failure: _ } = landed;
    match &landed.failure {
        Some(error) => {
            let program = failed_program(&message, error, logs);
            Ok(Observation::Reverted {
                failure: error.explained(program, logs, explain, failure::Code::TransactionReverted),
                network_fee: balances.network_fee,
                slot: *slot,
            })
        }
        None => {
            let fill = balances.fill(&flight.trade, message.static_account_keys(), *slot);
            Ok(Observation::Landed { fill: fill.map_err(|error| error.to_string())? })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_needs_every_witness_and_no_trace() {
        let (confirmed, finalized) = (Commitment::Confirmed, Commitment::Finalized);
        let (absent, pending, found) = (Testimony::Absent, Testimony::Pending, Testimony::Decisive);
        for (testimonies, witnesses, verdict) in [
            (vec![], 1, Verdict::Undecided),
            (vec![absent], 1, Verdict::Expired),
            (vec![absent], 2, Verdict::Undecided),
            (vec![absent, absent], 2, Verdict::Expired),
            (vec![absent, absent, found(finalized)], 2, Verdict::Landed(finalized)),
            (vec![found(confirmed), absent], 1, Verdict::Landed(confirmed)),
            (vec![found(finalized), pending, found(confirmed)], 1, Verdict::Landed(finalized)),
            (vec![absent, absent, pending], 2, Verdict::Undecided),
        ] {
            assert_eq!(judge(&testimonies, witnesses), verdict, "{testimonies:?}");
        }
    }

    #[test]
    fn a_success_is_decisive_at_the_commitment_and_a_failure_only_when_it_is_finalized() {
        let (processed, confirmed, finalized) =
            (Commitment::Processed, Commitment::Confirmed, Commitment::Finalized);
        let success = |commitment| SignatureStatus { slot: 42, commitment, failure: None };
        let failure = crate::TransactionFailure::read(&serde_json::json!("AccountInUse"));
        assert!(failure.is_some());
        let failed = |commitment| SignatureStatus { slot: 42, commitment, failure: failure.clone() };
        for (status, at_confirmed, at_finalized) in [
            (success(processed), None, None),
            (success(confirmed), Some(confirmed), None),
            (success(finalized), Some(finalized), Some(finalized)),
            (failed(processed), None, None),
            (failed(confirmed), None, None),
            (failed(finalized), Some(finalized), Some(finalized)),
        ] {
            assert_eq!(decisive(&status, confirmed), at_confirmed, "{status:?}");
            assert_eq!(decisive(&status, finalized), at_finalized, "{status:?}");
        }
    }
}
