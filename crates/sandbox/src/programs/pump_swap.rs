use super::call::{Call, create, edit};
use super::swap;
use amm::Discriminator;
use amm::venues::pump_swap::instruction::{BUY_ACCOUNTS, volume_account};
use amm::venues::pump_swap::program::PROGRAM_ID;
use order_core::Venue;
use solana_instruction::error::InstructionError;
use solana_program_runtime::invoke_context::InvokeContext;
use solana_pubkey::Pubkey;

/// The account that counts a trader's purchases: its bytes, and the lamports that it must hold to live.
const VOLUME_SIZE: usize = 137;
pub(crate) const VOLUME_RENT: u64 = 1_844_400;
const VOLUME_DISCRIMINATOR: Discriminator = 0x56ff_700e_6635_9afa_u64.to_be_bytes();

/// A swap. A trader's first purchase makes the account that counts its purchases, and pays its rent.
pub(super) fn process(context: &mut InvokeContext<'_, '_>) -> Result<(), InstructionError> {
    let call = Call::read(context)?;
    let trader = call.addresses.get(BUY_ACCOUNTS.owner).copied().ok_or(InstructionError::MissingAccount)?;
    let volume = volume_account(&trader);
    if let Some(position) = call.position(&volume)
        && call.account(&volume).is_none_or(|account| account.data.is_empty())
    {
        let seeds: [&[u8]; 2] = [b"user_volume_accumulator", trader.as_ref()];
        let (_, bump) = Pubkey::find_program_address(&seeds, &PROGRAM_ID);
        let signed: [&[u8]; 3] = [seeds[0], seeds[1], &[bump]];
        let bytes = volume_data(&trader);
        let space = u64::try_from(bytes.len()).map_err(|_| InstructionError::ArithmeticOverflow)?;
        create(context, trader, volume, [VOLUME_RENT, space], PROGRAM_ID, &signed)?;
        edit(context, position, |data| {
            data.get_mut(..bytes.len()).ok_or(())?.copy_from_slice(&bytes);
            Ok::<(), ()>(())
        })?;
    }
    swap::process(Venue::PumpSwap, context)
}

/// The bytes of the account of a trader who has bought nothing.
pub(crate) fn volume_data(trader: &Pubkey) -> Vec<u8> {
    let mut data = VOLUME_DISCRIMINATOR.to_vec();
    data.extend_from_slice(trader.as_ref());
    data.resize(VOLUME_SIZE, 0);
    data
}
