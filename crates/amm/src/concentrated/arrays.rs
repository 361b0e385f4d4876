//! The tick arrays around a pool's price.

use crate::swap::Direction;
use order_core::Pubkey;

/// A tick array: where it begins, and where its account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TickArrayAddress {
    pub(crate) start: i32,
    pub(crate) address: Pubkey,
}

/// The arrays that an instruction names in each direction, in its order. Deriving an address takes longer
/// than a quote: it is done once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TickArrays {
    down: Vec<TickArrayAddress>,
    up: Vec<TickArrayAddress>,
}

impl TickArrays {
    /// The arrays that begin there, and the address of each.
    pub(crate) fn new(starts: impl Fn(Direction) -> Vec<i32>, address: impl Fn(i32) -> Pubkey) -> Self {
        let derived = |start| TickArrayAddress { start, address: address(start) };
        let down: Vec<TickArrayAddress> = starts(Direction::AToB).into_iter().map(derived).collect();
        let known = |start| down.iter().find(|array| array.start == start).copied();
        let up = starts(Direction::BToA).into_iter();
        let up = up.map(|start| known(start).unwrap_or_else(|| derived(start))).collect();
        Self { down, up }
    }

    /// Nearest to the price first.
    pub(crate) fn towards(&self, direction: Direction) -> &[TickArrayAddress] {
        match direction {
            Direction::AToB => &self.down,
            Direction::BToA => &self.up,
        }
    }

    /// Of both directions, each once.
    pub(crate) fn addresses(&self) -> Vec<Pubkey> {
        let mut both: Vec<Pubkey> = self.down.iter().chain(&self.up).map(|array| array.address).collect();
        both.sort_unstable();
        both.dedup();
        both
    }
}
