use super::program::{BASIS_POINTS, FEE_CAP};

/// The variable fee is in units of this many parts of a billionth.
const VARIABLE_FEE_UNIT: u64 = 100_000_000_000;

/// Billionths in one ten-thousandth of a ten-thousandth: base factor and bin step are such.
const BASE_FEE_UNIT: u128 = 10;

/// Parameters of a pool's fee; they stay as the pool was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parameters {
    pub(super) base_factor: u16,
    pub(super) base_fee_power: u8,
    pub(super) bin_step: u16,
    pub(super) variable_fee_control: u32,
    pub(super) max_accumulator: u32,
    /// Seconds within which swaps count as one movement.
    pub(super) filter_period: u16,
    /// Seconds after which a movement is forgotten.
    pub(super) decay_period: u16,
    /// Part that is kept of a movement between both, in ten-thousandths.
    pub(super) reduction_factor: u16,
    /// The protocol's part of the fee, in ten-thousandths.
    pub(super) protocol_share: u16,
}

/// Recent movement of the pool, in ten-thousandths of a bin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Volatility {
    pub(super) accumulator: u32,
    pub(super) reference: u32,
    /// The bin that movement is counted from.
    pub(super) index_reference: i32,
    /// Seconds since 1970.
    pub(super) last_update: i64,
}

impl Volatility {
    /// As a swap at this time finds it.
    pub(super) fn at(self, parameters: &Parameters, active_id: i32, now: i64) -> Self {
        let elapsed = now.saturating_sub(self.last_update);
        let mut found = Self { last_update: now, ..self };
        if elapsed >= i64::from(parameters.filter_period) {
            found.index_reference = active_id;
            found.reference = if elapsed < i64::from(parameters.decay_period) {
                reduced(self.accumulator, parameters.reduction_factor)
            } else {
                0
            };
        }
        found
    }

    /// As a swap leaves it that has come to a bin.
    pub(super) fn in_bin(self, parameters: &Parameters, id: i32) -> Self {
        let moved = u64::from(self.index_reference.abs_diff(id)).saturating_mul(BASIS_POINTS);
        let sum = moved.saturating_add(u64::from(self.reference));
        let accumulator = sum.min(u64::from(parameters.max_accumulator));
        Self { accumulator: u32::try_from(accumulator).unwrap_or(u32::MAX), ..self }
    }

    /// The rate of the fee in billionths. None where the program's own arithmetic fails.
    pub(super) fn rate(self, parameters: &Parameters) -> Option<u64> {
        let base = parameters.base_rate()?;
        let moved = u128::from(self.accumulator).checked_mul(u128::from(parameters.bin_step))?;
        let scaled = moved.checked_mul(moved)?.checked_mul(u128::from(parameters.variable_fee_control))?;
        let variable = match u64::try_from(scaled) {
            Ok(scaled) => u128::from(scaled.div_ceil(VARIABLE_FEE_UNIT)),
            Err(_) => scaled.div_ceil(u128::from(VARIABLE_FEE_UNIT)),
        };
        u64::try_from(base.checked_add(variable)?.min(u128::from(FEE_CAP))).ok()
    }
}

impl Parameters {
    /// The rate of the fee while nothing moves, in billionths.
    pub(super) fn base_rate(&self) -> Option<u128> {
        let power = 10u128.checked_pow(u32::from(self.base_fee_power))?;
        u128::from(self.base_factor)
            .checked_mul(u128::from(self.bin_step))?
            .checked_mul(BASE_FEE_UNIT)?
            .checked_mul(power)
    }
}

fn reduced(accumulator: u32, factor: u16) -> u32 {
    let scaled = u64::from(accumulator).saturating_mul(u64::from(factor));
    scaled.checked_div(BASIS_POINTS).and_then(|kept| u32::try_from(kept).ok()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARAMETERS: Parameters = Parameters {
        base_factor: 4000,
        base_fee_power: 0,
        bin_step: 250,
        variable_fee_control: 7500,
        max_accumulator: 150_000,
        filter_period: 300,
        decay_period: 1200,
        reduction_factor: 5000,
        protocol_share: 0,
    };
    const MOVED: Volatility =
        Volatility { accumulator: 30_000, reference: 10_000, index_reference: 16, last_update: 1000 };

    #[test]
    fn movement_counts_on_is_halved_or_forgotten_as_time_passes() {
        let at = |now| MOVED.at(&PARAMETERS, 15, now);
        assert_eq!(at(1299), Volatility { last_update: 1299, ..MOVED });
        let halved = Volatility { reference: 15_000, index_reference: 15, last_update: 1300, ..MOVED };
        assert_eq!(at(1300), halved);
        assert_eq!((at(2199).reference, at(2200).reference), (15_000, 0));
        // A clock that goes back is no time passed.
        assert_eq!(at(0).reference, 10_000);
    }

    #[test]
    fn the_rate_grows_with_the_square_of_the_movement_up_to_caps() {
        let rate = |id| MOVED.in_bin(&PARAMETERS, id).rate(&PARAMETERS).unwrap();
        // 4000 · 250 · 10, and 7500 · (10000 · 250)² / 10^11 for one bin of movement.
        assert_eq!(rate(16), 10_000_000 + 468_750);
        assert_eq!(rate(17), 10_000_000 + 4 * 468_750);
        assert_eq!(rate(15), rate(17));
        assert_eq!(MOVED.in_bin(&PARAMETERS, i32::MIN).accumulator, 150_000);
        let wild = Parameters { variable_fee_control: u32::MAX, ..PARAMETERS };
        assert_eq!(MOVED.rate(&wild), Some(FEE_CAP));
        let broken = Parameters { base_fee_power: 255, ..PARAMETERS };
        assert_eq!(MOVED.rate(&broken), None);
    }
}
