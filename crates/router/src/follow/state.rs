use super::plan::{Needed, Plan};
use super::reading::{entries, look};
use super::tip::Tip;
use super::verdict::{CLOCK_SLACK, Doubt, SLOTS_APART_MAX, Verdict, judge};
use crate::book::{Book, Entry, Freshness};
use chain::Snapshot;
use order_core::{Fraction, Pubkey, Timestamp};
use std::time::Duration;
use tokio::time::Instant;

/// A block changes several accounts at once, and each is told of apart: this long they are gathered
/// before the group is read.
const GATHER: Duration = Duration::from_millis(2);

/// The least time between two reads of one group for the same slot; a later slot is read at once. Also
/// the pause before nodes are asked again that did not have the slot yet.
const READ_PAUSE: Duration = Duration::from_millis(50);

/// The pause after a read that failed, or was not believed.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// Most reads under way at once: nodes answer a few quickly and many not at all.
const READS_MAX: usize = 6;

/// Most of them without a change that was told of: a change does not wait for a round of polls.
const LOOKS_MAX: usize = 4;

/// How long silence is taken for sameness after a read: until a poll is overdue, but not beyond the age
/// limit. After that a state is as old as the read, so that one which nobody can read is not quoted,
/// whatever the subscription tells.
const SILENCE_TRUSTED: Duration = Duration::from_secs(3);

/// The pools that are followed and how far each is known. It decides what to read when, and reads nothing.
#[derive(Debug)]
pub(super) struct Following {
    plan: Plan,
    groups: Vec<Progress>,
    book: Book,
    limits: Limits,
    tip: Tip,
    /// The latest slot of a read: notices that are far from it are not believed.
    read_slot: u64,
    /// True if the subscriptions stand, so that silence about an account means that it is unchanged.
    subscribed: bool,
    /// True if a group has come to need more accounts than one call gives.
    overfull: bool,
}

/// Limits of what is quoted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Age of the oldest state.
    pub(crate) max_age: Duration,
    /// Highest transfer fee of a token, as a fraction of each transfer.
    pub(crate) max_transfer_fee: Fraction,
}

/// A read to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) group: usize,
    pub(super) keys: Vec<Pubkey>,
    pub(super) of: Asked,
}

/// Whom a question is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Every node, to compare what they say.
    Each,
    /// The first one that has reached a slot.
    One { min_slot: u64 },
}

#[derive(Debug, Clone, Copy)]
struct Progress {
    /// Why the group must be read.
    wanted: Option<Want>,
    /// The purpose of the read under way.
    reading: Option<Want>,
    not_before: Instant,
    /// The latest read; None before the first.
    read: Option<Seen>,
    /// The nodes contradict each other: nothing is quoted before two agree.
    doubted: bool,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    slot: u64,
    asked: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Want {
    /// Something has changed in this slot; None: nothing is known to have changed.
    changed: Option<u64>,
    /// True if all nodes are to be compared.
    of_each: bool,
}

impl Want {
    /// The backstop.
    const LOOK: Self = Self { changed: None, of_each: true };

    const fn changed(slot: u64) -> Self {
        Self { changed: Some(slot), of_each: false }
    }

    /// Both at once.
    fn join(slot: &mut Option<Self>, want: Self) {
        let already = slot.unwrap_or(want);
        let of_each = already.of_each || want.of_each;
        *slot = Some(Self { changed: already.changed.max(want.changed), of_each });
    }
}

impl Progress {
    fn want(&mut self, want: Want, now: Instant) {
        let wanted = [self.wanted, self.reading].map(|want| want.and_then(|want| want.changed));
        let known = wanted.into_iter().chain([self.read.map(|read| read.slot)]).max().flatten();
        if want.changed > known {
            self.not_before = now + GATHER;
        } else if self.wanted.is_none() {
            self.not_before = self.not_before.max(now + GATHER);
        }
        Want::join(&mut self.wanted, want);
    }

    fn is_look(want: Option<Want>) -> bool {
        want.is_some_and(|want| want.changed.is_none())
    }

    /// True if the book has every change of this group that was told of.
    fn is_settled(&self) -> bool {
        let settled = |want: Option<Want>| want.is_none_or(|want| want.changed.is_none());
        self.read.is_some() && settled(self.wanted) && settled(self.reading)
    }

    /// The slot that a read must have reached to be of use.
    fn required(&self) -> u64 {
        let known = self.read.map_or(0, |read| read.slot);
        known.max(self.reading.and_then(|want| want.changed).unwrap_or(0))
    }
}

impl Following {
    /// Nothing is read yet, and everything wanted.
    pub(super) fn new(plan: Plan, limits: Limits, now: Instant) -> Self {
        let group =
            Progress { wanted: Some(Want::LOOK), reading: None, not_before: now, read: None, doubted: false };
        let count = plan.groups.len();
        let book = Book::new(Vec::new(), vec![Freshness::new(0, now); count], 0);
        let groups = vec![group; count];
        Self {
            plan,
            groups,
            book,
            limits,
            tip: Tip::default(),
            read_slot: 0,
            subscribed: false,
            overfull: false,
        }
    }

    /// True if smaller groups are needed to read everything.
    pub(super) const fn is_overfull(&self) -> bool {
        self.overfull
    }

    /// The book, once every group was read.
    pub(super) fn book(&self) -> Option<&Book> {
        self.groups.iter().all(|group| group.read.is_some()).then_some(&self.book)
    }

    /// Every group is to be read: the backstop.
    pub(super) fn look(&mut self, now: Instant) {
        for group in &mut self.groups {
            group.want(Want::LOOK, now);
        }
    }

    /// Every subscription stands: what changed before may have been missed.
    pub(super) fn connected(&mut self, now: Instant) {
        self.subscribed = true;
        for group in &mut self.groups {
            group.want(Want::changed(0), now);
        }
    }

    /// The connection is lost: from here on silence means nothing.
    pub(super) fn lost(&mut self) {
        self.subscribed = false;
    }

    /// An account changed.
    pub(super) fn changed(&mut self, account: &Pubkey, slot: u64, now: Instant) {
        let slot = if self.is_near(slot) { slot } else { 0 };
        let concerned = self.plan.watched.get(account).map_or(&[][..], Vec::as_slice);
        for index in concerned {
            if let Some(group) = self.groups.get_mut(*index) {
                group.want(Want::changed(slot), now);
            }
        }
    }

    /// The node works on a slot. Whatever it has told no change of is as it was, for a while.
    pub(super) fn slot(&mut self, slot: u64, now: Instant) {
        if !self.is_near(slot) {
            return;
        }
        self.tip.see(slot, now);
        self.book.see_slot(slot);
        if !self.subscribed {
            return;
        }
        for (index, group) in self.groups.iter().enumerate() {
            if group.is_settled()
                && let (Some(read), Some(freshness)) = (group.read, self.book.group_mut(index))
            {
                freshness.hold(slot, now, read.asked + SILENCE_TRUSTED.min(self.limits.max_age));
            }
        }
    }

    /// True if what a notice says of a slot can be true, by what was read.
    fn is_near(&self, slot: u64) -> bool {
        slot <= self.read_slot.saturating_add(SLOTS_APART_MAX)
    }

    /// The next question to ask now, of the group that has waited longest. It counts as being read from
    /// here on.
    pub(super) fn start(&mut self, now: Instant) -> Option<Question> {
        let (not_before, index) = self.next()?;
        if not_before > now {
            return None;
        }
        let keys = self.plan.groups.get(index)?.keys.clone();
        let group = self.groups.get_mut(index)?;
        group.reading = group.wanted.take();
        let of_each = group.doubted || group.reading.is_some_and(|want| want.of_each);
        let min_slot = group.required().max(self.tip.reached(now));
        let of = if of_each { Asked::Each } else { Asked::One { min_slot } };
        Some(Question { group: index, keys, of })
    }

    /// When [`Self::start`] will have something to read, if nothing else happens before.
    pub(super) fn wake(&self) -> Option<Instant> {
        self.next().map(|(not_before, _)| not_before)
    }

    fn next(&self) -> Option<(Instant, usize)> {
        if self.groups.iter().filter(|group| group.reading.is_some()).count() >= READS_MAX {
            return None;
        }
        let looks = self.groups.iter().filter(|group| Progress::is_look(group.reading)).count();
        let waiting = self.groups.iter().enumerate();
        let waiting = waiting.filter(|(_, group)| {
            let waits = group.wanted.is_some() && group.reading.is_none();
            waits && (looks < LOOKS_MAX || !Progress::is_look(group.wanted))
        });
        waiting.map(|(index, group)| (group.not_before, index)).min()
    }

    /// A read failed: it is wanted as before, after a pause.
    pub(super) fn failed(&mut self, index: usize, now: Instant) {
        self.again(index, now + RETRY_PAUSE);
    }

    /// No node is as far as it must be: it is wanted as before, soon.
    pub(super) fn behind(&mut self, index: usize, now: Instant) {
        self.again(index, now + READ_PAUSE);
    }

    fn again(&mut self, index: usize, not_before: Instant) {
        if let Some(group) = self.groups.get_mut(index) {
            if let Some(want) = group.reading.take() {
                Want::join(&mut group.wanted, want);
            }
            group.not_before = not_before;
        }
    }

    /// Notes the outcome of a question asked at `asked`: the node that is best asked first next time.
    ///
    /// # Errors
    /// The answers are not believed. The group stays as it was, and is read again.
    pub(super) fn read(
        &mut self,
        index: usize,
        answers: &[(usize, Snapshot)],
        [asked, now]: [Instant; 2],
        wall: Timestamp,
    ) -> Result<usize, Doubt> {
        let keys = self.plan.groups.get(index).map_or(&[][..], |group| &group.keys);
        let verdict = judge(keys, answers, wall, self.limits.max_age);
        let believed = verdict.and_then(|verdict| self.believe(index, &verdict, now).map(|()| verdict));
        match believed {
            Ok(Verdict { node, snapshot, agreed: _ }) => {
                self.apply(index, snapshot, asked, now);
                Ok(node)
            }
            Err(doubt) => {
                match doubt {
                    Doubt::Behind { .. } => self.behind(index, now),
                    Doubt::Contradiction { .. } => {
                        self.doubt(index, &doubt);
                        self.failed(index, now);
                    }
                    Doubt::NoClock | Doubt::TwoStates { .. } | Doubt::Old { .. } | Doubt::Far { .. } => {
                        self.failed(index, now);
                    }
                }
                Err(doubt)
            }
        }
    }

    /// Checks that answers that are fine by themselves fit to what is known.
    fn believe(&mut self, index: usize, verdict: &Verdict<'_>, now: Instant) -> Result<(), Doubt> {
        let (slot, known) = (verdict.snapshot.slot, self.tip.slot());
        let far = known > 0 && slot.abs_diff(known) > SLOTS_APART_MAX;
        // Longer than any node can be behind whose answers are young enough.
        let stands = self.tip.stands_for(now) > self.limits.max_age * 2 + CLOCK_SLACK;
        if far && !stands && !verdict.agreed {
            return Err(if slot < known {
                Doubt::Behind { slot, wanted: known }
            } else {
                Doubt::Far { slot, known }
            });
        }
        if far || (stands && slot < known) {
            tracing::warn!(known, slot, "no node is where one has claimed to be: beginning anew");
            self.forget();
        }
        let Some(group) = self.groups.get_mut(index) else { return Ok(()) };
        let wanted = group.required();
        if slot < wanted {
            return Err(Doubt::Behind { slot, wanted });
        }
        if group.doubted && !verdict.agreed {
            return Err(Doubt::Contradiction { slot });
        }
        if std::mem::take(&mut group.doubted) {
            tracing::info!(group = index, slot, "the nodes agree again");
        }
        Ok(())
    }

    /// Nodes differ about this group.
    fn doubt(&mut self, index: usize, doubt: &Doubt) {
        if let Some(group) = self.groups.get_mut(index)
            && !std::mem::replace(&mut group.doubted, true)
        {
            tracing::warn!(group = index, %doubt, "nothing of it is quoted before two nodes agree");
            self.withhold(index, &doubt.to_string());
        }
    }

    /// Every slot that is known was one node's false word.
    fn forget(&mut self) {
        self.tip.forget();
        self.read_slot = 0;
        for index in 0..self.groups.len() {
            self.withhold(index, "it is being read anew, because a node has claimed a wrong slot");
        }
        for group in &mut self.groups {
            let forgotten = Want::changed(0);
            group.reading = group.reading.map(|want| Want { changed: Some(0), ..want });
            Want::join(&mut group.wanted, forgotten);
            group.wanted = group.wanted.map(|want| Want { changed: Some(0), ..want });
            group.read = group.read.map(|read| Seen { slot: 0, ..read });
        }
        self.book.forget_slots();
    }

    /// Quotes nothing of a group until it is read.
    fn withhold(&mut self, index: usize, reason: &str) {
        let Some(group) = self.plan.groups.get(index) else { return };
        let known = group.pools.iter().filter_map(|address| self.plan.pools.get(address));
        let entries = known.map(|pool| Entry {
            address: pool.address(),
            venue: pool.venue(),
            mints: pool.mints(),
            group: index,
            slot: 0,
            market: Err(reason.to_owned()),
        });
        self.book.replace(entries.collect());
    }

    /// The group is as it was read.
    fn apply(&mut self, index: usize, snapshot: &Snapshot, asked: Instant, now: Instant) {
        let slot = snapshot.slot;
        self.tip.see(slot, now);
        self.read_slot = self.read_slot.max(slot);
        self.book.see_slot(slot);
        let (Some(group), Some(progress)) = (self.plan.groups.get_mut(index), self.groups.get_mut(index))
        else {
            return;
        };
        progress.reading = None;
        progress.read = Some(Seen { slot, asked });
        let later = progress.wanted.is_some_and(|want| want.changed > Some(slot));
        progress.not_before = if later { now } else { now + READ_PAUSE };
        let entries = entries(index, group, &self.plan.pools, snapshot, self.limits.max_transfer_fee);
        match look(group, &entries, &self.plan.pools, snapshot) {
            Needed::Known => {}
            Needed::More => {
                Want::join(&mut progress.wanted, Want::changed(slot));
                progress.not_before = now;
            }
            Needed::TooMany => self.overfull |= group.pools.len() > 1,
        }
        self.book.replace(entries);
        if let Some(freshness) = self.book.group_mut(index) {
            // A node that is behind shows a state that others have left already, and one that stands still
            // shows the state of a slot that was seen long ago.
            let present = self.tip.present_until(slot).map_or(asked, |until| until.min(asked));
            freshness.confirm(slot, present);
        }
    }
}

#[cfg(test)]
mod tests;
