//! The formats that the cluster takes: whether it knows version 1 of transactions, and which lookup tables there are.

use crate::client::{Client, Commitment};
use crate::transaction::Version;
use crate::{Account, Error, LookupTable, LookupTables};
use solana_pubkey::Pubkey;

/// The account that says whether version 1 of transactions is active (SIMD-0385).
pub const VERSION_1_FEATURE: Pubkey = Pubkey::from_str_const("txv1aq4pp281K9um3tnPgkfX8UqtFT6wcVW3hNezGLL");
/// The owner of the accounts of features.
const FEATURE_PROGRAM: Pubkey = Pubkey::from_str_const("Feature111111111111111111111111111111111111");

/// The formats that an operator lets transactions have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedFormats {
    /// The lookup tables that transactions may name.
    pub lookup_tables: LookupTables,
    /// The newest version that they may have.
    pub newest: Version,
}

/// The formats that transactions may have now.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Formats {
    /// The lookup tables that they may name.
    pub tables: Vec<LookupTable>,
    /// The newest version.
    pub newest: Version,
}

impl Client {
    /// The formats that transactions may have now, of those that the operator allows. A lookup table that is missing,
    /// is none, or is being closed is left out with a warning: transactions are longer without it.
    ///
    /// They are read from the finalized chain. What is in a table there stays in its place for ever: tables
    /// only grow, and one that was closed does not come back, because its address is made from the slot in
    /// which it was created. So a number means the same address when the transaction lands as it does now.
    /// Nor does a real cluster give up a version that it has once taken.
    ///
    /// # Errors
    /// No usable answer.
    pub async fn formats(&self, allowed: &AllowedFormats) -> Result<Formats, Error> {
        let mut addresses = allowed.lookup_tables.addresses().to_vec();
        let feature = match allowed.newest {
            Version::V0 => None,
            Version::V1 => Some(VERSION_1_FEATURE),
        };
        addresses.extend(feature);
        if addresses.is_empty() {
            return Ok(Formats::default());
        }
        let snapshot = self.accounts(&addresses, Commitment::Finalized).await?;
        let tables = allowed.lookup_tables.usable(&snapshot);
        let feature = snapshot.accounts.get(allowed.lookup_tables.len()).and_then(Option::as_ref);
        let newest = if is_active(feature, snapshot.slot) { Version::V1 } else { Version::V0 };
        Ok(Formats { tables, newest })
    }
}

/// True if a feature's account says that it is active in a slot: a byte that is 1, and the first slot with it.
fn is_active(account: Option<&Account>, slot: u64) -> bool {
    let Some(account) = account.filter(|account| account.owner == FEATURE_PROGRAM) else { return false };
    let Some((1, activated)) = account.data.split_first() else { return false };
    let activated = activated.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
    activated.is_some_and(|activated| activated <= slot)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::{Answer, Node};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD as BASE64;
    use serde_json::{Value, json};

    fn feature(owner: Pubkey, data: &[u8]) -> Account {
        Account { lamports: 1, data: data.to_vec(), owner, executable: false, rent_epoch: u64::MAX }
    }

    fn activated(slot: u64) -> Vec<u8> {
        [&[1][..], &slot.to_le_bytes()].concat()
    }

    #[test]
    fn a_feature_is_active_from_its_slot_on_and_only_by_its_own_program_s_word() {
        let active = |owner, data: &[u8]| is_active(Some(&feature(owner, data)), 500);
        assert!(active(FEATURE_PROGRAM, &activated(500)) && active(FEATURE_PROGRAM, &activated(0)));
        assert!(!active(FEATURE_PROGRAM, &activated(501)), "it is not there yet");
        assert!(!active(FEATURE_PROGRAM, &[0; 9]), "it waits for an epoch");
        assert!(!active(Pubkey::new_from_array([7; 32]), &activated(1)), "anybody may have made it");
        for cut in [&[][..], &[1], &activated(1)[..8]] {
            assert!(!active(FEATURE_PROGRAM, cut), "{cut:?}");
        }
        assert!(!active(FEATURE_PROGRAM, &[&[2][..], &[0; 8]].concat()));
        assert!(!is_active(None, 500));
    }

    fn shown(account: &Account) -> Value {
        json!({
            "data": [BASE64.encode(&account.data), "base64"], "executable": false, "lamports": 1,
            "owner": account.owner.to_string(), "rentEpoch": 0
        })
    }

    #[tokio::test]
    async fn the_newest_version_is_read_from_the_finalized_chain_where_it_is_allowed() {
        let account = shown(&feature(FEATURE_PROGRAM, &activated(40)));
        let answer = json!({ "context": { "slot": 51 }, "value": [account] });
        let node = Node::start(move |_, _| Answer::Result(answer.clone())).await;
        let client = Client::new(std::slice::from_ref(&node.url)).unwrap();
        let allowed = |newest| AllowedFormats { newest, ..AllowedFormats::default() };
        assert_eq!(client.formats(&allowed(Version::V0)).await.unwrap().newest, Version::V0);
        assert_eq!(node.count("getMultipleAccounts"), 0, "nothing is asked where nothing is allowed");
        assert_eq!(client.formats(&allowed(Version::V1)).await.unwrap().newest, Version::V1);
        let asked = &node.params("getMultipleAccounts")[0];
        assert_eq!(asked[0], json!([VERSION_1_FEATURE.to_string()]));
        assert_eq!(asked[1]["commitment"], "finalized");
    }
}
