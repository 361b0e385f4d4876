//! How far amounts reach, so that a quote need not walk through bins that others have emptied before it.

use super::bin_array;
use super::curve::{Curve, Totals};
use super::walk::Walk;
use crate::swap::{Direction, Writes};
use std::sync::OnceLock;

/// A swap that can pay for a bin and for so many after it empties this one, however its fee is rounded.
const CERTAIN: usize = 2;

/// The ways in both directions, each found when it is first asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Reach {
    down: OnceLock<Way>,
    up: OnceLock<Way>,
}

/// What a swap has done when it comes to each bin, at one time in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Way {
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
    pub(super) fn start(&self, curve: &Curve, direction: Direction, amount: u64, now: i64) -> (Walk, Totals) {
        let way = match direction {
            Direction::AToB => &self.down,
            Direction::BToA => &self.up,
        };
        let way = way.get_or_init(|| Way::new(curve, direction, now));
        let start = Walk::start(&curve.pool, amount, now);
        let reached = way.marks.partition_point(|mark| mark.spent <= amount);
        let emptied = reached.checked_sub(CERTAIN.saturating_add(1)).and_then(|place| way.marks.get(place));
        match emptied.filter(|_| way.now == now) {
            None => (start, Totals::default()),
            Some(mark) => (start.from(mark.id, amount.saturating_sub(mark.spent)), mark.totals),
        }
    }
}

impl Way {
    /// As far as the largest amount comes.
    fn new(curve: &Curve, direction: Direction, now: i64) -> Self {
        let (mut spent, mut totals, mut marks) = (0u64, Totals::default(), Vec::new());
        // It ends where the bins do, or where a number exceeds what the program calculates with.
        let _ = Walk::start(&curve.pool, u64::MAX, now).finish(curve, direction, |step| {
            marks.push(Mark { id: bin_array::id_of(step.array.index, step.place)?, spent, totals });
            spent = spent.checked_add(step.spent)?;
            totals.add(step, direction, curve, &mut Writes::ignored())
        });
        Self { now, marks }
    }
}
