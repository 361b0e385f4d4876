//! Where the project is on this machine, and the directory of one run.

use crate::process::POLL_INTERVAL;
use anyhow::{Context, Result, bail};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long the guardian of a run that was killed may take to end what that run started.
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);

/// The folder with the workspace's Cargo.toml.
pub fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap_or(manifest).to_owned()
}

/// Where a build beside the usual one has its programs: for `faults`, what is in `target/debug` is in
/// `target/faults/debug`.
pub fn programs_beside(programs: &Path, build: &str) -> PathBuf {
    let (target, profile) = (programs.parent(), programs.file_name());
    target.unwrap_or(programs).join(build).join(profile.unwrap_or_default())
}

/// Removes what test runs left behind that failed or were killed, once nobody holds it any more.
///
/// # Errors
/// A directory cannot be read or removed.
pub fn remove_left_behind() -> Result<()> {
    remove_left_behind_in(&root().join(".data"))
}

fn remove_left_behind_in(data: &Path) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(data) else { return Ok(()) };
    for entry in entries {
        let lock = entry.with_context(|| format!("reading {}", data.display()))?.path();
        let name = lock.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let of_a_test = ["test-", "engine-"].iter().any(|prefix| name.starts_with(prefix));
        if !of_a_test || lock.extension().is_none() {
            continue;
        }
        let file = File::open(&lock).with_context(|| format!("opening {}", lock.display()))?;
        if file.try_lock().is_ok() {
            Directory { path: lock.with_extension(""), lock: file }.remove()?;
        }
    }
    Ok(())
}

/// A directory of its own for one run, locked as long as one of its processes lives.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    lock: File,
}

impl Directory {
    /// An empty directory of this name under `.data`. If an earlier run of this name was killed, waits
    /// until its processes have ended.
    ///
    /// # Errors
    /// Another run of this name goes on, or the directory cannot be made.
    pub fn fresh(name: &str) -> Result<Self> {
        let data = root().join(".data");
        std::fs::create_dir_all(&data).with_context(|| format!("making {}", data.display()))?;
        let path = data.join(name);
        let lock = locked(&data.join(format!("{name}.lock")))?;
        if path.exists() {
            std::fs::remove_dir_all(&path).with_context(|| format!("emptying {}", path.display()))?;
        }
        std::fs::create_dir(&path).with_context(|| format!("making {}", path.display()))?;
        Ok(Self { path, lock })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The lock, to be held by whoever ends this run's processes.
    ///
    /// # Errors
    /// The operating system has no more file descriptors.
    pub fn lock(&self) -> Result<File> {
        self.lock.try_clone().context("sharing the lock of a directory")
    }

    /// Removes it, when nobody wants to look at its logs any more.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub fn remove(self) -> Result<()> {
        if self.path.exists() {
            std::fs::remove_dir_all(&self.path)
                .with_context(|| format!("removing {}", self.path.display()))?;
        }
        let lock = self.path.with_extension("lock");
        std::fs::remove_file(&lock).with_context(|| format!("removing {}", lock.display()))
    }
}

fn locked(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("making {}", path.display()))?;
    let deadline = Instant::now() + LOCK_TIMEOUT;
    let mut announced = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("locking {}", path.display()));
            }
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                bail!("another run holds {}: end that one first", path.display())
            }
            Err(TryLockError::WouldBlock) if !announced => {
                println!("waiting for an earlier run to be taken down ({})", path.display());
                announced = true;
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(POLL_INTERVAL),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_another_build_are_in_a_folder_of_their_own() {
        assert_eq!(programs_beside(Path::new("/t/debug"), "faults"), Path::new("/t/faults/debug"));
    }

    #[test]
    fn what_a_test_left_behind_is_removed_unless_somebody_holds_it() {
        let data = std::env::temp_dir().join(format!("xtask-workspace-{}", std::process::id()));
        for name in ["engine-1-0", "test-2", "up"] {
            std::fs::create_dir_all(data.join(name)).unwrap();
            File::create(data.join(format!("{name}.lock"))).unwrap();
        }
        let held = File::open(data.join("test-2.lock")).unwrap();
        held.lock().unwrap();
        remove_left_behind_in(&data).unwrap();
        let left = |name: &str| data.join(name).exists();
        assert_eq!([left("engine-1-0"), left("engine-1-0.lock")], [false, false]);
        assert_eq!([left("test-2"), left("up")], [true, true]);
        drop(held);
        remove_left_behind_in(&data).unwrap();
        assert_eq!([left("test-2"), left("up")], [false, true]);
        std::fs::remove_dir_all(data).unwrap();
    }
}
