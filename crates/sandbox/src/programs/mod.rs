//! The programs of the cluster: the real ones that come with the VM, the pool programs built in,
//! or the user's own files in their place.

mod call;
mod meteora_damm_v1;
mod swap;

use amm::VaultCall;
use anyhow::Context as _;
use litesvm::LiteSVM;
use order_core::Venue;
use solana_program_runtime::declare_process_instruction;
use solana_program_runtime::solana_sbpf::program::BuiltinFunctionDefinition as _;
use solana_pubkey::Pubkey;
use std::path::PathBuf;
use std::str::FromStr;

/// A program's address and the ELF file that is to run there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramFile {
    address: Pubkey,
    file: PathBuf,
}

impl FromStr for ProgramFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, file) = text.split_once('=').ok_or("expected ADDRESS=FILE")?;
        let address = address.parse().map_err(|_| format!("`{address}` is not an address"))?;
        Ok(Self { address, file: file.into() })
    }
}

/// Compute units of the program's own work, as measured of the real ones; transfers come on top.
const RAYDIUM_CPMM_UNITS: u64 = 30_000;
const RAYDIUM_AMM_V4_UNITS: u64 = 12_000;
const RAYDIUM_CLMM_UNITS: u64 = 55_000;
const METEORA_DAMM_V1_UNITS: u64 = 50_000;
const METEORA_VAULT_UNITS: u64 = 15_000;
const METEORA_DAMM_V2_UNITS: u64 = 17_000;
const METEORA_DLMM_UNITS: u64 = 35_000;
const ORCA_WHIRLPOOL_UNITS: u64 = 25_000;

declare_process_instruction!(RaydiumCpmm, RAYDIUM_CPMM_UNITS, |invoke_context| {
    swap::process(Venue::RaydiumCpmm, invoke_context)
});

declare_process_instruction!(RaydiumAmmV4, RAYDIUM_AMM_V4_UNITS, |invoke_context| {
    swap::process(Venue::RaydiumAmmV4, invoke_context)
});

declare_process_instruction!(RaydiumClmm, RAYDIUM_CLMM_UNITS, |invoke_context| {
    swap::process(Venue::RaydiumClmm, invoke_context)
});

declare_process_instruction!(MeteoraDammV1, METEORA_DAMM_V1_UNITS, |invoke_context| {
    meteora_damm_v1::swap(invoke_context)
});

declare_process_instruction!(MeteoraVault, METEORA_VAULT_UNITS, |invoke_context| {
    meteora_damm_v1::vault(invoke_context)
});

declare_process_instruction!(MeteoraDammV2, METEORA_DAMM_V2_UNITS, |invoke_context| {
    swap::process(Venue::MeteoraDammV2, invoke_context)
});

declare_process_instruction!(MeteoraDlmm, METEORA_DLMM_UNITS, |invoke_context| {
    swap::process(Venue::MeteoraDlmm, invoke_context)
});

declare_process_instruction!(OrcaWhirlpool, ORCA_WHIRLPOOL_UNITS, |invoke_context| {
    swap::process(Venue::OrcaWhirlpool, invoke_context)
});

/// Puts the pool programs on a VM.
///
/// # Errors
/// A file is not a program.
pub(crate) fn install(svm: &mut LiteSVM, files: &[ProgramFile]) -> anyhow::Result<()> {
    for venue in Venue::ALL {
        let entry = match venue {
            Venue::RaydiumCpmm => RaydiumCpmm::register,
            Venue::RaydiumAmmV4 => RaydiumAmmV4::register,
            Venue::RaydiumClmm => RaydiumClmm::register,
            Venue::MeteoraDammV1 => MeteoraDammV1::register,
            Venue::MeteoraDammV2 => MeteoraDammV2::register,
            Venue::MeteoraDlmm => MeteoraDlmm::register,
            Venue::OrcaWhirlpool => OrcaWhirlpool::register,
        };
        svm.add_builtin(amm::program_id(venue), entry);
    }
    svm.add_builtin(VaultCall::PROGRAM_ID, MeteoraVault::register);
    for ProgramFile { address, file } in files {
        svm.add_program_from_file(*address, file)
            .with_context(|| format!("loading the program {address} from {}", file.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_file_names_its_address() {
        let id = "CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C";
        let parsed: ProgramFile = format!("{id}=/tmp/cpmm.so").parse().unwrap();
        assert_eq!((parsed.address.to_string().as_str(), parsed.file), (id, "/tmp/cpmm.so".into()));
        assert!("cpmm.so".parse::<ProgramFile>().is_err());
        assert!("x=cpmm.so".parse::<ProgramFile>().is_err());
    }
}
