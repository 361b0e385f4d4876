//! Routes by several paths side by side.
//!
//! An amount is divided best when one more unit would buy the same everywhere. A guess comes near to it;
//! then smaller and smaller parts are moved to where they buy more. Every comparison is between exact
//! quotes.

use super::PricedRoute;
use super::combine::Combination;
use super::path::Path;
use order_core::quote::Mode;
use order_core::{Atoms, Fraction, Route};
use std::cmp::Reverse;

/// The first parts that are moved are one of so many of the amount.
const PARTS: u64 = 64;

/// Each further size is one of so many of the last.
const FINER: u64 = 8;

/// Parts down to one of so many are always tried: a path may be worth as little.
const FINE_PARTS: u64 = 1 << 14;

/// Finer parts are tried while they bring more than one of so many of the output, or a pool is filled to
/// its brim. What is lost by stopping then is far less than a basis point.
const WORTHWHILE: u64 = 1_000_000;

/// Most moves of one size: after those of the last, few are left to be made.
const MOVES_MAX: usize = 64;

/// The best split over these paths; None if they cannot take the amount.
pub(super) fn divide(combination: &Combination<'_>, amount: u64) -> Option<PricedRoute> {
    let mut split = Split::new(combination, amount);
    split.refine();
    split.route()
}

/// One path's part of the amount.
struct Allotment<'a> {
    path: &'a Path<'a>,
    amount: u64,
    output: u64,
}

/// The gain of a allotment from one part more, and its loss from one part less; None if that cannot be.
#[derive(Clone, Copy)]
struct Margin {
    gain: Option<u64>,
    loss: Option<u64>,
}

struct Split<'a> {
    amount: u64,
    allotments: Vec<Allotment<'a>>,
}

impl<'a> Split<'a> {
    /// As it was guessed: the largest part takes what the others leave.
    fn new(combination: &'a Combination<'a>, amount: u64) -> Self {
        let guessed = combination.amounts.iter().map(|part| whole(*part));
        let mut allotments: Vec<Allotment<'a>> = (combination.paths.iter().zip(guessed))
            .map(|(path, amount)| Allotment { path, amount, output: 0 })
            .collect();
        allotments.sort_by_key(|allotment| Reverse(allotment.amount));
        let mut rest = amount;
        for allotment in allotments.iter_mut().skip(1) {
            allotment.amount = allotment.amount.min(rest);
            rest = rest.saturating_sub(allotment.amount);
        }
        if let Some(first) = allotments.first_mut() {
            first.amount = rest;
        }
        for allotment in &mut allotments {
            allotment.output = allotment.path.output(allotment.amount);
        }
        Self { amount, allotments }
    }

    /// Moves smaller and smaller parts to where they buy more.
    fn refine(&mut self) {
        let mut part = (self.amount / PARTS).max(1);
        while part > 0 {
            let unsettled = self.level(part);
            if !unsettled && part <= self.amount / FINE_PARTS {
                return;
            }
            part /= FINER;
        }
    }

    /// Moves parts of one size, and says whether smaller ones may still bring something.
    fn level(&mut self, part: u64) -> bool {
        let mut margins: Vec<_> = self.allotments.iter().map(|allotment| allotment.margin(part)).collect();
        let mut won = 0u64;
        for _ in 0..MOVES_MAX {
            let Some((surplus, from, to)) = best_move(&margins) else { break };
            won = won.saturating_add(surplus);
            for (place, more) in [(from, false), (to, true)] {
                if let (Some(allotment), Some(margin)) =
                    (self.allotments.get_mut(place), margins.get_mut(place))
                {
                    allotment.shift(part, *margin, more);
                    *margin = allotment.margin(part);
                }
            }
        }
        won > self.output() / WORTHWHILE || margins.iter().any(|margin| margin.gain.is_none())
    }

    fn output(&self) -> u64 {
        self.allotments.iter().fold(0, |sum, allotment| sum.saturating_add(allotment.output))
    }

    /// The split as a route, the largest part first; None if a part buys nothing.
    fn route(&self) -> Option<PricedRoute> {
        let mut used: Vec<_> = self.allotments.iter().filter(|allotment| allotment.amount > 0).collect();
        used.sort_by_key(|allotment| {
            (Reverse(allotment.amount), allotment.path.first.candidate.entry.address)
        });
        if used.iter().any(|allotment| allotment.output == 0)
            || used.iter().map(|allotment| allotment.amount).sum::<u64>() != self.amount
        {
            return None;
        }
        let mut paths = Vec::with_capacity(used.len());
        let (mut fee, mut price_impact) = (0i64, 0i64);
        for (allotment, share) in used.iter().zip(shares(&used, self.amount)) {
            let terms = allotment.path.quote(Mode::ExactIn, Atoms::new(allotment.amount)).ok()?;
            fee = fee.checked_add(weighted(terms.fee(), share)?)?;
            price_impact = price_impact.checked_add(weighted(terms.price_impact(), share)?)?;
            paths.push(allotment.path.priced(&terms, share));
        }
        Some(PricedRoute {
            route: Route::new(paths).ok()?,
            fee: Fraction::from_billionths(fee),
            price_impact: Fraction::from_billionths(price_impact),
            slot: used.iter().map(|allotment| allotment.path.slot()).min()?,
            age: used.iter().map(|allotment| allotment.path.age()).max()?,
        })
    }
}

impl Allotment<'_> {
    fn margin(&self, part: u64) -> Margin {
        let more = self.amount.checked_add(part).map(|more| self.path.output(more));
        let less = self.amount.checked_sub(part).map(|less| (less, self.path.output(less)));
        // What buys nothing is not left behind: all of it is given away, or enough kept to buy something.
        let less = less.filter(|(less, output)| *less == 0 || *output > 0 || self.output == 0);
        Margin {
            gain: more.and_then(|output| output.checked_sub(self.output)),
            loss: less.map(|(_, output)| self.output.saturating_sub(output)),
        }
    }

    fn shift(&mut self, part: u64, margin: Margin, more: bool) {
        if more {
            self.amount = self.amount.saturating_add(part);
            self.output = self.output.saturating_add(margin.gain.unwrap_or(0));
        } else {
            self.amount = self.amount.saturating_sub(part);
            self.output = self.output.saturating_sub(margin.loss.unwrap_or(0));
        }
    }
}

/// The gain of the best move of a part, with its allotments from and to; None if every move costs as much as
/// it brings.
fn best_move(margins: &[Margin]) -> Option<(u64, usize, usize)> {
    let mut best: Option<(u64, usize, usize)> = None;
    for (to, gain) in margins.iter().enumerate().filter_map(|(to, margin)| Some((to, margin.gain?))) {
        for (from, loss) in margins.iter().enumerate().filter_map(|(from, margin)| Some((from, margin.loss?)))
        {
            let surplus = gain.saturating_sub(loss);
            if from != to && surplus > best.map_or(0, |(surplus, _, _)| surplus) {
                best = Some((surplus, from, to));
            }
        }
    }
    best
}

/// The allotments' parts of the whole; the first, which is the largest, takes what rounding leaves.
fn shares(used: &[&Allotment<'_>], amount: u64) -> Vec<Fraction> {
    let part = |allotment: &&Allotment<'_>| {
        let part = Atoms::new(allotment.amount).mul_div_floor(Fraction::ONE_IN_BILLIONTHS, amount);
        part.and_then(|part| i64::try_from(part.get()).ok()).unwrap_or(0)
    };
    let mut parts: Vec<i64> = used.iter().map(part).collect();
    let rest = Fraction::ONE.billionths().saturating_sub(parts.iter().sum());
    if let Some(first) = parts.first_mut() {
        *first = first.saturating_add(rest);
    }
    parts.into_iter().map(Fraction::from_billionths).collect()
}

/// A rate on a part of the whole, in billionths, rounded towards zero.
fn weighted(rate: Fraction, share: Fraction) -> Option<i64> {
    let product = i128::from(rate.billionths()).checked_mul(i128::from(share.billionths()))?;
    i64::try_from(product.checked_div(i128::from(Fraction::ONE.billionths()))?).ok()
}

/// A guess in whole atoms.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is where the search begins: the cast keeps it within the type, and exact quotes follow"
)]
fn whole(guess: f64) -> u64 {
    guess as u64
}
