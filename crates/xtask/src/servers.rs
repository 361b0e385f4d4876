//! Private instances of PostgreSQL, Redis and NATS.

use crate::install::{self, Programs};
use crate::login::{Login, write_private};
use crate::process::{Process, Signal, Supervisor, wait_until};
use crate::{port, postgres, user};
use anyhow::{Context, Result, ensure};
use sha2::{Digest as _, Sha256};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The servers start in a second or two; a loaded machine may take its time.
const READY_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a server may take to answer a greeting.
const GREETING_TIMEOUT: Duration = Duration::from_secs(3);

/// Enough for every pool of several stacks at once.
const POSTGRES_CONNECTIONS: u32 = 500;

/// The durability that PostgreSQL must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Yes, as in production.
    Full,
    /// No: what it holds is thrown away with the run. Nothing but the disk is spared.
    Throwaway,
}

/// A user of each service that has some on a server.
#[derive(Debug, Clone)]
pub struct Users {
    /// The gateways'.
    pub gateway: Login,
    /// The executors'.
    pub executor: Login,
}

impl Users {
    /// Users with passwords of their own.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn random(address: SocketAddr) -> Result<Self> {
        Ok(Self {
            gateway: Login::random(address, "gateway")?,
            executor: Login::random(address, "executor")?,
        })
    }
}

/// Users of Redis and of NATS: `deploy` has them for containers, too.
const REDIS_USERS: &str = include_str!("../../../deploy/redis-users.acl");
const NATS_USERS: &str = include_str!("../../../deploy/nats-users.conf");

/// The three servers, taken down when dropped.
#[derive(Debug)]
pub struct Servers {
    /// PostgreSQL; see [`postgres::url`].
    pub postgres: Server,
    /// Redis.
    pub redis: Server,
    /// NATS with JetStream.
    pub nats: Server,
}

/// One server.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// Who may do everything there.
    pub operator: Login,
    /// The services' users, of Redis and NATS. Those of PostgreSQL are made with the database.
    pub users: Users,
    /// The running process.
    pub process: Process,
    /// Only where PostgreSQL cannot reach the directory of the run: its own elsewhere, to be removed.
    elsewhere: Option<PathBuf>,
}

impl Server {
    /// Ends it in good order, if it still runs, and removes what it keeps outside the directory of the run.
    ///
    /// # Errors
    /// It cannot be ended.
    pub fn stop(&mut self, supervisor: &Supervisor) -> Result<()> {
        supervisor.stop(&mut self.process)?;
        if let Some(elsewhere) = self.elsewhere.take() {
            std::fs::remove_dir_all(&elsewhere)
                .with_context(|| format!("removing {}", elsewhere.display()))?;
        }
        Ok(())
    }
}

impl Servers {
    /// Starts all three under `path` on free ports, and waits until they answer.
    ///
    /// # Errors
    /// A server is not installed and cannot be, or does not start.
    pub fn start(supervisor: &Supervisor, path: &Path, durability: Durability) -> Result<Self> {
        let programs = install::programs()?;
        Ok(Self {
            postgres: start_postgres(supervisor, &programs, path, durability)?,
            redis: start_redis(supervisor, &programs.redis, path, port::free()?)?,
            nats: start_nats(supervisor, &programs.nats, path, port::free()?)?,
        })
    }

    /// Each server's process.
    pub fn processes(&mut self) -> [&mut Process; 3] {
        [&mut self.postgres.process, &mut self.redis.process, &mut self.nats.process]
    }

    /// Ends all three in good order.
    ///
    /// # Errors
    /// One cannot be ended.
    pub fn stop(&mut self, supervisor: &Supervisor) -> Result<()> {
        [&mut self.postgres, &mut self.redis, &mut self.nats]
            .into_iter()
            .try_for_each(|server| server.stop(supervisor))
    }
}

/// Starts Redis, which keeps nothing on disk, at this address.
///
/// # Errors
/// It does not start.
pub fn start_redis(
    supervisor: &Supervisor,
    program: &Path,
    path: &Path,
    address: SocketAddr,
) -> Result<Server> {
    let (operator, users) = (Login::random(address, "operator")?, Users::random(address)?);
    let acl = path.join("redis-users.acl");
    let hash = |login: &Login| hex(&Sha256::digest(&login.password));
    let rules = REDIS_USERS
        .replace("OPERATOR_HASH", &hash(&operator))
        .replace("GATEWAY_HASH", &hash(&users.gateway))
        .replace("EXECUTOR_HASH", &hash(&users.executor));
    write_private(&acl, &rules)?;
    let mut command = Command::new(program);
    command
        .args(["--bind", &address.ip().to_string(), "--port", &address.port().to_string()])
        .args(["--save", "", "--appendonly", "no", "--dir"])
        .arg(path)
        .arg("--aclfile")
        .arg(acl);
    let mut process = supervisor.spawn("redis", command, Signal::Terminate)?;
    // It answers, and does nothing for a stranger.
    wait_until("Redis", READY_TIMEOUT, &mut process, || greeting(address, b"PING\r\n", "-NOAUTH"))?;
    Ok(Server { address, operator, users, process, elsewhere: None })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Starts NATS, with its streams under `path`, at this address.
///
/// # Errors
/// It does not start.
pub fn start_nats(
    supervisor: &Supervisor,
    program: &Path,
    path: &Path,
    address: SocketAddr,
) -> Result<Server> {
    let (operator, users) = (Login::random(address, "operator")?, Users::random(address)?);
    let configuration = path.join("nats-users.conf");
    write_private(&configuration, NATS_USERS)?;
    let mut command = Command::new(program);
    command
        .arg("--config")
        .arg(configuration)
        .args(["--addr", &address.ip().to_string(), "--port", &address.port().to_string()])
        .args(["--jetstream", "--store_dir"])
        .arg(path.join("nats"));
    for (name, login) in [("OPERATOR", &operator), ("GATEWAY", &users.gateway), ("EXECUTOR", &users.executor)]
    {
        command.env(format!("{name}_PASSWORD"), format!("\"{}\"", login.password));
    }
    let mut process = supervisor.spawn("nats", command, Signal::Terminate)?;
    wait_until("NATS", READY_TIMEOUT, &mut process, || greeting(address, b"", "INFO "))?;
    Ok(Server { address, operator, users, process, elsewhere: None })
}

/// Starts PostgreSQL, with its data under `path`, on a free port.
///
/// # Errors
/// It does not start.
pub fn start_postgres(
    supervisor: &Supervisor,
    programs: &Programs,
    path: &Path,
    durability: Durability,
) -> Result<Server> {
    let home = PostgresHome::prepare(path)?;
    let address = port::free()?;
    let (operator, users) = (Login::random(address, postgres::ROLE)?, Users::random(address)?);
    home.initialize(programs, &operator)?;
    let mut command = home.command(&programs.postgres);
    command.arg("-D").arg(&home.data).args([
        "-h",
        &address.ip().to_string(),
        "-p",
        &address.port().to_string(),
    ]);
    // Sockets in the file system have short names and shared places: it listens on the port alone.
    command.args(["-c", "unix_socket_directories="]);
    command.args(["-c", &format!("max_connections={POSTGRES_CONNECTIONS}")]);
    match durability {
        Durability::Full => {}
        Durability::Throwaway => {
            command.args(["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off"]);
        }
    }
    let mut process = supervisor.spawn("postgres", command, Signal::Interrupt)?;
    wait_until("PostgreSQL", READY_TIMEOUT, &mut process, || {
        postgres::execute(&operator, postgres::FIRST_DATABASE, "SELECT 1")
    })?;
    let verifier = format!("ALTER ROLE {} PASSWORD '{}'", operator.user, operator.verifier()?);
    postgres::execute(&operator, postgres::FIRST_DATABASE, &verifier)?;
    Ok(Server { address, operator, users, process, elsewhere: home.elsewhere })
}

/// A directory that PostgreSQL can use, and who it runs as.
struct PostgresHome {
    data: PathBuf,
    user: Option<user::User>,
    elsewhere: Option<PathBuf>,
}

impl PostgresHome {
    /// Run by root, PostgreSQL becomes another user, who may have no way into a home of root's: then
    /// its directory is among the system's temporary files.
    fn prepare(path: &Path) -> Result<Self> {
        let here = path.join("postgres");
        if !rustix::process::geteuid().is_root() {
            return Ok(Self { data: here, user: None, elsewhere: None });
        }
        let user = user::for_postgres()?;
        let mut home = Self { data: here.clone(), user: Some(user.clone()), elsewhere: None };
        if !home.reaches(path)? {
            let name = format!("order-engine-postgres-{}-{}", std::process::id(), port::free()?.port());
            home.data = std::env::temp_dir().join(name);
            home.elsewhere = Some(home.data.clone());
        }
        std::fs::create_dir(&home.data).with_context(|| format!("making {}", home.data.display()))?;
        std::os::unix::fs::chown(&home.data, Some(user.id), Some(user.group))
            .with_context(|| format!("giving {} to PostgreSQL's user", home.data.display()))?;
        Ok(home)
    }

    /// Makes the files of a server that lets nobody in without a password, and has one role.
    fn initialize(&self, programs: &Programs, operator: &Login) -> Result<()> {
        // Beside the files, which must be alone in their folder.
        let password = self.data.with_extension("password");
        write_private(&password, &operator.password)?;
        if let Some(user) = &self.user {
            std::os::unix::fs::chown(&password, Some(user.id), Some(user.group))
                .with_context(|| format!("giving {} to PostgreSQL's user", password.display()))?;
        }
        let output = self
            .command(&programs.initdb)
            .args(["--username", &operator.user, "--auth", "scram-sha-256", "--pwfile"])
            .arg(&password)
            .args(["--encoding", "UTF8", "--locale", "C", "--no-sync", "--pgdata"])
            .arg(&self.data)
            .stdin(Stdio::null())
            .output()
            .context("running initdb")?;
        std::fs::remove_file(&password).with_context(|| format!("removing {}", password.display()))?;
        ensure!(output.status.success(), "initdb failed: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some(user) = &self.user {
            command.uid(user.id).gid(user.group);
        }
        // The directory this was started in may be closed to that user.
        command.current_dir("/");
        command
    }

    fn reaches(&self, path: &Path) -> Result<bool> {
        let status =
            self.command(Path::new("test")).arg("-x").arg(path).status().context("running `test`")?;
        Ok(status.success())
    }
}

/// Checks that a server answers as one of its kind.
fn greeting(address: SocketAddr, said: &[u8], expected: &str) -> Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, GREETING_TIMEOUT)?;
    stream.set_read_timeout(Some(GREETING_TIMEOUT))?;
    stream.write_all(said)?;
    let mut answer = vec![0; expected.len()];
    stream.read_exact(&mut answer)?;
    ensure!(answer == expected.as_bytes(), "it answered `{}`", String::from_utf8_lossy(&answer));
    Ok(())
}
