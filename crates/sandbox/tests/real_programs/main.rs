//! Quotes against the real programs, in the virtual machine that runs them.
//!
//! The folder of the environment variable `PROGRAM_FOLDER` has their ELF files, each named for its program's address.
//! None of them is part of the project. Without the folder nothing is checked, and that is said.

#[cfg(test)]
mod machine;
#[cfg(test)]
mod pump_swap;
#[cfg(test)]
mod raydium_amm_v4;

#[cfg(test)]
use std::path::PathBuf;

/// The programs' files, in the order of these addresses; None, said on standard error, if one is not given.
#[cfg(test)]
fn program_files<const N: usize>(addresses: [solana_pubkey::Pubkey; N]) -> Option<[PathBuf; N]> {
    let Some(folder) = std::env::var_os("PROGRAM_FOLDER").map(PathBuf::from) else {
        eprintln!("NOT CHECKED against the real programs: PROGRAM_FOLDER is not set");
        return None;
    };
    let files = addresses.map(|address| folder.join(format!("{address}.so")));
    if let Some(missing) = files.iter().find(|file| !file.exists()) {
        eprintln!("NOT CHECKED against the real program: {} does not exist", missing.display());
        return None;
    }
    Some(files)
}
