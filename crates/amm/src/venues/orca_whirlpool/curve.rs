use super::layout::{Whirlpool, offset};
use super::oracle::Oracle;
use super::price::{SQRT_PRICE_MAX, SQRT_PRICE_MIN, sqrt_price, tick_at};
use super::tick_array;
use crate::account::{DecodeError, Lookup, is_vacant};
use crate::changes::{FieldWrite, Writes};
use crate::clock::Clock;
use crate::concentrated::{
    self, Beyond, FeeSide, Share, Stop, TICK_MAX, TickArrayAddress, TickSwap, Walked, walk,
};
use crate::swap::{Direction, Fill, QuoteError};
use crate::venue::{Curve, SwapArgs};
use order_core::quote::Mode;
use order_core::{Atoms, Fraction};
use solana_instruction::Instruction;

/// The protocol's part of the fee is in ten-thousandths.
const PROTOCOL_RATE_ONE: u32 = 10_000;

/// A pool with the ticks around its price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WhirlpoolCurve {
    pool: Whirlpool,
    /// In place of the pool's fee, if that grows.
    oracle: Option<Oracle>,
    /// The ticks at or below the price.
    down: Reach,
    /// The ticks above the price.
    up: Reach,
}

impl WhirlpoolCurve {
    pub(super) fn load(pool: &Whirlpool, accounts: Lookup<'_, '_>) -> Result<Self, DecodeError> {
        let oracle =
            if pool.is_adaptive() { Oracle::load(pool.oracle, pool.address, accounts)? } else { None };
        let down = Reach::load(pool, Direction::AToB, accounts)?;
        Ok(Self { pool: pool.clone(), oracle, down, up: Reach::load(pool, Direction::BToA, accounts)? })
    }

    fn fill(
        &self,
        direction: Direction,
        mode: Mode,
        amount: u64,
        clock: Clock,
        writes: &mut Writes,
    ) -> Result<Fill, QuoteError> {
        let (Reach { stops, beyond }, price_limit) = match direction {
            Direction::AToB => (&self.down, SQRT_PRICE_MIN),
            Direction::BToA => (&self.up, SQRT_PRICE_MAX),
        };
        let Whirlpool { place: start, fee_rate, .. } = self.pool;
        let oracle = self.oracle.map(|oracle| oracle.at(start, clock)).transpose()?;
        let protocol = Share { rate: u32::from(self.pool.protocol_fee_rate), whole: PROTOCOL_RATE_ONE };
        let fee_shares = [protocol];
        let beyond = *beyond;
        let swap = TickSwap {
            start,
            stops,
            direction,
            mode,
            amount,
            fee_rate,
            fee_side: FeeSide::Input,
            growing_fee: oracle.map(|oracle| oracle.fee(start, fee_rate, direction)),
            price_limit,
            beyond,
            fee_shares,
        };
        let walked = walk(swap)?;
        self.write(direction, &walked, writes).ok_or(QuoteError::Overflow)?;
        if let Some((oracle, fee)) = oracle.zip(walked.growing_fee) {
            let prices = [start.sqrt_price, walked.end.sqrt_price];
            oracle.write(fee.volatility, prices, clock, writes).ok_or(QuoteError::Overflow)?;
        }
        Ok(Fill {
            amount_in: walked.amount_in,
            amount_out: walked.amount_out,
            fee: millionths(walked.fee_rate),
            price_impact: walked.price_impact,
        })
    }

    /// The price moves, and the protocol gets its part of each step's fee. What the liquidity's owners have
    /// earned is not counted: it changes no quote.
    fn write(&self, direction: Direction, walked: &Walked<1>, writes: &mut Writes) -> Option<()> {
        let address = self.pool.address;
        let [earned] = walked.fee_shares;
        let (owed_offset, _) = direction.order(offset::PROTOCOL_FEES);
        let (owed, _) = direction.order(self.pool.protocol_fees);
        let owed = owed.checked_add(earned)?;
        writes.add(|| {
            [
                FieldWrite::u128(address, offset::LIQUIDITY, walked.end.liquidity),
                FieldWrite::u128(address, offset::SQRT_PRICE, walked.end.sqrt_price),
                FieldWrite::i32(address, offset::TICK, walked.tick(tick_at)),
                FieldWrite::u64(address, owed_offset, owed),
            ]
        });
        Some(())
    }
}

impl Curve for WhirlpoolCurve {
    fn reserves(&self, _clock: Clock) -> [Atoms; 2] {
        concentrated::reserves(self.pool.place, &self.down.stops, &self.up.stops)
    }

    fn fee(&self, clock: Clock) -> Fraction {
        let Whirlpool { place, fee_rate, .. } = self.pool;
        let oracle = self.oracle.and_then(|oracle| oracle.at(place, clock).ok());
        let grown = oracle.and_then(|oracle| oracle.fee(place, fee_rate, Direction::AToB).rate());
        millionths(grown.unwrap_or(fee_rate))
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

fn millionths(rate: u32) -> Fraction {
    Fraction::from_billionths(i64::from(rate).saturating_mul(1000))
}

/// The ticks in a direction, the nearest first. They end with a boundary that is no tick of liquidity.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reach {
    stops: Vec<Stop>,
    beyond: Beyond,
}

impl Reach {
    /// The program takes an array that is not initialised for one without ticks. An array that was not read is the
    /// end of those that are known: the price has moved towards it.
    fn load(pool: &Whirlpool, direction: Direction, accounts: Lookup<'_, '_>) -> Result<Self, DecodeError> {
        let mut stops = Vec::new();
        let mut last = None;
        for TickArrayAddress { start, address } in pool.arrays.towards(direction).iter().copied() {
            let Some(account) = accounts(&address) else { break };
            let mut found = if is_vacant(account) {
                Vec::new()
            } else {
                tick_array::decode(address, account, pool.address, start, pool.tick_spacing)?
            };
            last = Some((start, found.last().map(|stop| stop.tick)));
            if direction == Direction::AToB {
                found.reverse();
            }
            stops.append(&mut found);
        }
        stops.retain(|stop| match direction {
            Direction::AToB => stop.tick <= pool.place.tick,
            Direction::BToA => stop.tick > pool.place.tick,
        });
        let Some((start, highest)) = last else { return Ok(Self { stops, beyond: Beyond::AccountsEnd }) };
        let (tick, beyond) = boundary(pool, direction, start, highest);
        stops.extend(sqrt_price(tick).map(|sqrt_price| Stop { tick, sqrt_price, net: None, orders: 0 }));
        Ok(Self { stops, beyond })
    }
}

/// The end of the last array, which begins at `start` and has liquidity up to its tick `highest`.
fn boundary(pool: &Whirlpool, direction: Direction, start: i32, highest: Option<i32>) -> (i32, Beyond) {
    let span = pool.array_ticks();
    match direction {
        Direction::AToB if start <= -TICK_MAX => (-TICK_MAX, Beyond::PoolEnds),
        Direction::AToB => (start, Beyond::AccountsEnd),
        Direction::BToA => {
            // Past a tick of liquidity in an array's last place, the program looks for the next array, and fails.
            let last_place = start.saturating_add(span).saturating_sub(i32::from(pool.tick_spacing));
            let end = start.saturating_add(span).saturating_sub(1);
            match highest {
                Some(highest) if highest == last_place => (highest, Beyond::AccountsEnd),
                Some(_) | None if end >= TICK_MAX => (TICK_MAX, Beyond::PoolEnds),
                Some(_) | None => (end, Beyond::AccountsEnd),
            }
        }
    }
}
