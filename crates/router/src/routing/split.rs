//! Routes through several pools of the pair side by side.
//!
//! An amount is divided best when one more unit would buy the same in every pool. It is handed out in
//! parts, each to the pool where it buys most, and then parts of half the size, a quarter, and so on are
//! moved to where they buy more. Every comparison is between exact quotes.

use super::Route;
use super::candidate::Candidate;
use order_core::quote::Mode;
use order_core::{Atoms, Fraction, Mint};
use proto::quote::Request;
use std::cmp::Reverse;

/// Most pools of one route: with more, its transaction would not fit into a packet.
pub(super) const POOLS_MAX: usize = 4;

/// Most pools that are compared: more of one pair are hardly ever worth a part.
const CONSIDERED_MAX: usize = 8;

/// In how many parts the amount is handed out at first.
const PARTS: u64 = 32;

/// Parts down to one of so many are always tried: a pool may be worth as little.
const FINE_PARTS: u64 = 1 << 14;

/// Finer parts are tried while they bring more than one of so many of the output, or a pool is filled to
/// its brim. What is lost by stopping then is far less than a basis point.
const WORTHWHILE: u64 = 1_000_000;

/// Most lanes of which one is tried to be left out: the best is nearly always the first.
const TRIED_MAX: usize = 4;

/// Most moves of one size: after halving, few are left to be made.
const MOVES_MAX: usize = 64;

/// The best division over four pools, over three of them, and over two.
pub(super) fn propose(candidates: &[Candidate<'_>], request: &Request) -> Vec<Route> {
    let amount = request.amount.get();
    if candidates.len() < 2 || amount < PARTS {
        return Vec::new();
    }
    let mut routes = Vec::new();
    let mut divisions = Some(Division::new(candidates, request.mint_in, amount));
    while let Some(division) = divisions.filter(|division| division.lanes.len() >= 2) {
        if division.lanes.len() <= POOLS_MAX {
            routes.extend(division.route(request));
        }
        divisions = division.without_one();
    }
    routes
}

/// One pool's part of the amount.
#[derive(Clone)]
struct Lane<'a> {
    candidate: &'a Candidate<'a>,
    amount: u64,
    output: u64,
}

/// What a part more buys in a lane, and what a part less costs; None if that cannot be.
#[derive(Clone, Copy)]
struct Margin {
    gain: Option<u64>,
    loss: Option<u64>,
}

#[derive(Clone)]
struct Division<'a> {
    mint_in: Mint,
    amount: u64,
    lanes: Vec<Lane<'a>>,
    /// What the last unit buys, as so many atoms for so many.
    rate: (u64, u64),
}

impl<'a> Division<'a> {
    fn new(candidates: &'a [Candidate<'a>], mint_in: Mint, amount: u64) -> Self {
        let part = amount / PARTS;
        let mut ranked: Vec<_> =
            candidates.iter().map(|candidate| (candidate.output(mint_in, part), candidate)).collect();
        ranked.sort_by_key(|(output, _)| Reverse(*output));
        ranked.truncate(CONSIDERED_MAX);
        let lanes = ranked.into_iter().map(|(_, candidate)| Lane { candidate, amount: 0, output: 0 });
        let mut division = Self { mint_in, amount, lanes: lanes.collect(), rate: (0, 1) };
        division.hand_out(amount);
        division.refine();
        division.lanes.retain(|lane| lane.output > 0);
        division
    }

    /// Gives an amount to the lanes, part by part to where it buys most.
    fn hand_out(&mut self, amount: u64) {
        let part = (self.amount / PARTS).min(amount).max(1);
        let mut gains: Vec<_> = self.lanes.iter().map(|lane| lane.gain(self.mint_in, part)).collect();
        for _ in 0..amount / part {
            let best = (0..gains.len()).max_by_key(|place| (gains.get(*place).copied(), Reverse(*place)));
            let Some((place, lane)) = best.and_then(|place| Some((place, self.lanes.get_mut(place)?))) else {
                return;
            };
            lane.add(self.mint_in, part);
            if let Some(gain) = gains.get_mut(place) {
                *gain = lane.gain(self.mint_in, part);
            }
        }
        let rest = amount % part;
        if rest > 0
            && let Some(lane) = self.lanes.iter_mut().max_by_key(|lane| lane.amount)
        {
            lane.add(self.mint_in, rest);
        }
    }

    /// Moves smaller and smaller parts to where they buy more.
    fn refine(&mut self) {
        let mut part = self.amount / PARTS / 2;
        while part > 0 {
            let unsettled = self.level(part);
            if !unsettled && part <= self.amount / FINE_PARTS {
                return;
            }
            part /= 2;
        }
    }

    /// Moves parts of one size, and says whether smaller ones may still bring something.
    fn level(&mut self, part: u64) -> bool {
        let mut margins: Vec<_> = self.lanes.iter().map(|lane| lane.margin(self.mint_in, part)).collect();
        let mut won = 0u64;
        for _ in 0..MOVES_MAX {
            let Some((surplus, from, to)) = best_move(&margins) else { break };
            won = won.saturating_add(surplus);
            for (place, more) in [(from, false), (to, true)] {
                if let (Some(lane), Some(margin)) = (self.lanes.get_mut(place), margins.get_mut(place)) {
                    lane.shift(part, *margin, more);
                    *margin = lane.margin(self.mint_in, part);
                }
            }
        }
        let last = margins.iter().filter_map(|margin| margin.gain).max();
        self.rate = (last.unwrap_or(0), part);
        won > self.output() / WORTHWHILE || margins.iter().any(|margin| margin.gain.is_none())
    }

    /// The best division without one of the lanes. A lane is missed at least by what it gives beyond what
    /// its amount would buy at the rate of the last unit: who is missed least is tried first, and the
    /// others only as long as they could be missed less.
    fn without_one(&self) -> Option<Self> {
        let mut missed: Vec<_> = (0..self.lanes.len()).map(|place| (self.missed(place), place)).collect();
        missed.sort_unstable();
        let whole = self.output();
        let mut best: Option<Self> = None;
        for (missed, place) in missed.into_iter().take(TRIED_MAX) {
            if best.as_ref().is_some_and(|best| best.output() >= whole.saturating_sub(missed)) {
                break;
            }
            let mut fewer = self.clone();
            let given_up = fewer.lanes.remove(place);
            fewer.hand_out(given_up.amount);
            fewer.refine();
            if best.as_ref().is_none_or(|best| best.output() < fewer.output()) {
                best = Some(fewer);
            }
        }
        best
    }

    fn missed(&self, place: usize) -> u64 {
        let (bought, spent) = self.rate;
        self.lanes.get(place).map_or(0, |lane| {
            let elsewhere = Atoms::new(lane.amount).mul_div_floor(bought, spent.max(1));
            lane.output.saturating_sub(elsewhere.map_or(u64::MAX, Atoms::get))
        })
    }

    fn output(&self) -> u64 {
        self.lanes.iter().fold(0, |sum, lane| sum.saturating_add(lane.output))
    }

    /// The division as a route, the largest part first; None if fewer than two pools have a part.
    fn route(&self, request: &Request) -> Option<Route> {
        let mut used: Vec<_> = self.lanes.iter().filter(|lane| lane.amount > 0).collect();
        used.sort_by_key(|lane| (Reverse(lane.amount), lane.candidate.entry.address));
        if used.len() < 2 || used.iter().map(|lane| lane.amount).sum::<u64>() != self.amount {
            return None;
        }
        let (mut swaps, mut amount_out) = (Vec::with_capacity(used.len()), Atoms::ZERO);
        let (mut fee, mut price_impact) = (0i64, 0i64);
        for (lane, share) in used.iter().zip(shares(&used, self.amount)) {
            let amount = Atoms::new(lane.amount);
            let quoted = lane.candidate.quote(self.mint_in, Mode::ExactIn, amount).ok()?;
            fee = fee.checked_add(weighted(quoted.fee, share)?)?;
            price_impact = price_impact.checked_add(weighted(quoted.price_impact, share)?)?;
            amount_out = amount_out.checked_add(quoted.amount_out)?;
            swaps.push(lane.candidate.swap([request.mint_in, request.mint_out], &quoted, share));
        }
        Some(Route {
            swaps,
            amount_in: request.amount,
            amount_out,
            fee: Fraction::from_billionths(fee),
            price_impact: Fraction::from_billionths(price_impact),
            slot: used.iter().map(|lane| lane.candidate.entry.slot).min()?,
            age: used.iter().map(|lane| lane.candidate.age).max()?,
        })
    }
}

impl Lane<'_> {
    fn gain(&self, mint_in: Mint, part: u64) -> Option<u64> {
        let more = self.amount.checked_add(part)?;
        self.candidate.output(mint_in, more).checked_sub(self.output)
    }

    fn margin(&self, mint_in: Mint, part: u64) -> Margin {
        let less = self.amount.checked_sub(part).map(|less| self.candidate.output(mint_in, less));
        Margin { gain: self.gain(mint_in, part), loss: less.map(|output| self.output.saturating_sub(output)) }
    }

    fn add(&mut self, mint_in: Mint, part: u64) {
        self.amount = self.amount.saturating_add(part);
        self.output = self.candidate.output(mint_in, self.amount);
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

/// What the best move of a part brings, from which lane and to which; None if every move costs as much as
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

/// The lanes' parts of the whole; the first, which is the largest, takes what rounding leaves.
fn shares(used: &[&Lane<'_>], amount: u64) -> Vec<Fraction> {
    let part = |lane: &&Lane<'_>| {
        let part = Atoms::new(lane.amount).mul_div_floor(Fraction::ONE_IN_BILLIONTHS, amount);
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
