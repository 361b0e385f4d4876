//! The folder with programs and accounts for the node.

use anyhow::{Context, Result};
use order_core::Venue;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The programs that a pool of each venue needs. The first one owns the pool.
const PROGRAMS: [(Venue, &[&str]); 8] = [
    (Venue::RaydiumCpmm, &["CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C"]),
    (Venue::RaydiumAmmV4, &["675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8"]),
    (Venue::RaydiumClmm, &["CAMMCzo5YL8w4VFF8KVHrK22GGUsp5VTaW7grrKgrWqK"]),
    (
        Venue::MeteoraDammV1,
        &["Eo7WjKq67rjJQSZxS6z3YkapzY3eMj6Xy8X5EQVn5UaB", "24Uqj9JCLxUeoC3hGfh5W3s9FM9uCHDS2SG3LYwBpyTi"],
    ),
    (Venue::MeteoraDammV2, &["cpamdpZCGKUy5JxQXB4dcpGPiikHawvSWAd6mEn1sGG"]),
    (Venue::MeteoraDlmm, &["LBUZKhRxPF3XUpBCjp4YzTKgLccjZhTSDM9YuVaPwxo"]),
    (Venue::OrcaWhirlpool, &["whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc"]),
    (
        Venue::PumpSwap,
        &["pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA", "pfeeUxB6jkeY1Hxd7CsFCAjcbHA9rWtchMGdZ6VojVZ"],
    ),
];

/// The content of the folder.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// Programs: each an address and its ELF file.
    pub(crate) programs: Vec<(String, PathBuf)>,
    /// Files of accounts.
    accounts: Vec<PathBuf>,
}

impl Given {
    /// Looks into the folder, if there is one.
    pub(crate) fn read(folder: Option<&Path>) -> Result<Self> {
        let mut given = Self::default();
        let Some(folder) = folder else { return Ok(given) };
        let entries = std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("so") => given.programs.push((name, path)),
                Some("json") => given.accounts.push(path),
                _ => {}
            }
        }
        given.programs.sort();
        Ok(given)
    }

    /// The venues whose programs are all there.
    pub(crate) fn venues(&self) -> Vec<Venue> {
        let has = |address: &&str| self.programs.iter().any(|(given, _)| given == *address);
        let complete = PROGRAMS.into_iter().filter(|(_, programs)| programs.iter().all(has));
        complete.map(|(venue, _)| venue).collect()
    }

    /// Puts the given accounts in place of those in `folder`, and removes the pools there that no program serves.
    pub(crate) fn arrange(&self, folder: &Path) -> Result<()> {
        for path in &self.accounts {
            let name = path.file_name().context("an account's file has a name")?;
            std::fs::copy(path, folder.join(name)).with_context(|| format!("copying {}", path.display()))?;
        }
        let venues = self.venues();
        let missing = PROGRAMS.into_iter().filter(|(venue, _)| !venues.contains(venue));
        let missing: BTreeSet<&str> = missing.flat_map(|(_, programs)| programs).copied().collect();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let file: Value = serde_json::from_slice(&std::fs::read(&path)?)
                .with_context(|| format!("understanding {}", path.display()))?;
            if file["account"]["owner"].as_str().is_some_and(|owner| missing.contains(owner)) {
                std::fs::remove_file(&path)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_venue_needs_all_of_its_programs() {
        let program = |address: &str| (address.to_owned(), PathBuf::new());
        let mut given = Given { programs: vec![program(PROGRAMS[3].1[0])], accounts: Vec::new() };
        assert_eq!(given.venues(), []);
        given.programs.push(program(PROGRAMS[3].1[1]));
        assert_eq!(given.venues(), [Venue::MeteoraDammV1]);
    }

    #[test]
    fn every_venue_has_its_programs_in_the_list() {
        assert_eq!(PROGRAMS.map(|(venue, _)| venue), Venue::ALL);
    }
}
