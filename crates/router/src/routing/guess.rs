//! Guesses of the output of paths together, from a few exact quotes of each. They tell which paths are worth
//! combining and how to begin; every amount of a route is calculated exactly afterwards.

use super::path::Path;

/// The most that a path can take is found to this part of the range that it is in.
const BRIM_STEPS: u32 = 5;

/// A path whose capacity is below the last of these parts of the amount is left alone. However little a path
/// takes, it can be worth more than all others: where these are nearly empty.
const CAPACITY_PARTS: [u64; 13] =
    [1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216];

/// The second of the two quotes is for one of so many of what the path can take.
const SMALL_PART: u64 = 8;

/// Where a price does not move with the amount, it is taken to move by this: the maths needs some depth.
const LEAST_IMPACT: f64 = 1e-7;

/// The floating-point form of an amount that is exactly the most that a path can take.
const ROUNDING: f64 = 1e-9;

/// `output = most · amount / (depth + amount)`: constant-product pools are exactly so, fees included, and
/// so are any two of them in a row; the others are nearly.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Guess {
    most: f64,
    depth: f64,
    /// The square root of the product of both.
    root: f64,
    /// The most that it can take.
    brim: f64,
}

impl Guess {
    /// None if the path gives nothing for any part of the amount that is worth a thought.
    pub(super) fn of(path: &Path<'_>, amount: u64) -> Option<Self> {
        let brim = brim(path, amount)?;
        let large = (brim as f64, path.output(brim) as f64);
        let part = (brim / SMALL_PART).max(1);
        let small = (part as f64, path.output(part) as f64);
        // 1/output is linear in 1/amount.
        let ahead = 1.0 / small.0 - 1.0 / large.0;
        let flat = large.0 / large.1;
        let steep = if small.1 > 0.0 && ahead > 0.0 { (1.0 / small.1 - 1.0 / large.1) / ahead } else { flat };
        let steep = steep.clamp(0.0, flat * (1.0 - LEAST_IMPACT));
        let most = 1.0 / (1.0 / large.1 - steep / large.0);
        let depth = steep * most;
        Some(Self { most, depth, root: (most * depth).sqrt(), brim: large.0 })
    }

    fn output(&self, amount: f64) -> f64 {
        self.most * amount / (self.depth + amount)
    }
}

/// The most of the amount that the path can take, roughly.
fn brim(path: &Path<'_>, amount: u64) -> Option<u64> {
    let parts = || CAPACITY_PARTS.iter().map(|parts| amount / parts);
    let fits = parts().position(|part| path.output(part) > 0)?;
    let mut low = parts().nth(fits)?;
    let Some(mut high) = fits.checked_sub(1).and_then(|more| parts().nth(more)) else { return Some(low) };
    for _ in 0..BRIM_STEPS {
        let middle = low.midpoint(high);
        if path.output(middle) > 0 { low = middle } else { high = middle }
    }
    Some(low)
}

/// A guessed split of the amount over some paths.
#[derive(Debug, Clone, Copy)]
pub(super) struct GuessedSplit<const N: usize> {
    /// The parts, one for each of the paths.
    pub(super) amounts: [f64; N],
    pub(super) output: f64,
}

/// The best split over at most `N` paths; None if one of them is better left out, or if all together
/// cannot take the amount. Then no greater set with it is better, or this one is not enough.
pub(super) fn split<const N: usize>(guesses: &[Guess], amount: f64) -> Result<GuessedSplit<N>, Unfit> {
    let mut full = [false; N];
    // Every round but the last fills another path.
    for _ in 0..=guesses.len() {
        let (mut rest, mut roots) = (amount, 0.0);
        for (guess, full) in guesses.iter().zip(&full) {
            rest += if *full { -guess.brim } else { guess.depth };
            roots += if *full { 0.0 } else { guess.root };
        }
        if roots == 0.0 && rest > amount * ROUNDING {
            return Err(Unfit::TooSmall);
        }
        // The price of the last unit is the same everywhere; this is the root of its inverse.
        let level = rest / roots;
        let mut split = GuessedSplit { amounts: [0.0; N], output: 0.0 };
        let (mut overflows, mut needless) = (false, false);
        for ((guess, part), full) in guesses.iter().zip(&mut split.amounts).zip(&mut full) {
            *part = if *full { guess.brim } else { guess.root * level - guess.depth };
            needless |= *part <= 0.0;
            if *part > guess.brim * (1.0 + ROUNDING) {
                (*full, overflows) = (true, true);
            }
            split.output += guess.output(*part);
        }
        match (overflows, needless) {
            (true, _) => {}
            (false, true) => return Err(Unfit::Needless),
            (false, false) => return Ok(split),
        }
    }
    Err(Unfit::Needless)
}

/// Why some paths are not worth combining.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    /// One of them is better left out, with whatever others besides.
    Needless,
    /// Together they cannot take the amount; others may help.
    TooSmall,
}
