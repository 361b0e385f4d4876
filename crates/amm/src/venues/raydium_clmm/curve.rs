use super::bitmap::{ARRAYS_LEAST, End};
use super::dynamic_fee;
use super::layout::{ClmmConfig, ClmmPool, pool_offset};
use super::price::{SQRT_PRICE_MAX, SQRT_PRICE_MIN, tick_at};
use super::tick_array::{self, TickOrders};
use crate::account::{DecodeError, Lookup, is_vacant};
use crate::changes::{FieldWrite, Writes};
use crate::clock::Clock;
use crate::concentrated::{
    self, Beyond, FeeSide, GrowingFee, RATE_ONE, Share, Stop, TickArrayAddress, TickArrays, TickSwap, Walked,
    walk,
};
use crate::swap::{Direction, Fill, Limit, QuoteError};
use crate::venue::{Curve, SwapArgs};
use order_core::quote::Mode;
use order_core::{Atoms, Fraction, Pubkey};
use solana_instruction::Instruction;

/// A pool with its fee rates and the ticks around its price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClmmCurve {
    pool: ClmmPool,
    config: ClmmConfig,
    /// Those with ticks that a swap goes through.
    arrays: TickArrays,
    /// The extension of the bitmap, if swaps may need it and it exists.
    extension: Option<Pubkey>,
    /// The ticks at or below the price.
    down: Reach,
    /// The ticks above the price.
    up: Reach,
}

/// The ticks in a direction, the nearest first.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reach {
    stops: Vec<Stop>,
    orders: Vec<TickOrders>,
    beyond: Beyond,
}

impl ClmmCurve {
    pub(super) fn load(pool: &ClmmPool, accounts: Lookup<'_, '_>) -> Result<Self, DecodeError> {
        let config = ClmmConfig::load(pool.config, accounts)?;
        let bits = pool.extension(accounts)?;
        let arrays = pool.arrays(bits.as_ref());
        let reach = |direction| {
            let end = pool.starts(bits.as_ref(), direction).end;
            Reach::load(pool, arrays.towards(direction), end, direction, accounts)
        };
        let (down, up) = (reach(Direction::AToB)?, reach(Direction::BToA)?);
        let exists = |address: &Pubkey| accounts(address).is_some_and(|account| !is_vacant(account));
        let extension = pool.extension.filter(exists);
        Ok(Self { pool: pool.clone(), config, arrays, extension, down, up })
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
        let walked = self.walk(direction, mode, amount, clock)?;
        self.write(direction, &walked, writes).ok_or(QuoteError::Overflow)?;
        if let Some((fee, (_, last_update))) = walked.growing_fee.zip(self.growing_fee(direction, clock)) {
            dynamic_fee::write(self.pool.address, fee.volatility, last_update, writes);
        }
        Ok(Fill {
            amount_in: walked.amount_in,
            amount_out: walked.amount_out,
            fee: millionths(walked.fee_rate),
            price_impact: walked.price_impact,
        })
    }

    /// The fee as a swap at this time finds it if it grows, and the time of its last reference.
    fn growing_fee(&self, direction: Direction, clock: Clock) -> Option<(GrowingFee, u64)> {
        let rate = self.config.trade_fee_rate;
        self.pool.dynamic_fee.map(|fee| fee.at(self.pool.place, rate, direction, clock))
    }

    fn walk(
        &self,
        direction: Direction,
        mode: Mode,
        amount: u64,
        clock: Clock,
    ) -> Result<Walked<2>, QuoteError> {
        let (reach, price_limit) = match direction {
            Direction::AToB => (&self.down, SQRT_PRICE_MIN.saturating_add(1)),
            Direction::BToA => (&self.up, SQRT_PRICE_MAX.saturating_sub(1)),
        };
        let fee_rate = self.config.trade_fee_rate;
        let fee_shares = [self.config.protocol_fee_rate, self.config.fund_fee_rate]
            .map(|rate| Share { rate, whole: RATE_ONE });
        walk(TickSwap {
            start: self.pool.place,
            stops: &reach.stops,
            direction,
            mode,
            amount,
            fee_rate,
            fee_side: self.pool.fee_on.side(direction),
            growing_fee: self.growing_fee(direction, clock).map(|(fee, _)| fee),
            price_limit,
            beyond: reach.beyond,
            fee_shares,
        })
    }

    /// The arrays that a swap enters, and at least one more if there is one.
    fn arrays_of(&self, direction: Direction, mode: Mode, amount: u64) -> &[TickArrayAddress] {
        let arrays = self.arrays.towards(direction);
        // Long after the last swap the fee is at its lowest, and the swap goes the farthest.
        let end = self.walk(direction, mode, amount, Clock { unix_timestamp: i64::MAX, ..Clock::default() });
        let entered = end.map_or(0, |walked| {
            let tick = walked.tick(tick_at);
            arrays.iter().filter(|array| self.is_entered(array.start, tick, direction)).count()
        });
        let count = entered.saturating_add(1).max(ARRAYS_LEAST).min(arrays.len());
        arrays.get(..count).unwrap_or(arrays)
    }

    /// True if a swap that comes to a tick goes through the array that begins at `start`.
    fn is_entered(&self, start: i32, tick: i32, direction: Direction) -> bool {
        match direction {
            Direction::AToB => start.saturating_add(self.pool.array_ticks()) > tick,
            Direction::BToA => start <= tick,
        }
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
        let side = self.pool.fee_on.side(direction);
        let (protocol_offset, protocol) =
            (fee_token(side, direction, at::PROTOCOL_FEES), self.pool.protocol_fees);
        let (fund_offset, fund) = (fee_token(side, direction, at::FUND_FEES), self.pool.fund_fees);
        let protocol = fee_token(side, direction, protocol);
        let fund = fee_token(side, direction, fund);
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
        let (Reach { orders, .. }, _) = direction.order([&self.down, &self.up]);
        for (tick, taken) in &walked.filled {
            let filled = orders.iter().find(|orders| orders.tick == *tick)?.fill(*taken)?;
            writes.add(|| filled);
        }
        Some(())
    }
}

/// The one of a pair that is of the token the fee is taken of.
fn fee_token<T>(side: FeeSide, direction: Direction, pair: [T; 2]) -> T {
    let (input, output) = direction.order(pair);
    match side {
        FeeSide::Input => input,
        FeeSide::Output => output,
    }
}

fn millionths(rate: u32) -> Fraction {
    Fraction::from_billionths(i64::from(rate).saturating_mul(1000))
}

impl Curve for ClmmCurve {
    fn reserves(&self, _clock: Clock) -> [Atoms; 2] {
        concentrated::reserves(self.pool.place, &self.down.stops, &self.up.stops)
    }

    fn fee(&self, clock: Clock) -> Fraction {
        let grown = self.growing_fee(Direction::AToB, clock).and_then(|(mut fee, _)| fee.rate());
        millionths(grown.unwrap_or(self.config.trade_fee_rate))
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
        let (token_in, token_out) = args.direction.order(*args.tokens);
        let inside = match args.limit {
            Limit::ExactIn { amount_in, .. } => Some(token_in.transfer_fee.after(amount_in.get())),
            Limit::ExactOut { amount_out, .. } => token_out.transfer_fee.before(amount_out.get()),
        };
        let arrays = self.arrays_of(args.direction, args.limit.mode(), inside.unwrap_or(u64::MAX));
        self.pool.instruction(args, self.extension, arrays)
    }
}

impl Reach {
    /// An array that was not read, or does not exist, is the end of those that are known.
    fn load(
        pool: &ClmmPool,
        arrays: &[TickArrayAddress],
        end: End,
        direction: Direction,
        accounts: Lookup<'_, '_>,
    ) -> Result<Self, DecodeError> {
        let beyond = if end == End::Pool { Beyond::PoolEnds } else { Beyond::AccountsEnd };
        let mut reach = Self { stops: Vec::new(), orders: Vec::new(), beyond };
        for TickArrayAddress { start, address } in arrays.iter().copied() {
            let Some(account) = accounts(&address).filter(|account| !is_vacant(account)) else {
                reach.beyond = Beyond::AccountsEnd;
                break;
            };
            let mut found = tick_array::decode(address, account, pool.address, start, pool.spacing)?;
            if direction == Direction::AToB {
                found.stops.reverse();
            }
            reach.stops.append(&mut found.stops);
            reach.orders.append(&mut found.orders);
        }
        reach.stops.retain(|stop| match direction {
            Direction::AToB => stop.tick <= pool.place.tick,
            Direction::BToA => stop.tick > pool.place.tick,
        });
        Ok(reach)
    }
}
