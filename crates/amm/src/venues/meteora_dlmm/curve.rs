use super::bin_array::BinArray;
use super::instruction;
use super::layout::{DlmmPool, offset};
use super::loaded::LoadedBins;
use super::program::{ARRAYS_LEAST, FEE_CAP, NO_EXACT_OUT};
use super::reach::Reach;
use super::totals::{Totals, fraction};
use super::walk::BinWalk;
use crate::account::{DecodeError, Lookup};
use crate::changes::{FieldWrite, Writes};
use crate::clock::Clock;
use crate::swap::{Direction, Fill, Limit, QuoteError};
use crate::venue::{Curve, SwapArgs};
use order_core::{Atoms, Fraction, Pubkey};
use solana_instruction::Instruction;

/// A pool's maths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DlmmCurve {
    bins: LoadedBins,
    reach: Reach,
}

impl Curve for DlmmCurve {
    fn reserves(&self, _clock: Clock) -> [Atoms; 2] {
        let mut reserves = [0u64; 2];
        for bin in self.bins.arrays.iter().flat_map(BinArray::bins) {
            for (reserve, direction) in reserves.iter_mut().zip([Direction::BToA, Direction::AToB]) {
                let offers = bin.offers(direction, self.bins.pool.has_orders);
                *reserve = offers.into_iter().fold(*reserve, u64::saturating_add);
            }
        }
        reserves.map(Atoms::new)
    }

    fn fee(&self, clock: Clock) -> Fraction {
        let DlmmPool { parameters, volatility, active_id, .. } = &self.bins.pool;
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
            (BinWalk::start(&self.bins.pool, amount, clock.unix_timestamp), Totals::default())
        } else {
            self.reach.start(&self.bins, direction, amount, clock.unix_timestamp)
        };
        let walk =
            start.finish(&self.bins, direction, |step| totals.add(step, direction, &self.bins, writes))?;
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

    fn quotes_exact_out(&self, _direction: Direction) -> bool {
        false
    }

    fn instruction(&self, args: SwapArgs<'_>) -> Instruction {
        let spent = match args.limit {
            Limit::ExactIn { amount_in, .. } => amount_in,
            Limit::ExactOut { max_in, .. } => max_in,
        };
        let (token_in, _) = args.direction.order(*args.tokens);
        let arrives = token_in.transfer_fee.after(spent.get());
        instruction::swap(&self.bins.pool, &self.arrays_of(args.direction, arrives), args)
    }
}

impl DlmmCurve {
    pub(super) fn load(pool: &DlmmPool, accounts: Lookup<'_, '_>) -> Result<Self, DecodeError> {
        Ok(Self { bins: LoadedBins::load(pool, accounts)?, reach: Reach::default() })
    }

    fn require_open(&self, clock: Clock) -> Result<(), QuoteError> {
        if !self.bins.pool.enabled {
            return Err(QuoteError::Closed { reason: "it is disabled" });
        }
        let active = self.bins.pool.activation.is_none_or(|(unit, point)| clock.in_unit(unit) >= point);
        if active { Ok(()) } else { Err(QuoteError::Closed { reason: "its activation is not reached" }) }
    }

    fn write_pool(&self, walk: &BinWalk, kept: u64, direction: Direction, writes: &mut Writes) -> Option<()> {
        let pool = &self.bins.pool;
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
                FieldWrite::u32(address, offset::ACCUMULATOR, volatility.accumulator),
                FieldWrite::u32(address, offset::REFERENCE, volatility.reference),
                FieldWrite::u32(address, offset::INDEX_REFERENCE, volatility.index_reference.cast_unsigned()),
                FieldWrite::u64(address, offset::LAST_UPDATE, volatility.last_update.cast_unsigned()),
                FieldWrite::u32(address, offset::ACTIVE_ID, walk.active_id.cast_unsigned()),
                FieldWrite::u64(address, offset_first, fees_first),
                FieldWrite::u64(address, offset_second, fees_second),
            ]
        });
        Some(())
    }

    /// Where the bin arrays of a swap are: those it enters, and at least one more if there is one.
    fn arrays_of(&self, direction: Direction, amount: u64) -> Vec<Pubkey> {
        let pool = &self.bins.pool;
        // Long after the last swap the fee is at its lowest, and the swap goes through the most bins.
        let entered = BinWalk::start(pool, amount, i64::MAX)
            .finish(&self.bins, direction, |_| Some(()))
            .map_or(0, |walk| walk.entered);
        let count = entered.saturating_add(1).max(ARRAYS_LEAST);
        pool.arrays_onwards(direction).into_iter().take(count).map(|array| array.address).collect()
    }
}
