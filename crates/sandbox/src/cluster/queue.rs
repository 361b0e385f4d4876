use solana_signature::Signature;
use solana_transaction::versioned::VersionedTransaction;
use std::collections::{HashSet, VecDeque};

/// The most transactions that wait for a block, as a node keeps for forwarding.
const QUEUE_MAX: usize = 10_000;

/// More transactions wait for a block than a node keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the node's queue of transactions is full; send again later")]
pub(crate) struct QueueFull;

/// The block that a transaction waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// The next one.
    Next,
    /// The first one of this slot or a later one.
    Slot(u64),
    /// The first one of this height or a greater one.
    Height(u64),
}

/// Transactions that wait for a block, each once.
#[derive(Default)]
pub(crate) struct Queue {
    ready: VecDeque<(Signature, VersionedTransaction)>,
    ready_signatures: HashSet<Signature>,
    /// In the order of their arrival.
    delayed: VecDeque<(Due, Signature, VersionedTransaction)>,
}

impl Queue {
    /// Lets a transaction wait, unless it does already. One that is delayed and comes again without
    /// a delay waits no longer.
    pub(crate) fn add(
        &mut self,
        signature: Signature,
        transaction: VersionedTransaction,
        due: Due,
    ) -> Result<(), QueueFull> {
        if self.ready_signatures.contains(&signature) {
            return Ok(());
        }
        let delayed = self.delayed.iter().position(|(_, waiting, _)| *waiting == signature);
        match (delayed, due) {
            (Some(_), Due::Slot(_) | Due::Height(_)) => return Ok(()),
            (Some(index), Due::Next) => drop(self.delayed.remove(index)),
            (None, Due::Next | Due::Slot(_) | Due::Height(_)) => {}
        }
        if self.ready.len().saturating_add(self.delayed.len()) >= QUEUE_MAX {
            return Err(QueueFull);
        }
        match due {
            Due::Next => self.make_ready(signature, transaction),
            Due::Slot(_) | Due::Height(_) => self.delayed.push_back((due, signature, transaction)),
        }
        Ok(())
    }

    /// Takes what the block of this slot and height has room for.
    pub(crate) fn take(
        &mut self,
        slot: u64,
        height: u64,
        room: usize,
    ) -> Vec<(Signature, VersionedTransaction)> {
        let (due, later) =
            std::mem::take(&mut self.delayed).into_iter().partition(|(due, _, _)| due.is_over(slot, height));
        self.delayed = later;
        let due: VecDeque<_> = due;
        for (_, signature, transaction) in due {
            self.make_ready(signature, transaction);
        }
        let taken: Vec<_> = self.ready.drain(..self.ready.len().min(room)).collect();
        for (signature, _) in &taken {
            self.ready_signatures.remove(signature);
        }
        taken
    }

    fn make_ready(&mut self, signature: Signature, transaction: VersionedTransaction) {
        self.ready_signatures.insert(signature);
        self.ready.push_back((signature, transaction));
    }
}

impl Due {
    fn is_over(self, slot: u64, height: u64) -> bool {
        match self {
            Self::Next => true,
            Self::Slot(due) => slot >= due,
            Self::Height(due) => height >= due,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_transaction_waits_once_for_its_own_block() {
        let mut queue = Queue::default();
        let add = |queue: &mut Queue, number: u8, due| {
            queue.add(Signature::from([number; 64]), VersionedTransaction::default(), due).unwrap();
        };
        let take = |queue: &mut Queue, slot, height, room| {
            let taken = queue.take(slot, height, room).into_iter();
            taken.map(|(signature, _)| signature.as_ref()[0]).collect::<Vec<_>>()
        };
        for (number, due) in
            [(1, Due::Slot(7)), (2, Due::Next), (3, Due::Height(90)), (2, Due::Next), (1, Due::Slot(1))]
        {
            add(&mut queue, number, due);
        }
        assert_eq!(take(&mut queue, 6, 89, 10), [2]);
        assert_eq!(take(&mut queue, 7, 89, 10), [1]);
        add(&mut queue, 3, Due::Next);
        add(&mut queue, 4, Due::Next);
        assert_eq!(take(&mut queue, 8, 89, 1), [3]);
        assert_eq!(take(&mut queue, 9, 95, 10), [4]);
        assert_eq!(take(&mut queue, 10, 96, 10), [0u8; 0]);
    }
}
