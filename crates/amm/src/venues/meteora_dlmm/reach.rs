//! Amounts that empty the bins up to each one, so that a quote skips the bins that it certainly empties.

use super::bin_array;
use super::loaded::LoadedBins;
use super::totals::Totals;
use super::walk::BinWalk;
use crate::changes::Writes;
use crate::swap::Direction;
use std::sync::OnceLock;

/// A swap that can pay for a bin and for this many more empties the bin, however its fee is rounded.
const CERTAIN: usize = 2;

/// Emptied bins in both directions; each list is made when it is first asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Reach {
    down: OnceLock<EmptiedBins>,
    up: OnceLock<EmptiedBins>,
}

/// State of a swap when it comes to each bin, at one time in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
struct EmptiedBins {
    now: i64,
    marks: Vec<Mark>,
}

/// Every bin before this one is emptied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    id: i32,
    spent: u64,
    totals: Totals,
}

impl Reach {
    /// Where a swap of an amount begins that leaves out the bins which it empties for certain, and what it
    /// has done in these.
    pub(super) fn start(
        &self,
        bins: &LoadedBins,
        direction: Direction,
        amount: u64,
        now: i64,
    ) -> (BinWalk, Totals) {
        let list = match direction {
            Direction::AToB => &self.down,
            Direction::BToA => &self.up,
        };
        let list = list.get_or_init(|| EmptiedBins::new(bins, direction, now));
        let start = BinWalk::start(&bins.pool, amount, now);
        let reached = list.marks.partition_point(|mark| mark.spent <= amount);
        let emptied = reached.checked_sub(CERTAIN.saturating_add(1)).and_then(|place| list.marks.get(place));
        match emptied.filter(|_| list.now == now) {
            None => (start, Totals::default()),
            Some(mark) => (start.from(mark.id, amount.saturating_sub(mark.spent)), mark.totals),
        }
    }
}

impl EmptiedBins {
    /// As far as the largest amount comes.
    fn new(bins: &LoadedBins, direction: Direction, now: i64) -> Self {
        let (mut spent, mut totals, mut marks) = (0u64, Totals::default(), Vec::new());
        // It ends where the bins do, or where a number exceeds what the program calculates with.
        let _ = BinWalk::start(&bins.pool, u64::MAX, now).finish(bins, direction, |step| {
            marks.push(Mark { id: bin_array::id_of(step.array.index, step.place)?, spent, totals });
            spent = spent.checked_add(step.spent)?;
            totals.add(step, direction, bins, &mut Writes::ignored())
        });
        Self { now, marks }
    }
}
