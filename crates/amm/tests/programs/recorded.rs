//! Layouts against accounts recorded on mainnet, which are not part of this repository.

use crate::accounts::{Cluster, NOW};
use crate::properties::noise;
use crate::vectors::{cases, number};
use amm::{Clock, Pool};
use base64::Engine;
use order_core::quote::Mode;
use order_core::{Atoms, PoolAddress, Pubkey, Venue};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use solana_account::Account;

/// The folder with recorded accounts, by venue: `<venue>.json`. For DAMM v2 it has `{"pools": {address: base64}}`,
/// for AMM v4 a pool, its vaults and `quotes`, for CLMM a list of swaps with the pool and its tick arrays,
/// for DLMM a `mainnet_reference` with the pool, its bin arrays and results.
const FOLDER: &str = "RECORDED_ACCOUNTS";

/// How often each recorded pool is broken.
const BROKEN_EACH: usize = 500;

fn recorded(venue: Venue) -> Option<Value> {
    read_file(venue.name())
}

/// A file of the folder; None if there is no folder, or no such file in it.
pub(crate) fn read_file(name: &str) -> Option<Value> {
    let Ok(folder) = std::env::var(FOLDER) else {
        println!("skipped: {FOLDER} names no folder with recorded accounts");
        return None;
    };
    let Ok(text) = std::fs::read_to_string(format!("{folder}/{name}.json")) else {
        println!("skipped: {name}.json is not in the folder that {FOLDER} names");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

pub(crate) fn bytes(text: &Value) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(text.as_str().unwrap()).unwrap()
}

/// The accounts of a pool as they were recorded, with plain mints.
struct Recorded {
    address: PoolAddress,
    cluster: Cluster,
}

impl Recorded {
    fn new(venue: Venue, address: &str, data: &Value) -> Self {
        let address: PoolAddress = address.parse().unwrap();
        let mut cluster = Cluster::default();
        cluster.put(address.pubkey(), amm::program_id(venue), bytes(data));
        for mint in Pool::decode(address, &cluster.accounts[&address.pubkey()]).unwrap().mints() {
            cluster.put_mint(mint, amm::TransferFee::default());
        }
        Self { address, cluster }
    }

    fn pool(&self) -> Pool {
        Pool::decode(self.address, &self.cluster.accounts[&self.address.pubkey()]).unwrap()
    }
}

fn raydium_amm_v4(file: &Value) -> Recorded {
    let address = file["pool"].as_str().unwrap();
    let mut recorded = Recorded::new(Venue::RaydiumAmmV4, address, &file["amm_account_base64"]);
    let spl = amm::token_program_id(order_core::token::Program::SplToken);
    let fields = ["coin_vault_account_base64", "pc_vault_account_base64"];
    for (vault, field) in recorded.pool().vaults().into_iter().zip(fields) {
        recorded.cluster.put(vault, spl, bytes(&file[field]));
    }
    recorded
}

fn meteora_dlmm(record: &Value) -> Recorded {
    let address = record["pool"].as_str().unwrap();
    let mut recorded = Recorded::new(Venue::MeteoraDlmm, address, &record["lb_pair_base64"]);
    for array in record["bin_arrays"].as_array().unwrap() {
        let key = array["pubkey"].as_str().unwrap().parse().unwrap();
        recorded.cluster.put(key, amm::program_id(Venue::MeteoraDlmm), bytes(&array["data"]));
    }
    recorded
}

/// The pools that the vectors are of: both of their arrays are known by their index alone.
fn meteora_dlmm_of_vectors(address: &str, record: &Value) -> Recorded {
    let program = amm::program_id(Venue::MeteoraDlmm);
    let mut recorded = Recorded::new(Venue::MeteoraDlmm, address, &record["lb_pair_base64"]);
    for field in ["bin_array_1_base64", "bin_array_2_base64"] {
        let data = bytes(&record[field]);
        let seeds: [&[u8]; 3] = [b"bin_array", &recorded.address.to_bytes(), &data[8..16]];
        recorded.cluster.put(Pubkey::find_program_address(&seeds, &program).0, program, data);
    }
    recorded
}

fn raydium_clmm(swap: &Value) -> Recorded {
    let program = amm::program_id(Venue::RaydiumClmm);
    let data = &swap["pool_account_base64"];
    let mut recorded = Recorded::new(Venue::RaydiumClmm, swap["pool"].as_str().unwrap(), data);
    let config = Pubkey::new_from_array(bytes(data)[9..41].try_into().unwrap());
    recorded.cluster.put(config, program, clmm_configuration(swap["trade_fee_rate"].as_u64().unwrap()));
    for array in swap["tick_arrays"].as_array().unwrap() {
        let address = array["address"].as_str().unwrap().parse().unwrap();
        recorded.cluster.put(address, program, bytes(&array["data_base64"]));
    }
    recorded
}

/// Every recorded pool of every venue.
fn all() -> Vec<Recorded> {
    let mut all = Vec::new();
    all.extend(recorded(Venue::RaydiumAmmV4).iter().map(raydium_amm_v4));
    if let Some(file) = recorded(Venue::MeteoraDammV2) {
        let pools = file["pools"].as_object().unwrap().iter();
        all.extend(pools.map(|(address, data)| Recorded::new(Venue::MeteoraDammV2, address, data)));
    }
    if let Some(file) = recorded(Venue::MeteoraDlmm) {
        all.push(meteora_dlmm(&file["mainnet_reference"]));
        let pools = file["pools"].as_object().unwrap().iter();
        all.extend(pools.map(|(address, record)| meteora_dlmm_of_vectors(address, record)));
    }
    if let Some(file) = recorded(Venue::RaydiumClmm) {
        all.extend(file.as_array().unwrap().iter().map(raydium_clmm));
    }
    all
}

/// Each of their accounts broken in many ways, one at a time.
#[test]
fn broken_recorded_accounts_give_an_error_or_a_quote() {
    let (mut quoted, mut refused) = (0, 0);
    for Recorded { address, cluster } in all() {
        cluster.market(address, NOW).unwrap();
        let mut keys: Vec<Pubkey> = cluster.accounts.keys().copied().collect();
        keys.sort_unstable();
        let mut runner = TestRunner::deterministic();
        for _ in 0..BROKEN_EACH {
            let strategy =
                (any::<Index>(), any::<Index>(), noise(), prop::option::weighted(0.1, any::<Index>()));
            let (which, at, word, length) = strategy.new_tree(&mut runner).unwrap().current();
            let mut broken = cluster.clone();
            let data = broken.data(*which.get(&keys));
            let at = at.index(data.len());
            let end = data.len().min(at + word.len());
            data[at..end].copy_from_slice(&word[..end - at]);
            data.truncate(length.map_or(data.len(), |length| length.index(data.len())));
            let Ok(market) = broken.market(address, NOW) else {
                refused += 1;
                continue;
            };
            for (mint, amount) in market.mints().into_iter().zip([1_000_000, u64::MAX]) {
                let _ = market.quote(mint, Mode::ExactOut, Atoms::new(amount));
                quoted += usize::from(market.quote(mint, Mode::ExactIn, Atoms::new(amount)).is_ok());
            }
        }
    }
    println!("{quoted} quotes of broken accounts, {refused} broken accounts refused");
}

#[test]
fn a_recorded_pool_quotes_as_its_program() {
    let Some(file) = recorded(Venue::RaydiumAmmV4) else { return };
    let Recorded { address, cluster } = raydium_amm_v4(&file);
    let market = cluster.market(address, NOW).unwrap();
    let reserves: [u64; 2] = [number(&file, "coin_reserve"), number(&file, "pc_reserve")];
    assert_eq!(market.reserves(), reserves.map(Atoms::new));
    for quote in cases(&file, "quotes") {
        let side = if quote["direction"] == "coin2pc" { 0 } else { 1 };
        let amount = Atoms::new(number(quote, "amount_in"));
        let quoted = market.quote(market.mints()[side], Mode::ExactIn, amount).unwrap();
        assert_eq!(quoted.amount_out, Atoms::new(number(quote, "expected")), "{quote}");
    }
    println!("raydium_amm_v4: {} quotes of a recorded pool agree", cases(&file, "quotes").len());
}

#[test]
fn recorded_pools_name_the_vaults_that_their_program_derives() {
    let venue = Venue::MeteoraDammV2;
    let Some(file) = recorded(venue) else { return };
    let program = amm::program_id(venue);
    let pools = file["pools"].as_object().unwrap();
    assert!(!pools.is_empty());
    for (address, data) in pools {
        let account =
            Account { lamports: 1, data: bytes(data), owner: program, executable: false, rent_epoch: 0 };
        let address: PoolAddress = address.parse().unwrap();
        let pool = Pool::decode(address, &account).unwrap();
        assert_eq!(account.data.len(), amm::pool_size(venue));
        for (mint, vault) in pool.mints().into_iter().zip(pool.vaults()) {
            let seeds: [&[u8]; 3] = [b"token_vault", &mint.to_bytes(), &address.to_bytes()];
            assert_eq!(Pubkey::find_program_address(&seeds, &program).0, vault, "{address}");
        }
        let spl = amm::token_program_id(order_core::token::Program::SplToken);
        let mint = Account {
            owner: spl,
            data: crate::accounts::mint_data(amm::TransferFee::default()),
            ..account.clone()
        };
        let market = pool.load(|_| Some(&mint), NOW).unwrap();
        println!("{address}: reserves {:?}, fee {}", market.reserves(), market.fee().to_percent());
    }
}

/// Quotes of the venue's own client for a pool of mainnet, as far as its bins are recorded.
#[test]
fn a_recorded_dlmm_pool_gives_what_its_own_client_says() {
    let venue = Venue::MeteoraDlmm;
    let Some(file) = recorded(venue) else { return };
    let record = &file["mainnet_reference"];
    let recorded = meteora_dlmm(record);
    let pool = recorded.pool();
    let Recorded { address, cluster } = recorded;
    for (mint, vault) in pool.mints().into_iter().zip(pool.vaults()) {
        let seeds: [&[u8]; 2] = [&address.to_bytes(), &mint.to_bytes()];
        assert_eq!(Pubkey::find_program_address(&seeds, &amm::program_id(venue)).0, vault);
    }
    let time = record["clock_ts"].to_string();
    let unix_timestamp = time.split_once('.').map_or(time.as_str(), |(seconds, _)| seconds).parse().unwrap();
    let market = cluster.market(address, Clock { unix_timestamp, ..NOW }).unwrap();
    let authority = market.authority();
    let seeds: Vec<&[u8]> = authority.seeds.iter().map(Vec::as_slice).collect();
    assert_eq!(Pubkey::create_program_address(&seeds, &amm::program_id(venue)), Ok(address.pubkey()));
    let mint_in = market.mints()[usize::from(record["swap_for_y"] == false)];
    let mut agreed = 0;
    for result in record["results"].as_array().unwrap() {
        match market.quote(mint_in, Mode::ExactIn, Atoms::new(number(result, "inAmount"))) {
            Ok(quote) => assert_eq!(quote.amount_out, Atoms::new(number(result, "outAmount")), "{result}"),
            // The last one runs past the recorded bins.
            Err(error) => {
                println!("{result}: {error}");
                continue;
            }
        }
        agreed += 1;
    }
    println!("meteora_dlmm: {agreed} of {agreed} quotes of the venue's client agree");
    assert_eq!(agreed, 3);
}

/// The configuration that the recorded pool names, with the one rate that its file tells.
fn clmm_configuration(trade_fee_rate: u64) -> Vec<u8> {
    let mut data = vec![0; 117];
    data[..8].copy_from_slice(&[0xda, 0xf4, 0x21, 0x68, 0xcb, 0xcb, 0x2b, 0x6f]);
    data[47..51].copy_from_slice(&u32::try_from(trade_fee_rate).unwrap().to_le_bytes());
    data
}

#[test]
fn recorded_accounts_of_raydium_clmm_give_the_recorded_amounts() {
    let venue = Venue::RaydiumClmm;
    let Some(file) = recorded(venue) else { return };
    let swaps = file.as_array().unwrap();
    assert!(!swaps.is_empty());
    for swap in swaps {
        let program = amm::program_id(venue);
        let Recorded { address, cluster } = raydium_clmm(swap);
        let arrays = swap["tick_arrays"].as_array().unwrap().iter();
        let mut arrays = arrays.map(|array| array["address"].as_str().unwrap().parse::<Pubkey>().unwrap());
        let market = cluster.market(address, NOW).unwrap();
        // The bitmap leads to the very arrays that the recorded instruction named.
        assert!(arrays.any(|array| market.swap_accounts().contains(&array)), "{address}");
        let authority = market.authority();
        let seeds: Vec<&[u8]> = authority.seeds.iter().map(Vec::as_slice).collect();
        assert_eq!(Pubkey::create_program_address(&seeds, &program), Ok(address.pubkey()));
        let mint_in = market.mints()[usize::from(!swap["zero_for_one"].as_bool().unwrap())];
        let amount = Atoms::new(swap["amount"].as_u64().unwrap());
        let quote = market.quote(mint_in, Mode::ExactIn, amount).unwrap();
        assert_eq!(quote.amount_out.get(), swap["observed_amount_out"].as_u64().unwrap());
        println!("{address}: {} for {}", quote.amount_out.get(), amount.get());
    }
}
