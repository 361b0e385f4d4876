use super::layout::{AmmV4Fee, AmmV4Pool, AmmV4Status, STATUS_SWAP_ONLY, offset, open_orders_offset};
use crate::account::{DecodeError, Fields, Lookup, existing, is_vacant, require_owner};
use crate::changes::{FieldWrite, Writes};
use crate::clock::Clock;
use crate::math::{self, mul_div_ceil};
use crate::swap::{Direction, Fill, QuoteError};
use crate::token;
use crate::venue::{Curve, SwapArgs};
use order_core::{Atoms, Fraction, Pubkey};
use solana_instruction::Instruction;

/// A pool with what its vaults hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AmmV4Curve {
    pool: AmmV4Pool,
    /// Balances of the vaults, with what is owed to others.
    balances: [u64; 2],
    /// Amounts that can be traded against.
    reserves: [u64; 2],
}

impl AmmV4Curve {
    pub(super) fn load(pool: &AmmV4Pool, accounts: Lookup<'_, '_>) -> Result<Self, DecodeError> {
        if let AmmV4Status::OrderBook { open_orders, market_program } = pool.status {
            require_nothing_in_order_book(open_orders, market_program, accounts)?;
        }
        for address in pool.vaults {
            let account = existing(address, accounts)?;
            // The program knows no other token program: with it go all transfer fees.
            token::require_original(address, account)?;
        }
        let reserve = |balance: u64, owed: u64| {
            let reason = "the pool owes more than it holds";
            balance.checked_sub(owed).ok_or(DecodeError::Inconsistent { address: pool.address, reason })
        };
        let balances = token::balances(pool.vaults, pool.mints, accounts)?;
        let ([first, second], [owed_first, owed_second]) = (balances, pool.owed);
        let reserves = [reserve(first, owed_first)?, reserve(second, owed_second)?];
        Ok(Self { pool: pool.clone(), balances, reserves })
    }

    fn require_open(&self, clock: Clock) -> Result<(), QuoteError> {
        match self.pool.status {
            AmmV4Status::Closed => Err(QuoteError::Closed { reason: "its status allows no swaps" }),
            AmmV4Status::Waiting { open_time } if clock.seconds() < open_time => {
                Err(QuoteError::Closed { reason: "its opening time is not reached" })
            }
            AmmV4Status::Waiting { .. } | AmmV4Status::OrderBook { .. } | AmmV4Status::SwapOnly => Ok(()),
        }
    }

    fn fill(&self, swap: AmmV4Swap, clock: Clock, writes: &mut Writes) -> Result<Fill, QuoteError> {
        let (reserve_in, _) = swap.direction.order(self.reserves);
        let (balance_in, _) = swap.direction.order(self.balances);
        if balance_in.checked_add(swap.amount_in).is_none() {
            return Err(QuoteError::Overflow);
        }
        self.write(clock, writes);
        let after = u128::from(reserve_in).saturating_add(u128::from(swap.net));
        Ok(Fill {
            amount_in: swap.amount_in,
            amount_out: swap.amount_out,
            fee: Curve::fee(self, clock),
            price_impact: math::ratio(u128::from(swap.net), after).ok_or(QuoteError::Overflow)?,
        })
    }

    fn write(&self, clock: Clock, writes: &mut Writes) {
        writes.add(|| [FieldWrite::u64(self.pool.address, offset::RECENT_EPOCH, clock.epoch)]);
        if let AmmV4Status::Waiting { .. } = self.pool.status {
            writes.add(|| [FieldWrite::u64(self.pool.address, offset::STATUS, STATUS_SWAP_ONLY)]);
        }
    }
}

impl Curve for AmmV4Curve {
    fn reserves(&self, _clock: Clock) -> [Atoms; 2] {
        self.reserves.map(Atoms::new)
    }

    fn fee(&self, _clock: Clock) -> Fraction {
        let AmmV4Fee { numerator, denominator } = self.pool.fee;
        math::ratio(u128::from(numerator), u128::from(denominator)).unwrap_or(Fraction::ONE)
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
        let (reserve_in, reserve_out) = direction.order(self.reserves);
        let AmmV4Fee { numerator, denominator } = self.pool.fee;
        let fee = mul_div_ceil(amount, numerator, denominator).ok_or(QuoteError::Overflow)?;
        let net = amount.checked_sub(fee).ok_or(QuoteError::Overflow)?;
        let amount_out =
            math::bought(net, reserve_in, reserve_out).ok_or(QuoteError::InsufficientLiquidity)?;
        self.fill(AmmV4Swap { direction, amount_in: amount, net, amount_out }, clock, writes)
    }

    /// Least input that must arrive in the vault so that `amount` leaves the other.
    fn exact_out(
        &self,
        direction: Direction,
        amount: u64,
        clock: Clock,
        writes: &mut Writes,
    ) -> Result<Fill, QuoteError> {
        self.require_open(clock)?;
        let (reserve_in, reserve_out) = direction.order(self.reserves);
        let net = math::paid(amount, reserve_in, reserve_out).ok_or(QuoteError::InsufficientLiquidity)?;
        let AmmV4Fee { numerator, denominator } = self.pool.fee;
        let kept = denominator.checked_sub(numerator).ok_or(QuoteError::Overflow)?;
        let amount_in = mul_div_ceil(net, denominator, kept).ok_or(QuoteError::Overflow)?;
        self.fill(AmmV4Swap { direction, amount_in, net, amount_out: amount }, clock, writes)
    }

    fn instruction(&self, args: SwapArgs<'_>) -> Instruction {
        self.pool.instruction(args)
    }
}

/// The amounts of one swap.
#[derive(Clone, Copy)]
struct AmmV4Swap {
    direction: Direction,
    amount_in: u64,
    /// Part of the input that moves the price.
    net: u64,
    amount_out: u64,
}

/// Programs before July 2026 count what is in the order book to the reserves, later ones do not: they agree
/// on the pools that have nothing there, or no account there at all.
fn require_nothing_in_order_book(
    address: Pubkey,
    market_program: Pubkey,
    accounts: Lookup<'_, '_>,
) -> Result<(), DecodeError> {
    use open_orders_offset as at;
    let account = accounts(&address).ok_or(DecodeError::Missing { address })?;
    if is_vacant(account) {
        return Ok(());
    }
    require_owner(address, account, market_program)?;
    let fields = Fields::new(address, &account.data, at::END)?;
    if fields.u64(at::COIN_TOTAL)? == 0 && fields.u64(at::PC_TOTAL)? == 0 {
        return Ok(());
    }
    let reason = "some of the pool's tokens are in an order book".to_owned();
    Err(DecodeError::Unsupported { address, reason })
}
