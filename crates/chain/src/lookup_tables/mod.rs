//! Address lookup tables: a transaction that names one has room for more accounts.

mod change;

use crate::{Account, LookupTable, Snapshot};
use solana_address_lookup_table_interface::program;
use solana_address_lookup_table_interface::state::{AddressLookupTable, LOOKUP_TABLE_MAX_ADDRESSES};
use solana_pubkey::Pubkey;
use std::str::FromStr;

pub use change::ChangeError;

/// The slot of deactivation of a table that was not closed.
const NEVER: u64 = u64::MAX;

/// The addresses of address lookup tables, as an operator lists them with commas.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LookupTables(Vec<Pubkey>);

/// Why a list of tables cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTables {
    /// Something in it is no address.
    #[error("`{0}` is not the address of a lookup table")]
    NoAddress(String),
    /// It is too long.
    #[error("{0} lookup tables are named, {most} is the most", most = LookupTables::MAX)]
    TooMany(usize),
}

impl LookupTables {
    /// Most tables in a list: a transaction has no room to name more.
    pub const MAX: usize = 16;

    /// Most addresses in a table.
    pub const ADDRESSES_MAX: usize = LOOKUP_TABLE_MAX_ADDRESSES;

    /// How many are named.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if none is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that are named, in their order.
    pub(crate) fn addresses(&self) -> &[Pubkey] {
        &self.0
    }

    /// The tables that a transaction may name, of their accounts, which are the first of a snapshot. One that is
    /// missing, is none, or is being closed is left out with a warning.
    pub(crate) fn usable(&self, snapshot: &Snapshot) -> Vec<LookupTable> {
        let mut tables = Vec::with_capacity(self.len());
        for (address, account) in self.0.iter().zip(&snapshot.accounts) {
            match decode(*address, account.as_ref(), snapshot.slot) {
                Ok(table) => tables.push(table),
                Err(reason) => {
                    tracing::warn!(%address, "a lookup table is not used: {reason}; check LOOKUP_TABLES");
                }
            }
        }
        tables
    }
}

impl FromStr for LookupTables {
    type Err = InvalidTables;

    fn from_str(list: &str) -> Result<Self, InvalidTables> {
        let named = list.split(',').map(str::trim).filter(|text| !text.is_empty());
        let address = |text: &str| text.parse().map_err(|_| InvalidTables::NoAddress(text.to_owned()));
        let tables = named.map(address).collect::<Result<Vec<_>, _>>()?;
        if tables.len() > Self::MAX { Err(InvalidTables::TooMany(tables.len())) } else { Ok(Self(tables)) }
    }
}

/// A table's account; else what is wrong with it.
fn open(account: Option<&Account>) -> Result<AddressLookupTable<'_>, &'static str> {
    let account = account.ok_or("there is none at this address")?;
    if !program::check_id(&account.owner) {
        return Err("the account belongs to another program");
    }
    let table = AddressLookupTable::deserialize(&account.data).map_err(|_| "the account is none")?;
    if table.meta.deactivation_slot == NEVER { Ok(table) } else { Err("it is being closed") }
}

/// A table as it can be used in a slot; else what is wrong with it.
fn decode(key: Pubkey, account: Option<&Account>, slot: u64) -> Result<LookupTable, &'static str> {
    let table = open(account)?;
    // What was added in the very slot cannot be looked up yet.
    let usable = if slot > table.meta.last_extended_slot {
        table.addresses.len()
    } else {
        usize::from(table.meta.last_extended_slot_start_index)
    };
    Ok(LookupTable { key, addresses: table.addresses.iter().take(usable).copied().collect() })
}

#[cfg(test)]
mod tests;
