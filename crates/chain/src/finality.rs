//! Nodes' word on landings that counted before they were finalized.

use crate::{Client, Commitment, SignatureStatus};
use futures_util::future::join_all;
use order_core::Signature;

/// A landing as it was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// The transaction.
    pub signature: Signature,
    /// The slot that it was in, if nodes said.
    pub slot: Option<u64>,
}

/// The word of all nodes on a landing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finality {
    /// It is finalized where it was: every node that answers says so.
    Final,
    /// It is on its way there, or a node is behind.
    Open,
    /// No node that answers has it, or one has it elsewhere, or as reverted: its block may have been dropped.
    Doubtful,
}

/// One node's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Final,
    Open,
    Elsewhere,
    Missing,
}

impl Client {
    /// Asks every node at once for at most [`Self::SIGNATURES_MAX`] landings. A node that does not answer has no
    /// word; if none answers, all landings are open.
    pub async fn finality(&self, landings: &[Recorded]) -> Vec<Finality> {
        let signatures: Vec<Signature> = landings.iter().map(|landing| landing.signature).collect();
        let answers = join_all((0..self.node_count()).map(|node| self.history(node, &signatures))).await;
        let answers: Vec<_> = answers.into_iter().flatten().map(|answer| answer.statuses).collect();
        let of = |(place, landing): (usize, &Recorded)| {
            let told = answers.iter().filter_map(|statuses| statuses.get(place));
            judge(&told.map(|status| word(landing, status.as_ref())).collect::<Vec<_>>())
        };
        landings.iter().enumerate().map(of).collect()
    }
}

fn word(landing: &Recorded, status: Option<&SignatureStatus>) -> Word {
    let Some(status) = status else { return Word::Missing };
    if status.failure.is_some() || landing.slot.is_some_and(|slot| slot != status.slot) {
        return Word::Elsewhere;
    }
    if status.commitment >= Commitment::Finalized { Word::Final } else { Word::Open }
}

fn judge(words: &[Word]) -> Finality {
    let all = |wanted: Word| words.iter().all(|word| *word == wanted);
    if words.is_empty() {
        Finality::Open
    } else if all(Word::Final) {
        Finality::Final
    } else if words.contains(&Word::Elsewhere) || all(Word::Missing) {
        Finality::Doubtful
    } else {
        Finality::Open
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::{Answer, Node};
    use serde_json::{Value, json};

    #[test]
    fn a_landing_is_final_when_every_node_that_answers_says_so() {
        let (ended, open, elsewhere, missing) = (Word::Final, Word::Open, Word::Elsewhere, Word::Missing);
        for (words, expected) in [
            (&[ended, ended][..], Finality::Final),
            (&[ended, open], Finality::Open),
            (&[ended, missing], Finality::Open),
            (&[open, missing], Finality::Open),
            (&[missing, missing], Finality::Doubtful),
            (&[ended, elsewhere], Finality::Doubtful),
            (&[], Finality::Open),
        ] {
            assert_eq!(judge(words), expected, "{words:?}");
        }
    }

    #[tokio::test]
    async fn the_slot_and_the_success_must_be_those_that_were_recorded() {
        let status = |slot: u64, err: Value, name: &str| json!({ "slot": slot, "confirmations": null, "err": err, "confirmationStatus": name });
        let failed = json!({ "InstructionError": [2, { "Custom": 1 }] });
        let value = json!([
            status(5, Value::Null, "finalized"),
            status(6, Value::Null, "finalized"),
            status(5, failed, "finalized"),
            status(5, Value::Null, "confirmed"),
            null,
        ]);
        let node = Node::start(move |_, _| {
            Answer::Result(json!({ "context": { "slot": 90 }, "value": value.clone() }))
        })
        .await;
        let client = Client::new(std::slice::from_ref(&node.url)).unwrap();
        let landing = |byte: u8| Recorded { signature: Signature::new([byte; 64]), slot: Some(5) };
        let landings: Vec<_> = (0..5).map(landing).collect();
        let (ended, open, doubtful) = (Finality::Final, Finality::Open, Finality::Doubtful);
        assert_eq!(client.finality(&landings).await, [ended, doubtful, doubtful, open, doubtful]);
        assert_eq!(node.params("getSignatureStatuses")[0][1], json!({ "searchTransactionHistory": true }));
    }
}
