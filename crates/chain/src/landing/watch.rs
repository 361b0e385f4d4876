//! The one task that asks what became of the transactions in flight.

use super::expiry::{self, Verdict, is_expired};
use super::flight::{Flight, Report};
use super::reading::{Reader, Reading};
use super::{Pace, decisive};
use crate::{Client, Commitment, Error, Explain, Statuses, metrics};
use futures_util::{StreamExt, stream};
use order_core::Signature;
use order_core::order::Observation;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior};

/// Landed transactions that are read at the same time: the node's other callers want answers too.
const READS_AT_ONCE: usize = 16;
/// A transaction is decided after two minutes at most if nodes answer; past this a human should look.
const UNDECIDED_ALARM: Duration = Duration::from_secs(300);

/// Watches all that is in flight.
pub(super) struct Watch {
    client: Client,
    commitment: Commitment,
    explain: Explain,
    /// The newest slot, each of which is a reason to look.
    slots: Option<watch::Receiver<u64>>,
    pace: Pace,
    flights: Vec<Flight>,
    /// The last look for landed transactions.
    looked_at: Instant,
    /// True if the last call for statuses went unanswered: said once, not at every look.
    unanswered: bool,
    undecided: Arc<AtomicUsize>,
    /// A search at all nodes that is under way.
    search: Option<JoinHandle<BTreeMap<Signature, Verdict>>>,
}

impl Watch {
    pub(super) fn new(
        client: Client,
        commitment: Commitment,
        explain: Explain,
        slots: Option<watch::Receiver<u64>>,
        pace: Pace,
        undecided: Arc<AtomicUsize>,
    ) -> Self {
        Self {
            client,
            commitment,
            explain,
            slots,
            pace,
            flights: Vec::new(),
            looked_at: Instant::now(),
            unanswered: false,
            undecided,
            search: None,
        }
    }

    /// Runs until nobody can ask for a landing any more.
    pub(super) async fn run(mut self, mut arrivals: mpsc::Receiver<Flight>) {
        let mut looks = tokio::time::interval(self.pace.status);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_search = None;
        loop {
            if self.flights.is_empty() {
                self.tell();
                match arrivals.recv().await {
                    Some(flight) => self.flights.push(flight),
                    None => return,
                }
            }
            while let Ok(flight) = arrivals.try_recv() {
                self.flights.push(flight);
            }
            self.time_to_look(&mut looks).await;
            // Whoever dropped its landing has lost the order, or will ask again.
            self.flights.retain(|flight| !flight.reply.is_closed());
            self.tell();
            self.look_for_landed().await;
            self.looked_at = Instant::now();
            self.conclude_search().await;
            let due = last_search.is_none_or(|last: Instant| last.elapsed() >= self.pace.expiry);
            if due && self.search.is_none() && !self.flights.is_empty() {
                last_search = Some(Instant::now());
                self.search();
                self.alarm();
            }
        }
    }

    /// Waits for a new slot, or for the time of a look without one.
    async fn time_to_look(&mut self, looks: &mut Interval) {
        let Some(slots) = &mut self.slots else {
            looks.tick().await;
            return;
        };
        let changed = tokio::select! {
            biased;
            _ = looks.tick() => return,
            changed = slots.changed() => changed,
        };
        if changed.is_err() {
            // Whoever followed the slots has ended.
            self.slots = None;
        }
        // The more are in flight, the longer a look may wait for others to be told with them.
        let flights = u32::try_from(self.flights.len()).unwrap_or(u32::MAX);
        let pause = self.pace.look.saturating_mul(flights).min(self.pace.status);
        tokio::time::sleep_until((self.looked_at + pause).max(Instant::now() + self.pace.look)).await;
        looks.reset();
    }

    /// Asks for the recent status of everything in flight. A null says nothing, and neither does an error.
    async fn look_for_landed(&mut self) {
        let signatures: Vec<Signature> = self.flights.iter().map(Flight::signature).collect();
        let mut landed = BTreeMap::new();
        for (chunk, first) in
            signatures.chunks(Client::SIGNATURES_MAX).zip((0..).step_by(Client::SIGNATURES_MAX))
        {
            let answer = faults::effect!("status", self.client.told_statuses(chunk, false).await);
            self.tell_whether_answered(&answer);
            let Ok((node, Statuses { statuses, slot: _ })) = answer else { continue };
            for ((signature, status), flight) in
                chunk.iter().zip(statuses).zip(self.flights.iter().skip(first))
            {
                flight.in_block.store(status.is_some(), Ordering::Relaxed);
                let Some(status) = status else { continue };
                if let Some(commitment) = decisive(&status, self.commitment) {
                    let reverted = status.failure.is_some();
                    let slot = status.slot;
                    landed.insert(*signature, Report { node, commitment, reverted, slot });
                }
            }
        }
        self.conclude(landed).await;
    }

    /// Asks each node, beside everything else, for the transactions that have been in flight for a while: it may
    /// have one that the preferred node does not tell of, or its finalized chain may have left it behind. A node
    /// that hangs holds up no landing.
    fn search(&mut self) {
        let waits = |flight: &&Flight| flight.since.elapsed() >= self.pace.expiry;
        let suspects: Vec<_> = self.flights.iter().filter(waits).map(Flight::suspect).collect();
        if suspects.is_empty() {
            return;
        }
        let search = expiry::verdicts(self.client.clone(), suspects, self.commitment);
        self.search = Some(tokio::spawn(search));
    }

    /// Takes what such a search has found.
    async fn conclude_search(&mut self) {
        let Some(search) = self.search.take_if(|search| search.is_finished()) else { return };
        // It panicked: the next one follows.
        let Ok(verdicts) = search.await else { return };
        let mut landed = BTreeMap::new();
        let mut expired = Vec::new();
        for flight in &mut self.flights {
            let verdict = verdicts.get(&flight.signature()).copied().unwrap_or(Verdict::Undecided);
            if is_expired(flight, verdict, &self.pace) {
                expired.push(flight.signature());
            }
            if let Verdict::Landed(report) = verdict {
                landed.insert(flight.signature(), report);
            }
        }
        expired.into_iter().for_each(|signature| self.finish(signature, &Observation::Expired));
        self.conclude(landed).await;
    }

    /// Reads what these transactions did, and tells whoever waits for it. A transaction that too few nodes show
    /// yet, or that cannot be read, stays in flight.
    async fn conclude(&mut self, landed: BTreeMap<Signature, Report>) {
        if landed.is_empty() {
            return;
        }
        for flight in self.flights.iter_mut().filter(|flight| landed.contains_key(&flight.signature())) {
            flight.note_landed();
        }
        let reader = Reader { client: &self.client, explain: self.explain, pace: &self.pace };
        let reported: Vec<(&Flight, Report)> = self
            .flights
            .iter()
            .filter_map(|flight| Some((flight, *landed.get(&flight.signature())?)))
            .collect();
        let successes: Vec<_> = reported.iter().filter(|(_, report)| !report.reverted).copied().collect();
        let witnessed = reader.witnessed(&successes).await;
        let reads: Vec<_> = reported
            .into_iter()
            .map(|(flight, report)| {
                let (reader, signature) = (&reader, flight.signature());
                let witnessed = witnessed.contains(&signature);
                async move { (signature, reader.read(flight, report, witnessed).await) }
            })
            .collect();
        let read: Vec<_> = stream::iter(reads).buffer_unordered(READS_AT_ONCE).collect().await;
        for (signature, reading) in read {
            match reading {
                Reading::Decided(observation) => self.finish(signature, &observation),
                Reading::Unreadable(reason) => self.complain(signature, &reason),
                Reading::Waiting => {}
            }
        }
    }

    fn tell_whether_answered(&mut self, answer: &Result<(usize, Statuses), Error>) {
        if answer.is_err() == self.unanswered {
            return;
        }
        self.unanswered = answer.is_err();
        match answer {
            Ok(_) => tracing::info!("nodes tell the status of transactions in flight again"),
            Err(error) => tracing::warn!(%error, "no node tells the status of transactions in flight"),
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
            metrics::observed(outcome, flight.since.elapsed());
            if *observation != Observation::Expired {
                flight.receipt.land();
            }
            // Nobody may be waiting any more: the next owner of the order asks again.
            let _ = flight.reply.send(observation.clone());
        }
    }

    /// Calls for a human where nodes leave a transaction undecided for too long. It stays in flight:
    /// it may have landed.
    fn alarm(&mut self) {
        let overdue = |flight: &&mut Flight| flight.since.elapsed() >= UNDECIDED_ALARM;
        for flight in self.flights.iter_mut().filter(overdue).filter(|flight| !flight.alarmed) {
            flight.alarmed = true;
            metrics::became_undecided();
            tracing::error!(
                signature = %flight.transaction.signature,
                "no node tells the outcome of a transaction, and it is not given up; check the RPC nodes and \
                 how far back their histories reach, or settle the order with evidence of your own"
            );
        }
    }

    /// Says how many transactions are in flight, and how many of them need a human.
    fn tell(&self) {
        let need_a_human = |flight: &&Flight| flight.alarmed || flight.unreadable;
        let undecided = self.flights.iter().filter(need_a_human).count();
        self.undecided.store(undecided, Ordering::Relaxed);
        metrics::flights(self.flights.len(), undecided);
    }
}
