//! How long a quote takes over a hundred pools: `cargo bench -p router`.
#![expect(clippy::unwrap_used, reason = "what is seeded here is known to be right")]

use amm::{Clock, Limit, Market, Pool, PoolToken, Trader, TransferFee};
use amm_programs::Seed;
use chain::transaction::Version;
use chain::{Account, Formats, LookupTable};
use divan::Bencher;
use order_core::quote::{Exclusions, Mode};
use order_core::token::{self, Program};
use order_core::{Atoms, Fraction, InputBuffer, PoolAddress, Pubkey, Venue};
use proto::quote::Request;
use router::Snapshot;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;

const POOLS: usize = 100;

/// Addresses of one lookup table.
const TABLE_MAX: usize = 256;

/// Symbol, decimals, and the value of a whole token in millionths of a dollar.
const TOKENS: [(&str, u8, u64); 6] = [
    ("SOL", 9, 150_000_000),
    ("USDC", 6, 1_000_000),
    ("USDT", 6, 1_000_000),
    ("RAY", 6, 2_000_000),
    ("JUP", 6, 500_000),
    ("BONK", 5, 20),
];

/// The pairs, each with how much of a hundred pools there is of it, and what its pools are worth, in
/// thousands of dollars. Some are traded over an intermediate token alone.
const PAIRS: [(&str, &str, usize, u64); 12] = [
    ("SOL", "USDC", 20, 4_000),
    ("SOL", "USDT", 12, 2_000),
    ("USDC", "USDT", 12, 6_000),
    ("RAY", "SOL", 9, 1_500),
    ("RAY", "USDC", 9, 1_000),
    ("JUP", "SOL", 9, 900),
    ("JUP", "USDC", 9, 1_200),
    ("JUP", "USDT", 3, 200),
    ("BONK", "SOL", 8, 1_100),
    ("BONK", "USDC", 6, 400),
    ("JUP", "RAY", 2, 50),
    ("BONK", "RAY", 1, 80),
];

/// Amounts that are quoted: a little, much, and so much that it is worth dividing, in dollars.
const ORDERS: [(&str, &str); 4] = [("SOL", "USDC"), ("USDT", "SOL"), ("BONK", "JUP"), ("RAY", "USDT")];
const DOLLARS: [u64; 3] = [100, 10_000, 1_000_000];

fn token(symbol: &str) -> (PoolToken, u64) {
    let (_, decimals, value) = TOKENS.iter().find(|token| token.0 == symbol).unwrap();
    let mint = token::known().find(|token| token.symbol == symbol).unwrap().mint;
    let token = PoolToken {
        mint,
        decimals: *decimals,
        program: Program::SplToken,
        transfer_fee: TransferFee::default(),
    };
    (token, *value)
}

/// Pool number `n`, whose size, price and fee differ a little from the others'.
fn pool(n: usize, one: &str, other: &str, thousands: u64) -> Market {
    let venue = Venue::ALL[n % Venue::ALL.len()];
    let differing = u64::try_from(n).unwrap();
    let sides = [token(one), token(other)];
    let reserves = [0, 1].map(|side| {
        let (token, value) = sides[side];
        let millionths = thousands * 1_000 * 1_000_000 / 2 * (60 + differing * 37 % 80) / 100;
        let drift = if side == 0 { 10_000 + differing * 13 % 17 } else { 10_000 };
        let atoms = u128::from(millionths) * 10u128.pow(u32::from(token.decimals)) / u128::from(value);
        Atoms::new(u64::try_from(atoms * u128::from(drift) / 10_000).unwrap())
    });
    let fee = Fraction::from_billionths([400_000, 1_000_000, 2_500_000][n % 3]);
    let address = PoolAddress::new([u8::try_from(n + 1).unwrap(); 32]);
    seeded(venue, &Seed { pool: address, tokens: sides.map(|(token, _)| token), reserves, fee })
}

fn seeded(venue: Venue, seed: &Seed) -> Market {
    let made = amm_programs::seed(venue, seed).unwrap();
    let mut accounts: Vec<(Pubkey, Account)> =
        made.accounts.into_iter().map(|one| (one.address, account(one.owner, one.data))).collect();
    let spl_token = amm::token_program_id(Program::SplToken);
    for vault in made.vaults {
        let mut data = vec![0; 165];
        data[..32].copy_from_slice(&vault.mint.to_bytes());
        data[32..64].copy_from_slice(&vault.authority.to_bytes());
        data[64..72].copy_from_slice(&vault.amount.get().to_le_bytes());
        data[108] = 1;
        accounts.push((vault.address, account(spl_token, data)));
    }
    for token in seed.tokens {
        let mut data = vec![0; 82];
        (data[44], data[45]) = (token.decimals, 1);
        accounts.push((token.mint.pubkey(), account(spl_token, data)));
    }
    let pool = Pool::decode(made.pool, &accounts[0].1).unwrap();
    let clock = Clock { unix_timestamp: 1_795_000_000, ..Clock::default() };
    let find = |key: &Pubkey| accounts.iter().find(|(known, _)| known == key).map(|(_, account)| account);
    pool.load(find, clock).unwrap()
}

fn account(owner: Pubkey, data: Vec<u8>) -> Account {
    Account { lamports: 1_000_000_000, data, owner, executable: false, rent_epoch: u64::MAX }
}

fn markets() -> Vec<Market> {
    let pools = PAIRS
        .iter()
        .flat_map(|(one, other, count, thousands)| std::iter::repeat_n((*one, *other, *thousands), *count));
    let markets: Vec<Market> =
        pools.enumerate().map(|(n, (one, other, thousands))| pool(n, one, other, thousands)).collect();
    assert_eq!(markets.len(), POOLS);
    markets
}

/// Tables with every account that a swap of these pools names, the trader's own apart.
fn tables(markets: &[Market]) -> Vec<LookupTable> {
    let own = Pubkey::new_from_array([200; 32]);
    let trader = Trader { owner: own, source: own, destination: own };
    let limit = Limit::ExactIn { amount_in: Atoms::new(1), min_out: Atoms::new(1) };
    let mut addresses = BTreeSet::new();
    for market in markets {
        for mint in market.mints() {
            let accounts = market.instruction(&trader, mint, limit).unwrap().accounts;
            addresses.extend(accounts.iter().map(|meta| meta.pubkey).filter(|key| *key != own));
        }
    }
    let addresses: Vec<Pubkey> = addresses.into_iter().collect();
    let table = |(place, addresses): (usize, &[Pubkey])| {
        let key = Pubkey::new_from_array([210 + u8::try_from(place).unwrap(); 32]);
        LookupTable { key, addresses: addresses.to_vec() }
    };
    addresses.chunks(TABLE_MAX).enumerate().map(table).collect()
}

static SNAPSHOT: LazyLock<Snapshot> = LazyLock::new(|| {
    let markets = markets();
    let formats = Formats { tables: tables(&markets), newest: Version::V0 };
    Snapshot::new(markets, formats, 1)
});

/// A request to measure, with its name.
struct Case {
    name: String,
    request: Request,
}

impl fmt::Display for Case {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

fn cases() -> impl Iterator<Item = Case> {
    ORDERS.iter().flat_map(|(mint_in, mint_out)| DOLLARS.map(|dollars| case(mint_in, mint_out, dollars)))
}

fn case(mint_in: &str, mint_out: &str, dollars: u64) -> Case {
    let (token_in, value) = token(mint_in);
    // A million dollars in base units of SOL, in millionths of a dollar, is more than 64 bits.
    let millionths = u128::from(dollars) * 1_000_000 * 10u128.pow(u32::from(token_in.decimals));
    let request = Request {
        mint_in: token_in.mint,
        mint_out: token(mint_out).0.mint,
        amount: Atoms::new(u64::try_from(millionths / u128::from(value)).unwrap()),
        mode: Mode::ExactIn,
        input_buffer: InputBuffer::STANDARD,
        use_full_input: false,
        excluded: Exclusions::default(),
    };
    let quote = SNAPSHOT.quote(&request).unwrap();
    let paths = quote.route.paths().len();
    let over_a_third = !quote.route.intermediates().is_empty()
        || quote.alternatives.iter().any(|loser| loser.reason.contains("two hops through"));
    assert!(over_a_third, "two pools in a row are not compared: {quote:?}");
    assert!(paths > 1 || dollars < 1_000_000, "the amount is not divided: {quote:?}");
    let hops = quote.route.hop_count();
    Case {
        name: format!("{mint_in} for {mint_out}, {dollars} dollars ({paths} paths, {hops} hops)"),
        request,
    }
}

#[divan::bench(args = cases())]
fn quote(bencher: Bencher<'_, '_>, case: &Case) {
    bencher.bench(|| SNAPSHOT.quote(&case.request));
}

fn main() {
    divan::main();
}
