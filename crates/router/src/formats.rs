//! The formats that transactions may have: their newest version, and the lookup tables that they may name.

use chain::transaction::Version;
use order_core::Pubkey;
use std::collections::HashMap;

/// Formats as they were last read, and in which of their lookup tables each address is.
#[derive(Debug, Default)]
pub(crate) struct Formats {
    read: chain::Formats,
    places: HashMap<Pubkey, usize>,
}

impl Formats {
    pub(crate) fn new(read: chain::Formats) -> Self {
        let mut places = HashMap::new();
        for (place, table) in read.tables.iter().enumerate() {
            for address in &table.addresses {
                places.entry(*address).or_insert(place);
            }
        }
        Self { read, places }
    }

    /// As they were read.
    pub(crate) const fn read(&self) -> &chain::Formats {
        &self.read
    }

    /// The newest version that transactions may have.
    pub(crate) const fn newest(&self) -> Version {
        self.read.newest
    }

    /// The place of the first lookup table that has an address.
    pub(crate) fn place(&self, address: &Pubkey) -> Option<usize> {
        self.places.get(address).copied()
    }
}
