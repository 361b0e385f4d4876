//! Instructions of Anchor programs.

use amm::Discriminator;
use amm::program_error::{INSTRUCTION_DID_NOT_DESERIALIZE, INSTRUCTION_FALLBACK_NOT_FOUND};
use order_core::Atoms;

/// The arguments that every swap instruction begins with.
pub(crate) struct AnchorArguments<'a> {
    /// Name of the instruction.
    pub(crate) name: Discriminator,
    /// The amount and its limit, or the limit and the amount.
    pub(crate) amounts: [Atoms; 2],
    /// The bytes that follow.
    pub(crate) rest: &'a [u8],
}

impl<'a> AnchorArguments<'a> {
    /// Reads an instruction of one of these names.
    ///
    /// # Errors
    /// The code with which the program fails.
    pub(crate) fn read(data: &'a [u8], names: &[Discriminator]) -> Result<Self, u32> {
        let (name, arguments) = data.split_first_chunk().ok_or(INSTRUCTION_FALLBACK_NOT_FOUND)?;
        if !names.contains(name) {
            return Err(INSTRUCTION_FALLBACK_NOT_FOUND);
        }
        let (first, rest) = arguments.split_first_chunk().ok_or(INSTRUCTION_DID_NOT_DESERIALIZE)?;
        let (second, rest) = rest.split_first_chunk().ok_or(INSTRUCTION_DID_NOT_DESERIALIZE)?;
        let amounts = [*first, *second].map(|bytes| Atoms::new(u64::from_le_bytes(bytes)));
        Ok(Self { name: *name, amounts, rest })
    }
}
