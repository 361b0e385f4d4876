use super::call::{Call, create, edit};
use super::swap;
use amm_programs::{SwapInstruction, VolumeAccount};
use order_core::Venue;
use solana_instruction::error::InstructionError;
use solana_program_runtime::invoke_context::InvokeContext;

/// A swap. A trader's first purchase makes the account that counts its purchases, and pays its rent.
pub(super) fn process(context: &mut InvokeContext<'_, '_>) -> Result<(), InstructionError> {
    let call = Call::read(context)?;
    let instruction = SwapInstruction::decode(Venue::PumpSwap, &call.addresses, &call.data)
        .map_err(InstructionError::Custom)?;
    let volume = VolumeAccount::of(&instruction.owner);
    if let Some(position) = call.position(&volume.address)
        && call.account(&volume.address).is_none_or(|account| account.data.is_empty())
    {
        let space = u64::try_from(volume.data.len()).map_err(|_| InstructionError::ArithmeticOverflow)?;
        let seeds: Vec<&[u8]> = volume.seeds.iter().map(Vec::as_slice).collect();
        let holds = [VolumeAccount::RENT, space];
        create(context, instruction.owner, volume.address, holds, VolumeAccount::PROGRAM_ID, &seeds)?;
        edit(context, position, |data| {
            data.get_mut(..volume.data.len()).ok_or(())?.copy_from_slice(&volume.data);
            Ok::<(), ()>(())
        })?;
    }
    swap::process(Venue::PumpSwap, context)
}
