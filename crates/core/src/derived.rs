use solana_pubkey::Pubkey;
use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

/// Addresses that are remembered: some tens of each pool that is traded on.
const REMEMBERED_MAX: usize = 65_536;

static REMEMBERED: LazyLock<RwLock<HashMap<Box<[u8]>, Pubkey>>> = LazyLock::new(RwLock::default);

/// The address that belongs to a program and these seeds: see [`Pubkey::find_program_address`]. It never changes, and
/// finding it takes longer than a quote, so it is remembered.
pub fn derived_address(program: &Pubkey, seeds: &[&[u8]]) -> Pubkey {
    let key = key(program, seeds);
    if let Some(known) = REMEMBERED.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return *known;
    }
    let address = Pubkey::find_program_address(seeds, program).0;
    let mut remembered = REMEMBERED.write().unwrap_or_else(PoisonError::into_inner);
    if remembered.len() >= REMEMBERED_MAX {
        remembered.clear();
    }
    remembered.insert(key, address);
    address
}

/// Each seed with its length, which is at most 32: others may be cut differently.
fn key(program: &Pubkey, seeds: &[&[u8]]) -> Box<[u8]> {
    let mut key = program.as_ref().to_vec();
    for seed in seeds {
        key.extend(seed.len().to_le_bytes());
        key.extend_from_slice(seed);
    }
    key.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remembered_address_is_the_one_that_belongs_to_the_seeds() {
        let program = Pubkey::new_from_array([7; 32]);
        let cuts: [&[&[u8]]; 3] = [&[b"ab", b"c"], &[b"a", b"bc"], &[b"abc"]];
        for _ in 0..2 {
            for seeds in cuts {
                assert_eq!(derived_address(&program, seeds), Pubkey::find_program_address(seeds, &program).0);
            }
        }
        let other = Pubkey::new_from_array([8; 32]);
        assert_ne!(derived_address(&program, cuts[0]), derived_address(&other, cuts[0]));
    }

    #[test]
    fn no_more_is_remembered_than_the_limit() {
        let program = Pubkey::new_from_array([9; 32]);
        let fill = (0..REMEMBERED_MAX).map(|n| (key(&program, &[b"fill", &n.to_le_bytes()]), program));
        REMEMBERED.write().unwrap().extend(fill);
        derived_address(&program, &[b"one more"]);
        assert!(REMEMBERED.read().unwrap().len() < REMEMBERED_MAX);
    }
}
