//! Processes that never outlive the one that started them.

use crate::guardian::Guardian;
use anyhow::{Context, Result};
use rustix::process::{Pid, kill_process, kill_process_group};
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, PipeReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long a process may take to end in good order before it is killed: longer than the services'
/// own deadline for letting work in flight end.
const STOP_TIMEOUT: Duration = Duration::from_secs(40);

/// How often a condition is looked at that nobody announces.
pub const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// How many of the last lines of its log a dead process is shown with.
const LAST_LINES: usize = 30;

/// Something to tell a process from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// End in good order; PostgreSQL does not wait for its clients.
    Interrupt,
    /// End in good order.
    Terminate,
    /// End now, whatever is in flight.
    Kill,
    /// Stand still.
    Stop,
    /// Go on after [`Signal::Stop`].
    Continue,
}

impl Signal {
    const fn number(self) -> rustix::process::Signal {
        match self {
            Self::Interrupt => rustix::process::Signal::INT,
            Self::Terminate => rustix::process::Signal::TERM,
            Self::Kill => rustix::process::Signal::KILL,
            Self::Stop => rustix::process::Signal::STOP,
            Self::Continue => rustix::process::Signal::CONT,
        }
    }
}

/// Starts processes, keeps their logs, and has a guardian that ends them if this process is killed.
#[derive(Debug)]
pub struct Supervisor {
    guardian: Guardian,
    logs: PathBuf,
    echo: bool,
}

impl Supervisor {
    /// A supervisor that keeps each process's output in `logs`, and prints it too if `echo`.
    /// `lock` is held until the last process has ended, even if this one is killed before.
    ///
    /// # Errors
    /// The directory cannot be made, or the guardian not be started.
    pub fn new(logs: &Path, echo: bool, lock: Option<File>) -> Result<Self> {
        std::fs::create_dir_all(logs).with_context(|| format!("making {}", logs.display()))?;
        Ok(Self { guardian: Guardian::start(lock)?, logs: logs.to_owned(), echo })
    }

    /// Starts a process in a group of its own. `stop` is the signal that ends it in good order.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn spawn(&self, name: &str, mut command: Command, stop: Signal) -> Result<Process> {
        let log = self.logs.join(format!("{name}.log"));
        let file = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("opening {}", log.display()))?;
        command.stdin(Stdio::null()).process_group(0);
        if self.echo {
            let (reader, writer) = std::io::pipe().context("making a pipe for a log")?;
            command.stdout(writer.try_clone()?).stderr(writer);
            let name = name.to_owned();
            std::thread::spawn(move || echo(&name, reader, file));
        } else {
            command.stdout(file.try_clone()?).stderr(file);
        }
        let child = start(name, &mut command)?;
        let process = Process { name: name.to_owned(), command, child, stop, log };
        self.guardian.add(process.id())?;
        Ok(process)
    }

    /// Starts a process again, as it was started at first; one that still runs is killed before.
    ///
    /// # Errors
    /// It cannot be killed, or not be started.
    pub fn restart(&self, process: &mut Process) -> Result<()> {
        self.kill(process)?;
        process.child = start(&process.name, &mut process.command)?;
        self.guardian.add(process.id())
    }

    /// Ends a process in good order, or kills it when that takes too long.
    ///
    /// # Errors
    /// It cannot be signalled or waited for.
    pub fn stop(&self, process: &mut Process) -> Result<()> {
        process.stop()?;
        self.guardian.remove(process.id())
    }

    /// Ends a process at once, as a crash would.
    ///
    /// # Errors
    /// It cannot be signalled or waited for.
    pub fn kill(&self, process: &mut Process) -> Result<()> {
        process.kill()?;
        self.guardian.remove(process.id())
    }
}

/// A running process, killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    /// How it is started, in case it is started again.
    command: Command,
    child: Child,
    stop: Signal,
    log: PathBuf,
}

impl Process {
    /// Its name in logs.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id, which is its group's id too.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has written so far.
    pub fn log(&self) -> String {
        match std::fs::read(&self.log) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => format!("(no log in {}: {error})", self.log.display()),
        }
    }

    /// Gives it an environment variable from its next start on.
    pub fn set_environment(&mut self, key: &str, value: &str) {
        self.command.env(key, value);
    }

    /// Its status if it has ended.
    ///
    /// # Errors
    /// The operating system cannot say.
    pub fn exited(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().with_context(|| format!("asking whether {} runs", self.name))
    }

    /// Fails, with the end of its log, if it has ended.
    ///
    /// # Errors
    /// It has ended.
    pub fn expect_running(&mut self) -> Result<()> {
        match self.exited()? {
            None => Ok(()),
            Some(status) => {
                let log = self.log();
                let lines: Vec<&str> = log.lines().collect();
                let last =
                    lines.get(lines.len().saturating_sub(LAST_LINES)..).unwrap_or_default().join("\n  ");
                anyhow::bail!("{} has ended ({status}). The end of its log:\n  {last}", self.name)
            }
        }
    }

    /// Sends a signal to the whole group. What is to stand still, or to go on, does so with its children,
    /// those that have left the group included, as PostgreSQL's do.
    ///
    /// # Errors
    /// The signal cannot be sent, for example because the process has ended.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill_process_group(Pid::from_child(&self.child), signal.number())
            .with_context(|| format!("signalling {} with {signal:?}", self.name))?;
        match signal {
            Signal::Interrupt | Signal::Terminate | Signal::Kill => Ok(()),
            Signal::Stop | Signal::Continue => {
                // Where the system does not tell, there are none. Some may have just ended.
                let path = format!("/proc/{0}/task/{0}/children", self.id());
                let children = std::fs::read_to_string(path).unwrap_or_default();
                let children =
                    children.split_whitespace().filter_map(|child| Pid::from_raw(child.parse().ok()?));
                children.for_each(|child| {
                    let _ = kill_process(child, signal.number());
                });
                Ok(())
            }
        }
    }

    fn kill(&mut self) -> Result<()> {
        if self.exited()?.is_none() {
            self.signal(Signal::Kill)?;
            self.child.wait().with_context(|| format!("waiting for {} to end", self.name))?;
        }
        Ok(())
    }

    fn stop(&mut self) -> Result<()> {
        let deadline = Instant::now() + STOP_TIMEOUT;
        if self.exited()?.is_none() {
            // It may end by itself at this moment: then there is nothing to signal.
            let signalled = self.signal(self.stop);
            while self.exited()?.is_none() {
                if signalled.is_err() || Instant::now() >= deadline {
                    return self.kill();
                }
                std::thread::sleep(POLL_INTERVAL);
            }
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            eprintln!("{error:#}");
        }
    }
}

fn start(name: &str, command: &mut Command) -> Result<Child> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.spawn().with_context(|| format!("starting {name} ({program})"))
}

/// Something did not come in its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InVain(pub String);

impl fmt::Display for InVain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Waits until `ready` says so, as long as every process runs.
///
/// # Errors
/// A process ended, or the time is over; then with the last reason `ready` gave for not being so.
pub fn wait_until(
    what: &str,
    timeout: Duration,
    process: &mut Process,
    mut ready: impl FnMut() -> Result<()>,
) -> Result<()> {
    let deadline = Instant::now() + timeout;
    loop {
        process.expect_running()?;
        match ready() {
            Ok(()) => return Ok(()),
            Err(reason) if Instant::now() >= deadline => {
                let seconds = timeout.as_secs();
                return Err(reason.context(InVain(format!("{what} was not ready within {seconds} s"))));
            }
            Err(_) => std::thread::sleep(POLL_INTERVAL),
        }
    }
}

/// Copies lines to the terminal, with the name of who wrote them, and to the file.
fn echo(name: &str, reader: PipeReader, mut file: File) {
    for line in BufReader::new(reader).split(b'\n') {
        let Ok(line) = line else { break };
        let line = String::from_utf8_lossy(&line);
        // A terminal or a disk that cannot be written to must not stop the process that writes.
        let _ = writeln!(std::io::stdout(), "{name:<10} | {line}");
        let _ = writeln!(file, "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logs(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("xtask-process-{name}-{}", std::process::id()))
    }

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_process_that_ends_is_reported_with_its_log() {
        let logs = logs("ends");
        let supervisor = Supervisor::new(&logs, false, None).unwrap();
        let mut process =
            supervisor.spawn("brief", shell("echo the reason; exit 3"), Signal::Terminate).unwrap();
        process.child.wait().unwrap();
        let error = process.expect_running().unwrap_err().to_string();
        assert!(error.contains("brief has ended") && error.contains("the reason"), "{error}");
        std::fs::remove_dir_all(logs).unwrap();
    }

    #[test]
    fn stopping_reaches_the_children_of_a_process_too() {
        let logs = logs("group");
        let supervisor = Supervisor::new(&logs, false, None).unwrap();
        let script = "sleep 1000 & echo child $!; wait";
        let mut process = supervisor.spawn("parent", shell(script), Signal::Terminate).unwrap();
        wait_for_child(&mut process);
        supervisor.stop(&mut process).unwrap();
        assert!(process.exited().unwrap().is_some());
        // The group is empty as soon as the orphan has been reaped as well.
        let deadline = Instant::now() + Duration::from_secs(10);
        while process.signal(Signal::Continue).is_ok() {
            assert!(Instant::now() < deadline, "the child outlived its parent");
            std::thread::sleep(POLL_INTERVAL);
        }
        std::fs::remove_dir_all(logs).unwrap();
    }

    #[test]
    fn what_stands_still_does_so_with_children_that_have_left_the_group() {
        let logs = logs("still");
        let supervisor = Supervisor::new(&logs, false, None).unwrap();
        let script = "setsid sleep 1000 & echo child $!; wait";
        let mut process = supervisor.spawn("parent", shell(script), Signal::Terminate).unwrap();
        wait_for_child(&mut process);
        let child = process.log().trim().trim_start_matches("child ").to_owned();
        // The name of the program is in brackets, its state follows.
        let stands_still = || {
            let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap();
            stat.rsplit(')').next().unwrap().trim_start().starts_with('T')
        };
        for (signal, expected) in [(Signal::Stop, true), (Signal::Continue, false)] {
            process.signal(signal).unwrap();
            let deadline = Instant::now() + Duration::from_secs(10);
            while stands_still() != expected {
                assert!(Instant::now() < deadline, "{signal:?} does not reach the child");
                std::thread::sleep(POLL_INTERVAL);
            }
        }
        kill_process(Pid::from_raw(child.parse().unwrap()).unwrap(), Signal::Kill.number()).unwrap();
        supervisor.kill(&mut process).unwrap();
        std::fs::remove_dir_all(logs).unwrap();
    }

    #[test]
    fn a_process_can_be_started_again() {
        let logs = logs("again");
        let supervisor = Supervisor::new(&logs, false, None).unwrap();
        let mut process =
            supervisor.spawn("again", shell("echo child $$; sleep 1000"), Signal::Terminate).unwrap();
        wait_for_child(&mut process);
        let first = process.id();
        supervisor.restart(&mut process).unwrap();
        assert_ne!(process.id(), first);
        wait_until("the second one", Duration::from_secs(10), &mut process, || {
            let log = std::fs::read_to_string(logs.join("again.log"))?;
            anyhow::ensure!(log.matches("child ").count() == 2, "not started: {log}");
            Ok(())
        })
        .unwrap();
        std::fs::remove_dir_all(logs).unwrap();
    }

    fn wait_for_child(process: &mut Process) {
        let log = process.log.clone();
        wait_until("the child", Duration::from_secs(10), process, || {
            anyhow::ensure!(std::fs::read_to_string(&log)?.contains("child "), "not started");
            Ok(())
        })
        .unwrap();
    }
}
