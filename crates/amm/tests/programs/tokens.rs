//! Token-2022 mints: which are traded, and at what transfer fee.

use crate::accounts::{Cluster, MINT_A, MINT_B, NOW, POOL, mint_data};
use amm::{Clock, DecodeError, PoolToken, TransferFee, token_program_id};
use amm_programs::Seed;
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

#[test]
fn extensions_that_could_change_a_transfer_are_refused() {
    // Metadata pointer and a transfer hook without a program do nothing.
    assert_eq!(load(with_extension(18, &[0; 64]), NOW), Ok(TransferFee::default()));
    assert_eq!(load(with_extension(14, &[0; 64]), NOW), Ok(TransferFee::default()));
    // A hook's program, default account state, non-transferable, permanent delegate, pausable, unknown.
    for (kind, value) in
        [(14, [1; 64]), (6, [0; 64]), (9, [0; 64]), (12, [0; 64]), (26, [0; 64]), (999, [0; 64])]
    {
        let loaded = load(with_extension(kind, &value), NOW);
        assert!(matches!(loaded, Err(DecodeError::Unsupported { .. })), "{kind}: {loaded:?}");
    }
}

#[test]
fn transfer_fees_are_quoted_where_they_were_checked_against_the_program() {
    use Venue::{MeteoraDammV2, MeteoraDlmm, OrcaWhirlpool, RaydiumClmm, RaydiumCpmm};
    let fee = TransferFee { basis_points: 100, maximum: 1_000 };
    let load = |venue| {
        let (mut cluster, seeded) = Cluster::seeded(venue, &seed());
        cluster.put_mint(MINT_A, fee);
        cluster.market(seeded.pool, NOW).map(|market| market.tokens()[0].transfer_fee)
    };
    for venue in [RaydiumCpmm, MeteoraDammV2, MeteoraDlmm] {
        assert_eq!(load(venue), Ok(fee), "{venue}");
    }
    for venue in [RaydiumClmm, OrcaWhirlpool] {
        let refused = load(venue).unwrap_err();
        let reason = format!("account {} is not supported: a token of Token-2022", MINT_A.pubkey());
        assert!(refused.to_string().starts_with(&reason), "{venue}: {refused}");
    }
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
