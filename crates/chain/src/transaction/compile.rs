//! Instructions as a message: which version it has, and which lookup tables it names.

use super::{ACCOUNTS_MAX, BuildError, SIGNATURE_LENGTH, Version, encoding};
use crate::{Hash, Instruction, LookupTable};
use solana_message::{VersionedMessage, v0, v1};
use solana_pubkey::Pubkey;

/// A message, and its bytes.
pub(super) struct Compiled {
    pub(super) version: Version,
    pub(super) message: VersionedMessage,
    pub(super) encoded: Vec<u8>,
    /// The accounts that are looked up, in the order that nodes count by.
    pub(super) looked_up: Vec<Pubkey>,
}

impl Compiled {
    /// Checks that its version has room for it.
    pub(super) fn check(&self) -> Result<(), BuildError> {
        let signature = match self.version {
            Version::V0 => SIGNATURE_LENGTH.saturating_add(1),
            Version::V1 => SIGNATURE_LENGTH,
        };
        let length = self.encoded.len().saturating_add(signature);
        if length > self.version.length_max() {
            return Err(BuildError::TooLong { length, version: self.version });
        }
        let accounts = self.message.static_account_keys().len().saturating_add(self.looked_up.len());
        if accounts > ACCOUNTS_MAX {
            return Err(BuildError::TooManyAccounts { accounts });
        }
        Ok(())
    }
}

/// The message of version 0 of some instructions. Of the tables, in their order, it names those that make it shorter: one
/// takes 34 bytes, and saves 31 for each address. Signers and programs that are called are never looked up.
pub(super) fn compile(
    wallet: &Pubkey,
    instructions: &[Instruction],
    tables: &[LookupTable],
    blockhash: Hash,
) -> Result<Compiled, BuildError> {
    let through = |tables: &[LookupTable]| {
        let message = v0::Message::try_compile(wallet, instructions, tables, blockhash).map_err(encoding)?;
        let looked_up = looked_up(&message, tables);
        let message = VersionedMessage::V0(message);
        let encoded = message.serialize();
        Ok(Compiled { version: Version::V0, message, encoded, looked_up })
    };
    let mut used = Vec::with_capacity(tables.len());
    let mut shortest = through(&used)?;
    for table in tables {
        used.push(table.clone());
        let compiled = through(&used)?;
        if compiled.encoded.len() < shortest.encoded.len() {
            shortest = compiled;
        } else {
            used.pop();
        }
    }
    Ok(shortest)
}

/// The message of version 1 of some instructions. It names no lookup table.
pub(super) fn compile_v1(
    wallet: &Pubkey,
    instructions: &[Instruction],
    config: v1::TransactionConfig,
    blockhash: Hash,
) -> Result<Compiled, BuildError> {
    let message = v1::Message::try_compile_with_config(wallet, instructions, blockhash, config);
    let message = VersionedMessage::V1(message.map_err(encoding)?);
    let encoded = message.serialize();
    Ok(Compiled { version: Version::V1, message, encoded, looked_up: Vec::new() })
}

/// Those that may be written come first, of all tables.
fn looked_up(message: &v0::Message, tables: &[LookupTable]) -> Vec<Pubkey> {
    let places = |places: fn(&v0::MessageAddressTableLookup) -> &[u8]| {
        message.address_table_lookups.iter().flat_map(move |lookup| {
            let table = tables.iter().find(|table| table.key == lookup.account_key);
            places(lookup).iter().filter_map(move |place| table?.addresses.get(usize::from(*place)).copied())
        })
    };
    places(|lookup| &lookup.writable_indexes).chain(places(|lookup| &lookup.readonly_indexes)).collect()
}

/// The tables without the accounts that instructions write, which are those that receive tokens and tips: these
/// are named by their addresses. Whom the tokens go to is then in the signed bytes, whatever a node claims
/// to be in a table. The wallet stands in their places, because a signer is never looked up.
pub(super) fn without_receivers<'a>(
    tables: &[LookupTable],
    receiving: impl Iterator<Item = &'a Instruction>,
    wallet: &Pubkey,
) -> Vec<LookupTable> {
    let written = receiving.flat_map(|instruction| &instruction.accounts);
    let receivers: Vec<Pubkey> =
        written.filter(|account| account.is_writable).map(|account| account.pubkey).collect();
    let shown = |address: &Pubkey| if receivers.contains(address) { *wallet } else { *address };
    let table = |table: &LookupTable| LookupTable {
        key: table.key,
        addresses: table.addresses.iter().map(shown).collect(),
    };
    tables.iter().map(table).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use solana_instruction::AccountMeta;

    const WALLET: Pubkey = key(1);
    const PROGRAM: Pubkey = key(2);
    /// The accounts of a swap: the signer, the wallet's receiving account, and the pool's.
    const RECEIVER: Pubkey = key(3);
    const POOL: [Pubkey; 4] = [key(10), key(11), key(12), key(13)];

    const fn key(seed: u8) -> Pubkey {
        Pubkey::new_from_array([seed; 32])
    }

    fn table(seed: u8, addresses: &[Pubkey]) -> LookupTable {
        LookupTable { key: key(seed), addresses: addresses.to_vec() }
    }

    fn instructions() -> Vec<Instruction> {
        let mut accounts = vec![AccountMeta::new_readonly(WALLET, true), AccountMeta::new(RECEIVER, false)];
        accounts.extend(POOL[..2].iter().map(|key| AccountMeta::new(*key, false)));
        accounts.extend(POOL[2..].iter().map(|key| AccountMeta::new_readonly(*key, false)));
        vec![Instruction { program_id: PROGRAM, accounts, data: vec![7; 9] }]
    }

    fn compiled(tables: &[LookupTable]) -> Compiled {
        compile(&WALLET, &instructions(), tables, Hash::new_from_array([3; 32])).unwrap()
    }

    /// How much shorter the message is, and which tables it names with how many addresses.
    fn saved(tables: &[LookupTable]) -> (usize, Vec<(Pubkey, usize)>) {
        let compiled = compiled(tables);
        let named = compiled.message.address_table_lookups().unwrap().iter();
        let named = named.map(|lookup| {
            (lookup.account_key, lookup.writable_indexes.len() + lookup.readonly_indexes.len())
        });
        (super::tests::compiled(&[]).encoded.len() - compiled.encoded.len(), named.collect())
    }

    #[test]
    fn a_table_is_named_where_it_saves_more_than_it_takes() {
        assert_eq!(saved(&[]), (0, vec![]));
        assert_eq!(saved(&[table(20, &POOL[..1])]), (0, vec![]));
        assert_eq!(saved(&[table(20, &POOL[..2])]), (2 * 31 - 34, vec![(key(20), 2)]));
        assert_eq!(saved(&[table(20, &POOL)]), (4 * 31 - 34, vec![(key(20), 4)]));
        assert_eq!(saved(&[table(20, &[key(99)])]), (0, vec![]));
    }

    #[test]
    fn of_several_tables_those_are_named_that_pay_beside_the_others() {
        let [first, second] = [table(20, &POOL[..2]), table(21, &POOL[2..])];
        let both = saved(&[first.clone(), second.clone()]);
        assert_eq!(both, (2 * (2 * 31 - 34), vec![(key(20), 2), (key(21), 2)]));
        let rest = table(21, &POOL[1..3]);
        assert_eq!(
            saved(&[first.clone(), rest]),
            (2 * 31 - 34, vec![(key(20), 2)]),
            "one more saves nothing"
        );
        let poor = table(19, &POOL[..1]);
        assert_eq!(saved(&[poor, first, second]), both);
    }

    #[test]
    fn what_is_looked_up_is_told_the_written_first() {
        let tables = [table(20, &[POOL[2], POOL[0]]), table(21, &[POOL[3], POOL[1]])];
        assert_eq!(compiled(&tables).looked_up, POOL);
        assert_eq!(compiled(&[]).looked_up, []);
    }

    #[test]
    fn signers_and_called_programs_are_never_looked_up() {
        assert_eq!(saved(&[table(20, &[WALLET, PROGRAM])]), (0, vec![]));
    }

    #[test]
    fn what_receives_tokens_is_never_looked_up() {
        let opening = Instruction {
            program_id: key(4),
            accounts: vec![
                AccountMeta::new(WALLET, true),
                AccountMeta::new(RECEIVER, false),
                AccountMeta::new_readonly(POOL[2], false),
            ],
            data: vec![1],
        };
        let listed = [RECEIVER, POOL[2], POOL[3]];
        assert_eq!(saved(&[table(20, &listed)]), (3 * 31 - 34, vec![(key(20), 3)]));
        let kept = without_receivers(&[table(20, &listed)], std::iter::once(&opening), &WALLET);
        assert_eq!(saved(&kept), (2 * 31 - 34, vec![(key(20), 2)]));
        let message = compiled(&kept).message;
        assert!(message.static_account_keys().contains(&RECEIVER));
        let lookup = &message.address_table_lookups().unwrap()[0];
        assert_eq!(lookup.readonly_indexes, [1, 2], "the others are at their own places");
    }
}
