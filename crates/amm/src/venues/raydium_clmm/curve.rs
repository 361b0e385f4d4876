use super::layout::{Config, Pool, pool_offset};
use super::price::{SQRT_PRICE_MAX, SQRT_PRICE_MIN, tick_at};
use super::tick_array;
use crate::account::{DecodeError, Write};
use crate::clock::Clock;
use crate::concentrated::{self, RATE_ONE, Stop, Swap, Walked, walk};
use crate::math::mul_div_floor;
use crate::swap::{Direction, Fill, QuoteError};
use crate::venues::{self, Lookup, Order};
use order_core::quote::Mode;
use order_core::{Atoms, Fraction};
use solana_instruction::Instruction;

/// A pool with its fee rates and the ticks around its price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Curve {
    pool: Pool,
    config: Config,
    /// The ticks at or below the price, the highest first.
    down: Vec<Stop>,
    /// The ticks above the price, the lowest first.
    up: Vec<Stop>,
}

impl Curve {
    pub(super) fn load(pool: &Pool, accounts: Lookup<'_, '_>) -> Result<Self, DecodeError> {
        let config = Config::load(pool.config, accounts)?;
        let mut down = stops(pool, Direction::AToB, accounts)?;
        down.retain(|stop| stop.tick <= pool.place.tick);
        let mut up = stops(pool, Direction::BToA, accounts)?;
        up.retain(|stop| stop.tick > pool.place.tick);
        Ok(Self { pool: pool.clone(), config, down, up })
    }

    fn fill(&self, direction: Direction, mode: Mode, amount: u64, clock: Clock) -> Result<Fill, QuoteError> {
        self.require_open(clock)?;
        let (stops, price_limit) = match direction {
            Direction::AToB => (&self.down, SQRT_PRICE_MIN.saturating_add(1)),
            Direction::BToA => (&self.up, SQRT_PRICE_MAX.saturating_sub(1)),
        };
        let start = self.pool.place;
        let fee_rate = self.config.trade_fee_rate;
        let walked = walk(Swap { start, stops, direction, mode, amount, fee_rate, price_limit, tick_at })?;
        Ok(Fill {
            amount_in: walked.amount_in,
            amount_out: walked.amount_out,
            fee: venues::Curve::fee(self, clock),
            price_impact: walked.price_impact,
            writes: self.writes(direction, &walked).ok_or(QuoteError::Overflow)?,
        })
    }

    fn require_open(&self, clock: Clock) -> Result<(), QuoteError> {
        if self.pool.swap_disabled {
            return Err(QuoteError::Closed { reason: "its swaps are disabled" });
        }
        if clock.seconds() <= self.pool.open_time {
            return Err(QuoteError::Closed { reason: "its opening time is not reached" });
        }
        Ok(())
    }

    /// The price moves, and others than the liquidity's owners get their part of each step's fee. What the
    /// owners have earned is not counted: it changes no quote.
    fn writes(&self, direction: Direction, walked: &Walked) -> Option<Vec<Write>> {
        use pool_offset as at;
        let address = self.pool.address;
        let total = |rate: u32| {
            let part = |fee| mul_div_floor(fee, u64::from(rate), u64::from(RATE_ONE));
            walked.fees.iter().try_fold(0_u64, |sum, fee| sum.checked_add(part(*fee)?))
        };
        let (protocol_offset, _) = direction.order(at::PROTOCOL_FEES);
        let (protocol, _) = direction.order(self.pool.protocol_fees);
        let (fund_offset, _) = direction.order(at::FUND_FEES);
        let (fund, _) = direction.order(self.pool.fund_fees);
        Some(vec![
            Write::u128(address, at::LIQUIDITY, walked.end.liquidity),
            Write::u128(address, at::SQRT_PRICE, walked.end.sqrt_price),
            Write::i32(address, at::TICK, walked.end.tick),
            Write::u64(
                address,
                protocol_offset,
                protocol.checked_add(total(self.config.protocol_fee_rate)?)?,
            ),
            Write::u64(address, fund_offset, fund.checked_add(total(self.config.fund_fee_rate)?)?),
        ])
    }
}

impl venues::Curve for Curve {
    fn reserves(&self, _clock: Clock) -> [Atoms; 2] {
        concentrated::reserves(self.pool.place, &self.down, &self.up)
    }

    fn fee(&self, _clock: Clock) -> Fraction {
        Fraction::from_billionths(i64::from(self.config.trade_fee_rate).saturating_mul(1000))
    }

    fn exact_in(&self, direction: Direction, amount: u64, clock: Clock) -> Result<Fill, QuoteError> {
        self.fill(direction, Mode::ExactIn, amount, clock)
    }

    fn exact_out(&self, direction: Direction, amount: u64, clock: Clock) -> Result<Fill, QuoteError> {
        self.fill(direction, Mode::ExactOut, amount, clock)
    }

    fn instruction(&self, order: Order<'_>) -> Instruction {
        self.pool.instruction(order)
    }
}

/// The ticks of the arrays in a direction, in the direction's order. They end at the first array that is
/// not there: an instruction for the other direction does not name it.
fn stops(pool: &Pool, direction: Direction, accounts: Lookup<'_, '_>) -> Result<Vec<Stop>, DecodeError> {
    let spacing = pool.array_ticks.checked_div(tick_array::TICKS).unwrap_or(0);
    let mut stops = Vec::new();
    for start in pool.array_starts(direction) {
        let address = tick_array::address(pool.address, start);
        let Some(account) = accounts(&address) else { break };
        let mut found = tick_array::decode(address, account, pool.address, start, spacing)?;
        if direction == Direction::AToB {
            found.reverse();
        }
        stops.append(&mut found);
    }
    Ok(stops)
}
