//! A real Solana node: Agave's test validator, which is a whole cluster of one node.

use crate::process::{Process, Signal, Supervisor, wait_until};
use crate::stack::Cluster;
use crate::{http, port};
use anyhow::{Context, Result, ensure};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The version that is built where there is none; the sandbox is modelled on it.
pub const VERSION: &str = "4.2.2";

/// The program's name.
pub const PROGRAM: &str = "solana-test-validator";

/// It makes a ledger, and compiles every program that it begins with, before it answers.
const READY_TIMEOUT: Duration = Duration::from_secs(180);

/// Warnings, and what programs say.
const LOG: &str = "warn,solana_runtime::message_processor::stable_log=debug";

/// The ports of its own protocols: turbine, repair, TPU and others.
const DYNAMIC_PORTS: u16 = 64;

/// Attempts to find a range of ports.
const RANGES_MAX: usize = 50;

/// The state that a validator begins with.
#[derive(Debug, Clone)]
pub struct Genesis {
    /// A folder with accounts, each a file in the form of `solana account --output json`.
    pub accounts: PathBuf,
    /// Programs: each an address and its ELF file.
    pub programs: Vec<(String, PathBuf)>,
    /// Who gets the first lamports.
    pub mint: String,
}

/// A running validator. It is killed when dropped.
#[derive(Debug)]
pub struct Validator {
    /// The process.
    pub process: Process,
    /// Where its JSON-RPC answers.
    pub rpc: SocketAddr,
    /// Where its PubSub answers: always the next port.
    pub pubsub: SocketAddr,
}

impl Validator {
    /// Starts the program on free ports with a new ledger in `path`, and waits until it answers.
    ///
    /// # Errors
    /// It does not start, or does not become ready.
    pub fn start(supervisor: &Supervisor, program: &Path, path: &Path, genesis: &Genesis) -> Result<Self> {
        let (rpc, pubsub) = two_ports()?;
        let first = range_of_ports()?;
        let mut command = Command::new(program);
        command
            .args(["--log", "--bind-address", "127.0.0.1"])
            .args(["--rpc-port", &rpc.port().to_string()])
            .args(["--faucet-port", &port::free()?.port().to_string()])
            .args(["--gossip-port", &port::free()?.port().to_string()])
            .args(["--dynamic-port-range", &format!("{first}-{}", first + DYNAMIC_PORTS)])
            .args(["--mint", &genesis.mint])
            .arg("--ledger")
            .arg(path)
            .arg("--account-dir")
            .arg(&genesis.accounts);
        for (address, file) in &genesis.programs {
            command.args(["--bpf-program", address]).arg(file);
        }
        command.env("RUST_LOG", LOG);
        let process = supervisor.spawn("validator", command, Signal::Terminate)?;
        let mut validator = Self { process, rpc, pubsub };
        validator.wait_until_ready()?;
        Ok(validator)
    }

    /// Waits until it answers, and says that it is well.
    ///
    /// # Errors
    /// It ends, or does not become ready.
    pub fn wait_until_ready(&mut self) -> Result<()> {
        let (rpc, pubsub) = (self.rpc, self.pubsub);
        wait_until(PROGRAM, READY_TIMEOUT, &mut self.process, || {
            let health = http::get(rpc, "/health")?;
            ensure!(health == "ok", "it says of its health: {health}");
            TcpStream::connect(pubsub).with_context(|| format!("connecting to {pubsub}"))?;
            Ok(())
        })
    }

    /// Ends it at once, as a crash would, and starts it again with the ledger that it left.
    ///
    /// # Errors
    /// It cannot be killed, or does not become ready again.
    pub fn crash_and_restart(&mut self, supervisor: &Supervisor) -> Result<()> {
        supervisor.restart(&mut self.process)?;
        self.wait_until_ready()
    }

    /// Where services find it.
    pub fn cluster(&self) -> Cluster {
        Cluster { rpc: format!("http://{}", self.rpc), pubsub: Some(format!("ws://{}", self.pubsub)) }
    }
}

/// Two free ports, one after the other.
fn two_ports() -> Result<(SocketAddr, SocketAddr)> {
    for _ in 0..RANGES_MAX {
        let first = port::free()?;
        let second = port::local(first.port() + 1);
        if port::is_free(second) {
            return Ok((first, second));
        }
    }
    anyhow::bail!("no two ports in a row are free")
}

/// The first of as many free ports in a row as a validator wants for itself.
fn range_of_ports() -> Result<u16> {
    for _ in 0..RANGES_MAX {
        let first = port::free()?.port();
        if (first..=first + DYNAMIC_PORTS).all(|port| port::is_free(port::local(port))) {
            return Ok(first);
        }
    }
    anyhow::bail!("no {DYNAMIC_PORTS} ports in a row are free")
}
