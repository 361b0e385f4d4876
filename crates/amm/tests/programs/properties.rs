//! Properties of any pool and any amount, whatever the venue.

use crate::accounts::{Cluster, MINT_A, MINT_B, NOW, POOL};
use amm::{Clock, Limit, Market, Pool, PoolToken, Trader, TransferFee};
use amm_programs::{Seed, Seeded};
use order_core::quote::Mode;
use order_core::token::Program;
use order_core::{Atoms, Fraction, Mint, Pubkey, Venue};
use proptest::prelude::*;
use solana_account::Account;

/// From dust to more than any token's supply on mainnet, evenly over the magnitudes.
fn amount() -> impl Strategy<Value = u64> {
    (0u32..60, any::<u64>()).prop_map(|(shift, bits)| (bits >> (63 - shift)).max(1))
}

fn reserve() -> impl Strategy<Value = Atoms> {
    (20u32..58, any::<u64>())
        .prop_map(|(shift, bits)| Atoms::new((bits >> (63 - shift)).max(1 << (shift - 1))))
}

fn token(mint: order_core::Mint) -> impl Strategy<Value = PoolToken> {
    let fee = prop_oneof![
        2 => Just(TransferFee::default()),
        1 => (1u16..=10_000, amount()).prop_map(|(basis_points, maximum)| TransferFee { basis_points, maximum }),
    ];
    fee.prop_map(move |transfer_fee| {
        let program = if transfer_fee.basis_points == 0 { Program::SplToken } else { Program::Token2022 };
        PoolToken { mint, decimals: 6, program, transfer_fee }
    })
}

/// A byte, or a number of up to 128 bits at one of its ends, as it may stand anywhere in an account.
pub(crate) fn noise() -> impl Strategy<Value = Vec<u8>> {
    let ends = (prop::sample::select(vec![2, 4, 8, 16]), 0..5).prop_map(|(length, end)| {
        let mut word = vec![if end < 3 { 0 } else { 0xff }; length];
        match end {
            0 => {}
            1 => word[0] = 1,
            2 => word[length - 1] = 0x80,
            3 => word[length - 1] = 0x7f,
            _ => {}
        }
        word
    });
    prop_oneof![any::<u8>().prop_map(|byte| vec![byte]), ends]
}

fn venue() -> impl Strategy<Value = Venue> {
    prop::sample::select(Venue::ALL.to_vec())
}

fn seed() -> impl Strategy<Value = Seed> {
    (token(MINT_A), token(MINT_B), reserve(), reserve(), 100i64..65_000).prop_map(|(a, b, x, y, rate)| Seed {
        pool: POOL,
        tokens: [a, b],
        reserves: [x, y],
        fee: Fraction::from_billionths(rate * 1000),
    })
}

/// True if the venue's program moves tokens of Token-2022.
pub(crate) fn moves_token_2022(venue: Venue) -> bool {
    !matches!(venue, Venue::RaydiumAmmV4 | Venue::MeteoraDammV1)
}

/// A fee as the venue's program can hold it: that of PumpSwap knows whole ten-thousandths.
fn held_fee(venue: Venue, fee: Fraction) -> Fraction {
    const BASIS_POINT: i64 = 100_000;
    let whole = fee.billionths().div_euclid(BASIS_POINT).max(1) * BASIS_POINT;
    if venue == Venue::PumpSwap { Fraction::from_billionths(whole) } else { fee }
}

/// A pool of tokens that are quoted at the venue: not everywhere are those of Token-2022.
fn seeded(venue: Venue, seed: &Seed) -> (Cluster, Seeded) {
    let mut seed = Seed { fee: held_fee(venue, seed.fee), ..*seed };
    if venue == Venue::PumpSwap {
        // Its program counts no transfer fees, and what its pools are paid in is of the original token program.
        seed.tokens = seed.tokens.map(|token| PoolToken { transfer_fee: TransferFee::default(), ..token });
        if seed.tokens.iter().all(|token| token.program == Program::Token2022) {
            seed.tokens[1].program = Program::SplToken;
        }
    }
    if !moves_token_2022(venue) {
        for token in &mut seed.tokens {
            token.program = Program::SplToken;
            token.transfer_fee = TransferFee::default();
        }
    }
    Cluster::seeded(venue, &seed)
}

fn mints(a_to_b: bool) -> (order_core::Mint, order_core::Mint) {
    if a_to_b { (MINT_A, MINT_B) } else { (MINT_B, MINT_A) }
}

fn exact_in(market: &Market, mint: order_core::Mint, amount: u64) -> u64 {
    market.quote(mint, Mode::ExactIn, Atoms::new(amount)).map_or(0, |quote| quote.amount_out.get())
}

/// True if the venue's liquidity is in further accounts, spread over prices.
fn is_spread(venue: Venue) -> bool {
    matches!(venue, Venue::MeteoraDlmm | Venue::RaydiumClmm | Venue::OrcaWhirlpool)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_seeded_pool_holds_what_was_asked_for(venue in venue(), seed in seed()) {
        let (cluster, seeded) = seeded(venue, &seed);
        let market = cluster.market(seeded.pool, NOW).unwrap();
        prop_assert_eq!(market.fee(), held_fee(venue, seed.fee));
        // PumpSwap's base token may be either.
        let mints = market.mints();
        prop_assert!(mints == [MINT_A, MINT_B] || venue == Venue::PumpSwap && mints == [MINT_B, MINT_A]);
        let mut asked = seed.reserves;
        if mints[0] != MINT_A {
            asked.reverse();
        }
        for ((reserve, asked), vault) in market.reserves().into_iter().zip(asked).zip(seeded.vaults) {
            prop_assert!(reserve <= vault.amount);
            // A range with an end holds a little less than the ratio says when the price is near that end.
            let difference = reserve.get().abs_diff(asked.get());
            prop_assert!(difference <= 2 + asked.get() / 1000, "{reserve:?} for {asked:?}");
        }
    }

    #[test]
    fn more_in_never_gives_less_out(venue in venue(), seed in seed(), a_to_b: bool, one in amount(), other in amount()) {
        let (cluster, seeded) = seeded(venue, &seed);
        let market = cluster.market(seeded.pool, NOW).unwrap();
        let (mint_in, _) = mints(a_to_b);
        let (less, more) = (one.min(other), one.max(other));
        let quote = |amount| market.quote(mint_in, Mode::ExactIn, Atoms::new(amount));
        if let (Ok(less), Ok(more)) = (quote(less), quote(more)) {
            prop_assert!(less.amount_out <= more.amount_out);
            prop_assert!(less.price_impact <= more.price_impact);
        }
    }

    #[test]
    fn an_exact_output_is_what_its_input_buys(venue in venue(), seed in seed(), a_to_b: bool, amount in amount()) {
        let (cluster, seeded) = seeded(venue, &seed);
        let market = cluster.market(seeded.pool, NOW).unwrap();
        let (mint_in, _) = mints(a_to_b);
        if let Ok(quote) = market.quote(mint_in, Mode::ExactOut, Atoms::new(amount)) {
            prop_assert_eq!(quote.amount_out, Atoms::new(amount));
            let input = quote.amount_in.get();
            // The purchase for an exact input rounds in favour of PumpSwap's pool, the one of an exact output does not.
            let rounded = if venue == Venue::PumpSwap { 2 } else { 0 };
            let bought = exact_in(&market, mint_in, input.saturating_add(rounded));
            prop_assert!(bought >= amount, "{} buys less", input);
            if matches!(venue, Venue::RaydiumCpmm | Venue::RaydiumAmmV4) {
                prop_assert!(exact_in(&market, mint_in, input - 1) < amount, "{} would do", input - 1);
            }
        }
    }

    #[test]
    fn never_more_out_than_the_reserve(venue in venue(), seed in seed(), a_to_b: bool, amount: u64, exact_in: bool) {
        let (cluster, seeded) = seeded(venue, &seed);
        let market = cluster.market(seeded.pool, NOW).unwrap();
        let (mint_in, mint_out) = mints(a_to_b);
        let mode = if exact_in { Mode::ExactIn } else { Mode::ExactOut };
        if let Ok(quote) = market.quote(mint_in, mode, Atoms::new(amount)) {
            let side = market.mints().into_iter().position(|mint| mint == mint_out).unwrap();
            prop_assert!(quote.amount_out <= market.reserves()[side]);
            prop_assert!(quote.price_impact >= Fraction::ZERO && quote.price_impact <= Fraction::ONE);
        }
    }

    #[test]
    fn a_quote_is_what_the_swap_does_and_a_round_trip_never_gains(
        venue in venue(), seed in seed(), a_to_b: bool, amount in amount(),
    ) {
        let (mut cluster, seeded) = seeded(venue, &seed);
        let (mint_in, mint_out) = mints(a_to_b);
        let spend = |amount_in| Limit::ExactIn { amount_in, min_out: Atoms::new(1) };
        let market = cluster.market(seeded.pool, NOW).unwrap();
        let quoted = market.quote(mint_in, Mode::ExactIn, Atoms::new(amount));
        let executed = amm_programs::swap(&market, mint_in, spend(Atoms::new(amount)));
        prop_assert_eq!(quoted.is_ok(), executed.is_ok());
        if let (Ok(quote), Ok(there)) = (quoted, executed) {
            prop_assert_eq!((quote.amount_in, quote.amount_out), (there.swapped.amount_in, there.swapped.received));
            cluster.apply(&there);
            let market = cluster.market(seeded.pool, NOW).unwrap();
            if let Ok(back) = amm_programs::swap(&market, mint_out, spend(there.swapped.received)) {
                prop_assert!(back.swapped.received.get() <= amount, "{:?} came back for {amount}", back.swapped.received);
            }
        }
    }

    /// The program sees the accounts that the instruction names. Some of the older programs need no mints.
    #[test]
    fn an_instruction_names_every_account_that_its_swap_needs(
        venue in venue(), seed in seed(), a_to_b: bool, exact_in: bool, amount in amount(),
    ) {
        let (cluster, seeded) = seeded(venue, &seed);
        let market = cluster.market(seeded.pool, NOW).unwrap();
        let (mint_in, _) = mints(a_to_b);
        let amount = Atoms::new(amount);
        let limit = if exact_in {
            Limit::ExactIn { amount_in: amount, min_out: Atoms::new(1) }
        } else {
            Limit::ExactOut { amount_out: amount, max_in: Atoms::new(u64::MAX) }
        };
        let stranger = POOL.pubkey();
        let trader = Trader { owner: stranger, source: stranger, destination: stranger };
        if let (Ok(executed), Ok(built)) =
            (amm_programs::swap(&market, mint_in, limit), market.instruction(&trader, mint_in, limit))
        {
            let read = |address: &Pubkey| {
                let is_mint = [MINT_A, MINT_B].map(Mint::pubkey).contains(address);
                let is_named = built.accounts.iter().any(|meta| meta.pubkey == *address);
                (is_mint || is_named).then(|| cluster.accounts.get(address).unwrap_or(&amm::ABSENT))
            };
            let market = market.pool().load(read, NOW).unwrap();
            prop_assert_eq!(amm_programs::swap(&market, mint_in, limit), Ok(executed));
        }
    }

    #[test]
    fn the_vaults_always_cover_the_reserves(
        venue in venue(), seed in seed(), swaps in prop::collection::vec((any::<bool>(), any::<bool>(), amount()), 1..20),
    ) {
        let (mut cluster, seeded) = seeded(venue, &seed);
        for (a_to_b, exact_in, amount) in swaps {
            let amount = Atoms::new(amount);
            let limit = if exact_in {
                Limit::ExactIn { amount_in: amount, min_out: Atoms::new(1) }
            } else {
                Limit::ExactOut { amount_out: amount, max_in: Atoms::new(u64::MAX) }
            };
            let market = cluster.market(seeded.pool, NOW).unwrap();
            if let Ok(executed) = amm_programs::swap(&market, mints(a_to_b).0, limit) {
                let vault_in = cluster.balance(executed.swapped.vault_in);
                if vault_in.checked_add(executed.swapped.amount_in.get()).is_none() {
                    continue;
                }
                cluster.apply(&executed);
            }
            let market = cluster.market(seeded.pool, NOW).unwrap();
            for (reserve, vault) in market.reserves().into_iter().zip(seeded.vaults) {
                prop_assert!(reserve.get() <= cluster.balance(vault.address));
            }
        }
    }

    /// Any byte of any account may be anything: an error then, or a quote, never a panic.
    #[test]
    fn no_account_bytes_panic(
        venue in venue(),
        seed in seed(),
        noise in prop::collection::vec((any::<prop::sample::Index>(), noise()), 0..10),
        which in any::<prop::sample::Index>(),
        length in prop::option::of(any::<prop::sample::Index>()),
        clock in (any::<u64>(), any::<u64>(), any::<i64>()),
        amount: u64,
    ) {
        let (mut cluster, seeded) = seeded(venue, &seed);
        let mut addresses: Vec<_> = cluster.accounts.keys().copied().collect();
        addresses.sort();
        let data = cluster.data(*which.get(&addresses));
        for (at, word) in noise {
            let at = at.index(data.len());
            let end = data.len().min(at + word.len());
            data[at..end].copy_from_slice(&word[..end - at]);
        }
        if let Some(length) = length {
            data.truncate(length.index(data.len()));
        }
        let (slot, epoch, unix_timestamp) = clock;
        if let Ok(market) = cluster.market(seeded.pool, Clock { slot, epoch, unix_timestamp }) {
            let _ = market.fee();
            for mint in market.mints() {
                for mode in [Mode::ExactIn, Mode::ExactOut] {
                    let _ = market.quote(mint, mode, Atoms::new(amount));
                }
            }
        }
    }

    #[test]
    fn no_random_pool_panics(venue in venue(), tail in prop::collection::vec(any::<u8>(), 0..1200), amount: u64) {
        let mut data = amm::pool_discriminator(venue).unwrap_or_default().to_vec();
        data.extend(tail);
        if amm::pool_discriminator(venue).is_none() {
            data.resize(amm::pool_size(venue), 0);
        }
        let account = |owner, data| Account { lamports: 1, data, owner, executable: false, rent_epoch: 0 };
        let pool = account(amm::program_id(venue), data);
        if let Ok(pool) = Pool::decode(POOL, &pool) {
            let mint = account(amm::token_program_id(Program::SplToken), crate::accounts::mint_data(TransferFee::default()));
            if let Ok(market) = pool.load(|_| Some(&mint), NOW) {
                let _ = market.quote(market.mints()[0], Mode::ExactIn, Atoms::new(amount));
            }
        }
    }
}

#[test]
fn a_missing_short_or_foreign_account_is_named() {
    use amm::DecodeError;
    let plain = |mint| PoolToken {
        mint,
        decimals: 6,
        program: Program::SplToken,
        transfer_fee: TransferFee::default(),
    };
    let seed = Seed {
        pool: POOL,
        tokens: [plain(MINT_A), plain(MINT_B)],
        reserves: [Atoms::new(1_000_000); 2],
        fee: Fraction::from_billionths(2_500_000),
    };
    for venue in Venue::ALL {
        let (cluster, seeded) = Cluster::seeded(venue, &seed);
        let key = seeded.pool.pubkey();
        let pool = Pool::decode(seeded.pool, &cluster.accounts[&key]).unwrap();
        for address in pool.dependencies(|address| cluster.accounts.get(address)) {
            let mut missing = cluster.clone();
            missing.accounts.remove(&address);
            // Of the arrays of ticks or bins a program may be given only those that a swap needs.
            if pool.swap_accounts(|_| None).contains(&address) && is_spread(venue) {
                assert!(missing.market(seeded.pool, NOW).is_ok());
            } else {
                assert_eq!(missing.market(seeded.pool, NOW).unwrap_err(), DecodeError::Missing { address });
            }
            let mut foreign = cluster.clone();
            foreign.accounts.get_mut(&address).unwrap().owner = POOL.pubkey();
            assert!(matches!(foreign.market(seeded.pool, NOW), Err(DecodeError::WrongOwner { .. })));
            let mut short = cluster.clone();
            short.data(address).truncate(50);
            assert!(matches!(short.market(seeded.pool, NOW), Err(DecodeError::TooShort { .. })));
        }
        let mut other = cluster.clone();
        match amm::pool_discriminator(venue) {
            Some(_) => other.data(key)[0] ^= 1,
            None => other.data(key).push(0),
        }
        assert!(matches!(other.market(seeded.pool, NOW), Err(DecodeError::WrongType { .. })));
        let mut foreign = cluster.clone();
        foreign.accounts.get_mut(&key).unwrap().owner = MINT_A.pubkey();
        assert!(matches!(foreign.market(seeded.pool, NOW), Err(DecodeError::UnknownProgram { .. })));
    }
}
