use crate::AccountAddress;
use serde::{Deserialize, Serialize};

/// The order marker: an account that only one transaction of an order can create.
///
/// Every transaction of an order creates the same account, in the same atomic transaction as the swap. The
/// chain refuses to create it twice, so at most one of them swaps, whatever any node claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// The account's address: derived from the wallet and the seed.
    pub address: AccountAddress,
    /// The wallet that signs, and that the address is derived from.
    pub wallet: AccountAddress,
    /// The seed of the derivation. It is a secret until the transaction is public.
    pub seed: String,
    /// The number of the marker within its order, from 0. The next one is used only after somebody else
    /// has occupied this one's address.
    pub generation: u32,
}
