//! Roles of the services: what each may do in the database, and the logins that have them.

use super::error::Error;
use super::scram;
use super::unavailable;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::sync::Arc;

/// Grants of both roles, as one transaction.
const PRIVILEGES: &str = include_str!("privileges.sql");

/// PostgreSQL's code of a statement that needs a right which its role lacks.
const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// The longest name of a role.
const LOGIN_LENGTH_MAX: usize = 63;

/// A service that has a role of its own in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreUser {
    /// Takes orders on, cancels, lists and counts them, and administers keys.
    Gateway,
    /// Moves orders on to their end.
    Executor,
}

impl StoreUser {
    const ALL: [Self; 2] = [Self::Gateway, Self::Executor];

    /// The role without login that has the service's rights.
    pub fn role(self) -> &'static str {
        match self {
            Self::Gateway => "order_gateway",
            Self::Executor => "order_executor",
        }
    }
}

/// The state of the services' roles after a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Roles {
    /// They are there, with the rights of this version.
    Granted,
    /// They are not there, and the owner may not create roles. Services may still log in as the owner.
    NotAllowed,
}

/// Creates the services' roles, unless they are there, and gives each its rights in this database, and no others.
///
/// # Errors
/// The database does not answer, or a grant fails.
pub(crate) async fn grant(connection: &mut PgConnection) -> Result<Roles, sqlx::Error> {
    match create_roles(connection).await {
        Ok(()) => {}
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(INSUFFICIENT_PRIVILEGE) => {
            return Ok(Roles::NotAllowed);
        }
        Err(error) => return Err(error),
    }
    let mut transaction = connection.begin().await?;
    transaction.execute(ONE_AT_A_TIME).await?;
    transaction.execute(sqlx::raw_sql(PRIVILEGES)).await?;
    transaction.commit().await?;
    Ok(Roles::Granted)
}

async fn create_roles(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    for service in StoreUser::ALL {
        create_role(connection, service.role(), "NOLOGIN").await?;
    }
    Ok(())
}

/// Roles are those of the whole server: another database's migration may create them at the same time.
async fn create_role(connection: &mut PgConnection, role: &str, kind: &str) -> Result<(), sqlx::Error> {
    let create = format!(
        "DO $$ BEGIN
          IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN CREATE ROLE \"{role}\" {kind}; END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$"
    );
    connection.execute(AssertSqlSafe(create)).await.map(drop)
}

/// Lets a service in: creates the login unless it is there, sets its password, and gives it the service's role and
/// a connection to this database. The server gets no password, only what it verifies one with.
///
/// # Errors
/// The login or its password is not one that a service may have, or the database refuses or does not answer.
pub(crate) async fn let_in(url: &str, service: StoreUser, login: &str, password: &str) -> Result<(), Error> {
    const DOING: &str = "let a service in";
    let refused = |rule: &str| Error::Refused { doing: DOING, rule: rule.to_owned() };
    if !is_login(login) {
        return Err(refused("a login has at most 63 letters a to z, digits and underscores, no digit first"));
    }
    let random = || unavailable(DOING)(sqlx::Error::Protocol("the system gives no random bytes".to_owned()));
    let verifier = scram::verifier(password).ok_or_else(random)?;
    let verifier = verifier.map_err(refused)?;
    let mut connection = PgConnection::connect(url).await.map_err(unavailable(DOING))?;
    let failed = |error| Error::from_statement(DOING, error);
    let powerful: bool =
        sqlx::query_scalar(IS_POWERFUL).bind(login).fetch_one(&mut connection).await.map_err(failed)?;
    if powerful {
        return Err(refused("this role owns the database, or may do more than a service: choose another"));
    }
    create_role(&mut connection, login, "LOGIN").await.map_err(failed)?;
    let database: String = sqlx::query_scalar(DATABASE).fetch_one(&mut connection).await.map_err(failed)?;
    let role = service.role();
    let mut transaction = connection.begin().await.map_err(failed)?;
    for statement in [
        format!("ALTER ROLE \"{login}\" LOGIN PASSWORD '{verifier}'"),
        format!("GRANT {role} TO \"{login}\""),
        format!("GRANT CONNECT ON DATABASE {database} TO \"{login}\""),
    ] {
        transaction.execute(AssertSqlSafe(statement)).await.map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)?;
    connection.close().await.map_err(|cause| Error::Unknown { doing: DOING, cause: Arc::new(cause) })
}

fn is_login(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    !name.is_empty()
        && name.len() <= LOGIN_LENGTH_MAX
        && name.bytes().all(allowed)
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.starts_with("pg_")
        && StoreUser::ALL.iter().all(|service| service.role() != name)
}

/// Two migrations of one database would change the same rows of the catalogue.
const ONE_AT_A_TIME: &str = "SELECT pg_advisory_xact_lock(7305804402463171447)";

const DATABASE: &str = "SELECT quote_ident(current_database())";

/// True of a role that is more than a login: with rights over the server, the caller itself, or an owner of
/// anything here.
const IS_POWERFUL: &str = "
SELECT EXISTS (
  SELECT FROM pg_roles WHERE rolname = $1 AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication
    OR rolbypassrls OR rolname = current_user
    OR EXISTS (SELECT FROM pg_database WHERE datname = current_database() AND datdba = pg_roles.oid)
    OR EXISTS (SELECT FROM pg_class WHERE relowner = pg_roles.oid)))";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_a_plain_name() {
        for name in ["gateway", "_g1", "desk_gateway"] {
            assert!(is_login(name), "{name}");
        }
        let long = "x".repeat(64);
        for name in ["", "1g", "Gateway", "a b", "a\"b", "a'b", "pg_read_all_data", "order_gateway", &long] {
            assert!(!is_login(name), "{name}");
        }
    }
}
