use super::bin_array::{self, BinArray};
use super::layout::{ArrayAddress, CollectFee, Pool, bin_offset, offset};
use super::reach::Reach;
use super::walk::{Step, Walk};
use super::{FEE_CAP, NO_EXACT_OUT, price};
use crate::account::{DecodeError, Write};
use crate::clock::Clock;
use crate::math::{self, Q64, mul};
use crate::swap::{Direction, Fill, QuoteError, Writes};
use crate::venues::{self, Lookup, Order};
use order_core::{Atoms, Fraction, Pubkey};
use ruint::aliases::U256;
use solana_instruction::Instruction;

/// A pool with the bin arrays around its price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Curve {
    pub(super) pool: Pool,
    /// Those of the pool's arrays that the snapshot has.
    arrays: Vec<BinArray>,
    /// In the bin that the pool is at; None if the program cannot tell it.
    price: Option<u128>,
    reach: Reach,
}

impl venues::Curve for Curve {
    fn reserves(&self, _clock: Clock) -> [Atoms; 2] {
        let mut reserves = [0u64; 2];
        for bin in self.arrays.iter().flat_map(BinArray::bins) {
            for (reserve, direction) in reserves.iter_mut().zip([Direction::BToA, Direction::AToB]) {
                let offers = bin.offers(direction, self.pool.has_orders);
                *reserve = offers.into_iter().fold(*reserve, u64::saturating_add);
            }
        }
        reserves.map(Atoms::new)
    }

    fn fee(&self, clock: Clock) -> Fraction {
        let Pool { parameters, volatility, active_id, .. } = &self.pool;
        let found = volatility.at(parameters, *active_id, clock.unix_timestamp);
        fraction(found.in_bin(parameters, *active_id).rate(parameters).unwrap_or(FEE_CAP))
    }

    fn exact_in(
        &self,
        direction: Direction,
        amount: u64,
        clock: Clock,
        writes: &mut Writes,
    ) -> Result<Fill, QuoteError> {
        self.require_open(clock)?;
        let (start, mut totals) = if writes.are_kept() {
            (Walk::start(&self.pool, amount, clock.unix_timestamp), Totals::default())
        } else {
            self.reach.start(self, direction, amount, clock.unix_timestamp)
        };
        let walk = start.finish(self, direction, |step| totals.add(step, direction, self, writes))?;
        if totals.out == 0 {
            return Err(QuoteError::NothingOut);
        }
        self.write_pool(&walk, totals.protocol_fee, direction, writes).ok_or(QuoteError::Overflow)?;
        let (fee, price_impact) = totals.terms().ok_or(QuoteError::Overflow)?;
        Ok(Fill { amount_in: amount, amount_out: totals.out, fee, price_impact })
    }

    fn exact_out(
        &self,
        _direction: Direction,
        _amount: u64,
        _clock: Clock,
        _writes: &mut Writes,
    ) -> Result<Fill, QuoteError> {
        Err(QuoteError::Unsupported { reason: NO_EXACT_OUT })
    }

    fn quotes_exact_out(&self) -> bool {
        false
    }

    fn instruction(&self, order: Order<'_>) -> Instruction {
        self.swap_instruction(order)
    }
}

impl Curve {
    pub(super) fn load(pool: &Pool, accounts: Lookup<'_, '_>) -> Result<Self, DecodeError> {
        let mut arrays = Vec::new();
        for ArrayAddress { index, address } in pool.arrays.iter().copied() {
            // What is not there can still be swapped up to: the program is given a part of the arrays.
            if let Some(account) = accounts(&address) {
                arrays.push(BinArray::decode(address, account, &pool.address, index)?);
            }
        }
        let price = price::of_bin(pool.active_id, pool.parameters.bin_step);
        Ok(Self { pool: pool.clone(), arrays, price, reach: Reach::default() })
    }

    pub(super) fn array(&self, index: i32) -> Option<&BinArray> {
        self.arrays.iter().find(|array| array.index == index)
    }

    fn require_open(&self, clock: Clock) -> Result<(), QuoteError> {
        if !self.pool.enabled {
            return Err(QuoteError::Closed { reason: "it is disabled" });
        }
        let active = self.pool.activation.is_none_or(|(unit, point)| clock.in_unit(unit) >= point);
        if active { Ok(()) } else { Err(QuoteError::Closed { reason: "its activation is not reached" }) }
    }

    fn write_pool(&self, walk: &Walk, kept: u64, direction: Direction, writes: &mut Writes) -> Option<()> {
        let pool = &self.pool;
        let (in_first, in_second) = match (direction, pool.fee_on_input(direction)) {
            (Direction::AToB, true) | (Direction::BToA, false) => (kept, 0),
            (Direction::AToB, false) | (Direction::BToA, true) => (0, kept),
        };
        let [fees_first, fees_second] = pool.protocol_fees;
        let [offset_first, offset_second] = offset::PROTOCOL_FEES;
        let (fees_first, fees_second) =
            (fees_first.checked_add(in_first)?, fees_second.checked_add(in_second)?);
        let volatility = walk.volatility;
        let address = pool.address;
        writes.add(|| {
            [
                Write::u32(address, offset::ACCUMULATOR, volatility.accumulator),
                Write::u32(address, offset::REFERENCE, volatility.reference),
                Write::u32(address, offset::INDEX_REFERENCE, volatility.index_reference.cast_unsigned()),
                Write::u64(address, offset::LAST_UPDATE, volatility.last_update.cast_unsigned()),
                Write::u32(address, offset::ACTIVE_ID, walk.active_id.cast_unsigned()),
                Write::u64(address, offset_first, fees_first),
                Write::u64(address, offset_second, fees_second),
            ]
        });
        Some(())
    }
}

impl Pool {
    pub(super) fn fee_on_input(&self, direction: Direction) -> bool {
        match (self.collect_fee, direction) {
            (CollectFee::Input, Direction::AToB | Direction::BToA) => true,
            (CollectFee::SecondToken, Direction::AToB) => false,
            (CollectFee::SecondToken, Direction::BToA) => true,
        }
    }
}

/// Liquidity is exchanged in the bin. What orders have got in exchange is their makers': the program keeps
/// it in fields that no quote depends on, and which are left alone here.
fn write_step(step: &Step<'_>, direction: Direction, writes: &mut Writes) -> Option<()> {
    let [liquidity, processed, open] = step.taken;
    let [first, second] = step.bin.amounts;
    let [amount_first, amount_second] = match direction {
        Direction::AToB => [first.checked_add(liquidity.paid)?, second.checked_sub(liquidity.given)?],
        Direction::BToA => [first.checked_sub(liquidity.given)?, second.checked_add(liquidity.paid)?],
    };
    let processed_left = step.bin.processed_orders.checked_sub(processed.given)?;
    let open_left = step.bin.open_orders.checked_sub(open.given)?;
    let start = bin_array::offset_of(step.place);
    let [offset_first, offset_second] = bin_offset::AMOUNTS;
    writes.add(|| {
        [
            (offset_first, amount_first),
            (offset_second, amount_second),
            (bin_offset::PROCESSED_ORDERS, processed_left),
            (bin_offset::OPEN_ORDERS, open_left),
        ]
        .map(|(field, value)| Write::u64(step.array.address, start.saturating_add(field), value))
    });
    Some(())
}

/// What a swap through several bins comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Totals {
    /// What leaves the vault.
    out: u64,
    /// The protocol's part of the fees.
    protocol_fee: u64,
    /// Without the fees.
    paid: u64,
    /// What was paid in each bin, times the rate there.
    fees: u128,
    /// What was paid in each bin, times the part of the pool's price that is lost there, in Q64.64.
    lost: u128,
}

impl Totals {
    /// None where the program's own arithmetic fails.
    pub(super) fn add(
        &mut self,
        step: &Step<'_>,
        direction: Direction,
        curve: &Curve,
        writes: &mut Writes,
    ) -> Option<()> {
        let here = step.paid()?;
        self.out = self.out.checked_add(step.out)?;
        self.protocol_fee = self.protocol_fee.checked_add(step.protocol_fee(&curve.pool)?)?;
        self.paid = self.paid.checked_add(here)?;
        self.fees = self.fees.checked_add(u128::from(here).checked_mul(u128::from(step.rate))?)?;
        // Compared is with the pool's price: if the nearest bins are empty, the first step is worse already.
        let (worse, better) = match direction {
            Direction::AToB => (step.price, curve.price?),
            Direction::BToA => (curve.price?, step.price),
        };
        self.lost = self.lost.checked_add(u128::from(here).checked_mul(lost(worse, better)?)?)?;
        write_step(step, direction, writes)
    }

    /// The rate of the fee and the price impact, weighted by what was paid in each bin.
    fn terms(&self) -> Option<(Fraction, Fraction)> {
        let rate = u64::try_from(self.fees.checked_div(u128::from(self.paid))?).ok()?;
        let whole = u128::from(self.paid).checked_mul(Q64)?;
        Some((fraction(rate), math::ratio(self.lost, whole)?))
    }
}

/// How much less than at one price a unit buys at another, in Q64.64; nothing if it buys more.
fn lost(worse: u128, better: u128) -> Option<u128> {
    if worse >= better {
        return Some(0);
    }
    let worth = match worse.checked_mul(Q64) {
        Some(scaled) => scaled.checked_div(better)?,
        None => u128::try_from(mul(worse, Q64)?.checked_div(U256::from(better))?).ok()?,
    };
    Q64.checked_sub(worth)
}

fn fraction(billionths: u64) -> Fraction {
    i64::try_from(billionths).map_or(Fraction::ONE, Fraction::from_billionths)
}

/// Where the bin arrays of a swap are: those it enters, and at least one more if there is one.
pub(super) fn arrays_of(curve: &Curve, direction: Direction, amount: u64) -> Vec<Pubkey> {
    // Long after the last swap the fee is at its lowest, and the way at its longest.
    let entered = Walk::start(&curve.pool, amount, i64::MAX)
        .finish(curve, direction, |_| Some(()))
        .map_or(0, |walk| walk.entered);
    let count = entered.saturating_add(1).max(super::ARRAYS_LEAST);
    curve.pool.arrays_onwards(direction).into_iter().take(count).map(|array| array.address).collect()
}
