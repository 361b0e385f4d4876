use super::layout::{ClmmConfig, ClmmPool, pool_offset};
use super::price::{SQRT_PRICE_MAX, SQRT_PRICE_MIN, tick_at};
use super::tick_array;
use crate::account::{DecodeError, Lookup};
use crate::changes::{FieldWrite, Writes};
use crate::clock::Clock;
use crate::concentrated::{self, Beyond, RATE_ONE, Share, Stop, TickArrayAddress, TickSwap, Walked, walk};
use crate::swap::{Direction, Fill, QuoteError};
use crate::venue::{Curve, SwapArgs};
use order_core::quote::Mode;
use order_core::{Atoms, Fraction};
use solana_instruction::Instruction;

/// A pool with its fee rates and the ticks around its price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClmmCurve {
    pool: ClmmPool,
    config: ClmmConfig,
    /// The ticks at or below the price, the highest first.
    down: Vec<Stop>,
    /// The ticks above the price, the lowest first.
    up: Vec<Stop>,
}

impl ClmmCurve {
    pub(super) fn load(pool: &ClmmPool, accounts: Lookup<'_, '_>) -> Result<Self, DecodeError> {
        let config = ClmmConfig::load(pool.config, accounts)?;
        let mut down = stops(pool, Direction::AToB, accounts)?;
        down.retain(|stop| stop.tick <= pool.place.tick);
        let mut up = stops(pool, Direction::BToA, accounts)?;
        up.retain(|stop| stop.tick > pool.place.tick);
        Ok(Self { pool: pool.clone(), config, down, up })
    }

    fn fill(
        &self,
        direction: Direction,
        mode: Mode,
        amount: u64,
        clock: Clock,
        writes: &mut Writes,
    ) -> Result<Fill, QuoteError> {
        self.require_open(clock)?;
        let (stops, price_limit) = match direction {
            Direction::AToB => (&self.down, SQRT_PRICE_MIN.saturating_add(1)),
            Direction::BToA => (&self.up, SQRT_PRICE_MAX.saturating_sub(1)),
        };
        let start = self.pool.place;
        let fee_rate = self.config.trade_fee_rate;
        let fee_shares = [self.config.protocol_fee_rate, self.config.fund_fee_rate]
            .map(|rate| Share { rate, whole: RATE_ONE });
        let beyond = Beyond::AccountsEnd;
        let swap =
            TickSwap { start, stops, direction, mode, amount, fee_rate, price_limit, beyond, fee_shares };
        let walked = walk(swap)?;
        self.write(direction, &walked, writes).ok_or(QuoteError::Overflow)?;
        Ok(Fill {
            amount_in: walked.amount_in,
            amount_out: walked.amount_out,
            fee: Curve::fee(self, clock),
            price_impact: walked.price_impact,
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
    fn write(&self, direction: Direction, walked: &Walked<2>, writes: &mut Writes) -> Option<()> {
        use pool_offset as at;
        let address = self.pool.address;
        let [earned_protocol, earned_fund] = walked.fee_shares;
        let (protocol_offset, _) = direction.order(at::PROTOCOL_FEES);
        let (protocol, _) = direction.order(self.pool.protocol_fees);
        let (fund_offset, _) = direction.order(at::FUND_FEES);
        let (fund, _) = direction.order(self.pool.fund_fees);
        let protocol = protocol.checked_add(earned_protocol)?;
        let fund = fund.checked_add(earned_fund)?;
        writes.add(|| {
            [
                FieldWrite::u128(address, at::LIQUIDITY, walked.end.liquidity),
                FieldWrite::u128(address, at::SQRT_PRICE, walked.end.sqrt_price),
                FieldWrite::i32(address, at::TICK, walked.tick(tick_at)),
                FieldWrite::u64(address, protocol_offset, protocol),
                FieldWrite::u64(address, fund_offset, fund),
            ]
        });
        Some(())
    }
}

impl Curve for ClmmCurve {
    fn reserves(&self, _clock: Clock) -> [Atoms; 2] {
        concentrated::reserves(self.pool.place, &self.down, &self.up)
    }

    fn fee(&self, _clock: Clock) -> Fraction {
        Fraction::from_billionths(i64::from(self.config.trade_fee_rate).saturating_mul(1000))
    }

    fn exact_in(
        &self,
        direction: Direction,
        amount: u64,
        clock: Clock,
        writes: &mut Writes,
    ) -> Result<Fill, QuoteError> {
        self.fill(direction, Mode::ExactIn, amount, clock, writes)
    }

    fn exact_out(
        &self,
        direction: Direction,
        amount: u64,
        clock: Clock,
        writes: &mut Writes,
    ) -> Result<Fill, QuoteError> {
        self.fill(direction, Mode::ExactOut, amount, clock, writes)
    }

    fn instruction(&self, args: SwapArgs<'_>) -> Instruction {
        self.pool.instruction(args)
    }
}

/// The ticks of the arrays in a direction, in the direction's order. They end at the first array that is
/// not there: an instruction for the other direction does not name it.
fn stops(pool: &ClmmPool, direction: Direction, accounts: Lookup<'_, '_>) -> Result<Vec<Stop>, DecodeError> {
    let spacing = pool.array_ticks.checked_div(tick_array::TICKS).unwrap_or(0);
    let mut stops = Vec::new();
    for TickArrayAddress { start, address } in pool.arrays.towards(direction).iter().copied() {
        let Some(account) = accounts(&address) else { break };
        let mut found = tick_array::decode(address, account, pool.address, start, spacing)?;
        if direction == Direction::AToB {
            found.reverse();
        }
        stops.append(&mut found);
    }
    Ok(stops)
}
