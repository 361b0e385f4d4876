//! The processor time and the memory of processes, as the operating system counts them.

use anyhow::{Context as _, Result};
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// A kind of process. The order is that of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Gateway,
    Router,
    Executor,
    Postgres,
    Nats,
    Redis,
    Sandbox,
    /// This program, which makes the load.
    Load,
}

impl Kind {
    /// All, in the order of the table.
    pub(crate) const ALL: [Self; 8] = [
        Self::Gateway,
        Self::Router,
        Self::Executor,
        Self::Postgres,
        Self::Nats,
        Self::Redis,
        Self::Sandbox,
        Self::Load,
    ];

    /// Its name in the table.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Router => "router",
            Self::Executor => "executor",
            Self::Postgres => "PostgreSQL",
            Self::Nats => "NATS",
            Self::Redis => "Redis",
            Self::Sandbox => "sandbox",
            Self::Load => "load",
        }
    }

    /// True of what an operator runs: not of the local cluster and the load.
    pub(crate) const fn is_engine(self) -> bool {
        !matches!(self, Self::Sandbox | Self::Load)
    }
}

/// Something that is counted of each kind of process: processor time, or memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Usage<T>(pub(crate) BTreeMap<Kind, T>);

impl Usage<Duration> {
    /// The processor time from an earlier look to this one.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let spent = |(kind, time): (&Kind, &Duration)| {
            let before = earlier.0.get(kind).copied().unwrap_or_default();
            (*kind, time.saturating_sub(before))
        };
        Self(self.0.iter().map(spent).collect())
    }
}

/// The processor time that these processes have taken so far, each with those of its children that are not named
/// themselves.
///
/// # Errors
/// A process has ended.
pub(crate) fn processor_time(processes: &[(Kind, u32)]) -> Result<Usage<Duration>> {
    let all = every_process()?;
    let mut usage = Usage::default();
    for (kind, id) in processes {
        let own = all.get(id).with_context(|| format!("the {} has ended", kind.name()))?;
        let children = children(&all, *id, processes).map(|child| all[&child].own_ticks);
        let ticks = own.own_ticks + own.ended_children_ticks + children.sum::<u64>();
        let time = Duration::from_secs(ticks) / u32::try_from(rustix::param::clock_ticks_per_second())?;
        *usage.0.entry(*kind).or_default() += time;
    }
    Ok(usage)
}

/// The memory of these processes with their children, as for [`processor_time`], in kB: each page is counted in
/// parts by those who share it.
///
/// # Errors
/// A process has ended.
pub(crate) fn memory(processes: &[(Kind, u32)]) -> Result<Usage<u64>> {
    let all = every_process()?;
    let mut usage = Usage::default();
    for (kind, id) in processes {
        for process in children(&all, *id, processes).chain([*id]) {
            *usage.0.entry(*kind).or_default() += proportional_kb(process).unwrap_or_default();
        }
    }
    Ok(usage)
}

/// The children of a process that are not among those that are named.
fn children<'a>(
    all: &'a BTreeMap<u32, Process>,
    parent: u32,
    named: &'a [(Kind, u32)],
) -> impl Iterator<Item = u32> + 'a {
    let of_parent = all.iter().filter(move |(_, process)| process.parent == parent).map(|(id, _)| *id);
    of_parent.filter(|id| named.iter().all(|(_, other)| other != id))
}

/// The operating system's account of a process, in ticks of its clock.
struct Process {
    parent: u32,
    own_ticks: u64,
    ended_children_ticks: u64,
}

fn every_process() -> Result<BTreeMap<u32, Process>> {
    let entries = fs::read_dir("/proc").context("listing processes")?;
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    // One that has ended since it was listed is left out.
    Ok(ids
        .filter_map(|id| Some((id, read(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?)?)))
        .collect())
}

/// Reads `/proc/ID/stat`; see proc(5). The name, in brackets, may have any letters.
fn read(stat: &str) -> Option<Process> {
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |place: usize| fields.get(place)?.parse::<u64>().ok();
    Some(Process {
        parent: u32::try_from(number(1)?).ok()?,
        own_ticks: number(11)? + number(12)?,
        ended_children_ticks: number(13)? + number(14)?,
    })
}

fn proportional_kb(process: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_is_no_field() {
        let stat = "7 (a) b (c)) S 3 7 7 0 -1 4194560 1 0 0 0 11 22 33 44 20 0 1 0 5 6 7";
        let process = read(stat).unwrap();
        assert_eq!((process.parent, process.own_ticks, process.ended_children_ticks), (3, 33, 77));
    }

    #[test]
    fn work_of_this_process_is_counted() {
        let this = [(Kind::Load, std::process::id())];
        let before = processor_time(&this).unwrap();
        let mut sum = 0_u64;
        while processor_time(&this).unwrap().since(&before).0[&Kind::Load] < Duration::from_millis(20) {
            sum = (0..100_000).fold(sum, |sum: u64, one| std::hint::black_box(sum.wrapping_add(one)));
        }
        assert!(memory(&this).unwrap().0[&Kind::Load] > 0);
    }
}
