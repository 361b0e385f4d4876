use super::bin_array::{self, BinArray};
use super::layout::{ArrayAddress, CollectFee, Pool, bin_offset, offset};
use super::walk::{Step, Walk};
use super::{FEE_CAP, NO_EXACT_OUT, price};
use crate::account::{DecodeError, Write};
use crate::clock::Clock;
use crate::math::{self, Q64, mul};
use crate::swap::{Direction, Fill, QuoteError};
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

    fn exact_in(&self, direction: Direction, amount: u64, clock: Clock) -> Result<Fill, QuoteError> {
        self.require_open(clock)?;
        let walk = Walk::new(self, direction, amount, clock.unix_timestamp)?;
        let out = walk.steps.iter().try_fold(0u64, |sum, step| sum.checked_add(step.out));
        let amount_out = out.ok_or(QuoteError::Overflow)?;
        if amount_out == 0 {
            return Err(QuoteError::NothingOut);
        }
        let Pool { parameters, active_id, .. } = &self.pool;
        let price = price::of_bin(*active_id, parameters.bin_step);
        let terms = price.and_then(|price| Terms::of(&walk.steps, direction, price));
        let terms = terms.ok_or(QuoteError::Overflow)?;
        Ok(Fill {
            amount_in: amount,
            amount_out,
            fee: terms.fee,
            price_impact: terms.price_impact,
            writes: self.writes(&walk, direction).ok_or(QuoteError::Overflow)?,
        })
    }

    fn exact_out(&self, _direction: Direction, _amount: u64, _clock: Clock) -> Result<Fill, QuoteError> {
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
        Ok(Self { pool: pool.clone(), arrays })
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

    fn writes(&self, walk: &Walk, direction: Direction) -> Option<Vec<Write>> {
        let mut writes = self.pool_writes(walk, direction)?;
        for step in &walk.steps {
            writes.extend(step_writes(step, direction)?);
        }
        Some(writes)
    }

    fn pool_writes(&self, walk: &Walk, direction: Direction) -> Option<Vec<Write>> {
        let pool = &self.pool;
        let kept = walk.steps.iter().try_fold(0u64, |sum, step| sum.checked_add(step.protocol_fee(pool)?))?;
        let (in_first, in_second) = match (direction, pool.fee_on_input(direction)) {
            (Direction::AToB, true) | (Direction::BToA, false) => (kept, 0),
            (Direction::AToB, false) | (Direction::BToA, true) => (0, kept),
        };
        let [fees_first, fees_second] = pool.protocol_fees;
        let [offset_first, offset_second] = offset::PROTOCOL_FEES;
        let volatility = walk.volatility;
        let address = pool.address;
        Some(vec![
            Write::u32(address, offset::ACCUMULATOR, volatility.accumulator),
            Write::u32(address, offset::REFERENCE, volatility.reference),
            Write::u32(address, offset::INDEX_REFERENCE, volatility.index_reference.cast_unsigned()),
            Write::u64(address, offset::LAST_UPDATE, volatility.last_update.cast_unsigned()),
            Write::u32(address, offset::ACTIVE_ID, walk.active_id.cast_unsigned()),
            Write::u64(address, offset_first, fees_first.checked_add(in_first)?),
            Write::u64(address, offset_second, fees_second.checked_add(in_second)?),
        ])
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
fn step_writes(step: &Step, direction: Direction) -> Option<Vec<Write>> {
    let [liquidity, processed, open] = step.taken;
    let [first, second] = step.bin.amounts;
    let amounts = match direction {
        Direction::AToB => [first.checked_add(liquidity.paid)?, second.checked_sub(liquidity.given)?],
        Direction::BToA => [first.checked_sub(liquidity.given)?, second.checked_add(liquidity.paid)?],
    };
    let start = bin_array::offset_of(step.place);
    let write = |field: usize, value| Write::u64(step.array, start.saturating_add(field), value);
    let [offset_first, offset_second] = bin_offset::AMOUNTS;
    let [amount_first, amount_second] = amounts;
    Some(vec![
        write(offset_first, amount_first),
        write(offset_second, amount_second),
        write(bin_offset::PROCESSED_ORDERS, step.bin.processed_orders.checked_sub(processed.given)?),
        write(bin_offset::OPEN_ORDERS, step.bin.open_orders.checked_sub(open.given)?),
    ])
}

/// What a swap through several bins comes to, weighted by what was paid in each.
struct Terms {
    fee: Fraction,
    price_impact: Fraction,
}

impl Terms {
    /// Compared is with the pool's price: if the nearest bins are empty, the first step is worse already.
    fn of(steps: &[Step], direction: Direction, pool: u128) -> Option<Self> {
        let (mut paid, mut fees, mut lost) = (0u64, 0u128, 0u128);
        for step in steps {
            let here = step.paid()?;
            paid = paid.checked_add(here)?;
            fees = fees.checked_add(u128::from(here).checked_mul(u128::from(step.rate))?)?;
            // How much less than at the pool's price a unit buys here, in Q64.64.
            let (worse, better) = match direction {
                Direction::AToB => (step.price, pool),
                Direction::BToA => (pool, step.price),
            };
            let worth = mul(worse, Q64)?.checked_div(U256::from(better))?;
            let loss = Q64.saturating_sub(u128::try_from(worth).unwrap_or(Q64));
            lost = lost.checked_add(u128::from(here).checked_mul(loss)?)?;
        }
        let rate = u64::try_from(fees.checked_div(u128::from(paid))?).ok()?;
        let whole = u128::from(paid).checked_mul(Q64)?;
        Some(Self { fee: fraction(rate), price_impact: math::ratio(lost, whole)? })
    }
}

fn fraction(billionths: u64) -> Fraction {
    i64::try_from(billionths).map_or(Fraction::ONE, Fraction::from_billionths)
}

/// Where the bin arrays of a swap are: those it enters, and at least one more if there is one.
pub(super) fn arrays_of(curve: &Curve, direction: Direction, amount: u64) -> Vec<Pubkey> {
    // Long after the last swap the fee is at its lowest, and the way at its longest.
    let entered = Walk::new(curve, direction, amount, i64::MAX).map_or(0, |walk| walk.entered.len());
    let count = entered.saturating_add(1).max(super::ARRAYS_LEAST);
    curve.pool.arrays_onwards(direction).into_iter().take(count).map(|array| array.address).collect()
}
