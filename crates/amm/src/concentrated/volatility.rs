//! Fees that grow with the distance of the price from where it was, as Raydium CLMM and Orca Whirlpool reckon them.

use super::place::{Stop, TICK_MAX};
use super::step::RATE_ONE;
use crate::math;
use crate::swap::Direction;
use ruint::aliases::U256;

/// A distance of one group of ticks.
const SCALE: u32 = 10_000;
/// Reduction factors are in ten-thousandths.
const REDUCTION_ONE: u64 = 10_000;
/// Control factors are in hundred-thousandths.
const CONTROL_ONE: u128 = 100_000;
/// The highest fee of both programs, in millionths.
const RATE_MAX: u32 = RATE_ONE / 10;

/// Settings of a growing fee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VolatilitySettings {
    /// Seconds after the last reference in which it stands still.
    pub(crate) filter_period: u16,
    /// Seconds after which nothing of the volatility is left.
    pub(crate) decay_period: u16,
    pub(crate) reduction_factor: u16,
    pub(crate) control: u32,
    pub(crate) maximum: u32,
    /// Number of ticks in a group.
    pub(crate) group: i32,
}

/// Volatility of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Volatility {
    /// Index of the group of ticks from which distances are counted.
    pub(crate) index_reference: i32,
    /// The part that is left of earlier swaps.
    pub(crate) reference: u32,
    pub(crate) accumulator: u32,
}

impl Volatility {
    /// Counts from the group `index` on, `elapsed` seconds after the last reference. False if it stands still.
    pub(crate) fn refer(&mut self, settings: &VolatilitySettings, index: i32, elapsed: u64) -> bool {
        if elapsed < u64::from(settings.filter_period) {
            return false;
        }
        self.index_reference = index;
        self.reference = if elapsed < u64::from(settings.decay_period) {
            let reduced = u64::from(self.accumulator).saturating_mul(u64::from(settings.reduction_factor));
            reduced.checked_div(REDUCTION_ONE).and_then(|left| u32::try_from(left).ok()).unwrap_or(u32::MAX)
        } else {
            0
        };
        true
    }

    fn accumulate(&mut self, settings: &VolatilitySettings, index: i32) {
        let distance = u64::from(self.index_reference.abs_diff(index)).saturating_mul(u64::from(SCALE));
        let sum = u64::from(self.reference).saturating_add(distance);
        self.accumulator = u32::try_from(sum).unwrap_or(u32::MAX).min(settings.maximum);
    }
}

/// Where the groups of a program's pools end, and which of them it jumps over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GroupRules {
    RaydiumClmm,
    OrcaWhirlpool,
}

/// A fee that grows on the way of a swap.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GrowingFee {
    pub(crate) rules: GroupRules,
    pub(crate) settings: VolatilitySettings,
    pub(crate) volatility: Volatility,
    pub(crate) base_rate: u32,
    pub(crate) sqrt_price: fn(i32) -> Option<u128>,
    pub(crate) tick_at: fn(u128, i32, i32) -> i32,
    pub(crate) direction: Direction,
    /// Index of the group that the price is in.
    pub(crate) index: i32,
}

/// How far one rate of the fee reaches.
pub(super) struct Bound {
    pub(super) sqrt_price: u128,
    /// Groups are jumped over on the way.
    pub(super) jumps: bool,
}

impl GrowingFee {
    /// The rate in the group that the price is in, in millionths. None if it exceeds what the programs calculate with.
    pub(crate) fn rate(&mut self) -> Option<u32> {
        self.volatility.accumulate(&self.settings, self.index);
        let group = u32::try_from(self.settings.group).ok()?;
        let crossed = u64::from(self.volatility.accumulator.checked_mul(group)?);
        let squared = u128::from(crossed).checked_mul(u128::from(crossed))?;
        let grown = math::mul(squared, u128::from(self.settings.control))?;
        let one = CONTROL_ONE.checked_mul(u128::from(SCALE))?.checked_mul(u128::from(SCALE))?;
        let rate = math::div_ceil(grown, U256::from(one))?;
        let rate = u32::try_from(rate).unwrap_or(RATE_MAX).min(RATE_MAX);
        Some(self.base_rate.checked_add(rate)?.min(RATE_MAX))
    }

    /// How far the rate reaches on the way to `target`.
    pub(super) fn bound(&self, target: u128, liquidity: u128) -> Option<Bound> {
        let jump = |sqrt_price| Some(Bound { sqrt_price, jumps: true });
        if liquidity == 0 {
            return jump(target);
        }
        match self.rules {
            GroupRules::RaydiumClmm if self.volatility.accumulator == self.settings.maximum => jump(target),
            GroupRules::OrcaWhirlpool if self.settings.control == 0 => jump(target),
            GroupRules::OrcaWhirlpool => match self.outside_core() {
                Some(edge) => jump(self.nearer(target, edge)),
                None => self.group_end(target),
            },
            GroupRules::RaydiumClmm => self.group_end(target),
        }
    }

    fn group_end(&self, target: u128) -> Option<Bound> {
        let Direction::AToB = self.direction else {
            let end = self.price_of(self.index.saturating_add(1))?;
            return Some(Bound { sqrt_price: target.min(end), jumps: false });
        };
        Some(Bound { sqrt_price: target.max(self.price_of(self.index)?), jumps: false })
    }

    /// The price at which a group begins.
    fn price_of(&self, index: i32) -> Option<u128> {
        let tick = index.saturating_mul(self.settings.group).clamp(-TICK_MAX, TICK_MAX);
        (self.sqrt_price)(tick)
    }

    /// Outside of the groups in which the fee grows: the price where they begin in the swap's direction, or one that is
    /// farther than every target. None within these groups.
    fn outside_core(&self) -> Option<u128> {
        let Volatility { index_reference, reference, .. } = self.volatility;
        let left = self.settings.maximum.saturating_sub(reference);
        let width = i32::try_from(left.div_ceil(SCALE)).unwrap_or(i32::MAX);
        let (lower, upper) = (index_reference.saturating_sub(width), index_reference.saturating_add(width));
        let group = self.settings.group;
        let low_tick = lower.saturating_mul(group);
        let high_tick = upper.saturating_add(1).saturating_mul(group);
        let is_below = low_tick > -TICK_MAX && self.index < lower;
        let is_above = high_tick < TICK_MAX && self.index > upper;
        match self.direction {
            Direction::AToB if is_below => Some(0),
            Direction::BToA if is_below => (self.sqrt_price)(low_tick),
            Direction::AToB if is_above => (self.sqrt_price)(high_tick),
            Direction::BToA if is_above => Some(u128::MAX),
            Direction::AToB | Direction::BToA => None,
        }
    }

    fn nearer(&self, target: u128, edge: u128) -> u128 {
        match self.direction {
            Direction::AToB => target.max(edge),
            Direction::BToA => target.min(edge),
        }
    }

    /// The price has come to the end of a step on the way to `stop`.
    pub(super) fn advance(&mut self, sqrt_price: u128, stop: &Stop, jumped: bool) {
        if jumped {
            self.land(sqrt_price, stop);
        }
        self.index = match self.direction {
            Direction::AToB => self.index.saturating_sub(1),
            Direction::BToA => self.index.saturating_add(1),
        };
    }

    /// The price has jumped over groups: the last one that it went through counts.
    fn land(&mut self, sqrt_price: u128, stop: &Stop) {
        let at_stop = sqrt_price == stop.sqrt_price;
        let tick = if at_stop { stop.tick } else { (self.tick_at)(sqrt_price, -TICK_MAX, TICK_MAX) };
        let group = tick.checked_div_euclid(self.settings.group).unwrap_or(0);
        let begins_group = group.saturating_mul(self.settings.group) == tick;
        let before = |begins: bool| match self.direction {
            Direction::BToA if begins => group.saturating_sub(1),
            Direction::AToB | Direction::BToA => group,
        };
        match self.rules {
            GroupRules::RaydiumClmm => {
                self.index = before(begins_group);
                if self.volatility.accumulator != self.settings.maximum {
                    self.volatility.accumulate(&self.settings, self.index);
                }
            }
            GroupRules::OrcaWhirlpool => {
                let exact = at_stop || (self.sqrt_price)(tick) == Some(sqrt_price);
                let last = before(begins_group && exact);
                let moved = match self.direction {
                    Direction::AToB => last < self.index,
                    Direction::BToA => last > self.index,
                };
                if moved {
                    self.index = last;
                    self.volatility.accumulate(&self.settings, last);
                }
            }
        }
    }
}
