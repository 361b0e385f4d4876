use amm::Discriminator;
use amm::venues::pump_swap::program::PROGRAM_ID;
use order_core::Pubkey;

const DISCRIMINATOR: Discriminator = 0x56ff_700e_6635_9afa_u64.to_be_bytes();
const LENGTH: usize = 137;
const SEED: &[u8] = b"user_volume_accumulator";

/// The account in which the program counts a trader's purchases. The first purchase makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeAccount {
    /// Its address, which the program signs for.
    pub address: Pubkey,
    /// Seeds that make the address together with the program's, the bump included.
    pub seeds: [Vec<u8>; 3],
    /// Its bytes while nothing is counted.
    pub data: Vec<u8>,
}

impl VolumeAccount {
    /// The program that keeps it.
    pub const PROGRAM_ID: Pubkey = PROGRAM_ID;

    /// The lamports that it must hold to live.
    pub const RENT: u64 = 1_844_400;

    /// That of a trader.
    pub fn of(trader: &Pubkey) -> Self {
        let (address, bump) = Pubkey::find_program_address(&[SEED, trader.as_ref()], &PROGRAM_ID);
        let mut data = DISCRIMINATOR.to_vec();
        data.extend_from_slice(trader.as_ref());
        data.resize(LENGTH, 0);
        Self { address, seeds: [SEED.to_vec(), trader.to_bytes().to_vec(), vec![bump]], data }
    }
}
