//! Marks the effects that a test makes fail.
//!
//! Architecture invariants: without the feature `inject` an effect is what it is; a build without debug
//! assertions refuses the feature. With it, a process does what its environment asks for and nothing else.
//! `FAULT=send:crash_after` strikes the first time that it comes to this effect: `crash_before` and
//! `crash_after` end the process at once, `repeat` does the effect twice, `hang` stops the whole process in
//! front of it until somebody continues it.

#[cfg(all(feature = "inject", not(debug_assertions)))]
compile_error!("the feature `inject` is for tests: a release has no faults that can be asked for");

/// Something that the process does to the world, by the name that a test calls it. The expression
/// must not consume what it uses: a test may ask for it twice.
#[cfg(not(feature = "inject"))]
#[macro_export]
macro_rules! effect {
    ($name:expr, $effect:expr) => {
        $effect
    };
}

/// Something that the process does to the world, by the name that a test calls it. The expression
/// must not consume what it uses: a test may ask for it twice.
#[cfg(feature = "inject")]
#[macro_export]
macro_rules! effect {
    ($name:expr, $effect:expr) => {{
        let name: &str = $name;
        $crate::before(name);
        let mut outcome = $effect;
        if $crate::strikes(name, "repeat") {
            outcome = $effect;
        }
        $crate::after(name);
        outcome
    }};
}

#[cfg(feature = "inject")]
pub use inject::{after, before, strikes};

#[cfg(feature = "inject")]
mod inject {
    use signal_hook::{consts::SIGSTOP, low_level::raise};
    use std::sync::atomic::{AtomicBool, Ordering};

    /// True if the fault that the process was asked for has happened.
    static STRUCK: AtomicBool = AtomicBool::new(false);

    /// True if this is the moment for a fault, which comes once in a process' life. The test waits
    /// for the line that says so.
    pub fn strikes(effect: &str, fault: &str) -> bool {
        let strikes = std::env::var("FAULT").is_ok_and(|asked| asked == format!("{effect}:{fault}"))
            && !STRUCK.swap(true, Ordering::Relaxed);
        if strikes {
            eprintln!("fault: {effect}:{fault}");
        }
        strikes
    }

    /// The faults in front of an effect.
    pub fn before(effect: &str) {
        if strikes(effect, "crash_before") {
            std::process::abort();
        }
        if strikes(effect, "hang") && raise(SIGSTOP).is_err() {
            std::process::abort();
        }
    }

    /// The faults behind an effect.
    pub fn after(effect: &str) {
        if strikes(effect, "crash_after") {
            std::process::abort();
        }
    }
}
