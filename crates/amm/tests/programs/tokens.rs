//! Token-2022 mints: which are traded, and at what transfer fee.

use crate::accounts::{Cluster, MINT_A, MINT_B, NOW, POOL, mint_data};
use crate::properties::moves_token_2022;
use amm::{Clock, DecodeError, PoolToken, TransferFee, token_program_id};
use amm_programs::Seed;
use order_core::quote::Mode;
use order_core::token::Program;
use order_core::{Atoms, Fraction, Venue};
use proptest::prelude::*;

fn seed() -> Seed {
    let token = |mint| PoolToken {
        mint,
        decimals: 6,
        program: Program::SplToken,
        transfer_fee: TransferFee::default(),
    };
    Seed {
        pool: POOL,
        tokens: [token(MINT_A), token(MINT_B)],
        reserves: [Atoms::new(1_000_000); 2],
        fee: Fraction::from_billionths(2_500_000),
    }
}

fn cluster_with_mint(data: Vec<u8>) -> Cluster {
    let (mut cluster, _) = Cluster::seeded(Venue::MeteoraDammV2, &seed());
    cluster.put(MINT_A.pubkey(), token_program_id(Program::Token2022), data);
    cluster
}

fn load(data: Vec<u8>, clock: Clock) -> Result<TransferFee, DecodeError> {
    cluster_with_mint(data).market(POOL, clock).map(|market| market.tokens()[0].transfer_fee)
}

fn with_extension(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut data = mint_data(TransferFee::default());
    data.resize(165, 0);
    data.push(1);
    data.extend(kind.to_le_bytes());
    data.extend(u16::try_from(value.len()).unwrap().to_le_bytes());
    data.extend(value);
    data
}

#[test]
fn the_newer_transfer_fee_applies_from_its_epoch() {
    let mut value = vec![0; 108];
    value[80..88].copy_from_slice(&7u64.to_le_bytes());
    value[88..90].copy_from_slice(&100u16.to_le_bytes());
    value[90..98].copy_from_slice(&11u64.to_le_bytes());
    value[98..106].copy_from_slice(&9u64.to_le_bytes());
    value[106..108].copy_from_slice(&200u16.to_le_bytes());
    let at = |epoch| load(with_extension(1, &value), Clock { epoch, ..NOW });
    assert_eq!(at(10), Ok(TransferFee { basis_points: 100, maximum: 7 }));
    assert_eq!(at(11), Ok(TransferFee { basis_points: 200, maximum: 9 }));
}

/// A value with a byte set.
fn value(length: usize, at: usize, byte: u8) -> Vec<u8> {
    let mut value = vec![0; length];
    value[at] = byte;
    value
}

#[test]
fn extensions_that_let_plain_transfers_be_are_traded() {
    // Close authority, confidential transfers, interest, permanent delegate, pointers, metadata, groups, scaled amount.
    for kind in [3, 4, 10, 12, 18, 19, 20, 21, 22, 23, 25] {
        assert_eq!(load(with_extension(kind, &[1; 120]), NOW), Ok(TransferFee::default()), "{kind}");
    }
    // A hook without a program, a mint that is not paused, new accounts that are not frozen.
    for (kind, value) in [(14, value(64, 0, 1)), (26, value(33, 0, 1)), (6, value(1, 0, 1))] {
        assert_eq!(load(with_extension(kind, &value), NOW), Ok(TransferFee::default()), "{kind}");
    }
}

#[test]
fn extensions_that_stop_or_change_transfers_are_refused_by_name() {
    let refused = [
        (14, value(64, 32, 1), "TransferHook: it runs a program of its own on each transfer"),
        (26, value(33, 32, 1), "Pausable: its transfers are paused"),
        (6, value(1, 0, 2), "DefaultAccountState: its new accounts are frozen"),
        (6, value(1, 0, 0), "DefaultAccountState: its new accounts are frozen"),
        (9, vec![], "NonTransferable: it stops transfers, or has not been checked"),
        (16, vec![0; 129], "ConfidentialTransferFeeConfig: it stops transfers, or has not been checked"),
        (999, vec![0; 64], "of type 999"),
    ];
    for (kind, value, reason) in refused {
        let loaded = load(with_extension(kind, &value), NOW);
        let Err(DecodeError::Unsupported { reason: told, .. }) = loaded else { panic!("{kind}: {loaded:?}") };
        assert_eq!(told, format!("the token's extension {reason}"));
    }
    // A value that is cut off tells nothing.
    for kind in [6, 14, 26] {
        assert!(matches!(load(with_extension(kind, &[]), NOW), Err(DecodeError::TooShort { .. })), "{kind}");
    }
}

#[test]
fn transfer_fees_are_quoted_where_the_program_moves_token_2022() {
    let fee = TransferFee { basis_points: 100, maximum: 1_000 };
    for venue in Venue::ALL {
        let (mut cluster, seeded) = Cluster::seeded(venue, &seed());
        cluster.put_mint(MINT_A, fee);
        let loaded = cluster.market(seeded.pool, NOW).map(|market| market.tokens()[0].transfer_fee);
        let reason = match venue {
            Venue::PumpSwap => "a transfer fee, which the pool's program does not count",
            _ if moves_token_2022(venue) => {
                assert_eq!(loaded, Ok(fee), "{venue}");
                continue;
            }
            _ => "a token of Token-2022",
        };
        let refused = loaded.unwrap_err().to_string();
        let begins = format!("account {} is not supported: {reason}", MINT_A.pubkey());
        assert!(refused.starts_with(&begins), "{venue}: {refused}");
    }
}

/// The price impact is the pool's: what the tokens withhold stands beside it.
#[test]
fn quote_tells_what_the_tokens_withhold() {
    let fee = TransferFee { basis_points: 9990, maximum: u64::MAX };
    let (mut cluster, seeded) = Cluster::seeded(Venue::RaydiumCpmm, &seed());
    let plain = cluster.market(seeded.pool, NOW).unwrap();
    cluster.put_mint(MINT_A, fee);
    let taxed = cluster.market(seeded.pool, NOW).unwrap();
    let amount = Atoms::new(50_000);
    let quote = |market: &amm::Market, mint| market.quote(mint, Mode::ExactIn, amount).unwrap();
    let (without, with) = (quote(&plain, MINT_B), quote(&taxed, MINT_B));
    assert_eq!((with.price_impact, with.fee), (without.price_impact, without.fee));
    assert_eq!(with.amount_out.checked_add(with.withheld_out), Some(without.amount_out));
    assert_eq!(with.amount_out.get(), without.amount_out.get() / 1000);
    assert_eq!(
        (with.withheld_in, without.withheld_in, without.withheld_out),
        (Atoms::ZERO, Atoms::ZERO, Atoms::ZERO)
    );
    assert_eq!(quote(&taxed, MINT_A).withheld_in, Atoms::new(49_950));
    assert_eq!(fee.rate().to_percent(), "99.9");
}

#[test]
fn a_mint_of_another_program_or_shape_is_refused() {
    let mut cluster = cluster_with_mint(mint_data(TransferFee::default()));
    cluster.accounts.get_mut(&MINT_A.pubkey()).unwrap().owner = POOL.pubkey();
    assert!(matches!(cluster.market(POOL, NOW), Err(DecodeError::WrongOwner { .. })));
    let mut uninitialized = mint_data(TransferFee::default());
    uninitialized[45] = 0;
    assert!(matches!(load(uninitialized, NOW), Err(DecodeError::WrongType { .. })));
    assert!(matches!(load(vec![0; 81], NOW), Err(DecodeError::TooShort { .. })));
    let mut account = with_extension(18, &[0; 64]);
    account[165] = 2;
    assert!(matches!(load(account, NOW), Err(DecodeError::WrongType { .. })));
}

proptest! {
    #[test]
    fn what_is_sent_for_an_exact_receipt_arrives_exactly_and_is_the_least(
        basis_points in 0u16..=10_000, maximum: u64, received in 1u64..,
    ) {
        let fee = TransferFee { basis_points, maximum };
        if let Some(sent) = fee.before(received) {
            prop_assert_eq!(fee.after(sent), received);
            prop_assert!(fee.after(sent - 1) < received);
        }
    }

    #[test]
    fn no_extensions_panic(tail: Vec<u8>, epoch: u64) {
        let mut data = mint_data(TransferFee::default());
        data.resize(165, 0);
        data.push(1);
        data.extend(tail);
        let _ = load(data, Clock { epoch, ..NOW });
    }
}
