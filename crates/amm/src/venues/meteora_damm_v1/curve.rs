use super::instruction;
use super::layout::{DammV1Fee, DammV1Pool};
use super::vault::{self, LendingVault, Shares};
use crate::account::{DecodeError, Lookup, existing};
use crate::changes::{FieldWrite, Writes};
use crate::clock::Clock;
use crate::math::{self, mul_div_floor};
use crate::swap::{Direction, Fill, Payer, Payment, QuoteError};
use crate::token;
use crate::venue::{Curve, SwapArgs};
use order_core::quote::Mode;
use order_core::{Atoms, Fraction, Mint, Pubkey};
use solana_instruction::Instruction;

/// A pool with its shares of two vaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DammV1Curve {
    pool: DammV1Pool,
    sides: [VaultSide; 2],
}

/// One token of a pool: a vault, and the pool's share of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct VaultSide {
    vault: LendingVault,
    lp_supply: u64,
    vault_lp: Pubkey,
    /// Number of shares that the pool has.
    pool_lp: u64,
    /// Balance of the vault: the part that it has not lent.
    liquid: u64,
}

impl DammV1Curve {
    pub(super) fn load(pool: &DammV1Pool, accounts: Lookup<'_, '_>) -> Result<Self, DecodeError> {
        let [mint_a, mint_b] = pool.mints;
        let [vault_a, vault_b] = pool.lending_vaults;
        let [token_vault_a, token_vault_b] = pool.token_vaults;
        let [vault_lp_a, vault_lp_b] = pool.vault_lps;
        let sides = [
            VaultSide::load(vault_a, mint_a, token_vault_a, vault_lp_a, accounts)?,
            VaultSide::load(vault_b, mint_b, token_vault_b, vault_lp_b, accounts)?,
        ];
        Ok(Self { pool: pool.clone(), sides })
    }

    fn require_open(&self, clock: Clock) -> Result<(), QuoteError> {
        if !self.pool.enabled {
            return Err(QuoteError::Closed { reason: "it is disabled" });
        }
        if clock.in_unit(self.pool.activation) < self.pool.activation_point {
            return Err(QuoteError::Closed { reason: "its activation is not reached" });
        }
        Ok(())
    }

    /// Swap of an amount, exact to the last unit: each step rounds as the program's does.
    fn swap(&self, direction: Direction, amount: u64, clock: Clock) -> Result<DammV1Swap<'_>, QuoteError> {
        let [a, b] = &self.sides;
        let (side_in, side_out) = direction.order([a, b]);
        if !side_in.vault.enabled {
            return Err(QuoteError::Closed { reason: "its vault takes no deposits" });
        }
        let shares_in = side_in.shares(clock)?;
        let shares_out = side_out.shares(clock)?;
        let fees = Fees::of(&self.pool, amount).ok_or(QuoteError::Overflow)?;
        let net = amount.checked_sub(fees.protocol).ok_or(QuoteError::Overflow)?;
        let deposit = side_in.deposit(shares_in, net).ok_or(QuoteError::Overflow)?;
        let arrived = deposit.after.checked_sub(deposit.before);
        // A fee of at least one unit can be more than what arrives of a very small amount.
        let traded = arrived.and_then(|arrived| arrived.checked_sub(fees.trade)).unwrap_or(0);
        let available = shares_out.worth(side_out.pool_lp).ok_or(QuoteError::InsufficientLiquidity)?;
        let bought = bought(traded, deposit.before, available).ok_or(QuoteError::InsufficientLiquidity)?;
        let burnt = shares_out.of(bought).ok_or(QuoteError::InsufficientLiquidity)?;
        let amount_out = shares_out.worth(burnt).ok_or(QuoteError::InsufficientLiquidity)?;
        if amount_out > side_out.liquid {
            return Err(QuoteError::InsufficientLiquidity);
        }
        Ok(DammV1Swap {
            side_in,
            side_out,
            net,
            minted: deposit.minted,
            burnt,
            amount_out,
            traded,
            reserve_in: deposit.before,
        })
    }
}

impl Curve for DammV1Curve {
    fn reserves(&self, clock: Clock) -> [Atoms; 2] {
        let [a, b] = &self.sides;
        [a, b].map(|side| {
            let worth = side.shares(clock).ok().and_then(|shares| shares.worth(side.pool_lp));
            Atoms::new(worth.unwrap_or(0))
        })
    }

    fn fee(&self, _clock: Clock) -> Fraction {
        let DammV1Fee { numerator, denominator } = self.pool.trade_fee;
        math::ratio(u128::from(numerator), u128::from(denominator)).unwrap_or(Fraction::ONE)
    }

    /// Output for `amount` that leaves the trader; the protocol's fee does not arrive in the vault.
    fn exact_in(
        &self,
        direction: Direction,
        amount: u64,
        clock: Clock,
        writes: &mut Writes,
    ) -> Result<Fill, QuoteError> {
        self.require_open(clock)?;
        let swap = self.swap(direction, amount, clock)?;
        swap.write(writes).ok_or(QuoteError::Overflow)?;
        let after = u128::from(swap.reserve_in).saturating_add(u128::from(swap.traded));
        Ok(Fill {
            amount_in: amount,
            amount_out: swap.amount_out,
            fee: self.fee(clock),
            price_impact: math::ratio(u128::from(swap.traded), after).ok_or(QuoteError::Overflow)?,
        })
    }

    /// The program has no such swap.
    fn exact_out(
        &self,
        _direction: Direction,
        _amount: u64,
        _clock: Clock,
        _writes: &mut Writes,
    ) -> Result<Fill, QuoteError> {
        Err(QuoteError::Unsupported { reason: "the program swaps no exact output" })
    }

    fn swaps_exact_out(&self, _direction: Direction) -> bool {
        false
    }

    fn payments(&self, direction: Direction, _mode: Mode, amount_in: u64) -> Vec<Payment> {
        let fees = Fees::of(&self.pool, amount_in).filter(|fees| fees.protocol > 0);
        let (account, _) = direction.order(self.pool.protocol_fee_accounts);
        let payment =
            fees.map(|fees| Payment { payer: Payer::Trader, account, amount: Atoms::new(fees.protocol) });
        payment.into_iter().collect()
    }

    fn instruction(&self, args: SwapArgs<'_>) -> Instruction {
        let [side_a, side_b] = &self.sides;
        instruction::swap(&self.pool, [side_a, side_b].map(|side| side.vault.lp_mint), args)
    }
}

impl VaultSide {
    fn load(
        address: Pubkey,
        mint: Mint,
        token_vault: Pubkey,
        vault_lp: Pubkey,
        accounts: Lookup<'_, '_>,
    ) -> Result<Self, DecodeError> {
        let read = |address: Pubkey| existing(address, accounts);
        let vault = LendingVault::decode(address, read(address)?)?;
        if vault.mint != mint || vault.token_vault != token_vault {
            let reason = "the vault is not of the pool's token, or holds it elsewhere";
            return Err(DecodeError::Inconsistent { address, reason });
        }
        // The vaults know no other token program: with it go all transfer fees.
        token::require_original(token_vault, read(token_vault)?)?;
        let lp_mint = vault.lp_mint;
        Ok(Self {
            liquid: token::balance(token_vault, read(token_vault)?, mint)?,
            lp_supply: token::supply(lp_mint, read(lp_mint)?)?,
            pool_lp: token::balance(vault_lp, read(vault_lp)?, lp_mint.into())?,
            vault_lp,
            vault,
        })
    }

    fn shares(&self, clock: Clock) -> Result<Shares, QuoteError> {
        let unix_time = u64::try_from(clock.unix_timestamp).map_err(|_| QuoteError::Overflow)?;
        let unlocked = self.vault.unlocked(unix_time).ok_or(QuoteError::Overflow)?;
        if unlocked == 0 || self.lp_supply == 0 {
            return Err(QuoteError::InsufficientLiquidity);
        }
        Ok(Shares { unlocked, supply: self.lp_supply })
    }

    fn deposit(&self, shares: Shares, net: u64) -> Option<Deposit> {
        let minted = shares.of(net)?;
        let after = shares.after_deposit(net, minted)?.worth(minted.checked_add(self.pool_lp)?)?;
        Some(Deposit { minted, before: shares.worth(self.pool_lp)?, after })
    }

    /// The vault, its share token, and the pool's shares, after a change of each.
    fn write(
        &self,
        total_amount: Option<u64>,
        lp_supply: Option<u64>,
        pool_lp: Option<u64>,
        writes: &mut Writes,
    ) -> Option<()> {
        let (total_amount, lp_supply, pool_lp) = (total_amount?, lp_supply?, pool_lp?);
        writes.add(|| {
            [
                FieldWrite::u64(self.vault.address, vault::offset::TOTAL_AMOUNT, total_amount),
                FieldWrite::u64(self.vault.lp_mint, token::mint_offset::SUPPLY, lp_supply),
                FieldWrite::u64(self.vault_lp, token::account_offset::AMOUNT, pool_lp),
            ]
        });
        Some(())
    }
}

/// Shares that the pool gets for a deposit into a vault, and their worth.
struct Deposit {
    minted: u64,
    /// Worth of its shares before.
    before: u64,
    /// Worth of its shares after.
    after: u64,
}

/// The parts of a fee.
struct Fees {
    /// Goes to the protocol.
    protocol: u64,
    /// Stays in the pool.
    trade: u64,
}

impl Fees {
    fn of(pool: &DammV1Pool, amount: u64) -> Option<Self> {
        let whole = pool.trade_fee.of(amount)?;
        let protocol = pool.protocol_fee.of(whole)?;
        Some(Self { protocol, trade: whole.checked_sub(protocol)? })
    }
}

impl DammV1Fee {
    fn of(self, amount: u64) -> Option<u64> {
        if self.numerator == 0 || amount == 0 {
            return Some(0);
        }
        mul_div_floor(amount, self.numerator, self.denominator).map(|fee| fee.max(1))
    }
}

/// The amounts of one swap.
struct DammV1Swap<'a> {
    side_in: &'a VaultSide,
    side_out: &'a VaultSide,
    /// Amount that arrives in the vault.
    net: u64,
    minted: u64,
    burnt: u64,
    amount_out: u64,
    /// Part of the input that moves the price.
    traded: u64,
    reserve_in: u64,
}

impl DammV1Swap<'_> {
    fn write(&self, writes: &mut Writes) -> Option<()> {
        let Self { side_in, side_out, net, minted, burnt, amount_out, .. } = *self;
        side_in.write(
            side_in.vault.total_amount.checked_add(net),
            side_in.lp_supply.checked_add(minted),
            side_in.pool_lp.checked_add(minted),
            writes,
        )?;
        side_out.write(
            side_out.vault.total_amount.checked_sub(amount_out),
            side_out.lp_supply.checked_sub(burnt),
            side_out.pool_lp.checked_sub(burnt),
            writes,
        )?;
        // The vault's own account must still hold what arrives.
        side_in.liquid.checked_add(net).map(|_| ())
    }
}

/// Output for `net` at constant product, rounded down. None if a reserve is empty, or would become so: the
/// program's division fails then.
fn bought(net: u64, reserve_in: u64, reserve_out: u64) -> Option<u64> {
    let product = u128::from(reserve_in).checked_mul(u128::from(reserve_out))?;
    let after = u128::from(reserve_in).checked_add(u128::from(net))?;
    if product < after { None } else { math::bought(net, reserve_in, reserve_out) }
}
