use amm::{CLOCK_ADDRESS, Clock};
use chain::{Account, Snapshot};
use order_core::{Pubkey, Timestamp};
use std::collections::BTreeSet;
use std::time::Duration;

/// How far the cluster's own clock may be behind this machine's, beyond the age that is quoted: it counts
/// whole seconds, and validators vote it.
pub(super) const CLOCK_SLACK: Duration = Duration::from_secs(5);

/// Nodes that work on the same chain are not so many slots apart: it takes minutes to produce them.
pub(super) const SLOTS_APART_MAX: u64 = 1_000;

/// Why answers are not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Doubt {
    #[error("a node's answer has no clock that can be read")]
    NoClock,
    #[error(
        "a node's answer claims slot {claimed} and has the clock of slot {clock}: it is no state that ever was"
    )]
    TwoStates { claimed: u64, clock: u64 },
    #[error(
        "the cluster's clock is {seconds} s behind this machine's: the nodes are behind, or this machine's clock is wrong"
    )]
    Old { seconds: u64 },
    #[error("the nodes contradict each other about slot {slot}")]
    Contradiction { slot: u64 },
    #[error("the nodes are at slot {slot}, and slot {wanted} is known")]
    Behind { slot: u64, wanted: u64 },
    #[error("a node claims slot {slot}, far from slot {known}")]
    Far { slot: u64, known: u64 },
}

impl Doubt {
    /// How it is counted.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::NoClock | Self::TwoStates { .. } => "incoherent",
            Self::Old { .. } => "old",
            Self::Contradiction { .. } => "contradiction",
            Self::Behind { .. } => "behind",
            Self::Far { .. } => "far",
        }
    }
}

/// The nodes' answers, taken together.
#[derive(Debug, PartialEq)]
pub(super) struct Verdict<'a> {
    /// The node that said it first.
    pub(super) node: usize,
    pub(super) snapshot: &'a Snapshot,
    /// True if another node has said the same.
    pub(super) agreed: bool,
}

/// The verdict on the answers to one question, each with the number of its node, at the moment `wall`
/// of the calendar: the newest that two nodes agree on, or else the newest. Where nodes differ about the
/// newest slot, more than half must agree.
///
/// # Errors
/// No answer is one state of at most `max_age`, or the nodes contradict each other.
pub(super) fn judge<'a>(
    keys: &[Pubkey],
    answers: &'a [(usize, Snapshot)],
    wall: Timestamp,
    max_age: Duration,
) -> Result<Verdict<'a>, Doubt> {
    let mut coherent = Vec::new();
    let mut doubt = Doubt::NoClock;
    for (node, snapshot) in answers {
        match check(keys, snapshot, wall, max_age) {
            Ok(()) => coherent.push((*node, snapshot)),
            Err(found) => {
                tracing::debug!(node, doubt = %found, "an answer is not believed");
                doubt = found;
            }
        }
    }
    let slots: BTreeSet<u64> = coherent.iter().map(|(_, snapshot)| snapshot.slot).collect();
    let Some(newest) = slots.last().copied() else { return Err(doubt) };
    let alone = elect(&coherent, newest)?;
    let agreed = slots.iter().rev().find_map(|slot| elect(&coherent, *slot).ok().filter(|one| one.agreed));
    let verdict = agreed.unwrap_or(alone);
    let apart = coherent.iter().any(|(_, other)| newest.abs_diff(other.slot) > SLOTS_APART_MAX);
    if apart && !verdict.agreed { Err(Doubt::Contradiction { slot: newest }) } else { Ok(verdict) }
}

/// The answer of more than half of the nodes about a slot.
fn elect<'a>(answers: &[(usize, &'a Snapshot)], slot: u64) -> Result<Verdict<'a>, Doubt> {
    let rivals: Vec<_> = answers.iter().filter(|(_, snapshot)| snapshot.slot == slot).collect();
    let votes = |one: &Snapshot| rivals.iter().filter(|(_, other)| same(one, other)).count();
    let chosen = rivals.iter().find(|(_, snapshot)| votes(snapshot).saturating_mul(2) > rivals.len());
    let (node, snapshot) = chosen.ok_or(Doubt::Contradiction { slot })?;
    Ok(Verdict { node: *node, snapshot, agreed: votes(snapshot) > 1 })
}

/// Checks that an answer is one state, and not an old one, as far as it tells by itself: every bank writes its
/// own slot and time into the clock.
fn check(keys: &[Pubkey], snapshot: &Snapshot, wall: Timestamp, max_age: Duration) -> Result<(), Doubt> {
    let mut found = keys.iter().zip(&snapshot.accounts);
    let account = found.find(|(key, _)| **key == CLOCK_ADDRESS).and_then(|(_, account)| account.as_ref());
    let clock = account.and_then(|account| Clock::decode(account).ok()).ok_or(Doubt::NoClock)?;
    if clock.slot != snapshot.slot {
        return Err(Doubt::TwoStates { claimed: snapshot.slot, clock: clock.slot });
    }
    let behind = wall.timestamp().saturating_sub(clock.unix_timestamp);
    let behind = Duration::from_secs(u64::try_from(behind).unwrap_or_default());
    if behind > max_age.saturating_add(CLOCK_SLACK) {
        return Err(Doubt::Old { seconds: behind.as_secs() });
    }
    Ok(())
}

/// True if two answers show the same accounts, as far as pools are concerned.
fn same(one: &Snapshot, other: &Snapshot) -> bool {
    let alike = |pair: (&Option<Account>, &Option<Account>)| match pair {
        (Some(one), Some(other)) => one.owner == other.owner && one.data == other.data,
        (one, other) => one.is_none() && other.is_none(),
    };
    one.accounts.len() == other.accounts.len() && one.accounts.iter().zip(&other.accounts).all(alike)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    const MAX_AGE: Duration = Duration::from_secs(5);

    fn keys() -> Vec<Pubkey> {
        let pool = testing::pool(1);
        std::iter::once(CLOCK_ADDRESS).chain(pool.accounts.iter().map(|(key, _)| *key)).collect()
    }

    fn answer(slot: u64) -> Snapshot {
        testing::snapshot(&[testing::pool(1)], &keys(), slot)
    }

    /// The same with another pool account.
    fn lie(slot: u64, byte: u8) -> Snapshot {
        let mut lie = answer(slot);
        *lie.accounts[1].as_mut().unwrap().data.last_mut().unwrap() = byte;
        lie
    }

    /// The node that is believed, and whether it is alone.
    fn believed(answers: &[(usize, Snapshot)]) -> Result<(usize, bool), Doubt> {
        judge(&keys(), answers, testing::wall(), MAX_AGE).map(|verdict| (verdict.node, verdict.agreed))
    }

    #[test]
    fn the_newest_answer_counts_and_the_first_that_gave_it() {
        assert_eq!(believed(&[(0, answer(7))]), Ok((0, false)));
        assert_eq!(believed(&[(0, answer(7)), (1, answer(9)), (2, lie(8, 1))]), Ok((1, false)));
        assert_eq!(believed(&[(2, answer(9)), (0, answer(9)), (1, answer(7))]), Ok((2, true)));
        assert_eq!(believed(&[(0, answer(8)), (1, lie(9, 1)), (2, answer(8))]), Ok((0, true)), "two agree");
    }

    #[test]
    fn where_nodes_differ_about_a_slot_more_than_half_must_agree() {
        let contradiction = Err(Doubt::Contradiction { slot: 9 });
        assert_eq!(believed(&[(0, answer(9)), (1, lie(9, 1))]), contradiction);
        assert_eq!(believed(&[(0, lie(9, 1)), (1, answer(9)), (2, answer(9))]), Ok((1, true)));
        assert_eq!(believed(&[(0, lie(9, 1)), (1, answer(9)), (2, lie(9, 2))]), contradiction);
        let mut gone = answer(9);
        gone.accounts[1] = None;
        assert_eq!(believed(&[(0, answer(9)), (1, gone)]), contradiction);
    }

    #[test]
    fn two_nodes_far_apart_contradict_each_other_unless_others_agree_with_the_later() {
        let (far, near) = (7 + SLOTS_APART_MAX + 1, 7 + SLOTS_APART_MAX);
        assert_eq!(believed(&[(0, answer(7)), (1, answer(far))]), Err(Doubt::Contradiction { slot: far }));
        assert_eq!(believed(&[(0, answer(7)), (1, answer(near))]), Ok((1, false)));
        assert_eq!(believed(&[(0, answer(7)), (1, answer(far)), (2, answer(far))]), Ok((1, true)));
    }

    #[test]
    fn an_answer_that_is_not_one_state_is_left_out() {
        let mut claimed = answer(7);
        claimed.slot = 90;
        let two_states = Doubt::TwoStates { claimed: 90, clock: 7 };
        assert_eq!(believed(&[(0, claimed.clone())]), Err(two_states));
        assert_eq!(believed(&[(0, claimed), (1, answer(8))]), Ok((1, false)));
        let mut without = answer(7);
        without.accounts[0] = None;
        assert_eq!(believed(&[(0, without)]), Err(Doubt::NoClock));
    }

    #[test]
    fn an_answer_is_as_old_as_its_clock() {
        let judged =
            |wall: Timestamp| judge(&keys(), &[(0, answer(7))], wall, MAX_AGE).map(|verdict| verdict.node);
        let (wall, limit) = (testing::wall(), MAX_AGE + CLOCK_SLACK);
        assert_eq!((judged(wall), judged(wall + limit)), (Ok(0), Ok(0)));
        assert_eq!(judged(wall - limit * 100), Ok(0), "a clock ahead is no sign of age");
        assert_eq!(judged(wall + limit + Duration::from_secs(1)), Err(Doubt::Old { seconds: 11 }));
    }
}
