//! Evidence that a transaction can never land.

use super::flight::{Flight, Report, Suspect};
use super::{MARKER_SIGNATURES_MAX, Pace, WITNESSES, decisive};
use crate::{Client, Commitment, EpochInfo, Error, SignatureStatus, Snapshot};
use futures_util::future::join_all;
use order_core::Signature;
use std::collections::{BTreeMap, BTreeSet};

/// One node's word about a transaction that its finalized chain has left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Testimony {
    /// It is in a block, this sure, with or without an error.
    InBlock { commitment: Commitment, reverted: bool, slot: u64 },
    /// It may still land, or be in a block of a fork that may yet be dropped.
    Pending,
    /// It is in no block, and its marker is not there.
    Absent,
}

impl Testimony {
    /// That of a node with such a status, if it is sure enough.
    fn in_block(status: &SignatureStatus, commitment: Commitment) -> Option<Self> {
        decisive(status, commitment).map(|commitment| Self::InBlock {
            commitment,
            reverted: status.failure.is_some(),
            slot: status.slot,
        })
    }
}

/// The word of all nodes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is in a block, with or without success.
    Landed(Report),
    /// It can never land.
    Absent {
        /// No node kept silent.
        all_answered: bool,
    },
    Undecided,
}

/// Asks each node whether it has any of the suspects, or its finalized chain has left it behind.
pub(super) async fn verdicts(
    client: Client,
    suspects: Vec<Suspect>,
    commitment: Commitment,
) -> BTreeMap<Signature, Verdict> {
    let (client, suspects) = (&client, suspects.as_slice());
    let (nodes, hosts) = (client.node_count(), client.host_count());
    let answers = join_all((0..nodes).map(|node| testimonies(client, node, suspects, commitment))).await;
    let mut heard: BTreeMap<Signature, Vec<(usize, Testimony)>> = BTreeMap::new();
    for (node, answer) in answers.into_iter().enumerate() {
        match answer {
            Ok(testimonies) => {
                for (signature, testimony) in testimonies {
                    heard.entry(signature).or_default().push((node, testimony));
                }
            }
            Err(error) => tracing::debug!(%error, "a node cannot say which transactions have expired"),
        }
    }
    let verdict = |(signature, testimonies): (Signature, Vec<_>)| {
        (signature, judge(&testimonies, nodes, hosts, |node| client.host(node)))
    };
    heard.into_iter().map(verdict).collect()
}

/// One node that has it outweighs any number that do not: found late wins over expired. Of several that have it
/// the surest counts, and success before failure. A node that does not answer is no witness, and is waited for.
fn judge<'a>(
    testimonies: &[(usize, Testimony)],
    nodes: usize,
    hosts: usize,
    host: impl Fn(usize) -> &'a str,
) -> Verdict {
    let mut absent = BTreeSet::new();
    let mut pending = false;
    let mut landed: Option<Report> = None;
    for (node, testimony) in testimonies {
        match *testimony {
            Testimony::InBlock { commitment, reverted, slot } => {
                let report = Report { node: *node, commitment, reverted, slot };
                let rank = |report: &Report| (!report.reverted, report.commitment);
                if landed.as_ref().is_none_or(|earlier| rank(&report) > rank(earlier)) {
                    landed = Some(report);
                }
            }
            Testimony::Pending => pending = true,
            Testimony::Absent => {
                absent.insert(host(*node));
            }
        }
    }
    let all_answered = testimonies.len() == nodes;
    match landed {
        Some(report) => Verdict::Landed(report),
        None if pending || absent.is_empty() => Verdict::Undecided,
        // Too few hosts have spoken, and none is left that could.
        None if all_answered && absent.len() < hosts.min(WITNESSES) => Verdict::Undecided,
        None => Verdict::Absent { all_answered },
    }
}

/// One node's word about every flight that it has, or that its finalized chain has left behind.
///
/// The height is asked first and the history afterwards, of the same node, and the history must come from a
/// bank that has reached the height. How far back it reaches is asked last: what it still has then, it had
/// when it answered. A transaction that landed is then in it. A history can have a hole, so the node's state
/// is asked too: the blockhash must be too old, and the marker must not be there.
async fn testimonies(
    client: &Client,
    node: usize,
    suspects: &[Suspect],
    commitment: Commitment,
) -> Result<Vec<(Signature, Testimony)>, Error> {
    let finalized = faults::effect!("height", client.finalized(node).await)?;
    let past = |suspect: &Suspect| finalized.block_height > suspect.last_valid_block_height;
    let (past, young): (Vec<Suspect>, Vec<Suspect>) = suspects.iter().copied().partition(past);
    let mut testimonies = found(client, node, &young, commitment).await?;
    for chunk in past.chunks(Client::ACCOUNTS_MAX) {
        let signatures: Vec<Signature> = chunk.iter().map(|suspect| suspect.signature).collect();
        let answer = faults::effect!("history", client.history(node, &signatures).await)?;
        if answer.slot < finalized.slot {
            tracing::debug!(answer.slot, finalized.slot, "a node's history is behind its finalized chain");
            continue;
        }
        let first = client.first_available_block(node).await;
        let witness = Witness { client, node, finalized, first: &first, commitment };
        let markers = witness.markers(chunk).await?;
        for (suspect, status) in chunk.iter().zip(answer.statuses) {
            if let Some(testimony) = witness.testify(suspect, status, &markers).await? {
                testimonies.push((suspect.signature, testimony));
            }
        }
    }
    Ok(testimonies)
}

/// Those of some transactions that one node has. Of the others, which may still land, it says nothing. So one
/// node that does not tell of a landing holds up no order.
async fn found(
    client: &Client,
    node: usize,
    young: &[Suspect],
    commitment: Commitment,
) -> Result<Vec<(Signature, Testimony)>, Error> {
    let mut found = Vec::new();
    if client.node_count() == 1 {
        // It is asked for what is recent all the time.
        return Ok(found);
    }
    for chunk in young.chunks(Client::SIGNATURES_MAX) {
        let signatures: Vec<Signature> = chunk.iter().map(|suspect| suspect.signature).collect();
        let statuses = client.history(node, &signatures).await?.statuses;
        for (signature, status) in signatures.into_iter().zip(statuses) {
            if let Some(status) = status
                && let Some(testimony) = Testimony::in_block(&status, commitment)
            {
                found.push((signature, testimony));
            }
        }
    }
    Ok(found)
}

/// A node whose finalized chain is past some transactions.
struct Witness<'a> {
    client: &'a Client,
    node: usize,
    finalized: EpochInfo,
    first: &'a Result<u64, Error>,
    commitment: Commitment,
}

impl Witness<'_> {
    /// The suspects whose markers exist on the node's finalized chain.
    async fn markers(&self, suspects: &[Suspect]) -> Result<BTreeSet<Signature>, Error> {
        let with_marker: Vec<_> =
            suspects.iter().filter_map(|suspect| Some((suspect.signature, suspect.marker?))).collect();
        if with_marker.is_empty() {
            return Ok(BTreeSet::new());
        }
        let addresses: Vec<_> = with_marker.iter().map(|(_, address)| *address).collect();
        let snapshot = self.client.accounts_of(self.node, &addresses, Commitment::Finalized).await?;
        self.reaches(&snapshot)?;
        let there = with_marker.into_iter().zip(snapshot.accounts);
        Ok(there.filter_map(|((signature, _), account)| account.map(|_| signature)).collect())
    }

    /// A state from before the height says nothing.
    fn reaches(&self, snapshot: &Snapshot) -> Result<(), Error> {
        let reason = || format!("its state is of slot {}, before its finalized one", snapshot.slot);
        let behind = || Error::Malformed { method: "getMultipleAccounts", reason: reason() };
        if snapshot.slot < self.finalized.slot { Err(behind()) } else { Ok(()) }
    }

    /// The node's word about one suspect; None if it cannot know.
    async fn testify(
        &self,
        suspect: &Suspect,
        status: Option<SignatureStatus>,
        markers: &BTreeSet<Signature>,
    ) -> Result<Option<Testimony>, Error> {
        if let Some(status) = status {
            return Ok(Some(Testimony::in_block(&status, self.commitment).unwrap_or(Testimony::Pending)));
        }
        if markers.contains(&suspect.signature) {
            return self.testify_by_marker(suspect).await.map(Some);
        }
        if !suspect.is_within(self.first) {
            let signature = suspect.signature;
            tracing::debug!(self.node, ?self.first, %signature, "a node's history does not reach back");
            return Ok(None);
        }
        // A node that still takes the blockhash contradicts its own height.
        let usable = match suspect.blockhash {
            Some(blockhash) => self.client.is_blockhash_valid(self.node, blockhash).await?,
            None => false,
        };
        Ok(Some(if usable { Testimony::Pending } else { Testimony::Absent }))
    }

    /// The word of a node that lacks the transaction and has its marker. If another transaction has put
    /// lamports there, this one did not land.
    async fn testify_by_marker(&self, suspect: &Suspect) -> Result<Testimony, Error> {
        let Some(marker) = suspect.marker else { return Ok(Testimony::Pending) };
        let named = self
            .client
            .signatures_of(self.node, &marker, MARKER_SIGNATURES_MAX, Commitment::Finalized)
            .await?;
        let mut succeeded = named.iter().filter(|named| named.succeeded).peekable();
        if succeeded.peek().is_none() {
            // It exists, and the history does not say by which transaction.
            return Ok(Testimony::Pending);
        }
        let ours = succeeded.any(|named| named.signature == suspect.signature);
        let slot = self.finalized.slot;
        let landed = Testimony::InBlock { commitment: Commitment::Finalized, reverted: false, slot };
        Ok(if ours { landed } else { Testimony::Absent })
    }
}

/// Applies a verdict that a flight can never land; true if that is certain now.
pub(super) fn is_expired(flight: &mut Flight, verdict: Verdict, pace: &Pace) -> bool {
    match verdict {
        Verdict::Absent { all_answered } => flight.note_absent(all_answered, pace),
        Verdict::Landed(_) | Verdict::Undecided => {
            flight.note_undecided();
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_needs_every_witness_and_no_trace() {
        let (confirmed, finalized) = (Commitment::Confirmed, Commitment::Finalized);
        let (absent, pending) = (Testimony::Absent, Testimony::Pending);
        let found = |commitment| Testimony::InBlock { commitment, reverted: false, slot: 9 };
        let failed = Testimony::InBlock { commitment: finalized, reverted: true, slot: 9 };
        let report = |node, commitment, reverted| Report { node, commitment, reverted, slot: 9 };
        let landed = |node, commitment| Verdict::Landed(report(node, commitment, false));
        let reverted = |node| Verdict::Landed(report(node, finalized, true));
        for (testimonies, hosts, verdict) in [
            (vec![], 1, Verdict::Undecided),
            (vec![absent], 1, Verdict::Absent { all_answered: false }),
            (vec![absent], 2, Verdict::Absent { all_answered: false }),
            (vec![absent, absent], 2, Verdict::Absent { all_answered: true }),
            (vec![absent, absent, found(finalized)], 2, landed(2, finalized)),
            (vec![found(confirmed), absent], 1, landed(0, confirmed)),
            (vec![found(confirmed), pending, found(finalized)], 1, landed(2, finalized)),
            (vec![failed, found(confirmed)], 2, landed(1, confirmed)),
            (vec![failed, absent], 2, reverted(0)),
            (vec![absent, absent, pending], 2, Verdict::Undecided),
        ] {
            let heard: Vec<_> = testimonies.iter().copied().enumerate().collect();
            let judged = judge(&heard, 2, hosts, |node| ["a", "b", "c"][node]);
            assert_eq!(judged, verdict, "{testimonies:?}");
        }
    }

    #[test]
    fn nodes_of_one_host_are_one_witness() {
        let heard = [(0, Testimony::Absent), (1, Testimony::Absent)];
        assert_eq!(judge(&heard, 2, 2, |_| "same"), Verdict::Undecided);
        assert_eq!(judge(&heard, 3, 2, |_| "same"), Verdict::Absent { all_answered: false });
        assert_eq!(judge(&heard, 2, 1, |_| "same"), Verdict::Absent { all_answered: true });
    }
}
