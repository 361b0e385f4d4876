//! The address lookup tables that transactions may name.

use chain::LookupTable;
use order_core::Pubkey;
use std::collections::HashMap;

/// Tables as they were last read, and in which of them each address is.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    list: Vec<LookupTable>,
    places: HashMap<Pubkey, usize>,
}

impl Tables {
    pub(crate) fn new(list: Vec<LookupTable>) -> Self {
        let mut places = HashMap::new();
        for (place, table) in list.iter().enumerate() {
            for address in &table.addresses {
                places.entry(*address).or_insert(place);
            }
        }
        Self { list, places }
    }

    /// All of them.
    pub(crate) fn list(&self) -> &[LookupTable] {
        &self.list
    }

    /// The place in the list of the first table that has an address.
    pub(crate) fn place(&self, address: &Pubkey) -> Option<usize> {
        self.places.get(address).copied()
    }
}
