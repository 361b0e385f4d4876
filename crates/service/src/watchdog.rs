//! The watchdog: ends a process whose workers run no task any more, so that whoever supervises it starts it again.

use anyhow::Context as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Interval of the workers' heartbeat, and of looking for it.
const BEAT: Duration = Duration::from_secs(1);

/// Looks in a row that see no heartbeat, after which the process ends. They are counted, so a process that was stopped
/// for longer, or a machine that slept, is not mistaken for one that hangs.
const LOOKS: u32 = 30;

/// The exit code of a process that hung: that of an internal software error in BSD's sysexits.
const EXIT_CODE: i32 = 70;

/// Starts the heartbeat on the workers, and a thread that looks for it.
///
/// # Errors
/// The thread cannot be started.
pub(crate) fn start(name: &'static str) -> anyhow::Result<()> {
    let beats = Arc::new(AtomicU64::new(0));
    let beating = Arc::clone(&beats);
    tokio::spawn(async move {
        loop {
            beating.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(BEAT).await;
        }
    });
    std::thread::Builder::new()
        .name("watchdog".to_owned())
        .spawn(move || {
            watch(|| beats.load(Ordering::Relaxed), || std::thread::sleep(BEAT));
            // The log's own worker may hang, too.
            eprintln!("{name}: no task has run for {LOOKS} seconds: ending the process");
            std::process::exit(EXIT_CODE);
        })
        .context("starting the watchdog")?;
    Ok(())
}

/// Returns when [`LOOKS`] looks in a row have seen the same number of beats.
fn watch(beats: impl Fn() -> u64, mut pause: impl FnMut()) {
    let (mut last, mut missed) = (beats(), 0);
    while missed < LOOKS {
        pause();
        let now = beats();
        missed = if now == last { missed.saturating_add(1) } else { 0 };
        last = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn silence_ends_it_and_single_beats_begin_the_count_again() {
        let looks = Cell::new(0_u64);
        // A beat at every look up to the tenth, one more at the thirtieth, and then none.
        let beats = || looks.get().min(10) + u64::from(looks.get() >= 30);
        watch(beats, || looks.set(looks.get() + 1));
        assert_eq!(looks.get(), 30 + u64::from(LOOKS));
    }

    #[test]
    fn workers_that_are_blocked_beat_no_more() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (fell_silent, silence) = std::sync::mpsc::channel();
        let beats = Arc::new(AtomicU64::new(0));
        let (beating, watched) = (Arc::clone(&beats), Arc::clone(&beats));
        std::thread::spawn(move || {
            watch(|| watched.load(Ordering::Relaxed), || std::thread::sleep(Duration::from_millis(20)));
            let _ = fell_silent.send(());
        });
        runtime.block_on(async {
            tokio::spawn(async move {
                loop {
                    beating.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            });
            while beats.load(Ordering::Relaxed) < 3 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            // The only worker waits, as in a deadlock, until the watchdog has seen it.
            silence.recv_timeout(Duration::from_secs(60)).unwrap();
        });
    }
}
