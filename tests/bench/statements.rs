//! PostgreSQL's own account of the statements that it has run.

use anyhow::{Result, ensure};
use std::time::{Duration, Instant};
use xtask::Supervisor;
use xtask::postgres::{self, FIRST_DATABASE};
use xtask::process::POLL_INTERVAL;
use xtask::servers::Server;

/// Time for PostgreSQL to start again.
const START_TIMEOUT: Duration = Duration::from_secs(30);

const LOAD: &str = "ALTER SYSTEM SET shared_preload_libraries = pg_stat_statements";

/// A database that is made from `template1` counts as well.
const COUNT: [&str; 3] = [
    "CREATE EXTENSION IF NOT EXISTS pg_stat_statements",
    "ALTER SYSTEM SET pg_stat_statements.track = 'all'",
    "SELECT pg_reload_conf()",
];

/// Those that took longest in all. Statements inside functions are counted by themselves too.
const LONGEST: &str = r"
SELECT round(total_exec_time)::text, calls::text, rows::text, round(1000 * total_exec_time / calls)::text,
  left(regexp_replace(query, '\s+', ' ', 'g'), 120)
FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY total_exec_time DESC LIMIT 25";

/// Has PostgreSQL count its statements from here on.
///
/// # Errors
/// It cannot, or does not start again.
pub(crate) fn count(supervisor: &Supervisor, server: &mut Server) -> Result<()> {
    postgres::execute(&server.operator, FIRST_DATABASE, LOAD)?;
    supervisor.stop(&mut server.process)?;
    supervisor.restart(&mut server.process)?;
    let deadline = Instant::now() + START_TIMEOUT;
    let answers = || postgres::execute(&server.operator, "template1", "SELECT 1");
    while let Err(error) = answers() {
        ensure!(Instant::now() < deadline, "PostgreSQL does not start again: {error:#}");
        std::thread::sleep(POLL_INTERVAL);
    }
    COUNT.into_iter().try_for_each(|statement| postgres::execute(&server.operator, "template1", statement))
}

/// Prints the statements that took longest.
///
/// # Errors
/// PostgreSQL does not answer.
pub(crate) fn print(server: &Server, database: &str) -> Result<()> {
    println!("| ms in all | calls | rows | µs each | statement |\n|---|---|---|---|---|");
    for row in postgres::query(&server.operator, database, LONGEST)? {
        let cells: Vec<String> = row.into_iter().map(Option::unwrap_or_default).collect();
        println!("| {} |", cells.join(" | "));
    }
    Ok(())
}
