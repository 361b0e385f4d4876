//! Swap instructions: their bytes, their accounts, and what the programs read from them.

use crate::accounts::{Cluster, MINT_A, MINT_B, NOW, POOL};
use amm::{InstructionError, Limit, PoolToken, Trader, TransferFee, token_program_id};
use amm_programs::{Seed, SeedError, SwapInstruction};
use order_core::failure::Code;
use order_core::quote::Mode;
use order_core::token::Program;
use order_core::{Atoms, Fraction, Mint, Pubkey, Venue};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

const TRADER: Trader = Trader {
    owner: Pubkey::new_from_array([20; 32]),
    source: Pubkey::new_from_array([21; 32]),
    destination: Pubkey::new_from_array([22; 32]),
};
const EXACT_IN: Limit = Limit::ExactIn { amount_in: Atoms::new(1000), min_out: Atoms::new(5) };
const EXACT_OUT: Limit = Limit::ExactOut { amount_out: Atoms::new(700), max_in: Atoms::new(1000) };

fn plain_seed() -> Seed {
    let token = |mint| PoolToken {
        mint,
        decimals: 6,
        program: Program::SplToken,
        transfer_fee: TransferFee::default(),
    };
    Seed {
        pool: POOL,
        tokens: [token(MINT_A), token(MINT_B)],
        reserves: [Atoms::new(10_000_000); 2],
        fee: Fraction::from_billionths(2_500_000),
    }
}

fn discriminator(name: &str) -> Vec<u8> {
    Sha256::digest(name)[..8].to_vec()
}

#[test]
fn the_bytes_are_the_programs() {
    let data = |venue, limit| {
        let (cluster, seeded) = Cluster::seeded(venue, &plain_seed());
        cluster.market(seeded.pool, NOW).unwrap().instruction(&TRADER, MINT_A, limit).unwrap().data
    };
    let expected = |name: &str, first: u64, second: u64, mode: &[u8]| {
        [&discriminator(name)[..], &first.to_le_bytes(), &second.to_le_bytes(), mode].concat()
    };
    let cpmm = Venue::RaydiumCpmm;
    assert_eq!(data(cpmm, EXACT_IN), expected("global:swap_base_input", 1000, 5, &[]));
    assert_eq!(data(cpmm, EXACT_OUT), expected("global:swap_base_output", 1000, 700, &[]));
    let damm = Venue::MeteoraDammV2;
    assert_eq!(data(damm, EXACT_IN), expected("global:swap2", 1000, 5, &[0]));
    assert_eq!(data(damm, EXACT_OUT), expected("global:swap2", 700, 1000, &[2]));
    assert_eq!(amm::pool_discriminator(cpmm).unwrap().to_vec(), discriminator("account:PoolState"));
    assert_eq!(amm::pool_discriminator(damm).unwrap().to_vec(), discriminator("account:Pool"));
}

#[test]
fn the_accounts_are_in_the_programs_order() {
    let (cluster, seeded) = Cluster::seeded(Venue::RaydiumCpmm, &plain_seed());
    let market = cluster.market(POOL, NOW).unwrap();
    let spl = token_program_id(Program::SplToken);
    let [vault_a, vault_b] = seeded.vaults.map(|vault| vault.address);
    let [_, config, observation] = &seeded.accounts[..] else { panic!("three accounts") };
    let keys = |mint| -> Vec<(Pubkey, bool, bool)> {
        let instruction = market.instruction(&TRADER, mint, EXACT_IN).unwrap();
        instruction.accounts.iter().map(|meta| (meta.pubkey, meta.is_signer, meta.is_writable)).collect()
    };
    let expected = [
        (TRADER.owner, true, false),
        (market.authority().address, false, false),
        (config.address, false, false),
        (POOL.pubkey(), false, true),
        (TRADER.source, false, true),
        (TRADER.destination, false, true),
        (vault_b, false, true),
        (vault_a, false, true),
        (spl, false, false),
        (spl, false, false),
        (MINT_B.pubkey(), false, false),
        (MINT_A.pubkey(), false, false),
        (observation.address, false, true),
    ];
    assert_eq!(keys(MINT_B), expected);

    let (cluster, seeded) = Cluster::seeded(Venue::MeteoraDammV2, &plain_seed());
    let market = cluster.market(POOL, NOW).unwrap();
    let program = amm::program_id(Venue::MeteoraDammV2);
    let [vault_a, vault_b] = seeded.vaults.map(|vault| vault.address);
    let (event_authority, _) = Pubkey::find_program_address(&[b"__event_authority"], &program);
    let instruction = market.instruction(&TRADER, MINT_B, EXACT_IN).unwrap();
    let keys: Vec<_> =
        instruction.accounts.iter().map(|meta| (meta.pubkey, meta.is_signer, meta.is_writable)).collect();
    let expected = [
        (market.authority().address, false, false),
        (POOL.pubkey(), false, true),
        (TRADER.source, false, true),
        (TRADER.destination, false, true),
        (vault_a, false, true),
        (vault_b, false, true),
        (MINT_A.pubkey(), false, false),
        (MINT_B.pubkey(), false, false),
        (TRADER.owner, true, false),
        (spl, false, false),
        (spl, false, false),
        (program, false, false),
        (event_authority, false, false),
        (program, false, false),
    ];
    assert_eq!(keys, expected);
}

#[test]
fn concentrated_liquidity_names_its_arrays_at_the_end() {
    let bytes = |venue, limit| {
        let (cluster, seeded) = Cluster::seeded(venue, &plain_seed());
        let market = cluster.market(seeded.pool, NOW).unwrap();
        let instruction = market.instruction(&TRADER, MINT_B, limit).unwrap();
        (market, seeded, instruction)
    };
    let expected = |first: u64, second: u64, tail: &[u8]| {
        let name = discriminator("global:swap_v2");
        [&name[..], &first.to_le_bytes(), &second.to_le_bytes(), &[0; 16], tail].concat()
    };
    for (venue, exact_in, exact_out) in
        [(Venue::RaydiumClmm, &[1][..], &[0][..]), (Venue::OrcaWhirlpool, &[1, 0, 0][..], &[0, 0, 0][..])]
    {
        let (market, seeded, built) = bytes(venue, EXACT_IN);
        assert_eq!(built.data, expected(1000, 5, exact_in));
        assert_eq!(bytes(venue, EXACT_OUT).2.data, expected(700, 1000, exact_out));
        let written: Vec<Pubkey> =
            built.accounts.iter().filter(|meta| meta.is_writable).map(|meta| meta.pubkey).collect();
        assert!(seeded.vaults.iter().all(|vault| written.contains(&vault.address)));
        assert!(written.contains(&seeded.pool.pubkey()) && written.contains(&TRADER.source));
        let signers: Vec<Pubkey> =
            built.accounts.iter().filter(|meta| meta.is_signer).map(|meta| meta.pubkey).collect();
        assert_eq!(signers, [TRADER.owner]);
        let arrays = market.swap_accounts();
        let fixed = if venue == Venue::RaydiumClmm { 13 } else { 11 };
        assert!(built.accounts[..fixed].iter().all(|meta| !arrays[1..].contains(&meta.pubkey)));
        assert!(arrays.contains(&built.accounts[fixed].pubkey));
    }
    assert_eq!(
        amm::pool_discriminator(Venue::OrcaWhirlpool).unwrap().to_vec(),
        discriminator("account:Whirlpool")
    );
}

/// Their older swap knows the original token program alone.
#[test]
fn swaps_of_concentrated_liquidity_name_both_token_programs_the_memo_and_the_mints() {
    let fee = amm::TransferFee { basis_points: 100, maximum: 1_000 };
    let memo: Pubkey = "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr".parse().unwrap();
    let [spl, token_2022] = [Program::SplToken, Program::Token2022].map(token_program_id);
    let front = |venue| -> Vec<Pubkey> {
        let (mut cluster, seeded) = Cluster::seeded(venue, &plain_seed());
        cluster.put_mint(MINT_B, fee);
        let market = cluster.market(seeded.pool, NOW).unwrap();
        let built = market.instruction(&TRADER, MINT_B, EXACT_IN).unwrap();
        built.accounts.iter().map(|meta| meta.pubkey).collect()
    };
    let [mint_a, mint_b] = [MINT_A, MINT_B].map(order_core::Mint::pubkey);
    assert_eq!(front(Venue::RaydiumClmm)[8..13], [spl, token_2022, memo, mint_b, mint_a]);
    assert_eq!(front(Venue::OrcaWhirlpool)[..3], [spl, token_2022, memo]);
    assert_eq!(front(Venue::OrcaWhirlpool)[5..7], [mint_a, mint_b]);
}

#[test]
fn the_authorities_are_derived_from_their_seeds() {
    for venue in Venue::ALL {
        let (cluster, seeded) = Cluster::seeded(venue, &plain_seed());
        let authority = cluster.market(seeded.pool, NOW).unwrap().authority();
        let seeds: Vec<&[u8]> = authority.seeds.iter().map(Vec::as_slice).collect();
        let derived = Pubkey::create_program_address(&seeds, &amm::program_id(venue));
        assert_eq!(derived, Ok(authority.address), "{venue}");
        let owns = |vault: &amm_programs::SeededVault| vault.authority == authority.address;
        // There the vaults own their tokens themselves, and the pool owns shares of the vaults.
        assert_eq!(seeded.vaults.iter().all(owns), venue != Venue::MeteoraDammV1, "{venue}");
        assert_eq!(amm::venue(&amm::program_id(venue)), Some(venue));
    }
    assert_eq!(amm::venue(&POOL.pubkey()), None);
}

/// The program of Meteora DLMM fails on some exact outputs that its own formula has an answer for.
fn quotes_exact_out(venue: Venue, mint_in: Mint) -> bool {
    venue != Venue::MeteoraDlmm && swaps_exact_out(venue, mint_in)
}

/// PumpSwap sells no exact amount of what its base token is paid in.
fn swaps_exact_out(venue: Venue, mint_in: Mint) -> bool {
    venue != Venue::MeteoraDammV1 && (venue != Venue::PumpSwap || mint_in == MINT_B)
}

#[test]
fn what_is_built_is_read_back_and_executed() {
    for venue in Venue::ALL {
        let (cluster, seeded) = Cluster::seeded(venue, &plain_seed());
        let market = cluster.market(seeded.pool, NOW).unwrap();
        for mint in [MINT_A, MINT_B] {
            assert_eq!(market.quotes_exact_out(mint), quotes_exact_out(venue, mint), "{venue}");
        }
        for (mint, limit, mode) in [
            (MINT_A, EXACT_IN, Mode::ExactIn),
            (MINT_B, EXACT_IN, Mode::ExactIn),
            (MINT_A, EXACT_OUT, Mode::ExactOut),
            (MINT_B, EXACT_OUT, Mode::ExactOut),
        ] {
            if mode == Mode::ExactOut && !swaps_exact_out(venue, mint) {
                let refused = market.instruction(&TRADER, mint, limit);
                assert_eq!(refused, Err(InstructionError::ExactOut));
                continue;
            }
            let built = market.instruction(&TRADER, mint, limit).unwrap();
            let keys: Vec<Pubkey> = built.accounts.iter().map(|meta| meta.pubkey).collect();
            let read = SwapInstruction::decode(venue, &keys, &built.data).unwrap();
            assert_eq!(read.limit, limit);
            assert_eq!(
                (read.owner, read.source, read.destination),
                (TRADER.owner, TRADER.source, TRADER.destination)
            );
            assert_eq!(read.pool, seeded.pool.pubkey());
            if mode == Mode::ExactOut && !quotes_exact_out(venue, mint) {
                continue;
            }
            let executed = amm_programs::execute(&market, &read, mint).unwrap();
            let amount = if mode == Mode::ExactIn { 1000 } else { 700 };
            let quote = market.quote(mint, mode, Atoms::new(amount)).unwrap();
            assert_eq!(
                (executed.swapped.amount_in, executed.swapped.received),
                (quote.amount_in, quote.amount_out),
                "{venue}"
            );
            assert_eq!(executed.swapped.token_in.mint, mint);

            for place in 0..read.fixed_accounts.len() {
                let mut foreign = read.clone();
                foreign.fixed_accounts[place] = Pubkey::new_from_array([77; 32]);
                assert_eq!(
                    amm_programs::execute(&market, &foreign, mint),
                    Err(2012),
                    "{venue} account {place}"
                );
            }
            let [few, short, no_name, other] =
                if venue == Venue::RaydiumAmmV4 { [24, 23, 23, 23] } else { [3005, 102, 101, 101] };
            let fixed = read.fixed_accounts.len();
            assert_eq!(SwapInstruction::decode(venue, &keys[..fixed - 1], &built.data), Err(few));
            assert_eq!(SwapInstruction::decode(venue, &keys, &built.data[..15]), Err(short));
            assert_eq!(SwapInstruction::decode(venue, &keys, &built.data[..7]), Err(no_name));
            assert_eq!(SwapInstruction::decode(venue, &keys, &[0; 24]), Err(other));
        }
    }
}

#[test]
fn the_older_swap_of_meteora_is_read_too() {
    let data = [&discriminator("global:swap")[..], &1000u64.to_le_bytes(), &5u64.to_le_bytes()].concat();
    let keys = vec![POOL.pubkey(); 14];
    assert_eq!(SwapInstruction::decode(Venue::MeteoraDammV2, &keys, &data).unwrap().limit, EXACT_IN);
}

#[test]
fn an_instruction_without_a_limit_is_refused() {
    for venue in Venue::ALL {
        let (cluster, seeded) = Cluster::seeded(venue, &plain_seed());
        let market = cluster.market(seeded.pool, NOW).unwrap();
        let no_limit = Limit::ExactIn { amount_in: Atoms::new(1), min_out: Atoms::ZERO };
        assert_eq!(market.instruction(&TRADER, MINT_A, no_limit), Err(InstructionError::ZeroAmount));
        let mint = Mint::new([9; 32]);
        assert_eq!(market.instruction(&TRADER, mint, EXACT_IN), Err(InstructionError::ForeignMint { mint }));
    }
}

#[test]
fn error_codes_have_their_names() {
    for (venue, code, expected) in [
        (Venue::RaydiumCpmm, 6005, (Code::SlippageExceeded, "ExceededSlippage")),
        (Venue::RaydiumCpmm, 6002, (Code::SimulationFailed, "EmptySupply")),
        (Venue::MeteoraDammV2, 6002, (Code::SlippageExceeded, "ExceededSlippage")),
        (Venue::MeteoraDammV2, 6015, (Code::SimulationFailed, "PriceRangeViolation")),
        (Venue::MeteoraDlmm, 6003, (Code::SlippageExceeded, "ExceededAmountSlippageTolerance")),
        (Venue::MeteoraDlmm, 6012, (Code::SimulationFailed, "PairInsufficientLiquidity")),
        (Venue::MeteoraDlmm, 6085, (Code::SimulationFailed, "UndeterminedError")),
        (Venue::MeteoraDammV2, 1, (Code::SimulationFailed, "token: InsufficientFunds")),
        (Venue::MeteoraDammV2, 2012, (Code::SimulationFailed, "anchor: ConstraintAddress")),
        (Venue::RaydiumClmm, 6018, (Code::SlippageExceeded, "TooLittleOutputReceived")),
        (Venue::RaydiumClmm, 6019, (Code::SlippageExceeded, "TooMuchInputPaid")),
        (Venue::OrcaWhirlpool, 6036, (Code::SlippageExceeded, "AmountOutBelowMinimum")),
        (Venue::OrcaWhirlpool, 6023, (Code::SimulationFailed, "InvalidTickArraySequence")),
        (Venue::RaydiumCpmm, 77_777, (Code::SimulationFailed, "unknown error of the pool program")),
    ] {
        assert_eq!(amm::failure(venue, code), expected);
    }
}

#[test]
fn seeds_that_the_program_cannot_hold_are_refused() {
    for venue in Venue::ALL {
        let fee = Fraction::from_billionths(-1);
        assert_eq!(amm_programs::seed(venue, &Seed { fee, ..plain_seed() }), Err(SeedError::Fee { fee }));
        let reserves = [Atoms::ZERO, Atoms::new(1)];
        assert_eq!(amm_programs::seed(venue, &Seed { reserves, ..plain_seed() }), Err(SeedError::Reserves));
        let [token, _] = plain_seed().tokens;
        let equal = Seed { tokens: [token; 2], ..plain_seed() };
        assert_eq!(amm_programs::seed(venue, &equal), Err(SeedError::EqualTokens { mint: MINT_A }));
    }
}

proptest! {
    #[test]
    fn no_instruction_bytes_panic(accounts in 0usize..20, name in 0usize..6, tail: Vec<u8>) {
        let names = ["global:swap_v2", "global:swap", "global:swap2", "global:swap_base_input", "global:swap_base_output", ""];
        let data = [discriminator(names[name]), tail].concat();
        for venue in Venue::ALL {
            let _ = SwapInstruction::decode(venue, &vec![POOL.pubkey(); accounts], &data);
        }
    }
}
