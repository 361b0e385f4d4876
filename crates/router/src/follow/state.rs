use super::plan::{Group, Plan};
use crate::book::{Book, Entry, Freshness};
use amm::{CLOCK_ADDRESS, Clock, Pool};
use chain::{Account, Snapshot};
use order_core::{PoolAddress, Pubkey};
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// A swap changes several accounts at once, and each is told of apart: this long they are gathered
/// before the group is read.
const GATHER: Duration = Duration::from_millis(5);

/// The least time between two reads of one group, however often it changes: an eighth of a slot.
const READ_PAUSE: Duration = Duration::from_millis(50);

/// The pause after a read that failed, or that a node behind the others has answered.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// Most reads under way at once: nodes answer a few quickly and many not at all.
const READS_MAX: usize = 4;

/// What is followed and how far each part of it is known. Decides what to read when; reads nothing.
#[derive(Debug)]
pub(super) struct Following {
    plan: Plan,
    groups: Vec<Progress>,
    book: Book,
    /// Whether the subscriptions stand, so that silence about an account means that it is unchanged.
    subscribed: bool,
}

#[derive(Debug, Clone, Copy)]
struct Progress {
    /// Why the group must be read, and the least slot at which a read settles it.
    wanted: Option<Want>,
    /// What the read under way is for.
    reading: Option<Want>,
    not_before: Instant,
    /// The slot of the latest read; None before the first.
    read_at: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
    /// The backstop: nothing is known to have changed.
    Look,
    /// Something has changed in this slot.
    Changed(u64),
}

/// What came of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The book has it.
    Applied,
    /// The node is behind what is known already; it will be asked again.
    Behind,
}

impl Want {
    /// Both at once.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Look, want) | (want, Self::Look) => want,
            (Self::Changed(one), Self::Changed(another)) => Self::Changed(one.max(another)),
        }
    }

    fn join(slot: &mut Option<Self>, want: Self) {
        *slot = Some(slot.map_or(want, |already| already.and(want)));
    }
}

impl Progress {
    fn want(&mut self, want: Want, now: Instant) {
        if self.wanted.is_none() {
            self.not_before = self.not_before.max(now + GATHER);
        }
        Want::join(&mut self.wanted, want);
    }

    /// Whether the book has every change of this group that was told of.
    fn is_settled(&self) -> bool {
        let settled = |want: Option<Want>| match want {
            None | Some(Want::Look) => true,
            Some(Want::Changed(_)) => false,
        };
        self.read_at.is_some() && settled(self.wanted) && settled(self.reading)
    }
}

impl Following {
    /// Nothing is read yet, and everything wanted.
    pub(super) fn new(plan: Plan, now: Instant) -> Self {
        let group = Progress { wanted: Some(Want::Look), reading: None, not_before: now, read_at: None };
        let count = plan.groups.len();
        let book = Book::new(Vec::new(), vec![Freshness::new(0, now); count], 0);
        Self { plan, groups: vec![group; count], book, subscribed: false }
    }

    /// The book, once every group was read.
    pub(super) fn book(&self) -> Option<&Book> {
        self.groups.iter().all(|group| group.read_at.is_some()).then_some(&self.book)
    }

    /// Every group is to be read: the backstop.
    pub(super) fn look(&mut self, now: Instant) {
        for group in &mut self.groups {
            group.want(Want::Look, now);
        }
    }

    /// Every subscription stands: what changed before may have been missed.
    pub(super) fn connected(&mut self, now: Instant) {
        self.subscribed = true;
        for group in &mut self.groups {
            group.want(Want::Changed(0), now);
        }
    }

    /// The connection is lost: from here on silence means nothing.
    pub(super) fn lost(&mut self) {
        self.subscribed = false;
    }

    /// An account changed.
    pub(super) fn changed(&mut self, account: &Pubkey, slot: u64, now: Instant) {
        let concerned = self.plan.watched.get(account).map_or(&[][..], Vec::as_slice);
        for index in concerned {
            if let Some(group) = self.groups.get_mut(*index) {
                group.want(Want::Changed(slot), now);
            }
        }
    }

    /// The node works on a slot. Whatever it has told no change of is as it was.
    pub(super) fn slot(&mut self, slot: u64, now: Instant) {
        self.book.see_slot(slot);
        if !self.subscribed {
            return;
        }
        for (index, group) in self.groups.iter().enumerate() {
            if group.is_settled()
                && let Some(freshness) = self.book.group_mut(index)
            {
                freshness.confirm(slot, now);
            }
        }
    }

    /// The next group to read now, which has waited longest. It counts as being read from here on.
    pub(super) fn start(&mut self, now: Instant) -> Option<(usize, Vec<Pubkey>)> {
        let (not_before, index) = self.next()?;
        if not_before > now {
            return None;
        }
        let keys = self.plan.groups.get(index)?.keys.clone();
        let group = self.groups.get_mut(index)?;
        group.reading = group.wanted.take();
        Some((index, keys))
    }

    /// When [`Self::start`] will have something to read, if nothing else happens before.
    pub(super) fn wake(&self) -> Option<Instant> {
        self.next().map(|(not_before, _)| not_before)
    }

    fn next(&self) -> Option<(Instant, usize)> {
        if self.groups.iter().filter(|group| group.reading.is_some()).count() >= READS_MAX {
            return None;
        }
        let waiting = self.groups.iter().enumerate();
        let waiting = waiting.filter(|(_, group)| group.wanted.is_some() && group.reading.is_none());
        waiting.map(|(index, group)| (group.not_before, index)).min()
    }

    /// A read failed: it is wanted as before, after a pause.
    pub(super) fn failed(&mut self, index: usize, now: Instant) {
        if let Some(group) = self.groups.get_mut(index) {
            if let Some(want) = group.reading.take() {
                Want::join(&mut group.wanted, want);
            }
            group.not_before = now + RETRY_PAUSE;
        }
    }

    /// A read that was asked for at `asked` has arrived.
    pub(super) fn read(
        &mut self,
        index: usize,
        snapshot: &Snapshot,
        asked: Instant,
        now: Instant,
    ) -> Outcome {
        let (Some(group), Some(progress)) = (self.plan.groups.get_mut(index), self.groups.get_mut(index))
        else {
            return Outcome::Behind;
        };
        if progress.read_at.is_some_and(|known| snapshot.slot < known) {
            self.failed(index, now);
            return Outcome::Behind;
        }
        let want = progress.reading.take();
        progress.read_at = Some(snapshot.slot);
        progress.not_before = now + READ_PAUSE;
        let entries = entries(index, group, &self.plan.pools, snapshot);
        self.book.replace(entries);
        if look(group, &self.plan.pools, snapshot) {
            Want::join(&mut progress.wanted, Want::Changed(snapshot.slot));
            progress.not_before = now;
        }
        self.book.see_slot(snapshot.slot);
        if let Some(Want::Changed(slot)) = want
            && snapshot.slot < slot
        {
            Want::join(&mut progress.wanted, Want::Changed(slot));
            progress.not_before = now + RETRY_PAUSE;
            return Outcome::Behind;
        }
        if let Some(freshness) = self.book.group_mut(index) {
            freshness.confirm(snapshot.slot, asked);
        }
        Outcome::Applied
    }
}

/// The accounts that one call has found.
fn found<'a>(group: &Group, snapshot: &'a Snapshot) -> HashMap<Pubkey, &'a Account> {
    let found = group.keys.iter().zip(&snapshot.accounts);
    found.filter_map(|(key, account)| Some((*key, account.as_ref()?))).collect()
}

/// Whether the pools of a group turn out to need accounts that were not read yet.
fn look(group: &mut Group, pools: &super::plan::Pools, snapshot: &Snapshot) -> bool {
    let accounts = found(group, snapshot);
    let current = |address: &PoolAddress| {
        let account = accounts.get(&address.pubkey());
        account
            .and_then(|account| Pool::decode(*address, account).ok())
            .or_else(|| pools.get(address).cloned())
    };
    let members: Vec<Pool> = group.pools.iter().filter_map(current).collect();
    group.look(members.into_iter(), |key| accounts.get(key).copied())
}

/// What one call tells of the pools of its group.
fn entries(index: usize, group: &Group, pools: &super::plan::Pools, snapshot: &Snapshot) -> Vec<Entry> {
    let accounts = found(group, snapshot);
    let known = group.pools.iter().filter_map(|address| Some((*address, pools.get(address)?)));
    known
        .map(|(address, pool)| Entry {
            address,
            venue: pool.venue(),
            mints: pool.mints(),
            group: index,
            slot: snapshot.slot,
            market: market(address, pool, &accounts),
        })
        .collect()
}

fn market(
    address: PoolAddress,
    known: &Pool,
    accounts: &HashMap<Pubkey, &Account>,
) -> Result<amm::Market, String> {
    let clock = accounts.get(&CLOCK_ADDRESS).ok_or("the cluster has no clock")?;
    let clock = Clock::decode(clock).map_err(|error| error.to_string())?;
    let account = accounts.get(&address.pubkey()).ok_or("the pool's account is gone")?;
    let pool = Pool::decode(address, account).map_err(|error| error.to_string())?;
    if pool.mints() != known.mints() || pool.venue() != known.venue() {
        return Err("the account is another pool than it was".to_owned());
    }
    pool.load(|key| accounts.get(key).copied(), clock).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
