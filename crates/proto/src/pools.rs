//! The followed pools and tokens, to and from the wire.

use crate::invalid::{Invalid, parse};
use crate::wire;
use order_core::token::{MAX_DECIMALS, Program};
use order_core::{Atoms, Fraction, Mint, PoolAddress, Pubkey, Token, Venue};

/// Every pool that the router follows, and every token that they trade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pools {
    /// Ordered by venue and address.
    pub pools: Vec<Pool>,
    /// Ordered by symbol.
    pub tokens: Vec<Token>,
    /// The latest slot that was seen.
    pub slot: u64,
}

/// One pool's latest known state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Its program.
    pub venue: Venue,
    /// Its program's address.
    pub program_id: Pubkey,
    /// Its account.
    pub address: PoolAddress,
    /// The tokens that it trades, in the pool's own order.
    pub mints: [Mint; 2],
    /// The reserves that it can trade with, in base units, in the same order.
    pub reserves: [Atoms; 2],
    /// The fee for a small amount.
    pub fee: Fraction,
    /// Why it cannot be quoted now; None if it can.
    pub unavailable: Option<String>,
    /// The slot of this state.
    pub slot: u64,
    /// How old it is, in milliseconds.
    pub state_age_ms: u64,
}

impl Pools {
    /// The listing as a message.
    pub fn to_wire(&self) -> wire::ListPoolsResponse {
        wire::ListPoolsResponse {
            pools: self.pools.iter().map(pool_to_wire).collect(),
            tokens: self.tokens.iter().map(token_to_wire).collect(),
            slot: self.slot,
        }
    }

    /// Reads a message.
    ///
    /// # Errors
    /// The first field that cannot be read.
    pub fn from_wire(message: &wire::ListPoolsResponse) -> Result<Self, Invalid> {
        Ok(Self {
            pools: message.pools.iter().map(pool_from_wire).collect::<Result<_, _>>()?,
            tokens: message.tokens.iter().map(token_from_wire).collect::<Result<_, _>>()?,
            slot: message.slot,
        })
    }
}

fn pool_to_wire(pool: &Pool) -> wire::Pool {
    let ([mint_a, mint_b], [reserve_a, reserve_b]) = (pool.mints, pool.reserves);
    wire::Pool {
        venue: pool.venue.to_string(),
        program_id: pool.program_id.to_string(),
        pool: pool.address.to_string(),
        mint_a: mint_a.to_string(),
        mint_b: mint_b.to_string(),
        reserve_a: reserve_a.get(),
        reserve_b: reserve_b.get(),
        fee: pool.fee.to_decimal(),
        tradable: pool.unavailable.is_none(),
        reason: pool.unavailable.clone().unwrap_or_default(),
        slot: pool.slot,
        state_age_ms: pool.state_age_ms,
    }
}

fn pool_from_wire(message: &wire::Pool) -> Result<Pool, Invalid> {
    Ok(Pool {
        venue: parse("pools.venue", &message.venue)?,
        program_id: parse("pools.program_id", &message.program_id)?,
        address: parse("pools.pool", &message.pool)?,
        mints: [parse("pools.mint_a", &message.mint_a)?, parse("pools.mint_b", &message.mint_b)?],
        reserves: [Atoms::new(message.reserve_a), Atoms::new(message.reserve_b)],
        fee: parse("pools.fee", &message.fee)?,
        unavailable: (!message.tradable).then(|| message.reason.clone()),
        slot: message.slot,
        state_age_ms: message.state_age_ms,
    })
}

fn token_to_wire(token: &Token) -> wire::Token {
    wire::Token {
        symbol: token.symbol.clone(),
        mint: token.mint.to_string(),
        decimals: u32::from(token.decimals),
        program: token.program.name().to_owned(),
    }
}

fn token_from_wire(message: &wire::Token) -> Result<Token, Invalid> {
    let decimals = u8::try_from(message.decimals).ok().filter(|decimals| *decimals <= MAX_DECIMALS);
    let program = [Program::SplToken, Program::Token2022]
        .into_iter()
        .find(|program| program.name() == message.program)
        .ok_or_else(|| Invalid::new("tokens.program", "is no token program of this contract"))?;
    Ok(Token {
        symbol: message.symbol.clone(),
        mint: parse("tokens.mint", &message.mint)?,
        decimals: decimals.ok_or_else(|| Invalid::new("tokens.decimals", "are too many"))?,
        program,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pools() -> Pools {
        let pool = |unavailable: Option<&str>| Pool {
            venue: Venue::MeteoraDammV2,
            program_id: Pubkey::new_from_array([9; 32]),
            address: PoolAddress::new([1; 32]),
            mints: [Mint::new([2; 32]), Mint::new([3; 32])],
            reserves: [Atoms::new(u64::MAX), Atoms::ZERO],
            fee: Fraction::from_billionths(1),
            unavailable: unavailable.map(str::to_owned),
            slot: 5,
            state_age_ms: 6,
        };
        Pools {
            pools: vec![pool(None), pool(Some("is closed"))],
            tokens: order_core::token::known().collect(),
            slot: 7,
        }
    }

    #[test]
    fn a_listing_reads_back() {
        assert_eq!(Pools::from_wire(&pools().to_wire()), Ok(pools()));
        let message = pools().to_wire();
        assert_eq!((message.pools[1].tradable, message.pools[1].reason.as_str()), (false, "is closed"));
        assert_eq!(message.tokens[0].program, "spl_token");
    }

    #[test]
    fn an_unreadable_listing_is_refused_with_its_field() {
        let with = |change: fn(&mut wire::ListPoolsResponse)| {
            let mut message = pools().to_wire();
            change(&mut message);
            Pools::from_wire(&message).unwrap_err().field
        };
        assert_eq!(with(|m| m.pools[0].program_id.clear()), "pools.program_id");
        assert_eq!(with(|m| m.pools[0].fee = "1e99".to_owned()), "pools.fee");
        assert_eq!(with(|m| m.tokens[0].decimals = 300), "tokens.decimals");
        assert_eq!(with(|m| m.tokens[0].program.clear()), "tokens.program");
        assert_eq!(with(|m| m.tokens[0].mint = "SOL".to_owned()), "tokens.mint");
    }
}
