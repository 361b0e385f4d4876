//! The operator's hand on the cluster: money, prices, liquidity, faults. Each call makes a block of its
//! own at once, so that what it did is in a slot like everything else.

mod faults;

use crate::App;
use crate::cluster;
use crate::genesis;
use crate::pools::SeededPool;
use crate::prices::VOLATILITY_MAX;
use crate::programs::{self, Behaviour};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use order_core::{Atoms, Mint, Venue};
use serde::Deserialize;
use serde_json::{Value, json};
use solana_pubkey::Pubkey;

pub(crate) fn routes() -> axum::Router<App> {
    axum::Router::new()
        .route("/admin/airdrop", post(airdrop))
        .route("/admin/prices", post(set_prices))
        .route("/admin/programs/{venue}", post(change_program))
        .route("/admin/transaction-version-1", post(set_version_1))
        .route("/admin/pools", get(pools))
        .route("/admin/pools/{address}/price", post(move_price))
        .route("/admin/pools/{address}/reserves", post(set_reserves))
        .route("/admin/pools/{address}/drain", post(drain))
        .route("/admin/faults", get(faults::list).post(faults::add).delete(faults::clear))
        .route("/admin/faults/{id}", delete(faults::remove))
        .route("/admin/roll-back", post(faults::roll_back))
        .route("/admin/expire-blockhashes", post(faults::expire_blockhashes))
}

/// The failure of an admin request.
struct Refused(anyhow::Error);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": format!("{:#}", self.0) }));
        (StatusCode::BAD_REQUEST, body).into_response()
    }
}

impl<E: Into<anyhow::Error>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

type Answer = Result<Json<Value>, Refused>;

/// An amount of smallest units, as text or number.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Units {
    Number(u64),
    Text(String),
}

impl Units {
    fn get(&self) -> anyhow::Result<u64> {
        match self {
            Self::Number(units) => Ok(*units),
            Self::Text(text) => Ok(text.parse()?),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Airdrop {
    address: String,
    mint: Option<Mint>,
    amount: Units,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SetPrices {
    volatility_bps: u16,
}

/// Behaviour of a built-in program from now on: what it should, without either.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ChangeProgram {
    /// It keeps a unit of what it sells.
    #[serde(default)]
    changed: bool,
    /// It refuses every swap.
    #[serde(default)]
    refuses: bool,
}

impl ChangeProgram {
    fn behaviour(&self) -> Behaviour {
        match (self.refuses, self.changed) {
            (true, _) => Behaviour::Refuses,
            (false, true) => Behaviour::KeepsAUnit,
            (false, false) => Behaviour::Right,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SetVersion1 {
    active: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MovePrice {
    change_bps: i32,
}

/// Either new reserves or a part of the present ones.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum SetReserves {
    Reserves([Units; 2]),
    KeepBps(u16),
}

async fn airdrop(State(app): State<App>, Json(request): Json<Airdrop>) -> Answer {
    let address: Pubkey = request.address.parse()?;
    let amount = request.amount.get()?;
    blocking(move || {
        let (slot, account) = app.node.network.advance(|bank| match request.mint {
            None => genesis::airdrop(bank, &address, amount).map(|()| address),
            Some(mint) => genesis::airdrop_token(bank, &address, mint, Atoms::new(amount)),
        })?;
        Ok(json!({ "slot": slot, "account": account.to_string() }))
    })
    .await
}

async fn set_prices(State(app): State<App>, Json(request): Json<SetPrices>) -> Answer {
    if request.volatility_bps > VOLATILITY_MAX {
        return Err(anyhow::anyhow!("volatilityBps may be at most {VOLATILITY_MAX}").into());
    }
    app.prices().set_volatility(request.volatility_bps);
    Ok(Json(json!({ "volatilityBps": request.volatility_bps })))
}

async fn change_program(
    State(app): State<App>,
    Path(venue): Path<String>,
    Json(request): Json<ChangeProgram>,
) -> Answer {
    let (venue, behaviour): (Venue, Behaviour) = (venue.parse()?, request.behaviour());
    blocking(move || {
        let (slot, ()) = app.node.network.advance(|bank| {
            bank.change_programs(|svm| programs::set_behaviour(svm, venue, behaviour));
            Ok(())
        })?;
        Ok(json!({ "slot": slot }))
    })
    .await
}

async fn set_version_1(State(app): State<App>, Json(request): Json<SetVersion1>) -> Answer {
    blocking(move || {
        let (slot, ()) = app.node.network.advance(|bank| cluster::set_version_1(bank, request.active))?;
        Ok(json!({ "slot": slot }))
    })
    .await
}

async fn pools(State(app): State<App>) -> Answer {
    blocking(move || {
        let cluster = app.node.network.read();
        let shown = app.pools.iter().map(|pool| {
            let [first, second] = pool.reserves(&cluster.bank)?.map(|reserve| reserve.get().to_string());
            Ok(json!({
                "address": pool.seed.pool.to_string(),
                "venue": pool.venue.name(),
                "tokens": pool.symbols,
                "mints": pool.seed.tokens.map(|token| token.mint.to_string()),
                "reserves": [first, second],
                "fee": pool.seed.fee.to_decimal(),
            }))
        });
        Ok(Value::Array(shown.collect::<anyhow::Result<_>>()?))
    })
    .await
}

async fn move_price(
    State(app): State<App>,
    Path(address): Path<String>,
    Json(request): Json<MovePrice>,
) -> Answer {
    change_pool(app, address, move |pool, bank| pool.move_price(bank, request.change_bps)).await
}

async fn set_reserves(
    State(app): State<App>,
    Path(address): Path<String>,
    Json(request): Json<SetReserves>,
) -> Answer {
    match request {
        SetReserves::KeepBps(kept) => {
            change_pool(app, address, move |pool, bank| pool.keep(bank, kept)).await
        }
        SetReserves::Reserves([first, second]) => {
            let reserves = [Atoms::new(first.get()?), Atoms::new(second.get()?)];
            change_pool(app, address, move |pool, bank| pool.set_reserves(bank, reserves)).await
        }
    }
}

async fn drain(State(app): State<App>, Path(address): Path<String>) -> Answer {
    change_pool(app, address, |pool, bank| pool.keep(bank, 0)).await
}

async fn change_pool(
    app: App,
    address: String,
    change: impl FnOnce(&SeededPool, &mut crate::cluster::Bank) -> anyhow::Result<()> + Send + 'static,
) -> Answer {
    blocking(move || {
        let found = app.pools.iter().find(|pool| pool.seed.pool.to_string() == address);
        let pool = found.ok_or_else(|| anyhow::anyhow!("`{address}` is not a seeded pool"))?;
        let (slot, reserves) = app.node.network.advance(|bank| {
            change(pool, bank)?;
            pool.reserves(bank)
        })?;
        Ok(json!({ "slot": slot, "reserves": reserves.map(|reserve| reserve.get().to_string()) }))
    })
    .await
}

/// Runs what takes the cluster's lock where it may wait for it.
async fn blocking(work: impl FnOnce() -> anyhow::Result<Value> + Send + 'static) -> Answer {
    Ok(Json(tokio::task::spawn_blocking(work).await??))
}
