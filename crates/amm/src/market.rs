use crate::account::DecodeError;
use crate::clock::Clock;
use crate::program_error;
use crate::registry;
use crate::swap::{
    Authority, Direction, Fill, InstructionError, Limit, QuoteError, SwapInstruction, SwapQuote, Swapped,
    Trader, Writes,
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
    /// Reads the account of a pool of any venue, told by its owner.
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

    /// What it trades, in its own order.
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

    /// How deep the pool is next to others of its pair: what it holds of one token times what it holds of
    /// the other, whether or not it is near the price.
    pub fn depth<'a>(&self, known: impl Fn(&Pubkey) -> Option<&'a Account>) -> u128 {
        let [one, other] = self.holdings().map(|address| known(&address).map_or(0, token::held));
        u128::from(one).saturating_mul(u128::from(other))
    }

    /// Every account that [`Self::load`] needs, as far as the `known` accounts tell; the pool and the clock
    /// come with it. What is behind an account that is not known yet is told at the next look: after
    /// [`LOOKS_MAX`] of them nothing new comes. Which accounts they are can change with the pool's price.
    /// Some of them need not exist.
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
    /// snapshot.
    ///
    /// # Errors
    /// An account is missing, is not what the pool says, or works in a way this engine does not quote.
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

    /// What it trades, in the pool's own order.
    pub fn mints(&self) -> [Mint; 2] {
        self.tokens.map(|token| token.mint)
    }

    /// The tokens it trades, in the pool's own order.
    pub fn tokens(&self) -> [PoolToken; 2] {
        self.tokens
    }

    /// What can be bought of each token, in the pool's own order.
    pub fn reserves(&self) -> [Atoms; 2] {
        self.curve.reserves(self.clock)
    }

    /// The rate of the pool's fee for a small amount.
    pub fn fee(&self) -> Fraction {
        self.curve.fee(self.clock)
    }

    /// Whether exact outputs are quoted. Where they are not, [`Self::quote`] says why.
    pub fn quotes_exact_out(&self) -> bool {
        self.curve.quotes_exact_out()
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

    /// What the pool gives for, or takes for, an amount: to the unit what the program would.
    ///
    /// # Errors
    /// The pool does not trade the token, does not swap now, or cannot do this amount.
    pub fn quote(&self, mint_in: Mint, mode: Mode, amount: Atoms) -> Result<SwapQuote, QuoteError> {
        let trade = self.trade(self.direction(mint_in)?, mode, amount, &mut Writes::ignored())?;
        Ok(SwapQuote {
            amount_in: trade.amount_in,
            amount_out: trade.received,
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
        let (first, second) = match limit {
            Limit::ExactIn { amount_in, min_out } => (amount_in, min_out),
            Limit::ExactOut { amount_out, max_in } => (amount_out, max_in),
        };
        if first.is_zero() || second.is_zero() {
            return Err(InstructionError::ZeroAmount);
        }
        if matches!(limit, Limit::ExactOut { .. }) && !self.curve.swaps_exact_out() {
            return Err(InstructionError::ExactOut);
        }
        Ok(self.curve.instruction(SwapArgs { tokens: &self.tokens, trader, direction, limit }))
    }

    /// What the program does when it executes an instruction whose source holds `mint_in`.
    ///
    /// # Errors
    /// The custom error code with which the program fails.
    pub fn execute(&self, instruction: &SwapInstruction, mint_in: Mint) -> Result<Swapped, u32> {
        self.check_accounts(instruction, mint_in)?;
        self.swap(mint_in, instruction.limit)
    }

    /// What a swap within a limit moves and changes.
    ///
    /// # Errors
    /// The custom error code with which the program fails.
    pub fn swap(&self, mint_in: Mint, limit: Limit) -> Result<Swapped, u32> {
        let program = registry::program(self.venue());
        let refused = |error: QuoteError| (program.error_code)(&error);
        let direction = self.direction(mint_in).map_err(refused)?;
        let (mode, amount) = match limit {
            Limit::ExactIn { amount_in, min_out: _ } => (Mode::ExactIn, amount_in),
            Limit::ExactOut { amount_out, max_in: _ } => (Mode::ExactOut, amount_out),
        };
        let mut writes = Writes::kept();
        let trade = self.trade(direction, mode, amount, &mut writes).map_err(refused)?;
        match limit {
            Limit::ExactIn { amount_in: _, min_out } if trade.received < min_out => {
                return Err(program.too_little_out);
            }
            Limit::ExactOut { amount_out: _, max_in } if trade.amount_in > max_in => {
                return Err(program.too_much_in);
            }
            Limit::ExactIn { .. } | Limit::ExactOut { .. } => {}
        }
        let (token_in, token_out) = direction.order(self.tokens);
        let (vault_in, vault_out) = direction.order(self.vaults());
        let protocol_fee = self.curve.protocol_fee(direction, trade.fill.amount_in);
        Ok(Swapped {
            amount_in: trade.amount_in,
            amount_out: Atoms::new(trade.fill.amount_out),
            received: trade.received,
            token_in,
            token_out,
            vault_in,
            vault_out,
            protocol_fee: protocol_fee.map(|(account, amount)| (account, Atoms::new(amount))),
            writes: writes.into_list(),
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
            Mode::ExactIn => amount,
            Mode::ExactOut => Atoms::new(fee_in.before(fill.amount_in).ok_or(QuoteError::Overflow)?),
        };
        let received = Atoms::new(fee_out.after(fill.amount_out));
        if received.is_zero() {
            return Err(QuoteError::NothingOut);
        }
        Ok(Trade { amount_in, received, fill })
    }

    /// Refuses an instruction whose accounts are not the pool's.
    fn check_accounts(&self, instruction: &SwapInstruction, mint_in: Mint) -> Result<(), u32> {
        if instruction.mint_in.is_some_and(|named| named != mint_in) {
            return Err(program_error::TOKEN_MINT_MISMATCH);
        }
        let SwapInstruction { owner, source, destination, .. } = *instruction;
        let trader = Trader { owner, source, destination };
        let direction = self.direction(mint_in).map_err(|_| program_error::CONSTRAINT_ADDRESS)?;
        let args = SwapArgs { tokens: &self.tokens, trader: &trader, direction, limit: instruction.limit };
        let ours = self.curve.instruction(args);
        let ours = ours.accounts.iter().map(|meta| &meta.pubkey);
        let fits = ours.take(instruction.fixed_accounts.len()).eq(&instruction.fixed_accounts);
        if fits { Ok(()) } else { Err(program_error::CONSTRAINT_ADDRESS) }
    }
}

/// A swap between the trader and the pool.
struct Trade {
    /// What leaves the trader.
    amount_in: Atoms,
    /// What reaches the trader.
    received: Atoms,
    /// What happens between the vaults.
    fill: Fill,
}
