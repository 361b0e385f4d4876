//! The list of venues, and the one place that tells them apart.
//!
//! A venue's folder has: `PROGRAM_ID`, `AUTHORITY`, `AUTHORITY_SEED`, `AUTHORITY_BUMP`, `POOL_SIZE`,
//! `POOL_DISCRIMINATOR`, `ERRORS`, `SLIPPAGE_EXCEEDED`; a `Pool` that is decoded from the pool's account,
//! a `Curve` that is the pool with all that its maths needs, a `Change` that a swap makes; and the
//! functions `error_code`, `decode_instruction`, `seed`. The macro below says how they are called.

use crate::account::{DecodeError, Discriminator, Write};
use crate::clock::Clock;
use crate::program_error;
use crate::seed::{Seed, SeedError, Seeded};
use crate::swap::{Direction, Fill, Limit, QuoteError, SwapInstruction, Trader};
use crate::token::PoolToken;
use order_core::quote::Mode;
use order_core::{Atoms, Fraction, Mint, Pubkey, Venue, failure};
use solana_account::Account;
use solana_instruction::Instruction;

/// How the accounts of a snapshot are found.
pub(crate) type Lookup<'lookup, 'account> = &'lookup dyn Fn(&Pubkey) -> Option<&'account Account>;

/// What a venue needs to build its swap instruction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order<'a> {
    pub(crate) pool: Pubkey,
    pub(crate) tokens: &'a [PoolToken; 2],
    pub(crate) trader: &'a Trader,
    pub(crate) direction: Direction,
    pub(crate) limit: Limit,
}

/// The venue whose program this is.
pub fn venue(program: &Pubkey) -> Option<Venue> {
    Venue::ALL.into_iter().find(|venue| program_id(*venue) == *program)
}

macro_rules! venues {
    ($($variant:ident => $module:ident),+ $(,)?) => {
        $(mod $module;)+

        /// A decoded pool account.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub(crate) enum Pool {
            $($variant($module::Pool)),+
        }

        /// A pool with all that its maths needs.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub(crate) enum Curve {
            $($variant($module::Curve)),+
        }

        /// What of a pool's state a swap changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Change {
            $($variant($module::Change)),+
        }

        impl Pool {
            pub(crate) fn decode(venue: Venue, address: Pubkey, data: &[u8]) -> Result<Self, DecodeError> {
                match venue {
                    $(Venue::$variant => $module::Pool::decode(address, data).map(Self::$variant)),+
                }
            }

            pub(crate) fn venue(&self) -> Venue {
                match self {
                    $(Self::$variant(_) => Venue::$variant),+
                }
            }

            pub(crate) fn mints(&self) -> [Mint; 2] {
                match self {
                    $(Self::$variant(pool) => pool.mints()),+
                }
            }

            pub(crate) fn vaults(&self) -> [Pubkey; 2] {
                match self {
                    $(Self::$variant(pool) => pool.vaults()),+
                }
            }

            /// What the maths needs besides the pool, the mints and the clock.
            pub(crate) fn dependencies(&self) -> Vec<Pubkey> {
                match self {
                    $(Self::$variant(pool) => pool.dependencies()),+
                }
            }

            /// What besides the pool changes with each swap.
            pub(crate) fn swap_accounts(&self) -> Vec<Pubkey> {
                match self {
                    $(Self::$variant(pool) => pool.swap_accounts()),+
                }
            }

            pub(crate) fn curve(&self, address: Pubkey, accounts: Lookup<'_, '_>) -> Result<Curve, DecodeError> {
                match self {
                    $(Self::$variant(pool) => $module::Curve::load(pool, address, accounts).map(Curve::$variant)),+
                }
            }
        }

        impl Curve {
            pub(crate) fn venue(&self) -> Venue {
                match self {
                    $(Self::$variant(_) => Venue::$variant),+
                }
            }

            pub(crate) fn pool(&self) -> Pool {
                match self {
                    $(Self::$variant(curve) => Pool::$variant(curve.pool().clone())),+
                }
            }

            /// What can be bought, of each token.
            pub(crate) fn reserves(&self) -> [Atoms; 2] {
                match self {
                    $(Self::$variant(curve) => curve.reserves()),+
                }
            }

            /// The rate of the pool's fee for a small amount.
            pub(crate) fn fee(&self, clock: Clock) -> Fraction {
                match self {
                    $(Self::$variant(curve) => curve.fee(clock)),+
                }
            }

            /// What the curve does with an amount that arrives in, or leaves, a vault; it is not zero.
            pub(crate) fn fill(
                &self,
                direction: Direction,
                mode: Mode,
                amount: u64,
                clock: Clock,
            ) -> Result<Fill<Change>, QuoteError> {
                match self {
                    $(Self::$variant(curve) => Ok(match mode {
                        Mode::ExactIn => curve.exact_in(direction, amount, clock),
                        Mode::ExactOut => curve.exact_out(direction, amount, clock),
                    }?.map(Change::$variant))),+
                }
            }

            pub(crate) fn instruction(&self, order: Order<'_>) -> Instruction {
                match self {
                    $(Self::$variant(curve) => curve.pool().instruction(order)),+
                }
            }
        }

        impl Change {
            pub(crate) fn writes(&self) -> Vec<Write> {
                match self {
                    $(Self::$variant(change) => change.writes()),+
                }
            }
        }

        /// The address of a venue's program.
        pub const fn program_id(venue: Venue) -> Pubkey {
            match venue {
                $(Venue::$variant => $module::PROGRAM_ID),+
            }
        }

        /// The address that owns the vaults of all pools of a venue.
        pub const fn authority(venue: Venue) -> Pubkey {
            match venue {
                $(Venue::$variant => $module::AUTHORITY),+
            }
        }

        /// The seed and the bump that make [`authority`] of the venue's program.
        pub const fn authority_seeds(venue: Venue) -> (&'static [u8], u8) {
            match venue {
                $(Venue::$variant => ($module::AUTHORITY_SEED, $module::AUTHORITY_BUMP)),+
            }
        }

        /// How many bytes a pool's account has, to find the pools of a venue.
        pub const fn pool_size(venue: Venue) -> usize {
            match venue {
                $(Venue::$variant => $module::POOL_SIZE),+
            }
        }

        /// The first bytes of a pool's account.
        pub const fn pool_discriminator(venue: Venue) -> Discriminator {
            match venue {
                $(Venue::$variant => $module::POOL_DISCRIMINATOR),+
            }
        }

        /// What a custom error code of a swap means, and its name in the program's source.
        pub fn failure(venue: Venue, custom_code: u32) -> (failure::Code, &'static str) {
            match venue {
                $(Venue::$variant => {
                    program_error::failure($module::ERRORS, $module::SLIPPAGE_EXCEEDED, custom_code)
                }),+
            }
        }

        /// The code with which the program refuses a swap whose limit is not met.
        pub(crate) const fn slippage_exceeded(venue: Venue) -> u32 {
            match venue {
                $(Venue::$variant => $module::SLIPPAGE_EXCEEDED),+
            }
        }

        /// The code with which the program fails where this crate gives no quote.
        pub(crate) fn error_code(venue: Venue, error: &QuoteError) -> u32 {
            match venue {
                $(Venue::$variant => $module::error_code(error)),+
            }
        }

        pub(crate) fn decode_instruction(
            venue: Venue,
            accounts: &[Pubkey],
            data: &[u8],
        ) -> Result<SwapInstruction, u32> {
            match venue {
                $(Venue::$variant => $module::decode_instruction(accounts, data)),+
            }
        }

        /// The accounts that make a pool on a local cluster.
        ///
        /// # Errors
        /// The program has no way to hold such a pool.
        pub fn seed(venue: Venue, seed: &Seed) -> Result<Seeded, SeedError> {
            match venue {
                $(Venue::$variant => $module::seed(seed)),+
            }
        }
    };
}

venues! {
    RaydiumCpmm => raydium_cpmm,
    MeteoraDammV2 => meteora_damm_v2,
}
