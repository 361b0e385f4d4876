use anyhow::{Context, Result};
use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Reads which process groups exist. When its input ends, because whoever wrote it is gone, for
/// whatever reason, it ends those that are left: first asking, then, after ten seconds, killing.
const SCRIPT: &str = r#"
groups=
while read -r verb group; do
  case $verb in
    add) groups="$groups $group" ;;
    remove)
      left=
      for one in $groups; do [ "$one" = "$group" ] || left="$left $one"; done
      groups=$left ;;
  esac
done
for one in $groups; do kill -s TERM -- "-$one"; done
round=0
while [ -n "$groups" ] && [ $round -lt 100 ]; do
  sleep 0.1
  round=$((round + 1))
  left=
  for one in $groups; do kill -s 0 -- "-$one" && left="$left $one"; done
  groups=$left
done
for one in $groups; do kill -s KILL -- "-$one"; done
"#;

/// A small process that outlives this one just long enough to end what this one started.
#[derive(Debug)]
pub(crate) struct Guardian {
    input: Mutex<ChildStdin>,
}

impl Guardian {
    /// Starts it. The guardian holds `lock` open, and so locked, until its work is done.
    pub(crate) fn start(lock: Option<File>) -> Result<Self> {
        let mut child = Command::new("sh")
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(lock.map_or_else(Stdio::null, Stdio::from))
            .stderr(Stdio::null())
            // A Ctrl-C at the terminal is not for the guardian.
            .process_group(0)
            .spawn()
            .context("starting the shell that ends everything if this process is killed")?;
        let input = child.stdin.take().context("the guardian's input is a pipe")?;
        Ok(Self { input: Mutex::new(input) })
    }

    pub(crate) fn add(&self, group: u32) -> Result<()> {
        self.tell("add", group)
    }

    pub(crate) fn remove(&self, group: u32) -> Result<()> {
        self.tell("remove", group)
    }

    fn tell(&self, verb: &str, group: u32) -> Result<()> {
        let mut input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(input, "{verb} {group}").context("telling the guardian of a process")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn what_is_left_when_the_input_ends_is_ended() {
        let mut kept = Command::new("sleep").arg("1000").process_group(0).spawn().unwrap();
        let mut left = Command::new("sleep").arg("1000").process_group(0).spawn().unwrap();
        let guardian = Guardian::start(None).unwrap();
        for child in [&kept, &left] {
            guardian.add(child.id()).unwrap();
        }
        guardian.remove(kept.id()).unwrap();
        drop(guardian);
        let deadline = Instant::now() + Duration::from_secs(10);
        while left.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "the guardian did not end what was left");
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(kept.try_wait().unwrap().is_none(), "the guardian ended what it was told to forget");
        kept.kill().unwrap();
        kept.wait().unwrap();
    }
}
