use super::fees::{self, Fees, RATE_ONE};
use super::instruction;
use super::layout::{FeeConfig, GlobalConfig, PumpSwapPool, Rates};
use crate::account::{DecodeError, Lookup, existing};
use crate::changes::Writes;
use crate::clock::Clock;
use crate::math;
use crate::swap::{Direction, Fill, Payer, Payment, QuoteError};
use crate::token;
use crate::venue::{Curve, SwapArgs};
use order_core::quote::Mode;
use order_core::{Atoms, Fraction, Mint};
use solana_instruction::Instruction;

/// A pool with its rates and what its vaults hold: of the base token, and of the quote token that pays for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PumpSwapCurve {
    pool: PumpSwapPool,
    config: GlobalConfig,
    rates: Rates,
    balances: [u64; 2],
}

/// A purchase for the quote token.
#[derive(Clone, Copy)]
struct Purchase {
    /// Part of the input that moves the price.
    net: u128,
    fees: Fees,
}

impl Curve for PumpSwapCurve {
    fn reserves(&self, _clock: Clock) -> [Atoms; 2] {
        self.balances.map(Atoms::new)
    }

    fn fee(&self, _clock: Clock) -> Fraction {
        math::ratio(self.rates.sum(), RATE_ONE).unwrap_or(Fraction::ONE)
    }

    fn exact_in(
        &self,
        direction: Direction,
        amount: u64,
        clock: Clock,
        _writes: &mut Writes,
    ) -> Result<Fill, QuoteError> {
        self.require_open(direction)?;
        match direction {
            Direction::AToB => self.sell(amount, clock),
            Direction::BToA => self.buy_for(amount, clock),
        }
    }

    fn exact_out(
        &self,
        direction: Direction,
        amount: u64,
        clock: Clock,
        _writes: &mut Writes,
    ) -> Result<Fill, QuoteError> {
        self.require_open(direction)?;
        match direction {
            Direction::AToB => Err(QuoteError::Unsupported { reason: "the program sells no exact output" }),
            Direction::BToA => self.buy(amount, clock),
        }
    }

    fn swaps_exact_out(&self, direction: Direction) -> bool {
        direction == Direction::BToA
    }

    fn payments(&self, direction: Direction, mode: Mode, amount: u64) -> Vec<Payment> {
        let fees = match (direction, mode) {
            (Direction::AToB, _) => self.sold(amount).and_then(|raw| self.rates.of(raw)),
            (Direction::BToA, Mode::ExactIn) => self.purchase(amount).map(|purchase| purchase.fees),
            (Direction::BToA, Mode::ExactOut) => self.cost(amount).and_then(|net| self.rates.of(net)),
        };
        let payer = match direction {
            Direction::AToB => Payer::Vault,
            Direction::BToA => Payer::Trader,
        };
        fees.map_or_else(Vec::new, |fees| self.paid_aside(payer, fees))
    }

    fn instruction(&self, args: SwapArgs<'_>) -> Instruction {
        instruction::swap(&self.pool, &self.config, args)
    }
}

impl PumpSwapCurve {
    pub(super) fn load(pool: &PumpSwapPool, accounts: Lookup<'_, '_>) -> Result<Self, DecodeError> {
        let address = pool.address;
        let (config, fees) = (GlobalConfig::load(accounts)?, FeeConfig::load(accounts)?);
        // The program makes none of them.
        for account in instruction::fee_accounts(pool, &config) {
            token::balance(account, existing(account, accounts)?, pool.mints[1])?;
        }
        let balances = token::balances(pool.vaults, pool.mints, accounts)?;
        let [base, quote] = balances;
        let quote_mint = pool.mints[1].pubkey();
        token::require_original(quote_mint, existing(quote_mint, accounts)?)?;
        let supply = supply(pool.mints[0], accounts)?;
        let market_cap = u128::from(quote)
            .checked_mul(u128::from(supply))
            .and_then(|product| product.checked_div(u128::from(base)));
        let rates = fees::rates(pool, &config, &fees, market_cap.unwrap_or(0));
        let reason = "its fees, for the token that it is paid in";
        let rates = rates.ok_or_else(|| DecodeError::Unsupported { address, reason: reason.to_owned() })?;
        if rates.sum() >= RATE_ONE {
            let reason = "the fee is the whole amount or more";
            return Err(DecodeError::Inconsistent { address, reason });
        }
        Ok(Self { pool: pool.clone(), config, rates, balances })
    }

    fn require_open(&self, direction: Direction) -> Result<(), QuoteError> {
        let disabled = match direction {
            Direction::AToB => self.config.sell_disabled,
            Direction::BToA => self.config.buy_disabled,
        };
        if disabled {
            return Err(QuoteError::Closed { reason: "its swaps are disabled" });
        }
        if self.balances.contains(&0) {
            return Err(QuoteError::InsufficientLiquidity);
        }
        Ok(())
    }

    /// The quote token for some of the base token, before its fees.
    fn sold(&self, amount: u64) -> Option<u128> {
        math::bought(amount, self.balances[0], self.balances[1]).map(u128::from)
    }

    fn sell(&self, amount: u64, clock: Clock) -> Result<Fill, QuoteError> {
        let raw = self.sold(amount).ok_or(QuoteError::Overflow)?;
        let fees = self.rates.of(raw).ok_or(QuoteError::Overflow)?;
        let out = fees.sum().and_then(|fees| raw.checked_sub(fees)).ok_or(QuoteError::NothingOut)?;
        let after = u128::from(self.balances[0]).saturating_add(u128::from(amount));
        self.fill([u128::from(amount), out], [u128::from(amount), after], clock)
    }

    /// A purchase for at most this much. The fees are those of the amount before rounding takes some of it.
    ///
    /// Source: `buy_exact_quote_in` of the program.
    fn purchase(&self, amount: u64) -> Option<Purchase> {
        let amount = u128::from(amount);
        let whole = amount.checked_mul(RATE_ONE)?.checked_div(RATE_ONE.checked_add(self.rates.sum())?)?;
        let fees = self.rates.of(whole)?;
        let net = whole.min(amount.checked_sub(fees.sum()?)?);
        Some(Purchase { net, fees })
    }

    fn buy_for(&self, amount: u64, clock: Clock) -> Result<Fill, QuoteError> {
        let Purchase { net, fees } = self.purchase(amount).ok_or(QuoteError::NothingOut)?;
        // The program rounds by a unit in the pool's favour.
        let moves = net.checked_sub(1).and_then(|moves| u64::try_from(moves).ok());
        let moves = moves.ok_or(QuoteError::NothingOut)?;
        let out = math::bought(moves, self.balances[1], self.balances[0]).ok_or(QuoteError::Overflow)?;
        let paid = fees.sum().and_then(|fees| net.checked_add(fees)).ok_or(QuoteError::Overflow)?;
        let after = u128::from(self.balances[1]).saturating_add(u128::from(moves));
        self.fill([paid, u128::from(out)], [u128::from(moves), after], clock)
    }

    /// The quote token that some of the base token costs, before its fees.
    fn cost(&self, amount: u64) -> Option<u128> {
        let paid = math::paid(amount, self.balances[1], self.balances[0]).map(u128::from);
        paid.filter(|_| amount < self.balances[0])
    }

    fn buy(&self, amount: u64, clock: Clock) -> Result<Fill, QuoteError> {
        let net = self.cost(amount).ok_or(QuoteError::InsufficientLiquidity)?;
        let fees = self.rates.of(net).and_then(Fees::sum).ok_or(QuoteError::Overflow)?;
        let paid = net.checked_add(fees).ok_or(QuoteError::Overflow)?;
        let after = u128::from(self.balances[1]).saturating_add(net);
        self.fill([paid, u128::from(amount)], [net, after], clock)
    }

    /// The amounts in and out, and the price impact as a part of a whole.
    fn fill(
        &self,
        [amount_in, amount_out]: [u128; 2],
        [moved, after]: [u128; 2],
        clock: Clock,
    ) -> Result<Fill, QuoteError> {
        let whole = |amount: u128| u64::try_from(amount).map_err(|_| QuoteError::Overflow);
        let amount_out = whole(amount_out)?;
        if amount_out == 0 {
            return Err(QuoteError::NothingOut);
        }
        Ok(Fill {
            amount_in: whole(amount_in)?,
            amount_out,
            fee: self.fee(clock),
            price_impact: math::ratio(moved, after).ok_or(QuoteError::Overflow)?,
        })
    }

    /// The protocol's fee, of which a part buys back, and the creator's.
    fn paid_aside(&self, payer: Payer, fees: Fees) -> Vec<Payment> {
        let back = fees.protocol.saturating_mul(u128::from(self.config.buyback));
        let back = back.checked_div(RATE_ONE).unwrap_or(0).min(fees.protocol);
        let [protocol, creator, buyback] = instruction::fee_accounts(&self.pool, &self.config);
        let paid = [(protocol, fees.protocol.saturating_sub(back)), (creator, fees.creator), (buyback, back)];
        let payment = |(account, amount): (_, u128)| {
            let amount = Atoms::new(u64::try_from(amount).ok()?);
            (!amount.is_zero()).then_some(Payment { payer, account, amount })
        };
        paid.into_iter().filter_map(payment).collect()
    }
}

/// The supply of the base token, in base units.
fn supply(mint: Mint, accounts: Lookup<'_, '_>) -> Result<u64, DecodeError> {
    let address = mint.pubkey();
    token::supply_of(address, existing(address, accounts)?)
}
