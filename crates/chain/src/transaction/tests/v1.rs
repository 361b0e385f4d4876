//! Transactions of version 1.

use super::*;
use crate::tip::tip as tip_of;
use solana_message::v1::{TransactionConfig, V1_PREFIX};

/// Formats of a cluster that takes version 1.
fn newest(tables: Vec<LookupTable>) -> Formats {
    Formats { tables, newest: Version::V1 }
}

/// A draft whose swap names so many accounts, and passes so many bytes.
fn large(token_in: &str, token_out: &str, accounts: u8, bytes: usize) -> Draft {
    let mut draft = Draft { tip: Some(tip()), ..draft(token_in, token_out) };
    let pool = (0..accounts).map(|seed| AccountMeta::new(Pubkey::new_from_array([seed + 100; 32]), false));
    draft.swaps[0].accounts = pool.collect();
    draft.swaps[0].data = vec![0; bytes];
    draft
}

fn build_with(draft: &Draft, formats: &Formats) -> Result<Unsigned, BuildError> {
    build(&Wallet::for_test(7).pubkey(), draft, formats, &blockhash())
}

/// Bytes of a swap of 40 accounts that neither version has to refuse for its length: too many for version 0.
const MANY: u8 = 40;

#[test]
fn version_1_is_for_what_version_0_has_no_room_for_where_the_cluster_takes_it() {
    let small = draft("SOL", "USDC");
    assert_eq!(build_with(&small, &newest(Vec::new())).unwrap(), built(&small), "everybody knows version 0");
    let large = large("SOL", "USDC", MANY, 9);
    let refused = build_with(&large, &Formats::default()).unwrap_err();
    assert!(matches!(refused, BuildError::TooLong { version: Version::V0, .. }), "{refused}");
    assert_eq!(build_with(&large, &newest(Vec::new())).unwrap().version(), Version::V1);
    let addresses = large.swaps[0].accounts.iter().map(|account| account.pubkey).collect();
    let table = LookupTable { key: Pubkey::new_from_array([5; 32]), addresses };
    let looked_up = build_with(&large, &newest(vec![table])).unwrap();
    assert_eq!(looked_up.version(), Version::V0, "a lookup table makes room as well");
}

#[test]
fn the_instructions_are_those_of_version_0_without_the_budget_and_the_marker_comes_first() {
    for (token_in, token_out) in [("SOL", "USDC"), ("USDC", "SOL"), ("JUP", "USDC")] {
        let large = large(token_in, token_out, MANY, 9);
        let of_v1 = build_with(&large, &newest(Vec::new())).unwrap();
        let actions = Actions::of(&WALLET.parse().unwrap(), &large).unwrap();
        let old = actions.compile_v0(&WALLET.parse().unwrap(), &large, &[], &blockhash()).unwrap();
        let of_v0 = Unsigned::new(old, &blockhash());
        assert_eq!(written(&of_v1), written(&of_v0)[2..]);
        let (program, accounts, data) = &written(&of_v1)[0];
        let marker = large.marker.address.to_string();
        assert_eq!((program.as_str(), &accounts[1]), (SYSTEM, &format!("{marker} w")));
        assert!(data.starts_with("03000000"), "it is created: {data}");
        let temporary = temporary_account(&WALLET.parse().unwrap(), &large.marker);
        assert_eq!(tip_of(&of_v1.message, &temporary), Some(tip()));
    }
}

#[test]
fn the_head_carries_the_limits_and_the_fee_in_lamports() {
    let large =
        Draft { compute_unit_limit: 111_000, compute_unit_price: 45_045, ..large("SOL", "USDC", MANY, 9) };
    let VersionedMessage::V1(message) = build_with(&large, &newest(Vec::new())).unwrap().message else {
        panic!("it is not of version 1")
    };
    // 111 000 units for 45 045 micro-lamports each are 4 999.995 lamports.
    let expected = TransactionConfig::empty()
        .with_priority_fee(5_000)
        .with_compute_unit_limit(111_000)
        .with_loaded_accounts_data_size_limit(1_000_000);
    assert_eq!(message.config, expected);
    assert_eq!(message.lifetime_specifier, blockhash().hash);
    let dear = Draft { compute_unit_price: u64::MAX, compute_unit_limit: 1_400_000, ..large };
    assert!(matches!(build_with(&dear, &newest(Vec::new())), Err(BuildError::Encoding(_))));
}

#[test]
fn the_signature_is_the_end_of_the_bytes_and_they_are_read_back() {
    let (unsigned, wallet) =
        (build_with(&large("SOL", "USDC", MANY, 9), &newest(Vec::new())).unwrap(), Wallet::for_test(7));
    let signed = unsigned.sign(&wallet).now_or_never().unwrap().unwrap();
    let length = signed.bytes.len();
    assert!(length > LENGTH_MAX && signed.bytes[0] == V1_PREFIX);
    assert_eq!(Version::of(&signed.bytes), Version::V1);
    assert_eq!(Version::of(&built(&draft("SOL", "USDC")).bytes()), Version::V0);
    let decoded = decode(&signed.bytes).unwrap();
    assert_eq!(decoded.verify_with_results(), [true]);
    assert_eq!(decoded.message, unsigned.message);
    assert_eq!(decoded.signatures[0].to_string(), signed.signature.to_string());
    assert_eq!(signed.bytes[length - 64..], *decoded.signatures[0].as_ref());
    assert_eq!(wincode::serialize(&decoded).unwrap(), signed.bytes);
    assert_eq!(unsigned.bytes()[..length - 64], signed.bytes[..length - 64], "that is what is simulated");
    assert_eq!(unsigned.bytes()[length - 64..], [0; 64]);
    assert_eq!(unsigned.sign(&wallet).now_or_never().unwrap().unwrap(), signed);
    for cut in [0, 1, 100, length - 1] {
        assert!(decode(&signed.bytes[..cut]).is_err(), "{cut} bytes");
    }
}

#[test]
fn a_transaction_of_version_1_fits_to_the_byte_and_to_the_address_or_is_refused() {
    let padded = |bytes: usize| build_with(&large("SOL", "USDC", 20, bytes), &newest(Vec::new()));
    let spare = LENGTH_MAX_V1 - padded(1_000).unwrap().bytes().len();
    let fitting = padded(1_000 + spare).unwrap();
    assert_eq!((fitting.bytes().len(), fitting.version()), (LENGTH_MAX_V1, Version::V1));
    let length = LENGTH_MAX_V1 + 1;
    assert_eq!(padded(1_001 + spare), Err(BuildError::TooLong { length, version: Version::V1 }));
    let named = |count: usize| {
        let others =
            build_with(&large("SOL", "USDC", MANY, 9), &newest(Vec::new())).unwrap().accounts().len();
        let count = u8::try_from(count + usize::from(MANY) - others).unwrap();
        build_with(&large("SOL", "USDC", count, 9), &newest(Vec::new()))
    };
    assert_eq!(named(ACCOUNTS_MAX).unwrap().accounts().len(), ACCOUNTS_MAX);
    assert_eq!(named(ACCOUNTS_MAX + 1), Err(BuildError::TooManyAccounts { accounts: ACCOUNTS_MAX + 1 }));
}

#[test]
fn versions_are_named_by_their_numbers() {
    assert_eq!(["0", "1"].map(|text| text.parse::<Version>().unwrap()), Version::ALL);
    assert_eq!(
        "2".parse::<Version>().unwrap_err().to_string(),
        "`2` is no version of transactions; the versions are 0 and 1"
    );
    assert!(Version::V0 < Version::V1 && Version::default() == Version::V0);
}
