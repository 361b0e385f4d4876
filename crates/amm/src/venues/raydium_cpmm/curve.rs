use super::layout::{CpmmConfig, CpmmPool, CreatorFeeOn, OwedFees, pool_offset};
use super::program::RATE_ONE;
use crate::account::{DecodeError, Lookup};
use crate::changes::{FieldWrite, Writes};
use crate::clock::Clock;
use crate::math::{self, bought, mul_div_ceil, mul_div_floor, paid};
use crate::swap::{Direction, Fill, QuoteError};
use crate::token;
use crate::venue::{Curve, SwapArgs};
use order_core::{Atoms, Fraction};
use solana_instruction::Instruction;

/// A pool with its fee rates and what its vaults hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CpmmCurve {
    pool: CpmmPool,
    config: CpmmConfig,
    /// Balances of the vaults, fees that are owed to others included.
    balances: [u64; 2],
    /// Amounts that can be traded against.
    reserves: [u64; 2],
}

impl Curve for CpmmCurve {
    fn reserves(&self, _clock: Clock) -> [Atoms; 2] {
        self.reserves.map(Atoms::new)
    }

    /// The trade and the creator's rate, added even where they are taken one after the other.
    fn fee(&self, _clock: Clock) -> Fraction {
        let rate = self.config.trade_fee_rate.saturating_add(self.creator_fee_rate());
        i64::try_from(rate.saturating_mul(1000)).map_or(Fraction::ONE, Fraction::from_billionths)
    }

    /// Output for `amount` that arrives in the vault.
    fn exact_in(
        &self,
        direction: Direction,
        amount: u64,
        clock: Clock,
        writes: &mut Writes,
    ) -> Result<Fill, QuoteError> {
        self.require_open(clock)?;
        let rates = self.rates(direction)?;
        let (reserve_in, reserve_out) = direction.order(self.reserves);
        let fees_in = rates.input_fees(amount).ok_or(QuoteError::Overflow)?;
        let net = amount.checked_sub(fees_in.total()?).ok_or(QuoteError::Overflow)?;
        let bought = bought(net, reserve_in, reserve_out).ok_or(QuoteError::InsufficientLiquidity)?;
        let creator_out =
            mul_div_ceil(bought, rates.creator_on_output, RATE_ONE).ok_or(QuoteError::Overflow)?;
        let amount_out = bought.checked_sub(creator_out).ok_or(QuoteError::Overflow)?;
        self.fill(
            CpmmSwap { direction, amount_in: amount, net, amount_out, fees_in, creator_out },
            clock,
            writes,
        )
    }

    /// Input that must arrive in the vault so that `amount` leaves the other.
    fn exact_out(
        &self,
        direction: Direction,
        amount: u64,
        clock: Clock,
        writes: &mut Writes,
    ) -> Result<Fill, QuoteError> {
        self.require_open(clock)?;
        let rates = self.rates(direction)?;
        let (reserve_in, reserve_out) = direction.order(self.reserves);
        let bought = before_fee(amount, rates.creator_on_output).ok_or(QuoteError::Overflow)?;
        let net = paid(bought, reserve_in, reserve_out).ok_or(QuoteError::InsufficientLiquidity)?;
        let rate = rates.trade.saturating_add(rates.creator_on_input);
        let amount_in = before_fee(net, rate).ok_or(QuoteError::Overflow)?;
        let fees_in = rates
            .split(amount_in.checked_sub(net).ok_or(QuoteError::Overflow)?)
            .ok_or(QuoteError::Overflow)?;
        let creator_out = bought.checked_sub(amount).ok_or(QuoteError::Overflow)?;
        self.fill(
            CpmmSwap { direction, amount_in, net, amount_out: amount, fees_in, creator_out },
            clock,
            writes,
        )
    }

    fn instruction(&self, args: SwapArgs<'_>) -> Instruction {
        self.pool.instruction(args)
    }
}

impl CpmmCurve {
    pub(super) fn load(pool: &CpmmPool, accounts: Lookup<'_, '_>) -> Result<Self, DecodeError> {
        let address = pool.address;
        let config = CpmmConfig::load(pool.config, accounts)?;
        let rates = [config.trade_fee_rate, config.creator_fee_rate];
        if rates.into_iter().try_fold(0, u64::checked_add).is_none_or(|rate| rate >= RATE_ONE) {
            let reason = "the fee is the whole amount or more";
            return Err(DecodeError::Inconsistent { address: pool.config, reason });
        }
        let balances = token::balances(pool.vaults, pool.mints, accounts)?;
        let reserve = |balance: u64, owed: OwedFees| {
            balance
                .checked_sub(owed.protocol)
                .and_then(|rest| rest.checked_sub(owed.fund))
                .and_then(|rest| rest.checked_sub(owed.creator))
                .ok_or(DecodeError::Inconsistent { address, reason: "the pool owes more fees than it holds" })
        };
        let [balance_first, balance_second] = balances;
        let [owed_first, owed_second] = pool.owed;
        let reserves = [reserve(balance_first, owed_first)?, reserve(balance_second, owed_second)?];
        Ok(Self { pool: pool.clone(), config, balances, reserves })
    }

    fn require_open(&self, clock: Clock) -> Result<(), QuoteError> {
        if self.pool.swap_disabled {
            return Err(QuoteError::Closed { reason: "its swaps are disabled" });
        }
        if clock.seconds() < self.pool.open_time {
            return Err(QuoteError::Closed { reason: "its opening time is not reached" });
        }
        Ok(())
    }

    fn creator_fee_rate(&self) -> u64 {
        if self.pool.creator_fee_enabled { self.config.creator_fee_rate } else { 0 }
    }

    /// The program divides the fee of an input by both rates, and fails if both are zero.
    fn rates(&self, direction: Direction) -> Result<Rates, QuoteError> {
        let trade = self.config.trade_fee_rate;
        let creator = self.creator_fee_rate();
        let on_input = match (self.pool.creator_fee_on, direction) {
            (CreatorFeeOn::Input, Direction::AToB | Direction::BToA)
            | (CreatorFeeOn::FirstToken, Direction::AToB)
            | (CreatorFeeOn::SecondToken, Direction::BToA) => true,
            (CreatorFeeOn::FirstToken, Direction::BToA) | (CreatorFeeOn::SecondToken, Direction::AToB) => {
                false
            }
        };
        match (on_input, trade, creator) {
            (true, 0, 0) => {
                Err(QuoteError::Unsupported { reason: "its program fails where its fees are zero" })
            }
            (true, _, _) => Ok(Rates { trade, creator_on_input: creator, creator_on_output: 0 }),
            (false, _, _) => Ok(Rates { trade, creator_on_input: 0, creator_on_output: creator }),
        }
    }

    fn fill(&self, swap: CpmmSwap, clock: Clock, writes: &mut Writes) -> Result<Fill, QuoteError> {
        let (reserve_in, _) = swap.direction.order(self.reserves);
        let (balance_in, _) = swap.direction.order(self.balances);
        if balance_in.checked_add(swap.amount_in).is_none() {
            return Err(QuoteError::Overflow);
        }
        self.write(swap, writes).ok_or(QuoteError::Overflow)?;
        let after = u128::from(reserve_in).saturating_add(u128::from(swap.net));
        Ok(Fill {
            amount_in: swap.amount_in,
            amount_out: swap.amount_out,
            fee: Curve::fee(self, clock),
            price_impact: math::ratio(u128::from(swap.net), after).ok_or(QuoteError::Overflow)?,
        })
    }

    fn write(&self, swap: CpmmSwap, writes: &mut Writes) -> Option<()> {
        use pool_offset::{CREATOR_FEES, FUND_FEES, PROTOCOL_FEES};
        let (mut owed_in, mut owed_out) = swap.direction.order(self.pool.owed);
        let part = |rate| mul_div_floor(swap.fees_in.trade, rate, RATE_ONE);
        owed_in.protocol = owed_in.protocol.checked_add(part(self.config.protocol_fee_rate)?)?;
        owed_in.fund = owed_in.fund.checked_add(part(self.config.fund_fee_rate)?)?;
        owed_in.creator = owed_in.creator.checked_add(swap.fees_in.creator)?;
        owed_out.creator = owed_out.creator.checked_add(swap.creator_out)?;
        // The order of the direction, applied twice, is the pool's own.
        let (first, second) = swap.direction.order([owed_in, owed_out]);
        let offsets = PROTOCOL_FEES.into_iter().zip(FUND_FEES).zip(CREATOR_FEES);
        for (owed, ((protocol, fund), creator)) in [first, second].into_iter().zip(offsets) {
            writes.add(|| {
                [(protocol, owed.protocol), (fund, owed.fund), (creator, owed.creator)]
                    .map(|(offset, owed)| FieldWrite::u64(self.pool.address, offset, owed))
            });
        }
        Some(())
    }
}

/// The amounts of one swap.
#[derive(Clone, Copy)]
struct CpmmSwap {
    direction: Direction,
    amount_in: u64,
    /// Part of the input that moves the price.
    net: u64,
    amount_out: u64,
    fees_in: InputFees,
    creator_out: u64,
}

/// Fees taken from the input.
#[derive(Clone, Copy)]
struct InputFees {
    trade: u64,
    creator: u64,
}

/// The rates of one direction, in millionths.
#[derive(Clone, Copy)]
struct Rates {
    trade: u64,
    creator_on_input: u64,
    creator_on_output: u64,
}

impl Rates {
    /// Fees of an input.
    fn input_fees(self, amount: u64) -> Option<InputFees> {
        let rate = self.trade.checked_add(self.creator_on_input)?;
        self.split(mul_div_ceil(amount, rate, RATE_ONE)?)
    }

    /// The creator's share of an input's fee is rounded down; the rest is the trade fee.
    fn split(self, total: u64) -> Option<InputFees> {
        let creator = match self.creator_on_input {
            0 => 0,
            rate => mul_div_floor(total, rate, self.trade.checked_add(rate)?)?,
        };
        Some(InputFees { trade: total.checked_sub(creator)?, creator })
    }
}

impl InputFees {
    fn total(self) -> Result<u64, QuoteError> {
        self.trade.checked_add(self.creator).ok_or(QuoteError::Overflow)
    }
}

/// Amount that leaves `net` after a fee of `rate`, rounded up.
fn before_fee(net: u64, rate: u64) -> Option<u64> {
    if rate == 0 { Some(net) } else { mul_div_ceil(net, RATE_ONE, RATE_ONE.checked_sub(rate)?) }
}
