//! Finds the three servers that the engine stands on, and installs them where that is allowed.

use anyhow::{Context, Result, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Where the programs of the servers are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    /// Makes the directory of a new PostgreSQL server.
    pub initdb: PathBuf,
    /// PostgreSQL itself.
    pub postgres: PathBuf,
    /// Redis.
    pub redis: PathBuf,
    /// NATS.
    pub nats: PathBuf,
}

impl Programs {
    /// The first line that each server says of its version.
    pub fn versions(&self) -> Vec<String> {
        let version = |program: &PathBuf| {
            let output = Command::new(program).arg("--version").output();
            let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
            text.ok().and_then(|text| text.lines().next().map(str::to_owned)).unwrap_or_default()
        };
        [&self.postgres, &self.redis, &self.nats].map(version).into()
    }
}

/// A server, with its programs and its Debian package.
const SERVERS: [(&str, &[&str], &str); 3] = [
    ("PostgreSQL", &["initdb", "postgres"], "postgresql"),
    ("Redis", &["redis-server"], "redis-server"),
    ("NATS", &["nats-server"], "nats-server"),
];

/// Where programs are that are not on everybody's PATH.
const USUAL_PLACES: [&str; 6] = [
    "/usr/bin",
    "/usr/sbin",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/opt/homebrew/bin",
    "/home/linuxbrew/.linuxbrew/bin",
];

/// Folders with one folder for each version of PostgreSQL, and the beginning of that one's name.
const POSTGRES_PLACES: [(&str, &str); 5] = [
    ("/usr/lib/postgresql", ""),
    ("/usr", "pgsql-"),
    ("/opt/homebrew/opt", "postgresql"),
    ("/usr/local/opt", "postgresql"),
    ("/Applications/Postgres.app/Contents/Versions", ""),
];

/// The programs of all servers; what is missing is installed first, where that can be done.
///
/// # Errors
/// Something is missing and cannot be installed from here; the message says what to do.
pub fn programs() -> Result<Programs> {
    let missing = missing();
    if !missing.is_empty() {
        install(&missing)?;
    }
    let path = |program| find(program).with_context(|| format!("`{program}` is still not to be found"));
    Ok(Programs {
        initdb: path("initdb")?,
        postgres: path("postgres")?,
        redis: path("redis-server")?,
        nats: path("nats-server")?,
    })
}

/// Chromium, which tests need; it is installed first if it is missing.
///
/// # Errors
/// It is missing and cannot be installed from here; the message says what to do.
pub fn chromium() -> Result<PathBuf> {
    any_of(&["chromium", "chromium-browser", "google-chrome"], ("Chromium", "chromium"))
}

/// Firefox, which tests need; it is installed first if it is missing.
///
/// # Errors
/// As [`chromium`].
pub fn firefox() -> Result<PathBuf> {
    any_of(&["firefox-esr", "firefox"], ("Firefox", "firefox-esr"))
}

/// The tool that tests Prometheus' alerts; it is installed first if it is missing.
///
/// # Errors
/// As [`chromium`].
pub fn promtool() -> Result<PathBuf> {
    any_of(&["promtool"], ("promtool", "prometheus"))
}

fn any_of(programs: &[&str], missing: Missing) -> Result<PathBuf> {
    // Tests run side by side, and apt refuses to.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let found = || programs.iter().find_map(|program| find(program));
    if let Some(path) = found() {
        return Ok(path);
    }
    install(&[missing])?;
    found().with_context(|| format!("{} is still not to be found", missing.0))
}

type Missing = (&'static str, &'static str);

fn missing() -> Vec<Missing> {
    let lacks = |programs: &[&str]| programs.iter().any(|program| find(program).is_none());
    SERVERS
        .into_iter()
        .filter(|(_, programs, _)| lacks(programs))
        .map(|(server, _, package)| (server, package))
        .collect()
}

fn install(missing: &[Missing]) -> Result<()> {
    let servers: Vec<&str> = missing.iter().map(|(server, _)| *server).collect();
    let packages: Vec<&str> = missing.iter().map(|(_, package)| *package).collect();
    let Some(apt) = apt()? else { bail!(instructions(&servers, &packages)) };
    println!("Missing on this machine: {}. Installing with apt: {}", servers.join(", "), packages.join(" "));
    for arguments in
        [&["update"][..], &[&["install", "-y", "--no-install-recommends"], &packages[..]].concat()]
    {
        let status = Command::new(apt[0])
            .args(&apt[1..])
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .status()
            .context("running apt-get")?;
        let line = format!("{} {}", apt.join(" "), arguments.join(" "));
        ensure!(status.success(), "`{line}` failed ({status}).\n{}", instructions(&servers, &packages));
    }
    Ok(())
}

/// How apt-get is called here, if it may be called without asking anybody for a password.
fn apt() -> Result<Option<Vec<&'static str>>> {
    if find("apt-get").is_none() {
        return Ok(None);
    }
    if rustix::process::geteuid().is_root() {
        return Ok(Some(vec!["apt-get"]));
    }
    let may = find("sudo").is_some()
        && Command::new("sudo")
            .args(["-n", "true"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
    Ok(may.then(|| vec!["sudo", "-n", "apt-get"]))
}

fn instructions(servers: &[&str], packages: &[&str]) -> String {
    format!(
        "missing on this machine: {}. Install it, then run this again:\n\
         \x20 Debian, Ubuntu:  sudo apt-get install -y {}\n\
         \x20 macOS:           brew install postgresql@17 redis nats-server\n\
         \x20 anything else:   PostgreSQL 15 or later, Redis 7 or later, nats-server 2.9 or later, on the PATH\n\
         Or run everything in containers instead:  docker compose up --build",
        servers.join(", "),
        packages.join(" ")
    )
}

/// A program on the PATH or in a usual place.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path);
    let usual = USUAL_PLACES.iter().map(PathBuf::from);
    on_path
        .chain(usual)
        .chain(postgres_folders())
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

/// The folders of all versions of PostgreSQL, the newest first.
fn postgres_folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = POSTGRES_PLACES
        .into_iter()
        .filter_map(|(place, prefix)| Some((std::fs::read_dir(place).ok()?, prefix)))
        .flat_map(|(versions, prefix)| {
            versions.flatten().filter(move |entry| entry.file_name().to_string_lossy().starts_with(prefix))
        })
        .map(|entry| entry.path().join("bin"))
        .filter(|folder| folder.join("postgres").is_file())
        .collect();
    folders.sort_by_key(|folder| std::cmp::Reverse(version(folder)));
    folders
}

/// The number in the name of a version's folder: 15 of `/usr/lib/postgresql/15/bin`.
fn version(folder: &Path) -> u32 {
    let name = folder.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    let digits: String =
        name.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_versions_of_postgres_have_higher_numbers() {
        for (folder, number) in [
            ("/usr/lib/postgresql/15/bin", 15),
            ("/opt/homebrew/opt/postgresql@17/bin", 17),
            ("/usr/pgsql-16/bin", 16),
            ("/opt/homebrew/opt/postgresql/bin", 0),
        ] {
            assert_eq!(version(Path::new(folder)), number, "{folder}");
        }
    }

    #[test]
    fn what_is_missing_is_named_with_what_to_do() {
        let text = instructions(&["NATS"], &["nats-server"]);
        assert!(text.contains("machine: NATS.") && text.contains("apt-get install -y nats-server"), "{text}");
        assert_eq!(find("no-such-program"), None);
    }
}
