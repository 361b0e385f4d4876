//! The programs of the cluster: the real ones that come with the VM, the pool programs built in,
//! or the user's own files in their place.

mod call;
mod meteora_damm_v1;
mod pump_swap;
mod swap;

use amm_programs::VaultCall;
use anyhow::Context as _;
use litesvm::LiteSVM;
use order_core::Venue;
use solana_instruction::error::InstructionError;
use solana_program_runtime::declare_process_instruction;
use solana_program_runtime::invoke_context::BuiltinFunctionRegisterer;
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
const PUMP_SWAP_UNITS: u64 = 80_000;

/// A pool program, and what it might be changed to: one that keeps a unit of what it sells.
macro_rules! pool_program {
    ($program:ident, $changed:ident, $venue:expr, $units:expr, $process:expr) => {
        declare_process_instruction!($program, $units, |invoke_context| { $process(invoke_context) });
        declare_process_instruction!($changed, $units, |invoke_context| {
            swap::keep_a_unit($venue, invoke_context, $process)
        });
    };
}

pool_program!(RaydiumCpmm, ChangedRaydiumCpmm, Venue::RaydiumCpmm, RAYDIUM_CPMM_UNITS, |context| {
    swap::process(Venue::RaydiumCpmm, context)
});
pool_program!(RaydiumAmmV4, ChangedRaydiumAmmV4, Venue::RaydiumAmmV4, RAYDIUM_AMM_V4_UNITS, |context| {
    swap::process(Venue::RaydiumAmmV4, context)
});
pool_program!(RaydiumClmm, ChangedRaydiumClmm, Venue::RaydiumClmm, RAYDIUM_CLMM_UNITS, |context| {
    swap::process(Venue::RaydiumClmm, context)
});
pool_program!(
    MeteoraDammV1,
    ChangedMeteoraDammV1,
    Venue::MeteoraDammV1,
    METEORA_DAMM_V1_UNITS,
    meteora_damm_v1::swap
);
pool_program!(MeteoraDammV2, ChangedMeteoraDammV2, Venue::MeteoraDammV2, METEORA_DAMM_V2_UNITS, |context| {
    swap::process(Venue::MeteoraDammV2, context)
});
pool_program!(MeteoraDlmm, ChangedMeteoraDlmm, Venue::MeteoraDlmm, METEORA_DLMM_UNITS, |context| {
    swap::process(Venue::MeteoraDlmm, context)
});
pool_program!(OrcaWhirlpool, ChangedOrcaWhirlpool, Venue::OrcaWhirlpool, ORCA_WHIRLPOOL_UNITS, |context| {
    swap::process(Venue::OrcaWhirlpool, context)
});

pool_program!(PumpSwap, ChangedPumpSwap, Venue::PumpSwap, PUMP_SWAP_UNITS, pump_swap::process);

/// Code that a program refuses with: none that the venues' own programs give a name to.
const REFUSAL: u32 = 9_999;

declare_process_instruction!(Refusing, RAYDIUM_AMM_V4_UNITS, |_invoke_context| {
    Err(InstructionError::Custom(REFUSAL))
});

declare_process_instruction!(MeteoraVault, METEORA_VAULT_UNITS, |invoke_context| {
    meteora_damm_v1::vault(invoke_context)
});

/// Puts the pool programs on a VM.
///
/// # Errors
/// A file is not a program.
pub(crate) fn install(svm: &mut LiteSVM, files: &[ProgramFile]) -> anyhow::Result<()> {
    for venue in Venue::ALL {
        set_behaviour(svm, venue, Behaviour::Right);
    }
    svm.add_builtin(VaultCall::PROGRAM_ID, MeteoraVault::register);
    for ProgramFile { address, file } in files {
        svm.add_program_from_file(*address, file)
            .with_context(|| format!("loading the program {address} from {}", file.display()))?;
    }
    Ok(())
}

/// Behaviour of a built-in pool program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// The program does as its name says.
    Right,
    /// It keeps a unit of what it sells.
    KeepsAUnit,
    /// It refuses every swap with an error of its own.
    Refuses,
}

/// Puts a venue's built-in program on a VM.
pub(crate) fn set_behaviour(svm: &mut LiteSVM, venue: Venue, behaviour: Behaviour) {
    let [right, changed]: [BuiltinFunctionRegisterer; 2] = match venue {
        Venue::RaydiumCpmm => [RaydiumCpmm::register, ChangedRaydiumCpmm::register],
        Venue::RaydiumAmmV4 => [RaydiumAmmV4::register, ChangedRaydiumAmmV4::register],
        Venue::RaydiumClmm => [RaydiumClmm::register, ChangedRaydiumClmm::register],
        Venue::MeteoraDammV1 => [MeteoraDammV1::register, ChangedMeteoraDammV1::register],
        Venue::MeteoraDammV2 => [MeteoraDammV2::register, ChangedMeteoraDammV2::register],
        Venue::MeteoraDlmm => [MeteoraDlmm::register, ChangedMeteoraDlmm::register],
        Venue::OrcaWhirlpool => [OrcaWhirlpool::register, ChangedOrcaWhirlpool::register],
        Venue::PumpSwap => [PumpSwap::register, ChangedPumpSwap::register],
    };
    let entry = match behaviour {
        Behaviour::Right => right,
        Behaviour::KeepsAUnit => changed,
        Behaviour::Refuses => Refusing::register,
    };
    svm.add_builtin(amm::program_id(venue), entry);
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
