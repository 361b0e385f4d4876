//! Migrations of the schema, which are part of the program.

use crate::database::{Error, Roles, privileges, unavailable};
use crate::upkeep;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Connection, PgConnection, PgPool};
use std::collections::HashSet;
use std::time::Duration;

pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// A migration waits half a second for a lock that it needs alone, so that those behind it wait no longer. Then
/// it is tried again, so often and after such a pause.
const MIGRATE_TRIES_MAX: u32 = 60;
const MIGRATE_PAUSE: Duration = Duration::from_secs(1);

/// PostgreSQL's codes of a lock that was waited for in vain, and of one that would be waited for for ever.
const LOCK_REFUSED: [&str; 2] = ["55P03", "40P01"];

const APPLIED: &str = "SELECT version FROM _sqlx_migrations WHERE success";

/// PostgreSQL's error code for a table that does not exist.
const UNDEFINED_TABLE: &str = "42P01";

/// Brings the database's schema up to this version, and gives the services' roles their rights.
///
/// # Errors
/// The database does not answer, or a migration fails; those before it stay applied.
pub(crate) async fn migrate(url: &str) -> Result<Roles, Error> {
    const DOING: &str = "migrate the database";
    let mut connection = PgConnection::connect(url).await.map_err(unavailable(DOING))?;
    run(&mut connection).await.map_err(|error| unavailable(DOING)(sqlx::Error::Migrate(Box::new(error))))?;
    upkeep::finish(&mut connection).await.map_err(unavailable(DOING))?;
    let roles = privileges::grant(&mut connection).await.map_err(unavailable(DOING))?;
    connection.close().await.map_err(unavailable(DOING))?;
    Ok(roles)
}

async fn run(connection: &mut PgConnection) -> Result<(), MigrateError> {
    for tried in 1.. {
        match MIGRATIONS.run(&mut *connection).await {
            Err(MigrateError::ExecuteMigration(sqlx::Error::Database(error), version))
                if error.code().is_some_and(|code| LOCK_REFUSED.contains(&&*code))
                    && tried < MIGRATE_TRIES_MAX =>
            {
                tracing::warn!(version, "a migration waits for a lock; a backup may hold it");
                tokio::time::sleep(MIGRATE_PAUSE).await;
            }
            outcome => return outcome,
        }
    }
    Ok(())
}

/// Checks that the database has every migration of this version.
///
/// # Errors
/// It lacks one, or does not answer.
pub(crate) async fn require(pool: &PgPool) -> Result<(), Error> {
    let applied: HashSet<i64> = match sqlx::query_scalar(APPLIED).fetch_all(pool).await {
        Ok(versions) => versions.into_iter().collect(),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(UNDEFINED_TABLE) => {
            HashSet::new()
        }
        Err(error) => return Err(unavailable("read which migrations are applied")(error)),
    };
    match MIGRATIONS.iter().find(|migration| !applied.contains(&migration.version)) {
        Some(missing) => Err(Error::NotMigrated { version: missing.version }),
        None => Ok(()),
    }
}
