use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// Most slots whose sight is remembered: those of five seconds on the quickest cluster there is.
const SEEN_MAX: usize = 512;

/// A node that is further behind than this is passed over when another one can be asked.
const BEHIND_MAX: Duration = Duration::from_secs(1);

/// When each recent slot was first seen, whichever node told of it. A state can be the present one only
/// until a later slot is seen.
#[derive(Debug, Default)]
pub(super) struct Tip {
    /// Ascending in both.
    seen: VecDeque<(u64, Instant)>,
}

impl Tip {
    /// A slot was told of.
    pub(super) fn see(&mut self, slot: u64, now: Instant) {
        if slot > self.slot() {
            self.seen.push_back((slot, now));
        }
        if self.seen.len() > SEEN_MAX {
            self.seen.pop_front();
        }
    }

    /// The latest slot; 0 if none was seen.
    pub(super) fn slot(&self) -> u64 {
        self.seen.back().map_or(0, |(slot, _)| *slot)
    }

    /// For how long no later slot has come.
    pub(super) fn stands_for(&self, now: Instant) -> Duration {
        self.seen.back().map_or(Duration::MAX, |(_, at)| now.saturating_duration_since(*at))
    }

    /// Until when a state of this slot is known to have been the present one: the first sight of a later
    /// slot, or of this one while there is none. None if neither was seen.
    pub(super) fn present_until(&self, slot: u64) -> Option<Instant> {
        let later = self.seen.iter().find(|(seen, _)| *seen > slot);
        let itself = || self.seen.back().filter(|(seen, _)| *seen == slot);
        later.or_else(itself).map(|(_, at)| *at)
    }

    /// The slot that every node which keeps up has reached; 0 if there is none.
    pub(super) fn reached(&self, now: Instant) -> u64 {
        let long_ago = |at: &Instant| now.saturating_duration_since(*at) >= BEHIND_MAX;
        self.seen.iter().rev().find(|(_, at)| long_ago(at)).map_or(0, |(slot, _)| *slot)
    }

    /// Nothing was seen.
    pub(super) fn forget(&mut self) {
        self.seen.clear();
    }
}
