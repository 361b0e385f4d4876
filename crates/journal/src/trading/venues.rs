//! Venues and pools that no order is to go over: disabled by an operator, by drift, or by refusals.

use super::{Halt, Trading};
use crate::database::columns::{bigint, milliseconds, numeric};
use crate::database::writer::Statement;
use crate::database::{Error, metrics};
use order_core::quote::Exclusions;
use order_core::{Atoms, PoolAddress, Timestamp, Venue, order};
use sqlx::PgConnection;
use std::time::Duration;
use uuid::Uuid;

/// Orders that meet drift on a venue before it is disabled: a node may err about one.
const DRIFTS_ENOUGH: u64 = 3;

/// Within this time: a program that was changed shows it to every order.
const DRIFTS_WITHIN: Duration = Duration::from_mins(10);

/// Orders that a pool's program refuses before others leave the pool out.
const REFUSALS_ENOUGH: u64 = 3;

/// For how long others leave it out after the last of them: a paused pool may be opened again.
const REFUSED_FOR: Duration = Duration::from_mins(2);

/// A venue that no order is to go over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisabledVenue {
    /// The venue.
    pub venue: Venue,
    /// Why, in the words of the operator or of the drift guard.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// The halt and the disabled venues of now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stops {
    /// All trading.
    pub halt: Option<Halt>,
    /// Trading over these, by name.
    pub venues: Vec<DisabledVenue>,
}

/// A simulation that did something else than was calculated, though the pools stood still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// The order that met it.
    pub order_id: order::Id,
    /// The pools that it may have come from.
    pub pools: Vec<(Venue, PoolAddress)>,
    /// The calculated input and output of the route; None where it cannot be swapped.
    pub expected: Option<(Atoms, Atoms)>,
    /// The simulated input and output; None if the program refused.
    pub simulated: Option<(Atoms, Atoms)>,
    /// True if it counts towards the end of the venue: on a pool that most orders trade on as calculated it
    /// does not.
    pub counts: bool,
}

/// A pool's program refused a swap in a simulation, for a reason of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolRefusal {
    /// The order that met it.
    pub order_id: order::Id,
    /// The pools that it may have come from.
    pub pools: Vec<(Venue, PoolAddress)>,
    /// True if most orders on the pool meet it: then others leave the pool out, too.
    pub counts: bool,
}

impl Stops {
    /// True if no order is to go over this venue, trading as a whole apart.
    pub fn stops(&self, venue: Venue) -> bool {
        self.venues.iter().any(|disabled| disabled.venue == venue)
    }
}

impl Trading {
    /// The halt and the disabled venues of now. Read together with whoever else asks, after all of them have asked.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn stops(&self) -> Result<Stops, Error> {
        self.halts.write(()).await
    }

    /// Venues and pools that an order is not to be routed over: the venues that are disabled, those that it has met
    /// drift or a refusal on itself, and the pools that have refused several orders lately. Read together with whatever
    /// else is asked.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn exclusions(&self, id: order::Id) -> Result<Exclusions, Error> {
        self.avoids.write(id).await
    }

    /// Records drift, and disables the venues that enough orders have met it on. Those that it has
    /// disabled. Made again, the same call changes nothing.
    ///
    /// # Errors
    /// The database does not answer, or there is no such order.
    pub async fn observe_drift(&self, drift: &Drift) -> Result<Vec<Venue>, Error> {
        let (venues, pools): (Vec<_>, Vec<_>) =
            drift.pools.iter().map(|(venue, pool)| (venue.name(), pool.to_string())).unzip();
        let amounts: Vec<Option<String>> = [drift.expected, drift.simulated]
            .into_iter()
            .flat_map(|amounts| [amounts.map(|(taken, _)| taken), amounts.map(|(_, given)| given)])
            .map(|amount| amount.map(|amount| numeric(amount.get())))
            .collect();
        let minutes = DRIFTS_WITHIN.as_secs() / 60;
        let reason =
            format!("{DRIFTS_ENOUGH} orders within {minutes} min were simulated otherwise than calculated");
        let observe = sqlx::query_scalar(OBSERVE_DRIFT)
            .bind(drift.order_id.0)
            .bind(venues)
            .bind(pools)
            .bind(amounts)
            .bind(if drift.counts { bigint(DRIFTS_ENOUGH) } else { i64::MAX })
            .bind(milliseconds(DRIFTS_WITHIN))
            .bind(reason)
            .fetch_all(&self.pool);
        let disabled = metrics::statement("observe_drift", observe)
            .await
            .map_err(|error| Error::from_statement("record drift", error))?;
        Ok(known(disabled).collect())
    }

    /// Records that a pool's program refused an order. Made again, the same call changes nothing.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn observe_refusal(&self, refusal: &PoolRefusal) -> Result<(), Error> {
        let (venues, pools): (Vec<_>, Vec<_>) =
            refusal.pools.iter().map(|(venue, pool)| (venue.name(), pool.to_string())).unzip();
        let observe = sqlx::query(OBSERVE_REFUSAL)
            .bind(refusal.order_id.0)
            .bind(venues)
            .bind(pools)
            .bind(refusal.counts)
            .execute(&self.pool);
        let observed = metrics::statement("observe_refusal", observe).await;
        observed.map_err(|error| Error::from_statement("record a refusal", error))?;
        Ok(())
    }

    /// Disables a venue for a reason of 1 to 1000 bytes. False if it was disabled already; that reason stands.
    ///
    /// # Errors
    /// The database does not answer, or the reason is refused.
    pub async fn disable_venue(&self, venue: Venue, reason: &str) -> Result<bool, Error> {
        let disable = sqlx::query(DISABLE).bind(venue.name()).bind(reason).execute(&self.pool);
        let disabled = metrics::statement("disable_venue", disable).await;
        let done = disabled.map_err(|error| Error::from_statement("disable a venue", error))?;
        Ok(done.rows_affected() > 0)
    }

    /// Enables a venue again; true if it was disabled. The drift that was met before does not count any more.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn enable_venue(&self, venue: Venue) -> Result<bool, Error> {
        let enable = sqlx::query(ENABLE).bind(venue.name()).execute(&self.pool);
        let enabled = metrics::statement("enable_venue", enable).await;
        let done = enabled.map_err(|error| Error::from_statement("enable a venue", error))?;
        Ok(done.rows_affected() > 0)
    }
}

/// The venues of these names that this version knows.
fn known(names: Vec<String>) -> impl Iterator<Item = Venue> {
    names.into_iter().filter_map(|name| name.parse().ok())
}

const STOPS: &str = "
SELECT NULL AS venue, reason, at FROM halts WHERE resumed_at IS NULL
UNION ALL
SELECT venue, reason, at FROM venue_disablings WHERE enabled_at IS NULL
ORDER BY venue";

/// The question for what is stopped, for the writer, which groups those who ask.
#[derive(Debug)]
pub(crate) enum Halts {}

impl Statement for Halts {
    type Item = ();
    type Outcome = Stops;
    const NAME: &'static str = "stops";
    const DOING: &'static str = "read what is stopped";
    /// None: whoever asks can ask again.
    const PATIENCE: Duration = Duration::ZERO;

    async fn write(connection: &mut PgConnection, items: &[()]) -> Result<Vec<Stops>, sqlx::Error> {
        let rows: Vec<(Option<String>, String, Timestamp)> =
            sqlx::query_as(STOPS).fetch_all(connection).await?;
        let mut stops = Stops::default();
        for (venue, reason, at) in rows {
            match venue.map(|name| name.parse()) {
                None => stops.halt = Some(Halt { reason, at }),
                Some(Ok(venue)) => stops.venues.push(DisabledVenue { venue, reason, since: at }),
                // One of a later version: this one has no pools of it.
                Some(Err(_)) => {}
            }
        }
        Ok(vec![stops; items.len()])
    }
}

/// A row without an order is for all. The order itself avoids the whole venue: its program refuses other pools as
/// likely, and attempts are few.
const EXCLUSIONS: &str = "
SELECT NULL::uuid AS order_id, venue, NULL AS pool FROM venue_disablings WHERE enabled_at IS NULL
UNION
SELECT order_id, venue, NULL FROM drift_observations WHERE order_id = ANY ($1::uuid[])
UNION
SELECT order_id, venue, NULL FROM pool_refusals WHERE order_id = ANY ($1::uuid[])
UNION
SELECT * FROM (
  SELECT NULL::uuid, NULL, pool FROM pool_refusals
  WHERE counts AND at > now() - $3 * interval '1 millisecond'
  GROUP BY pool HAVING count(*) >= $2
  LIMIT 1000
) AS refused";

/// The question for what an order avoids, for the writer, which groups those who ask.
#[derive(Debug)]
pub(crate) enum Avoids {}

impl Statement for Avoids {
    type Item = order::Id;
    type Outcome = Exclusions;
    const NAME: &'static str = "exclusions";
    const DOING: &'static str = "read what to avoid";
    /// None: whoever asks can ask again.
    const PATIENCE: Duration = Duration::ZERO;

    async fn write(
        connection: &mut PgConnection,
        items: &[order::Id],
    ) -> Result<Vec<Exclusions>, sqlx::Error> {
        let rows: Vec<(Option<Uuid>, Option<String>, Option<String>)> = sqlx::query_as(EXCLUSIONS)
            .bind(items.iter().map(|id| id.0).collect::<Vec<_>>())
            .bind(bigint(REFUSALS_ENOUGH))
            .bind(milliseconds(REFUSED_FOR))
            .fetch_all(connection)
            .await?;
        let of = |item: &order::Id| {
            let (mut venues, mut pools) = (Vec::new(), Vec::<PoolAddress>::new());
            for (_, venue, pool) in
                rows.iter().filter(|(order, ..)| order.is_none_or(|order| order == item.0))
            {
                venues.extend(venue.clone());
                pools.extend(pool.as_ref().and_then(|pool| pool.parse::<PoolAddress>().ok()));
            }
            Exclusions { venues: known(venues).collect(), pools: pools.into_iter().collect() }
        };
        Ok(items.iter().map(of).collect())
    }
}

const OBSERVE_REFUSAL: &str = "
INSERT INTO pool_refusals (order_id, venue, pool, counts)
SELECT $1, met.venue, met.pool, $4 FROM unnest($2::text[], $3::text[]) AS met (venue, pool)
ON CONFLICT DO NOTHING";

const OBSERVE_DRIFT: &str =
    "SELECT disabled FROM observe_drift($1, $2, $3, $4::text[]::numeric[], $5, $6, $7)";

const DISABLE: &str = "INSERT INTO venue_disablings (venue, reason) VALUES ($1, $2) ON CONFLICT DO NOTHING";

const ENABLE: &str = "UPDATE venue_disablings SET enabled_at = now() WHERE venue = $1 AND enabled_at IS NULL";
