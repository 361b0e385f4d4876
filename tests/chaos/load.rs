//! How much of the machine other programs use. A run that gets no answer while they use most of it says nothing
//! about the engine.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Other programs have at least this part of the processors' time: the engine may have had too little.
const TOO_MUCH: f64 = 0.5;

/// The time before a failure that counts: as long as the shortest wait of a run for a service.
const SAMPLES: usize = 60;
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// Processor time since the machine started, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sample {
    all: u64,
    busy: u64,
    /// Used by this program and all that descend from it, those that have ended included.
    ours: u64,
}

/// Watches the load until it is dropped.
#[derive(Debug)]
pub(crate) struct Load {
    samples: Arc<Mutex<VecDeque<Sample>>>,
}

impl Load {
    /// Begins to watch. Where the system does not tell, other programs count as using nothing.
    pub(crate) fn watch() -> Self {
        let samples = Arc::new(Mutex::new(VecDeque::new()));
        let kept = Arc::downgrade(&samples);
        std::thread::spawn(move || {
            while let Some(samples) = kept.upgrade() {
                let mut samples = samples.lock().unwrap_or_else(PoisonError::into_inner);
                samples.extend(Sample::now());
                let surplus = samples.len().saturating_sub(SAMPLES);
                samples.drain(..surplus);
                drop(samples);
                std::thread::sleep(SAMPLE_EVERY);
            }
        });
        Self { samples }
    }

    /// The part of the processors' time that other programs had lately, if it was too much for a verdict.
    pub(crate) fn excess(&self) -> Option<f64> {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        let part = samples.back()?.others_since(*samples.front()?);
        (part >= TOO_MUCH).then_some(part)
    }
}

impl Sample {
    fn now() -> Option<Self> {
        let (all, busy) = machine(&std::fs::read_to_string("/proc/stat").ok()?)?;
        let mut processes = BTreeMap::new();
        for entry in std::fs::read_dir("/proc").ok()?.flatten() {
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
                continue;
            };
            // It may have ended just now.
            let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
            processes.extend(process(&stat).map(|process| (id, process)));
        }
        Some(Self { all, busy, ours: used_by(std::process::id(), &processes) })
    }

    fn others_since(self, earlier: Self) -> f64 {
        let busy = self.busy.saturating_sub(earlier.busy);
        let others = busy.saturating_sub(self.ours.saturating_sub(earlier.ours));
        let all = self.all.saturating_sub(earlier.all);
        if all == 0 { 0.0 } else { others as f64 / all as f64 }
    }
}

/// All ticks of all processors, and those that were not idle, from the first line of `/proc/stat`.
fn machine(stat: &str) -> Option<(u64, u64)> {
    let mut words = stat.lines().next()?.split_whitespace();
    // What guests use is in the first two as well.
    let ticks: Vec<u64> = (words.next()? == "cpu").then(|| words.take(8).flat_map(str::parse).collect())?;
    let [_, _, _, idle, waiting, ..] = ticks[..] else { return None };
    let all: u64 = ticks.iter().sum();
    Some((all, all - idle - waiting))
}

/// A process' parent, and the ticks that it and its children that have ended used, from `/proc/…/stat`.
fn process(stat: &str) -> Option<(u32, u64)> {
    // The program's name is in brackets, and may have spaces.
    let (_, rest) = stat.rsplit_once(')')?;
    let words: Vec<&str> = rest.split_whitespace().collect();
    let ticks = words.get(11..15)?.iter().flat_map(|word| word.parse::<u64>());
    Some((words.get(1)?.parse().ok()?, ticks.sum()))
}

/// The ticks that a process and its descendants used.
fn used_by(root: u32, processes: &BTreeMap<u32, (u32, u64)>) -> u64 {
    let (mut used, mut family) = (0, vec![root]);
    while let Some(id) = family.pop() {
        used += processes.get(&id).map_or(0, |(_, ticks)| *ticks);
        family.extend(processes.iter().filter(|(_, (parent, _))| *parent == id).map(|(child, _)| *child));
    }
    used
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_use_is_what_is_busy_and_not_ours() {
        let earlier = Sample { all: 1_000, busy: 500, ours: 100 };
        let later = Sample { all: 1_200, busy: 690, ours: 160 };
        assert!((later.others_since(earlier) - 0.65).abs() < 1e-9);
        assert!(earlier.others_since(earlier) < 1e-9);
    }

    #[test]
    fn the_system_s_numbers_are_read() {
        let stat = "cpu  10 20 30 400 50 0 6 7 1 1\ncpu0 1 1 1 1 1 1 1 1 0 0\n";
        assert_eq!(machine(stat), Some((523, 73)));
        assert_eq!(machine("intr 1"), None);
        let stat = "7 (a (b) c) S 3 7 7 0 -1 4194304 9 9 0 0 11 12 13 14 20 0 1 0 100";
        assert_eq!(process(stat), Some((3, 50)));
        assert_eq!(process(""), None);
    }

    #[test]
    fn descendants_count_as_ours_and_nobody_else() {
        let processes =
            BTreeMap::from([(1, (0, 1)), (2, (1, 10)), (3, (2, 100)), (4, (1, 1_000)), (5, (3, 10_000))]);
        assert_eq!(used_by(2, &processes), 10_110);
    }

    #[test]
    fn what_this_program_uses_is_ours() {
        let Some(before) = Sample::now() else { return };
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        while Sample::now().unwrap().ours == before.ours {
            assert!(std::time::Instant::now() < deadline, "this program's own time is not counted");
        }
    }
}
