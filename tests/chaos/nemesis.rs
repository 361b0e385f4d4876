//! Does what the schedule says, and restarts what has ended, as any supervisor of services would.

use crate::log::Line;
use crate::restore::{self, Restore};
use crate::schedule::{Fault, Lie, Planned, Who, Witnesses};
use crate::stage::Stage;
use crate::witness::{self, Order};
use crate::{cluster, nats};
use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};
use xtask::Signal;
use xtask::process::InVain;

/// How often it looks what is due and who has ended.
const TICK: Duration = Duration::from_millis(25);

/// How long a service that was asked to end may take: as long as its drain, and some more.
const END_WITHIN: Duration = Duration::from_secs(60);

/// How long it may take until everything is ready when nothing is broken any more. It takes seconds; on a
/// machine with much else to do it takes longer.
const RECOVERED_WITHIN: Duration = Duration::from_secs(180);

/// Log lines of a service that has begun to work. Before that, it may end because a server is missing.
const WORKS: [&str; 2] = ["listening", "taking orders"];

/// A message that names no order.
pub(crate) const POISON: &str = "no order";

/// How much of the end of a log is shown.
const LAST_LINES: usize = 8;

/// The faults that were done.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// How many faults of each kind.
    pub(crate) faults: BTreeMap<String, usize>,
    /// Services that ended although nobody had ended them, or did not end well.
    pub(crate) breakdowns: Vec<String>,
    /// True if NATS was killed.
    pub(crate) nats_killed: bool,
    /// The orders of the database that a restored one has replaced; None if none was restored.
    pub(crate) lost: Option<BTreeMap<String, Order>>,
}

pub(crate) struct Nemesis<'a> {
    stage: &'a mut Stage,
    tally: Tally,
    /// Down until their fault is over.
    down: BTreeSet<Who>,
    /// Asked to end, and not ended yet.
    asked: BTreeSet<Who>,
    /// Still to be replaced by the rolling restart.
    rolling: VecDeque<Who>,
    /// How long each log was when its process was last started.
    log_began: BTreeMap<Who, usize>,
    restore: Restore,
}

/// Makes the faults happen, then everything well again, and then replaces each service in good order. What was
/// done is told even if that comes to no end.
pub(crate) fn run(
    stage: &mut Stage,
    schedule: &[Planned],
    length: Duration,
    restores: bool,
    log: &Sender<Line>,
) -> (Tally, Result<()>) {
    let mut nemesis = Nemesis {
        stage,
        tally: Tally::default(),
        down: BTreeSet::new(),
        asked: BTreeSet::new(),
        rolling: VecDeque::new(),
        log_began: BTreeMap::new(),
        restore: if restores { Restore::ToBackUp } else { Restore::Never },
    };
    let outcome = nemesis.work(schedule, length, log);
    let Nemesis { mut tally, restore, .. } = nemesis;
    tally.lost = restore.into_lost();
    (tally, outcome)
}

impl Nemesis<'_> {
    fn work(&mut self, schedule: &[Planned], length: Duration, log: &Sender<Line>) -> Result<()> {
        self.deny();
        let started = Instant::now();
        let mut to_come = schedule.iter().copied().collect::<VecDeque<_>>();
        let mut under_way: Vec<Planned> = Vec::new();
        while started.elapsed() < length {
            let now = started.elapsed();
            let over: Vec<Planned> = under_way.extract_if(.., |planned| planned.until <= now).collect();
            for planned in over {
                self.end(planned.fault)?;
            }
            while let Some(planned) = to_come.pop_front_if(|planned| planned.at <= now) {
                self.begin(planned.fault)?;
                under_way.push(planned);
            }
            if self.restore.is_due(started.elapsed(), length) {
                self.go_on_with_restore()?;
            }
            self.keep()?;
            std::thread::sleep(TICK);
        }
        for planned in under_way {
            self.end(planned.fault)?;
        }
        self.heal()?;
        // Nobody has gone if the log has: reading it fails then.
        let _ = log.send(Line::RollBegins);
        self.replace_all()?;
        let _ = log.send(Line::RollEnds);
        Ok(())
    }

    fn begin(&mut self, fault: Fault) -> Result<()> {
        let done = match fault {
            Fault::Kill(who) => self.kill(who).map(|()| true)?,
            Fault::WipeNats => {
                self.kill(Who::Nats)?;
                let store = self.stage.path().join("nats");
                // A queue that was wiped just before has not made its folder again.
                if store.exists() {
                    std::fs::remove_dir_all(store).context("wiping NATS")?;
                }
                true
            }
            Fault::Pause(who) => self.signal(who, Signal::Stop),
            Fault::Roll => {
                self.rolling.extend(Who::SERVICES);
                true
            }
            Fault::RotateKey(index) => {
                let keypair = self.stage.other_keypair()?;
                self.start_with(index, &keypair)?;
                true
            }
            Fault::FlushRedis => attempt("flushing Redis", self.flush_redis()),
            Fault::Duplicate => attempt("publishing again", self.duplicate()),
            Fault::Poison => attempt("publishing poison", self.publish(&[POISON.to_owned()])),
            Fault::Link(link, ailment) => {
                self.stage.links[&link].set(Some(ailment));
                true
            }
            Fault::Cluster(lie) => self.lie(None, lie),
            Fault::Node(node, lie) => self.lie(Some(node), lie),
        };
        *self.tally.faults.entry(fault.kind()).or_default() += usize::from(done);
        Ok(())
    }

    fn end(&mut self, fault: Fault) -> Result<()> {
        match fault {
            Fault::Kill(who) => self.start(who),
            Fault::WipeNats => self.start(Who::Nats),
            Fault::Pause(who) => {
                self.signal(who, Signal::Continue);
                Ok(())
            }
            Fault::Link(link, _) => {
                self.stage.links[&link].set(None);
                Ok(())
            }
            Fault::Cluster(_) | Fault::Node(..) => {
                // Tried again when all is over.
                let _ = attempt("making the cluster honest", cluster::heal(self.cluster()));
                self.deny();
                Ok(())
            }
            Fault::RotateKey(index) => {
                let keypair = self.stage.stack.wallet.clone();
                self.start_with(index, &keypair)
            }
            Fault::Roll | Fault::FlushRedis | Fault::Duplicate | Fault::Poison => Ok(()),
        }
    }

    /// Has an executor go on with this keypair, after a kill.
    fn start_with(&mut self, index: usize, keypair: &Path) -> Result<()> {
        let who = Who::Executor(index);
        self.kill(who)?;
        self.stage.process(who).set_environment("KEYPAIR", &keypair.to_string_lossy());
        self.start(who)
    }

    /// One node denies what landed all along, if the run has such a one.
    fn deny(&self) {
        if self.stage.witnesses == Witnesses::OneDenies {
            self.lie(Some(0), Lie::NotFound);
        }
    }

    fn kill(&mut self, who: Who) -> Result<()> {
        self.tally.nats_killed |= who == Who::Nats;
        self.down.insert(who);
        self.asked.remove(&who);
        self.stage.kill(who)
    }

    fn start(&mut self, who: Who) -> Result<()> {
        self.down.remove(&who);
        let length = self.stage.process(who).log().len();
        self.log_began.insert(who, length);
        self.stage.restart(who)
    }

    /// False if the process has just ended: then there is nobody to tell.
    fn signal(&mut self, who: Who, signal: Signal) -> bool {
        !self.down.contains(&who) && self.stage.process(who).signal(signal).is_ok()
    }

    /// Makes the backup, or ends whoever writes, puts the backup in the database's place, and starts them again. A
    /// database that is down is asked again at the next tick.
    fn go_on_with_restore(&mut self) -> Result<()> {
        if matches!(self.restore, Restore::ToBackUp) {
            if attempt("making a backup", self.stage.back_up()) {
                self.restore = Restore::BackedUp;
            }
            return Ok(());
        }
        if self.stage.query("SELECT 1").is_err() {
            return Ok(());
        }
        let writers = Who::SERVICES.into_iter().filter(|who| *who != Who::Router && !self.down.contains(who));
        let writers: Vec<Who> = writers.collect();
        for who in &writers {
            self.kill(*who)?;
        }
        let lost = witness::journal(self.stage)?;
        self.stage.restore()?;
        self.restore = Restore::Restored { lost, looked: Instant::now() };
        *self.tally.faults.entry("restored backup".to_owned()).or_default() += 1;
        writers.into_iter().try_for_each(|who| self.start(who))
    }

    /// Starts again what has ended, and goes on with the rolling restart and with what a restore leaves to do.
    fn keep(&mut self) -> Result<()> {
        attempt("seeing to a restore", restore::operate(self.stage, &mut self.restore));
        for who in Who::MORTAL {
            if self.down.contains(&who) || self.stage.process(who).exited()?.is_none() {
                continue;
            }
            if !self.asked.remove(&who) {
                self.note_end(who);
            }
            self.start(who)?;
        }
        if self.asked.is_empty()
            && let Some(who) = self.rolling.pop_front()
            && self.signal(who, Signal::Terminate)
        {
            self.asked.insert(who);
        }
        Ok(())
    }

    fn note_end(&mut self, who: Who) {
        let began = self.log_began.get(&who).copied().unwrap_or_default();
        let log = self.stage.process(who).log();
        let log = log.get(began..).unwrap_or_default();
        if Who::SERVICES.contains(&who) && WORKS.iter().any(|text| log.contains(text)) {
            let lines: Vec<&str> = log.lines().collect();
            let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n    ");
            self.tally.breakdowns.push(format!("{who:?} ended by itself:\n    {last}"));
        }
    }

    /// Ends every fault, and waits until everything is ready.
    fn heal(&mut self) -> Result<()> {
        for proxy in self.stage.links.values() {
            proxy.set(None);
        }
        self.rolling.clear();
        let deadline = Instant::now() + END_WITHIN;
        while !attempt("making the cluster honest", cluster::heal(self.cluster())) {
            in_time(Instant::now() < deadline, || "the cluster goes on lying".to_owned())?;
            std::thread::sleep(TICK);
        }
        while !self.asked.is_empty() {
            in_time(Instant::now() < deadline, || format!("{:?} do not end when asked to", self.asked))?;
            self.keep()?;
            std::thread::sleep(TICK);
        }
        // A server may need several starts after its own death, and services need their servers.
        self.wait_until_ready()
    }

    /// Replaces each service by a new one while nothing is broken.
    fn replace_all(&mut self) -> Result<()> {
        for who in Who::SERVICES {
            anyhow::ensure!(self.signal(who, Signal::Terminate), "{who:?} cannot be asked to end");
            let asked = Instant::now();
            let status = loop {
                if let Some(status) = self.stage.process(who).exited()? {
                    break status;
                }
                in_time(asked.elapsed() < END_WITHIN, || format!("{who:?} does not end when asked to"))?;
                std::thread::sleep(TICK);
            };
            if !status.success() {
                let breakdown = format!("{who:?} was asked to end, and ended with {status}");
                self.tally.breakdowns.push(breakdown);
            }
            self.start(who)?;
            self.wait_until_ready()?;
        }
        Ok(())
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + RECOVERED_WITHIN;
        while let Err(error) = self.stage.ready() {
            in_time(Instant::now() < deadline, || format!("not everything is well again: {error:#}"))?;
            self.keep()?;
            std::thread::sleep(TICK);
        }
        Ok(())
    }

    fn lie(&self, node: Option<usize>, lie: Lie) -> bool {
        attempt("making the cluster lie", cluster::begin(self.cluster(), node, lie))
    }

    fn cluster(&self) -> SocketAddr {
        self.stage.stack.sandbox.address
    }

    fn flush_redis(&self) -> Result<()> {
        let operator = &self.stage.servers.redis.operator;
        let mut stream = TcpStream::connect(operator.address)?;
        Ok(write!(stream, "AUTH {} {}\r\nFLUSHALL\r\n", operator.user, operator.password)?)
    }

    /// Ended orders too: whoever gets one has to see that there is nothing to do.
    fn duplicate(&self) -> Result<()> {
        let rows =
            self.stage.query("SELECT id FROM orders ORDER BY ended_at IS NOT NULL, id DESC LIMIT 100")?;
        let ids: Vec<String> = rows.into_iter().flatten().flatten().collect();
        self.publish(&ids)
    }

    fn publish(&self, payloads: &[String]) -> Result<()> {
        nats::publish(&self.stage.servers.nats.operator, payloads)
    }
}

fn in_time(is: bool, what: impl FnOnce() -> String) -> Result<()> {
    if is { Ok(()) } else { Err(anyhow::anyhow!(InVain(what()))) }
}

/// True if something was done that needs a server, which may be down just now.
fn attempt(doing: &str, outcome: Result<()>) -> bool {
    if let Err(error) = &outcome {
        println!("  {doing}: {error:#}");
    }
    outcome.is_ok()
}
