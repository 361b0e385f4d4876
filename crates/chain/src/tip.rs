//! The tip of a transaction, read from its own bytes.

use order_core::Atoms;
use order_core::order::Tip;
use solana_message::VersionedMessage;
use solana_pubkey::Pubkey;
use solana_system_interface::instruction::SystemInstruction;

/// The tip that a transaction of an order pays: the lamports that its payer transfers to somebody else's account.
/// A transfer to `temporary`, the wallet's account for wrapped SOL, makes the order's marker.
pub(crate) fn tip(message: &VersionedMessage, temporary: &Pubkey) -> Option<Tip> {
    let keys = message.static_account_keys();
    let payer = keys.first()?;
    message.instructions().iter().find_map(|instruction| {
        let key = |place: u8| keys.get(usize::from(place));
        if key(instruction.program_id_index) != Some(&solana_system_interface::program::ID) {
            return None;
        }
        let Ok(SystemInstruction::Transfer { lamports }) = bincode::deserialize(&instruction.data) else {
            return None;
        };
        let [from, to] = [0, 1].map(|place: usize| key(*instruction.accounts.get(place)?));
        let to = to.filter(|to| from == Some(payer) && *to != payer && *to != temporary)?;
        Some(Tip { account: (*to).into(), lamports: Atoms::new(lamports) })
    })
}
