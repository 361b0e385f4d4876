use crate::account::DecodeError;
use crate::clock::Clock;
use crate::program_error;
use crate::swap::{
    Direction, InstructionError, Limit, QuoteError, SwapInstruction, SwapQuote, Swapped, Trader,
};
use crate::token::{PoolToken, token_program_id};
use crate::venues::{self, Change, Curve, Order};
use order_core::quote::Mode;
use order_core::{Atoms, Fraction, Mint, PoolAddress, Pubkey, Venue};
use solana_account::Account;
use solana_instruction::Instruction;

/// A pool's account, decoded: it knows what else must be read to quote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    address: PoolAddress,
    kind: venues::Pool,
}

impl Pool {
    /// Reads the account of a pool of any venue, told by its owner.
    ///
    /// # Errors
    /// The account is no pool, or one that this engine does not quote.
    pub fn decode(address: PoolAddress, account: &Account) -> Result<Self, DecodeError> {
        let key = address.pubkey();
        let venue = venues::venue(&account.owner)
            .ok_or(DecodeError::UnknownProgram { address: key, owner: account.owner })?;
        Ok(Self { address, kind: venues::Pool::decode(venue, key, &account.data)? })
    }

    /// The pool's program.
    pub fn venue(&self) -> Venue {
        self.kind.venue()
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

    /// Every account that [`Self::load`] needs; the pool and the clock come with it.
    pub fn dependencies(&self) -> Vec<Pubkey> {
        let mut needed = self.kind.dependencies();
        needed.extend(self.mints().map(Mint::pubkey));
        needed
    }

    /// The accounts that change with each swap, the pool's own first.
    pub fn swap_accounts(&self) -> Vec<Pubkey> {
        let mut changing = vec![self.address.pubkey()];
        changing.extend(self.kind.swap_accounts());
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
        let [a, b] = self.mints();
        let token = |mint: Mint| {
            let address = mint.pubkey();
            let account = account(&address).ok_or(DecodeError::Missing { address })?;
            PoolToken::decode(mint, account, clock.epoch)
        };
        let tokens = [token(a)?, token(b)?];
        let curve = self.kind.curve(self.address.pubkey(), &account)?;
        Ok(Market { address: self.address, clock, tokens, curve })
    }
}

/// A pool with everything a quote needs, at one snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Market {
    address: PoolAddress,
    clock: Clock,
    tokens: [PoolToken; 2],
    curve: Curve,
}

impl Market {
    /// The pool's program.
    pub fn venue(&self) -> Venue {
        self.curve.venue()
    }

    /// Where the pool is.
    pub fn address(&self) -> PoolAddress {
        self.address
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
        self.curve.reserves()
    }

    /// The rate of the pool's fee for a small amount.
    pub fn fee(&self) -> Fraction {
        self.curve.fee(self.clock)
    }

    /// The accounts that change with each swap, the pool's own first.
    pub fn swap_accounts(&self) -> Vec<Pubkey> {
        self.pool().swap_accounts()
    }

    /// The pool's token accounts, in its own order.
    pub fn vaults(&self) -> [Pubkey; 2] {
        self.curve.pool().vaults()
    }

    /// The pool without the state of its other accounts.
    pub fn pool(&self) -> Pool {
        Pool { address: self.address, kind: self.curve.pool() }
    }

    /// What the pool gives for, or takes for, an amount: to the unit what the program would.
    ///
    /// # Errors
    /// The pool does not trade the token, does not swap now, or cannot do this amount.
    pub fn quote(&self, mint_in: Mint, mode: Mode, amount: Atoms) -> Result<SwapQuote, QuoteError> {
        let trade = self.trade(self.direction(mint_in)?, mode, amount)?;
        Ok(SwapQuote {
            amount_in: trade.amount_in,
            amount_out: trade.received,
            fee: trade.fee,
            price_impact: trade.price_impact,
        })
    }

    /// The instruction that swaps within a limit.
    ///
    /// # Errors
    /// The pool does not trade the token; or an amount or a limit is zero.
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
        let pool = self.address.pubkey();
        Ok(self.curve.instruction(Order { pool, tokens: &self.tokens, trader, direction, limit }))
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
        let venue = self.venue();
        let refused = |error: QuoteError| venues::error_code(venue, &error);
        let direction = self.direction(mint_in).map_err(refused)?;
        let (mode, amount) = match limit {
            Limit::ExactIn { amount_in, min_out: _ } => (Mode::ExactIn, amount_in),
            Limit::ExactOut { amount_out, max_in: _ } => (Mode::ExactOut, amount_out),
        };
        let trade = self.trade(direction, mode, amount).map_err(refused)?;
        let met = match limit {
            Limit::ExactIn { amount_in: _, min_out } => trade.received >= min_out,
            Limit::ExactOut { amount_out: _, max_in } => trade.amount_in <= max_in,
        };
        if !met {
            return Err(venues::slippage_exceeded(venue));
        }
        let (token_in, token_out) = direction.order(self.tokens);
        let (vault_in, vault_out) = direction.order(self.vaults());
        Ok(Swapped {
            amount_in: trade.amount_in,
            amount_out: trade.amount_out,
            received: trade.received,
            token_in,
            token_out,
            vault_in,
            vault_out,
            pool: self.address.pubkey(),
            writes: trade.change.writes(),
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
    fn trade(&self, direction: Direction, mode: Mode, amount: Atoms) -> Result<Trade, QuoteError> {
        let (token_in, token_out) = direction.order(self.tokens);
        let (fee_in, fee_out) = (token_in.transfer_fee, token_out.transfer_fee);
        let inside = match mode {
            Mode::ExactIn => fee_in.after(amount.get()),
            Mode::ExactOut => fee_out.before(amount.get()).ok_or(QuoteError::Overflow)?,
        };
        if inside == 0 {
            return Err(QuoteError::ZeroAmount);
        }
        let fill = self.curve.fill(direction, mode, inside, self.clock)?;
        let amount_in = match mode {
            Mode::ExactIn => amount,
            Mode::ExactOut => Atoms::new(fee_in.before(fill.amount_in).ok_or(QuoteError::Overflow)?),
        };
        let received = Atoms::new(fee_out.after(fill.amount_out));
        if received.is_zero() {
            return Err(QuoteError::NothingOut);
        }
        Ok(Trade {
            amount_in,
            amount_out: Atoms::new(fill.amount_out),
            received,
            fee: fill.fee,
            price_impact: fill.price_impact,
            change: fill.change,
        })
    }

    /// Refuses an instruction whose accounts are not the pool's.
    fn check_accounts(&self, instruction: &SwapInstruction, mint_in: Mint) -> Result<(), u32> {
        let accounts = &instruction.accounts;
        if accounts.mint_in.is_some_and(|named| named != mint_in) {
            return Err(program_error::TOKEN_MINT_MISMATCH);
        }
        let ours = |side: &crate::swap::SwapSide| {
            self.tokens.into_iter().zip(self.vaults()).any(|(token, vault)| {
                side.mint == token.mint.pubkey()
                    && side.vault == vault
                    && side.token_program == token_program_id(token.program)
            })
        };
        let [first, second] = &accounts.sides;
        let fits = accounts.pool == self.address.pubkey()
            && accounts.authority == venues::authority(self.venue())
            && first.mint != second.mint
            && ours(first)
            && ours(second);
        if fits { Ok(()) } else { Err(program_error::CONSTRAINT_ADDRESS) }
    }
}

/// A swap between the trader and the pool.
struct Trade {
    /// What leaves the trader.
    amount_in: Atoms,
    /// What leaves the vault.
    amount_out: Atoms,
    /// What reaches the trader.
    received: Atoms,
    fee: Fraction,
    price_impact: Fraction,
    change: Change,
}
