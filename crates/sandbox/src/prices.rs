//! The market outside of the pools: a random walk of each token's price that the pools follow.

use crate::cluster::Bank;
use crate::pools::SeededPool;
use order_core::Mint;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::collections::BTreeMap;

/// Prices stay within so many hundredths of a percent, summed over all steps, of where they began.
const LEVEL_MAX: i32 = 5_000;

/// The largest step that may be asked for.
pub(crate) const VOLATILITY_MAX: u16 = 1_000;

/// The random walk. The same seed and the same volatilities make the same steps.
pub(crate) struct Prices {
    random: StdRng,
    volatility_bps: u16,
    levels: BTreeMap<Mint, i32>,
}

impl Prices {
    /// A walk that begins at the pools' present prices.
    pub(crate) fn new(seed: u64, volatility_bps: u16) -> Self {
        Self { random: StdRng::seed_from_u64(seed), volatility_bps, levels: BTreeMap::new() }
    }

    /// From now on each step is at most this large, up or down; 0 lets prices stand still.
    pub(crate) fn set_volatility(&mut self, volatility_bps: u16) {
        self.volatility_bps = volatility_bps;
    }

    /// One slot's step: all pools of a token move together. Stable pairs stay.
    ///
    /// # Errors
    /// See [`SeededPool::move_price`].
    pub(crate) fn step(&mut self, bank: &mut Bank, pools: &[SeededPool]) -> anyhow::Result<()> {
        if self.volatility_bps == 0 {
            return Ok(());
        }
        let mut steps = BTreeMap::new();
        for pool in pools.iter().filter(|pool| !pool.is_stable()) {
            let token = pool.base();
            let step = *steps.entry(token).or_insert_with(|| self.draw(token));
            pool.move_price(bank, step)?;
        }
        Ok(())
    }

    fn draw(&mut self, token: Mint) -> i32 {
        let volatility = i32::from(self.volatility_bps);
        let drawn = self.random.random_range(-volatility..=volatility);
        let level = self.levels.entry(token).or_insert(0);
        let step = if level.saturating_add(drawn).abs() > LEVEL_MAX { drawn.saturating_neg() } else { drawn };
        *level = level.saturating_add(step);
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_walks_the_same_way_within_bounds() {
        let walk = |seed| {
            let mut prices = Prices::new(seed, 500);
            (0..2000).map(|_| prices.draw(order_core::token::NATIVE_MINT)).collect::<Vec<_>>()
        };
        let steps = walk(7);
        assert_eq!(steps, walk(7));
        assert_ne!(steps, walk(8));
        let mut level = 0;
        for step in steps {
            level += step;
            assert!(step.abs() <= 500 && level.abs() <= LEVEL_MAX);
        }
    }
}
