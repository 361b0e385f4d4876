use super::*;
use crate::scripted::{Answer, Node};
use crate::transaction::{LENGTH_MAX, unsigned};
use crate::{AllowedFormats, Blockhash, Client, Hash, Wallet};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use solana_address_lookup_table_interface::instruction::extend_lookup_table;

const ADDRESS: &str = "AddressLookupTab1e1111111111111111111111111";

fn key(seed: u8) -> Pubkey {
    Pubkey::new_from_array([seed; 32])
}

/// The account of a table with three addresses, the last of which was added in slot 50.
fn table(owner: &str, deactivated: u64) -> Account {
    let mut data = vec![1, 0, 0, 0];
    data.extend(deactivated.to_le_bytes());
    data.extend(50u64.to_le_bytes());
    data.extend([2, 1]);
    data.extend([8; 32]);
    data.extend([0, 0]);
    assert_eq!(data.len(), 56);
    for seed in [21, 22, 23] {
        data.extend([seed; 32]);
    }
    Account { lamports: 1, data, owner: owner.parse().unwrap(), executable: false, rent_epoch: u64::MAX }
}

fn usable(account: &Account, slot: u64) -> Result<usize, &'static str> {
    decode(key(9), Some(account), slot).map(|table| table.addresses.len())
}

#[test]
fn tables_are_named_in_a_list() {
    let read = |list: &str| list.parse::<LookupTables>();
    assert_eq!(read(""), Ok(LookupTables::default()));
    assert_eq!(read(&format!(" {ADDRESS}, ,{}", key(7))).unwrap().0, [ADDRESS.parse().unwrap(), key(7)]);
    assert_eq!(read("SOL-USDC").unwrap_err().to_string(), "`SOL-USDC` is not the address of a lookup table");
    let many = vec![ADDRESS; 17].join(",");
    assert_eq!(read(&many).unwrap_err().to_string(), "17 lookup tables are named, 16 is the most");
}

#[test]
fn what_was_added_in_the_slot_itself_cannot_be_looked_up_yet() {
    let table = table(ADDRESS, NEVER);
    assert_eq!((usable(&table, 51), usable(&table, 50)), (Ok(3), Ok(2)));
    assert_eq!(decode(key(9), Some(&table), 51).unwrap().addresses, [key(21), key(22), key(23)]);
}

#[test]
fn what_is_no_open_table_is_not_used() {
    assert_eq!(usable(&table(ADDRESS, 60), 60), Err("it is being closed"));
    assert_eq!(usable(&table(&key(5).to_string(), NEVER), 51), Err("the account belongs to another program"));
    for length in [0, 55, 57] {
        let mut cut = table(ADDRESS, NEVER);
        cut.data.truncate(length);
        assert_eq!(usable(&cut, 51), Err("the account is none"), "{length}");
    }
    assert_eq!(decode(key(9), None, 51), Err("there is none at this address"));
}

fn shown(account: &Account) -> Value {
    json!({
        "data": [BASE64.encode(&account.data), "base64"], "executable": false, "lamports": 1,
        "owner": account.owner.to_string(), "rentEpoch": 0
    })
}

#[tokio::test]
async fn tables_are_read_from_the_finalized_chain_and_the_missing_are_left_out() {
    let answer = json!({ "context": { "slot": 51 }, "value": [null, shown(&table(ADDRESS, NEVER))] });
    let node = Node::start(move |_, _| Answer::Result(answer.clone())).await;
    let client = Client::new(std::slice::from_ref(&node.url)).unwrap();
    let named: LookupTables = format!("{},{}", key(6), key(7)).parse().unwrap();
    let formats = async |lookup_tables: LookupTables| {
        let allowed = AllowedFormats { lookup_tables, ..AllowedFormats::default() };
        client.formats(&allowed).await.unwrap().tables
    };
    assert_eq!(
        formats(named).await,
        [LookupTable { key: key(7), addresses: vec![key(21), key(22), key(23)] }]
    );
    assert_eq!(node.params("getMultipleAccounts")[0][1]["commitment"], "finalized");
    assert_eq!(formats(LookupTables::default()).await, []);
    assert_eq!(node.count("getMultipleAccounts"), 1, "nothing is asked where nothing is named");
}

#[test]
fn as_many_addresses_are_added_as_fit_into_a_packet() {
    let wallet = Wallet::for_test(7).pubkey();
    let blockhash = Blockhash { hash: Hash::new_from_array([3; 32]), last_valid_block_height: 1, slot: 1 };
    let length = |count: usize| {
        let extend = extend_lookup_table(key(9), wallet, Some(wallet), vec![key(1); count]);
        unsigned(&wallet, &[extend], &[], &blockhash).unwrap().bytes().len()
    };
    assert!(length(change::ADDED_AT_ONCE) <= LENGTH_MAX && length(change::ADDED_AT_ONCE + 1) > LENGTH_MAX);
}

/// A node that has the table and lands everything.
async fn landing() -> Node {
    Node::start(|method, _| {
        let context = json!({ "slot": 51 });
        Answer::Result(match method {
            "getMultipleAccounts" => json!({ "context": context, "value": [shown(&table(ADDRESS, NEVER))] }),
            "getLatestBlockhash" => json!({
                "context": context, "value": { "blockhash": key(3).to_string(), "lastValidBlockHeight": 199 }
            }),
            "getBlockHeight" => json!(50),
            "getSignatureStatuses" => json!({ "context": context, "value": [{
                "slot": 52, "confirmations": 1, "err": null, "confirmationStatus": "confirmed"
            }] }),
            _ => json!(
                "5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW"
            ),
        })
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_table_gets_what_it_does_not_have_and_no_more_than_it_holds() {
    let node = landing().await;
    let client = Client::new(std::slice::from_ref(&node.url)).unwrap();
    let wallet = Wallet::for_test(7);
    let wanted: Vec<Pubkey> = (20..=55).chain([21]).map(key).collect();
    assert_eq!(client.extend_lookup_table(&wallet, key(9), &wanted).await.unwrap(), 33);
    assert_eq!(node.count("sendTransaction"), 2);
    let many: Vec<Pubkey> = (0..300u16)
        .map(|n| Pubkey::new_from_array([n.to_le_bytes(); 16].concat().try_into().unwrap()))
        .collect();
    let error = client.extend_lookup_table(&wallet, key(9), &many).await.unwrap_err();
    assert!(matches!(error, ChangeError::Full { addresses: 303 }), "{error}");
}
