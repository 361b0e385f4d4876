use crate::account::DecodeError;
use crate::changes::{FieldWrite, Writes};
use crate::clock::Clock;
use crate::registry;
use crate::swap::{
    Authority, Direction, Fill, InstructionError, Limit, QuoteError, SwapError, SwapQuote, Swapped, Trader,
};
use crate::token::{self, PoolToken};
use crate::venue::{self, Curve, SwapArgs};
use order_core::quote::Mode;
use order_core::{Atoms, Fraction, Mint, PoolAddress, Pubkey, Venue};
use solana_account::Account;
use solana_instruction::Instruction;
use std::sync::Arc;

/// Most looks until everything that a pool needs is known: the pool, what it names, and what that names.
pub const LOOKS_MAX: usize = 3;

/// A pool's account, decoded: it knows what else must be read to quote.
#[derive(Debug, Clone)]
pub struct Pool {
    venue: Venue,
    address: PoolAddress,
    kind: Arc<dyn venue::Pool>,
}

impl Pool {
    /// Reads the account of a pool of any venue; the account's owner says which.
    ///
    /// # Errors
    /// The account is no pool, or one that this engine does not quote.
    pub fn decode(address: PoolAddress, account: &Account) -> Result<Self, DecodeError> {
        let key = address.pubkey();
        let venue = registry::venue(&account.owner)
            .ok_or(DecodeError::UnknownProgram { address: key, owner: account.owner })?;
        let kind = (registry::program(venue).decode)(key, &account.data)?;
        Ok(Self { venue, address, kind })
    }

    /// The pool's program.
    pub fn venue(&self) -> Venue {
        self.venue
    }

    /// Where it is.
    pub fn address(&self) -> PoolAddress {
        self.address
    }

    /// Its tokens, in its own order.
    pub fn mints(&self) -> [Mint; 2] {
        self.kind.mints()
    }

    /// Its token accounts, in the order of [`Self::mints`].
    pub fn vaults(&self) -> [Pubkey; 2] {
        self.kind.vaults()
    }

    /// The token accounts by which pools of one pair are compared: see [`Self::depth`].
    pub fn holdings(&self) -> [Pubkey; 2] {
        self.kind.holdings()
    }

    /// Depth of the pool, to compare pools of one pair: its holding of one token times its holding of the
    /// other, near the price or not.
    pub fn depth<'a>(&self, known: impl Fn(&Pubkey) -> Option<&'a Account>) -> u128 {
        let [one, other] = self.holdings().map(|address| known(&address).map_or(0, token::held));
        u128::from(one).saturating_mul(u128::from(other))
    }

    /// Every account that [`Self::load`] needs, as far as the `known` accounts tell; the pool and the clock
    /// come with it. Accounts that an unknown account names follow at the next look; after [`LOOKS_MAX`] looks
    /// nothing new comes. Which accounts they are can change with the pool's price.
    /// Some of them need not exist: give [`ABSENT`](crate::ABSENT) for those that were read and do not.
    pub fn dependencies<'a>(&self, known: impl Fn(&Pubkey) -> Option<&'a Account>) -> Vec<Pubkey> {
        self.kind.dependencies(&known)
    }

    /// The accounts that change with swaps or change what they give, the pool's own first, as far as the
    /// `known` accounts tell. The pool's own changes with each swap.
    pub fn swap_accounts<'a>(&self, known: impl Fn(&Pubkey) -> Option<&'a Account>) -> Vec<Pubkey> {
        let mut changing = vec![self.address.pubkey()];
        changing.extend(self.kind.swap_accounts(&known));
        changing
    }

    /// The pool with all that a quote needs. The accounts, the pool's own and the clock must come from one
    /// snapshot. An account that was read and does not exist is [`ABSENT`](crate::ABSENT); None is one that was not read.
    ///
    /// # Errors
    /// An account is missing, is not what the pool says, or has a feature that this engine does not quote.
    pub fn load<'a>(
        &self,
        account: impl Fn(&Pubkey) -> Option<&'a Account>,
        clock: Clock,
    ) -> Result<Market, DecodeError> {
        let tokens = self.kind.tokens(&account, clock)?;
        let curve = self.kind.load(&account)?;
        let swap_accounts = self.swap_accounts(&account);
        Ok(Market { pool: self.clone(), swap_accounts, clock, tokens, curve })
    }
}

/// A pool with everything a quote needs, at one snapshot. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Market {
    pool: Pool,
    swap_accounts: Vec<Pubkey>,
    clock: Clock,
    tokens: [PoolToken; 2],
    curve: Arc<dyn Curve>,
}

impl Market {
    /// The pool's program.
    pub fn venue(&self) -> Venue {
        self.pool.venue
    }

    /// Where the pool is.
    pub fn address(&self) -> PoolAddress {
        self.pool.address
    }

    /// The cluster's time at the snapshot.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Its tokens, in the pool's own order.
    pub fn mints(&self) -> [Mint; 2] {
        self.tokens.map(|token| token.mint)
    }

    /// The tokens it trades, in the pool's own order.
    pub fn tokens(&self) -> [PoolToken; 2] {
        self.tokens
    }

    /// Amounts that can be bought of each token, in the pool's own order.
    pub fn reserves(&self) -> [Atoms; 2] {
        self.curve.reserves(self.clock)
    }

    /// The rate of the pool's fee for a small amount.
    pub fn fee(&self) -> Fraction {
        self.curve.fee(self.clock)
    }

    /// True if exact outputs are quoted for this input. Where they are not, [`Self::quote`] says why.
    pub fn quotes_exact_out(&self, mint_in: Mint) -> bool {
        self.direction(mint_in).is_ok_and(|direction| self.curve.quotes_exact_out(direction))
    }

    /// The accounts that change with swaps or change what they give, the pool's own first.
    pub fn swap_accounts(&self) -> &[Pubkey] {
        &self.swap_accounts
    }

    /// The pool's token accounts, in its own order.
    pub fn vaults(&self) -> [Pubkey; 2] {
        self.pool.vaults()
    }

    /// Who signs when tokens leave the vaults.
    pub fn authority(&self) -> Authority {
        self.pool.kind.authority()
    }

    /// The pool without the state of its other accounts.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Quotes a swap of an amount that is spent or bought exactly. The quote is the program's, to the unit.
    ///
    /// # Errors
    /// The pool does not trade the token, does not swap now, or cannot do this amount.
    pub fn quote(&self, mint_in: Mint, mode: Mode, amount: Atoms) -> Result<SwapQuote, QuoteError> {
        let trade = self.trade(self.direction(mint_in)?, mode, amount, &mut Writes::ignored())?;
        let withheld = |sent: u64, arrived: u64| Atoms::new(sent.saturating_sub(arrived));
        Ok(SwapQuote {
            amount_in: trade.amount_in,
            amount_out: trade.received,
            withheld_in: withheld(trade.amount_in.get(), trade.fill.amount_in),
            withheld_out: withheld(trade.fill.amount_out, trade.received.get()),
            fee: trade.fill.fee,
            price_impact: trade.fill.price_impact,
        })
    }

    /// The instruction that swaps within a limit.
    ///
    /// # Errors
    /// The pool does not trade the token, or no exact output of it; or an amount or a limit is zero.
    pub fn instruction(
        &self,
        trader: &Trader,
        mint_in: Mint,
        limit: Limit,
    ) -> Result<Instruction, InstructionError> {
        let direction =
            self.direction(mint_in).map_err(|_| InstructionError::ForeignMint { mint: mint_in })?;
        if limit.amount().is_zero() || limit.bound().is_zero() {
            return Err(InstructionError::ZeroAmount);
        }
        if matches!(limit, Limit::ExactOut { .. }) && !self.curve.swaps_exact_out(direction) {
            return Err(InstructionError::ExactOut);
        }
        Ok(self.curve.instruction(SwapArgs { tokens: &self.tokens, trader, direction, limit }))
    }

    /// Tokens that a swap within a limit moves.
    ///
    /// # Errors
    /// There is no quote, or the limit is not kept.
    pub fn swap(&self, mint_in: Mint, limit: Limit) -> Result<Swapped, SwapError> {
        self.swap_into(mint_in, limit, &mut Writes::ignored())
    }

    /// Like [`Self::swap`], with the fields of the pool's accounts that the program changes. The balances of
    /// its vaults change by the transfers.
    ///
    /// # Errors
    /// As of [`Self::swap`].
    pub fn swap_with_writes(
        &self,
        mint_in: Mint,
        limit: Limit,
    ) -> Result<(Swapped, Vec<FieldWrite>), SwapError> {
        let mut writes = Writes::kept();
        let swapped = self.swap_into(mint_in, limit, &mut writes)?;
        Ok((swapped, writes.into_list()))
    }

    fn swap_into(&self, mint_in: Mint, limit: Limit, writes: &mut Writes) -> Result<Swapped, SwapError> {
        let direction = self.direction(mint_in)?;
        let trade = self.trade(direction, limit.mode(), limit.amount(), writes)?;
        match limit {
            Limit::ExactIn { min_out, .. } if trade.received < min_out => {
                return Err(SwapError::TooLittleOut);
            }
            Limit::ExactOut { max_in, .. } if trade.amount_in > max_in => return Err(SwapError::TooMuchIn),
            Limit::ExactIn { .. } | Limit::ExactOut { .. } => {}
        }
        let (token_in, token_out) = direction.order(self.tokens);
        let (vault_in, vault_out) = direction.order(self.vaults());
        let payments = self.curve.payments(direction, limit.mode(), trade.inside);
        Ok(Swapped {
            amount_in: trade.amount_in,
            amount_out: Atoms::new(trade.fill.amount_out),
            received: trade.received,
            token_in,
            token_out,
            vault_in,
            vault_out,
            payments,
        })
    }

    fn direction(&self, mint_in: Mint) -> Result<Direction, QuoteError> {
        let [a, b] = self.mints();
        if mint_in == a {
            Ok(Direction::AToB)
        } else if mint_in == b {
            Ok(Direction::BToA)
        } else {
            Err(QuoteError::ForeignMint { mint: mint_in })
        }
    }

    /// The curve's part with the tokens' own transfer fees around it.
    fn trade(
        &self,
        direction: Direction,
        mode: Mode,
        amount: Atoms,
        writes: &mut Writes,
    ) -> Result<Trade, QuoteError> {
        let (token_in, token_out) = direction.order(self.tokens);
        let (fee_in, fee_out) = (token_in.transfer_fee, token_out.transfer_fee);
        let inside = match mode {
            Mode::ExactIn => fee_in.after(amount.get()),
            Mode::ExactOut => fee_out.before(amount.get()).ok_or(QuoteError::Overflow)?,
        };
        if inside == 0 {
            return Err(QuoteError::ZeroAmount);
        }
        let fill = match mode {
            Mode::ExactIn => self.curve.exact_in(direction, inside, self.clock, writes),
            Mode::ExactOut => self.curve.exact_out(direction, inside, self.clock, writes),
        }?;
        let amount_in = match mode {
            Mode::ExactIn if fill.amount_in == inside => amount,
            // The rounding of a program may leave a unit of the input.
            Mode::ExactIn | Mode::ExactOut => {
                Atoms::new(fee_in.before(fill.amount_in).ok_or(QuoteError::Overflow)?)
            }
        };
        let received = Atoms::new(fee_out.after(fill.amount_out));
        if received.is_zero() {
            return Err(QuoteError::NothingOut);
        }
        Ok(Trade { amount_in, received, inside, fill })
    }
}

/// A swap between the trader and the pool.
struct Trade {
    /// Amount that leaves the trader.
    amount_in: Atoms,
    /// Amount that reaches the trader.
    received: Atoms,
    /// The fixed amount, in its vault.
    inside: u64,
    /// Amounts between the vaults.
    fill: Fill,
}
