use super::bin_array::{self, Bin, BinArray};
use super::fee::Volatility;
use super::layout::DlmmPool;
use super::loaded::LoadedBins;
use super::price;
use super::program::{ARRAYS_HALF, FEE_ONE, NEEDS_EXTENSION};
use crate::math::{mul_div_ceil, mul_div_floor};
use crate::swap::{Direction, QuoteError};

/// A swap's walk through the bins, from the active one outwards.
#[derive(Debug, Clone, Copy)]
pub(super) struct BinWalk {
    /// The bin it has come to.
    pub(super) active_id: i32,
    pub(super) volatility: Volatility,
    /// Number of bin arrays that it has entered.
    pub(super) entered: usize,
    left: u64,
}

/// The part of a swap in one bin.
#[derive(Debug, Clone, Copy)]
pub(super) struct BinFill<'a> {
    pub(super) array: &'a BinArray,
    /// Which of the array's bins it is.
    pub(super) place: usize,
    /// As it was before.
    pub(super) bin: &'a Bin,
    pub(super) price: u128,
    /// The rate of the fee in billionths.
    pub(super) rate: u64,
    /// Of liquidity, of processed orders, of open ones.
    pub(super) taken: [Taken; 3],
    /// In the token that the fee is taken in.
    pub(super) fee: u64,
    /// Amount that leaves the vault.
    pub(super) out: u64,
    /// Amount spent, fees of the input included.
    pub(super) spent: u64,
}

/// Amounts of a purchase from one offer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Taken {
    pub(super) paid: u64,
    pub(super) given: u64,
}

impl BinWalk {
    /// Before anything is bought, at a time in seconds since 1970.
    pub(super) fn start(pool: &DlmmPool, amount: u64, now: i64) -> Self {
        let volatility = pool.volatility.at(&pool.parameters, pool.active_id, now);
        Self { active_id: pool.active_id, volatility, entered: 0, left: amount }
    }

    /// Before anything is bought in a bin, with this much left.
    pub(super) fn from(self, id: i32, left: u64) -> Self {
        Self { active_id: id, left, ..self }
    }

    /// Spends the rest, and calls `told` for each bin that it buys from. The walk fails where `told` does.
    pub(super) fn finish<'a>(
        mut self,
        bins: &'a LoadedBins,
        direction: Direction,
        mut told: impl FnMut(&BinFill<'a>) -> Option<()>,
    ) -> Result<Self, QuoteError> {
        // Each round enters another of the few arrays that are loaded, or ends with an error.
        while self.left > 0 {
            let array = self.next_array(bins, direction)?;
            self.entered = self.entered.saturating_add(1);
            while let Some((place, bin)) = array.bin(self.active_id).filter(|_| self.left > 0) {
                let step =
                    self.buy(&bins.pool, direction, (array, place, bin)).ok_or(QuoteError::Overflow)?;
                if let Some(step) = step {
                    told(&step).ok_or(QuoteError::Overflow)?;
                }
                self.leave(direction).ok_or(QuoteError::Overflow)?;
            }
        }
        Ok(self)
    }

    /// The nearest array with liquidity from the bin it has come to; it goes there over empty ones.
    fn next_array<'a>(
        &mut self,
        bins: &'a LoadedBins,
        direction: Direction,
    ) -> Result<&'a BinArray, QuoteError> {
        let here = bin_array::index_of(self.active_id);
        if bins.pool.bitmap.extension.is_none() && !(-ARRAYS_HALF..ARRAYS_HALF).contains(&here) {
            return Err(QuoteError::Unsupported { reason: NEEDS_EXTENSION });
        }
        let next = bins.pool.bitmap.onwards(direction, here).next();
        let next = next.ok_or_else(|| no_liquidity(&bins.pool, direction))?;
        let array = bins.array(next).ok_or(QuoteError::BeyondAccounts)?;
        if next != here {
            self.active_id = bin_array::entry_bin(next, direction);
        }
        Ok(array)
    }

    /// Buys what the bin has, if it has anything. Fails where the program's own arithmetic does.
    fn buy<'a>(
        &mut self,
        pool: &DlmmPool,
        direction: Direction,
        (array, place, bin): (&'a BinArray, usize, &'a Bin),
    ) -> Option<Option<BinFill<'a>>> {
        let offers = bin.offers(direction, pool.has_orders);
        if offers == [0; 3] {
            return Some(None);
        }
        let price = bin.price(self.active_id, pool.parameters.bin_step)?;
        self.volatility = self.volatility.in_bin(&pool.parameters, self.active_id);
        let rate = self.volatility.rate(&pool.parameters)?;
        let bought = Bought::of(Offer { price, direction, amounts: offers }, rate, self.left, pool)?;
        self.left = self.left.checked_sub(bought.spent)?;
        let Bought { taken, fee, out, spent } = bought;
        Some(Some(BinFill { array, place, bin, price, rate, taken, fee, out, spent }))
    }

    /// Goes on to the next bin if something is left.
    fn leave(&mut self, direction: Direction) -> Option<()> {
        if self.left > 0 {
            self.active_id = match direction {
                Direction::AToB => self.active_id.checked_sub(1)?,
                Direction::BToA => self.active_id.checked_add(1)?,
            };
        }
        Some(())
    }
}

/// Why nothing lies in this direction: the pool has no more, or only the extension knows of it.
fn no_liquidity(pool: &DlmmPool, direction: Direction) -> QuoteError {
    let [first, last] = pool.bin_range;
    let range = -ARRAYS_HALF..ARRAYS_HALF;
    let end = match direction {
        Direction::AToB => first,
        Direction::BToA => last,
    };
    if pool.bitmap.extension.is_some() || range.contains(&bin_array::index_of(end)) {
        QuoteError::InsufficientLiquidity
    } else {
        QuoteError::Unsupported { reason: NEEDS_EXTENSION }
    }
}

/// Amounts that a bin sells, and its price.
#[derive(Clone, Copy)]
struct Offer {
    price: u128,
    direction: Direction,
    amounts: [u64; 3],
}

struct Bought {
    taken: [Taken; 3],
    /// The fee of the input included.
    spent: u64,
    fee: u64,
    out: u64,
}

impl Bought {
    /// Purchase of an offer for `amount`, fee included. None where the program's own arithmetic fails.
    fn of(offer: Offer, rate: u64, amount: u64, pool: &DlmmPool) -> Option<Self> {
        let fee_on_input = pool.fee_on_input(offer.direction);
        let net =
            if fee_on_input { amount.checked_sub(mul_div_ceil(amount, rate, FEE_ONE)?)? } else { amount };
        let mut rest = net;
        let mut taken = [Taken::default(); 3];
        for (taken, available) in taken.iter_mut().zip(offer.amounts) {
            *taken = Taken::of(offer, available, rest)?;
            rest = rest.checked_sub(taken.paid)?;
        }
        let paid = net.checked_sub(rest)?;
        let fee_in = match (fee_on_input, rest) {
            (false, _) => 0,
            (true, 0) => amount.checked_sub(net)?,
            // The bin is empty: the fee is that of its content.
            (true, _) => mul_div_ceil(paid, rate, FEE_ONE.checked_sub(rate)?)?,
        };
        let given = taken.iter().try_fold(0u64, |sum, taken| sum.checked_add(taken.given))?;
        let fee_out = if fee_on_input { 0 } else { mul_div_ceil(given, rate, FEE_ONE)? };
        Some(Self {
            taken,
            spent: paid.checked_add(fee_in)?,
            fee: fee_in.max(fee_out),
            out: given.checked_sub(fee_out)?,
        })
    }
}

impl Taken {
    fn of(Offer { price, direction, .. }: Offer, available: u64, input: u64) -> Option<Self> {
        if available == 0 || input == 0 {
            return Some(Self::default());
        }
        let cost = price::cost(price, direction, available)?;
        if input >= cost {
            return Some(Self { paid: cost, given: available });
        }
        Some(Self { paid: input, given: price::bought(price, direction, input)? })
    }
}

impl BinFill<'_> {
    /// Amount paid for it, without fees.
    pub(super) fn paid(&self) -> Option<u64> {
        self.taken.iter().try_fold(0u64, |sum, taken| sum.checked_add(taken.paid))
    }

    /// The protocol's part of the fee.
    pub(super) fn protocol_fee(&self, pool: &DlmmPool) -> Option<u64> {
        mul_div_floor(self.fee, u64::from(pool.parameters.protocol_share), super::program::BASIS_POINTS)
    }
}
