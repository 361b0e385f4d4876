use chain::transaction::LOADED_BYTES_MAX;
use order_core::Atoms;

/// More than this no transaction may ask for.
pub(crate) const UNITS_MAX: u32 = 1_400_000;

/// Pools move between the simulation and the landing, and a swap may then take a little more.
const UNITS_MARGIN_PERCENT: u64 = 10;

/// For transactions so small that a percentage of them is nothing.
const UNITS_MARGIN: u64 = 1_000;

/// The price paid is the third quartile of recent slots: it would have been enough in three of four.
const PERCENTILE: usize = 75;

/// Micro-lamports in a lamport.
const MICRO: u64 = 1_000_000;

/// For accounts that are made, or grow, between the simulation and the landing.
const LOADED_BYTES_MARGIN: u32 = 64 * 1024;

/// The most bytes of accounts that a transaction may load whose simulation loaded so many: twice as many and a
/// little, since a program may be replaced by a larger one. Blocks have less room for who asks for more, and who
/// asks for too little pays for nothing. All that there are if the node does not say.
pub(super) fn loaded_bytes_limit(loaded: Option<u32>) -> u32 {
    let limit =
        |loaded: u32| loaded.saturating_mul(2).saturating_add(LOADED_BYTES_MARGIN).min(LOADED_BYTES_MAX);
    loaded.map_or(LOADED_BYTES_MAX, limit)
}

/// The limit for a transaction whose simulation took `units`.
pub(crate) fn unit_limit(units: u64) -> u32 {
    let margin = units.saturating_mul(UNITS_MARGIN_PERCENT) / 100;
    let limit = units.saturating_add(margin).saturating_add(UNITS_MARGIN);
    u32::try_from(limit).unwrap_or(UNITS_MAX).min(UNITS_MAX)
}

/// The price of a compute unit in micro-lamports: the 75th percentile of what recently landed, half
/// as much again with each attempt, and never more than `fee_max` lamports for `unit_limit` units.
/// Nothing where nobody pays.
pub(crate) fn unit_price(recent: &[u64], attempt: u32, unit_limit: u32, fee_max: Atoms) -> u64 {
    let mut paid: Vec<u64> = recent.iter().copied().filter(|fee| *fee > 0).collect();
    paid.sort_unstable();
    let place = paid.len().saturating_mul(PERCENTILE).div_ceil(100).saturating_sub(1);
    let usual = paid.get(place).copied().unwrap_or(0);
    let mut price = usual;
    for _ in 1..attempt {
        price = price.saturating_add(price / 2);
    }
    let cap = fee_max.mul_div_floor(MICRO, u64::from(unit_limit)).map_or(u64::MAX, Atoms::get);
    price.min(cap)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLENTY: Atoms = Atoms::new(u64::MAX);

    #[test]
    fn the_limit_leaves_room_and_stays_legal() {
        assert_eq!(unit_limit(100_000), 111_000);
        assert_eq!(unit_limit(0), 1_000);
        assert_eq!(unit_limit(u64::MAX), UNITS_MAX);
    }

    #[test]
    fn accounts_may_grow_and_no_more_is_loaded_than_is_legal() {
        assert_eq!(loaded_bytes_limit(Some(500_000)), 1_065_536);
        assert_eq!(loaded_bytes_limit(Some(0)), 65_536);
        assert_eq!(loaded_bytes_limit(Some(u32::MAX)), LOADED_BYTES_MAX);
        assert_eq!(loaded_bytes_limit(None), LOADED_BYTES_MAX);
    }

    #[test]
    fn the_price_is_what_most_would_pay_and_rises_with_the_attempts() {
        let recent = [0, 0, 400, 100, 300, 200];
        assert_eq!(unit_price(&recent, 1, 100_000, PLENTY), 300);
        assert_eq!(unit_price(&recent, 2, 100_000, PLENTY), 450);
        assert_eq!(unit_price(&recent, 3, 100_000, PLENTY), 675);
        assert_eq!(unit_price(&[7], 1, 100_000, PLENTY), 7);
    }

    #[test]
    fn nobody_paying_costs_nothing() {
        assert_eq!(unit_price(&[], 3, 100_000, PLENTY), 0);
        assert_eq!(unit_price(&[0, 0], 3, 100_000, PLENTY), 0);
    }

    #[test]
    fn the_cap_holds_for_the_whole_transaction() {
        let price = unit_price(&[1_000_000_000], 1, 111_000, Atoms::new(5_000));
        assert_eq!(price, 45_045);
        assert!(price * 111_000 <= 5_000 * MICRO);
    }
}
