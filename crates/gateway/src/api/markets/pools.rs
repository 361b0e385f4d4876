//! `GET /api/pools`

use super::tokens::TokenInfo;
use crate::api::schema::{Address, Decimal, Dex, VenueName};
use crate::http::problem::Problem;
use crate::state::App;
use axum::Json;
use axum::extract::State;
use journal::DisabledVenue;
use order_core::{Atoms, Mint, Timestamp, Token, token};
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// The pools that can be traded, with their reserves.
#[utoipa::path(
    get, path = "/api/pools", operation_id = "listPools", tag = "Markets",
    responses((status = 200, body = Pools, description = "The pools")),
)]
pub(crate) async fn pools(State(app): State<App>) -> Result<Json<Pools>, Problem> {
    let listing = app.registry.listing().await.map_err(|failure| Problem::failure(&failure))?;
    let disabled = app.admission.disabled_venues();
    Ok(Json(Pools::of(&listing.pools, listing.age(), &disabled, crate::http::now())))
}

/// The pools that can be traded.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pools {
    pools: Vec<Pool>,
    /// Latest slot that the router has seen.
    slot: u64,
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
}

/// A pool.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pool {
    #[schema(value_type = Dex)]
    dex: &'static str,
    #[schema(value_type = VenueName)]
    program: &'static str,
    /// The program's address.
    #[schema(value_type = Address)]
    program_id: String,
    /// The pool's address.
    #[schema(value_type = Address)]
    pool: String,
    /// The two tokens that it trades.
    #[schema(min_items = 2, max_items = 2)]
    tokens: Vec<TokenInfo>,
    /// Reserves in whole tokens, in the order of `tokens`; null if the token's decimals are unknown.
    #[schema(value_type = Vec<Option<Decimal>>, min_items = 2, max_items = 2)]
    reserves: Vec<Option<String>>,
    /// Fee of a small swap, as a fraction.
    #[schema(value_type = Decimal)]
    fee: String,
    /// True if the pool can be quoted now.
    tradable: bool,
    /// Reason why it cannot be quoted; null if it can.
    #[schema(required)]
    reason: Option<String>,
    /// Reason and start if the pool's venue is disabled; null if it is enabled.
    #[schema(required)]
    disabled: Option<Disabled>,
    /// Slot of the pool's state.
    slot: u64,
    /// Age of the pool's state, in milliseconds.
    state_age_ms: u64,
}

/// A disabled venue: an operator disabled it, or simulations on it differed from the calculation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Disabled {
    reason: String,
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

impl Pools {
    /// The pools of a listing that is `age` old.
    pub(crate) fn of(
        listing: &proto::pools::Pools,
        age: Duration,
        disabled: &[DisabledVenue],
        now: Timestamp,
    ) -> Self {
        let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        let pools = listing.pools.iter().map(|pool| {
            let disabled = disabled.iter().find(|disabled| disabled.venue == pool.venue);
            Pool::of(pool, &listing.tokens, age_ms, disabled)
        });
        Self { pools: pools.collect(), slot: listing.slot, timestamp: now }
    }
}

impl Pool {
    fn of(
        pool: &proto::pools::Pool,
        tokens: &[Token],
        age_ms: u64,
        disabled: Option<&DisabledVenue>,
    ) -> Self {
        let find = |mint: Mint| {
            tokens
                .iter()
                .find(|token| token.mint == mint)
                .cloned()
                .or_else(|| token::known().find(|token| token.mint == mint))
        };
        let reserve = |mint, amount: Atoms| find(mint).map(|token| amount.to_decimal(token.decimals));
        let [mint_a, mint_b] = pool.mints;
        let [reserve_a, reserve_b] = pool.reserves;
        Self {
            dex: pool.venue.dex().name(),
            program: pool.venue.name(),
            program_id: pool.program_id.to_string(),
            pool: pool.address.to_string(),
            tokens: [mint_a, mint_b]
                .map(|mint| {
                    find(mint).map_or_else(|| TokenInfo::unknown(mint), |token| TokenInfo::of(&token))
                })
                .into(),
            reserves: vec![reserve(mint_a, reserve_a), reserve(mint_b, reserve_b)],
            fee: pool.fee.to_decimal(),
            tradable: pool.unavailable.is_none() && disabled.is_none(),
            reason: disabled
                .map(|disabled| format!("its venue is disabled: {}", disabled.reason))
                .or_else(|| pool.unavailable.clone()),
            disabled: disabled.map(|DisabledVenue { reason, since, .. }| Disabled {
                reason: reason.clone(),
                since: *since,
            }),
            slot: pool.slot,
            state_age_ms: pool.state_age_ms.saturating_add(age_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::example;
    use order_core::{Fraction, PoolAddress, Venue};

    #[test]
    fn a_pool_keeps_its_wire_form_and_grows_older_here() {
        let stranger = Mint::new([9; 32]);
        let listing = proto::pools::Pools {
            pools: vec![proto::pools::Pool {
                venue: Venue::RaydiumCpmm,
                program_id: Mint::new([1; 32]).pubkey(),
                address: PoolAddress::new([3; 32]),
                mints: [example::token("SOL").mint, stranger],
                reserves: [Atoms::new(1_500_000_000), Atoms::new(7)],
                fee: Fraction::from_billionths(2_500_000),
                unavailable: None,
                slot: 4,
                state_age_ms: 30,
            }],
            tokens: vec![example::token("SOL")],
            slot: 5,
        };
        let seen = Pools::of(&listing, Duration::from_millis(500), &[], Timestamp::UNIX_EPOCH);
        assert_eq!(
            serde_json::to_string(&seen).unwrap(),
            format!(
                concat!(
                    r#"{{"pools":[{{"dex":"Raydium","program":"raydium_cpmm","programId":"4vJ9JU1bJJE96FWSJKvHsmmFADCg4gpZQff4P3bkLKi","pool":"CktRuQ2mttgRGkXJtyksdKHjUdc2C4TgDzyB98oEzy8","#,
                    r#""tokens":[{{"symbol":"SOL","mint":"So11111111111111111111111111111111111111112","decimals":9,"program":"spl_token"}},{{"symbol":"{0}","mint":"{0}","decimals":null,"program":null}}],"#,
                    r#""reserves":["1.5",null],"fee":"0.0025","tradable":true,"reason":null,"disabled":null,"slot":4,"stateAgeMs":530}}],"slot":5,"timestamp":"1970-01-01T00:00:00Z"}}"#
                ),
                stranger
            )
        );
        let reason = "it was upgraded".to_owned();
        let disabled = [DisabledVenue { venue: Venue::RaydiumCpmm, reason, since: Timestamp::UNIX_EPOCH }];
        let seen = Pools::of(&listing, Duration::ZERO, &disabled, Timestamp::UNIX_EPOCH);
        assert!(serde_json::to_string(&seen.pools[0]).unwrap().contains(concat!(
            r#""tradable":false,"reason":"its venue is disabled: it was upgraded","#,
            r#""disabled":{"reason":"it was upgraded","since":"1970-01-01T00:00:00Z"}"#
        )));
    }
}
