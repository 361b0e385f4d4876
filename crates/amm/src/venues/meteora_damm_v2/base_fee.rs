use super::offset as at;
use super::program::{BASIS_POINTS, FEE_ONE};
use crate::account::{DecodeError, Fields};
use crate::math::{Q64, div_ceil, mul, pow_below_one};
use crate::swap::Direction;
use order_core::Pubkey;
use ruint::aliases::U256;

/// The part of the fee that follows a plan of the pool's creator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BaseFee {
    /// The fee at the start, in billionths.
    cliff: u64,
    plan: FeeSchedule,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FeeSchedule {
    /// Falls with time since the activation.
    Time { periods: u16, frequency: u64, fall: Fall },
    /// Rises with the amount that is sold to the pool's second token, for a while after the activation.
    Limiter(Limiter),
    /// Falls with the rise of the price since the pool was made.
    MarketCap { periods: u16, step_basis_points: u32, expiration: u32, init_sqrt_price: u128, fall: Fall },
}

/// Fall of the fee with each period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fall {
    Linear { reduction: u64 },
    Exponential { basis_points: u64 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Limiter {
    increment_basis_points: u16,
    max_duration: u32,
    max_fee_basis_points: u32,
    /// Up to this amount the fee is the cliff's.
    reference: u64,
}

/// The moment and the pool's state that a fee depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) point: u64,
    pub(super) activation_point: u64,
    pub(super) sqrt_price: u128,
    pub(super) direction: Direction,
}

impl BaseFee {
    pub(super) fn decode(address: Pubkey, fields: Fields<'_>) -> Result<Self, DecodeError> {
        let steps = fields.u16(at::BASE_FEE_STEPS)?;
        let third = fields.u64(at::BASE_FEE_THIRD)?;
        let linear = Fall::Linear { reduction: third };
        let exponential = Fall::Exponential { basis_points: third };
        let time = |fall| {
            Ok::<_, DecodeError>(FeeSchedule::Time {
                periods: steps,
                frequency: fields.u64(at::BASE_FEE_SECOND)?,
                fall,
            })
        };
        let market_cap = |fall| {
            Ok::<_, DecodeError>(FeeSchedule::MarketCap {
                periods: steps,
                step_basis_points: fields.u32(at::BASE_FEE_SECOND)?,
                expiration: fields.u32(at::BASE_FEE_SECOND_HIGH)?,
                init_sqrt_price: fields.u128(at::INIT_SQRT_PRICE)?,
                fall,
            })
        };
        let plan = match fields.u8(at::BASE_FEE_MODE)? {
            0 => time(linear)?,
            1 => time(exponential)?,
            2 => FeeSchedule::Limiter(Limiter {
                increment_basis_points: steps,
                max_duration: fields.u32(at::BASE_FEE_SECOND)?,
                max_fee_basis_points: fields.u32(at::BASE_FEE_SECOND_HIGH)?,
                reference: third,
            }),
            3 => market_cap(linear)?,
            4 => market_cap(exponential)?,
            other => {
                let reason = format!("base fee mode {other}");
                return Err(DecodeError::Unsupported { address, reason });
            }
        };
        Ok(Self { cliff: fields.u64(at::CLIFF_FEE_NUMERATOR)?, plan })
    }

    /// True if the program reads the other instructions of the transaction.
    pub(super) fn inspects_transaction(&self) -> bool {
        matches!(self.plan, FeeSchedule::Limiter(_))
    }

    /// The fee in billionths for an input of `amount`. None where the program's own arithmetic fails.
    pub(super) fn for_input(&self, moment: Moment, amount: u64) -> Option<u64> {
        match self.plan {
            FeeSchedule::Limiter(limiter) if limiter.applies(moment) && amount > limiter.reference => {
                limiter.fee(self.cliff, amount)
            }
            FeeSchedule::Limiter(_) | FeeSchedule::Time { .. } | FeeSchedule::MarketCap { .. } => {
                self.planned(moment)
            }
        }
    }

    /// The fee in billionths that does not depend on the amount.
    pub(super) fn planned(&self, moment: Moment) -> Option<u64> {
        match self.plan {
            FeeSchedule::Limiter(_) => Some(self.cliff),
            FeeSchedule::Time { periods, frequency, fall } => {
                let Some(passed) = moment.since_activation() else { return fall.after(self.cliff, periods) };
                match passed.checked_div(frequency) {
                    None => Some(self.cliff),
                    Some(period) => fall.after(self.cliff, at_most(U256::from(period), periods)),
                }
            }
            FeeSchedule::MarketCap { periods, step_basis_points, expiration, init_sqrt_price, fall } => {
                let running = moment.since_activation().is_some_and(|passed| passed <= u64::from(expiration));
                let period = if running {
                    at_most(risen(moment.sqrt_price, init_sqrt_price, step_basis_points)?, periods)
                } else {
                    periods
                };
                fall.after(self.cliff, period)
            }
        }
    }

    /// The largest input for which the fee is [`Self::planned`]; None if it is so for any input.
    pub(super) fn planned_up_to(&self, moment: Moment) -> Option<u64> {
        match self.plan {
            FeeSchedule::Limiter(limiter) if limiter.applies(moment) => Some(limiter.reference),
            FeeSchedule::Limiter(_) | FeeSchedule::Time { .. } | FeeSchedule::MarketCap { .. } => None,
        }
    }
}

impl Moment {
    fn since_activation(self) -> Option<u64> {
        self.point.checked_sub(self.activation_point)
    }
}

impl Fall {
    fn after(self, cliff: u64, periods: u16) -> Option<u64> {
        match self {
            Self::Linear { reduction } => cliff.checked_sub(reduction.checked_mul(u64::from(periods))?),
            Self::Exponential { basis_points: 0 } => Some(cliff),
            Self::Exponential { basis_points } => {
                let step = (u128::from(basis_points) << 64).checked_div(u128::from(BASIS_POINTS))?;
                let base = u64::try_from(Q64.checked_sub(step)?).ok()?;
                let scaled = mul(pow_below_one(base, u32::from(periods))?, u128::from(cliff))?;
                u64::try_from(scaled.wrapping_shr(64)).ok()
            }
        }
    }
}

impl Limiter {
    fn applies(self, moment: Moment) -> bool {
        let unset = self.increment_basis_points == 0
            && self.reference == 0
            && self.max_duration == 0
            && self.max_fee_basis_points == 0;
        let running = moment.since_activation().is_some_and(|passed| passed <= u64::from(self.max_duration));
        !unset && running && moment.direction == Direction::BToA
    }

    /// Each further `reference` of the amount pays one increment more, up to the maximum: the average of it,
    /// in billionths.
    fn fee(self, cliff: u64, amount: u64) -> Option<u64> {
        let one_basis_point = FEE_ONE.checked_div(BASIS_POINTS)?;
        let increment = u64::from(self.increment_basis_points).checked_mul(one_basis_point)?;
        let maximum = u64::from(self.max_fee_basis_points).checked_mul(one_basis_point)?;
        let above = amount.checked_sub(self.reference)?;
        let full_steps = above.checked_div(self.reference)?;
        let rising_steps = maximum.checked_sub(cliff)?.checked_div(increment)?;
        let steps = full_steps.min(rising_steps);
        let stepped = self.stepped(cliff, increment, steps)?;
        let rest_rate = if full_steps < rising_steps {
            cliff.checked_add(increment.checked_mul(steps.checked_add(1)?)?)?
        } else {
            maximum
        };
        let rest = above.checked_sub(steps.checked_mul(self.reference)?)?;
        let billionths = U256::from(rest).checked_mul(U256::from(rest_rate))?.checked_add(stepped)?;
        let fee = div_ceil(billionths, U256::from(FEE_ONE))?;
        let numerator = div_ceil(fee.checked_mul(U256::from(FEE_ONE))?, U256::from(amount))?;
        u64::try_from(numerator).ok()
    }

    /// The fee of the first `reference` and of `steps` more of them, in billionths of an atom.
    fn stepped(self, cliff: u64, increment: u64, steps: u64) -> Option<U256> {
        let steps = U256::from(steps);
        let next = steps.checked_add(U256::ONE)?;
        let increments = steps.checked_mul(next)?.wrapping_shr(1);
        let rates = U256::from(cliff)
            .checked_mul(next)?
            .checked_add(U256::from(increment).checked_mul(increments)?)?;
        U256::from(self.reference).checked_mul(rates)
    }
}

/// Number of steps that the square root of the price has risen; never negative.
fn risen(sqrt_price: u128, init_sqrt_price: u128, step_basis_points: u32) -> Option<U256> {
    let Some(rise) = sqrt_price.checked_sub(init_sqrt_price).filter(|rise| *rise > 0) else {
        return Some(U256::ZERO);
    };
    mul(rise, u128::from(BASIS_POINTS))?
        .checked_div(U256::from(init_sqrt_price))?
        .checked_div(U256::from(step_basis_points))
}

fn at_most(period: U256, periods: u16) -> u16 {
    u16::try_from(period).map_or(periods, |period| period.min(periods))
}
