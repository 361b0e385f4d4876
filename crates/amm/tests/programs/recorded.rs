//! Layouts against accounts recorded on mainnet, which are not part of this repository.

use crate::accounts::{Cluster, NOW};
use crate::vectors::{cases, number};
use amm::{Clock, Pool};
use base64::Engine;
use order_core::quote::Mode;
use order_core::{Atoms, PoolAddress, Pubkey, Venue};
use serde_json::Value;
use solana_account::Account;

/// The folder with recorded accounts, by venue: `<venue>.json`. For DAMM v2 it has `{"pools": {address: base64}}`,
/// for AMM v4 a pool, its vaults and `quotes`, for CLMM a list of swaps with the pool and its tick arrays,
/// for DLMM a `mainnet_reference` with the pool, its bin arrays and results.
const FOLDER: &str = "RECORDED_ACCOUNTS";

fn recorded(venue: Venue) -> Option<Value> {
    let Ok(folder) = std::env::var(FOLDER) else {
        println!("skipped: {FOLDER} names no folder with recorded accounts");
        return None;
    };
    let path = format!("{folder}/{venue}.json");
    Some(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
}

fn bytes(text: &Value) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(text.as_str().unwrap()).unwrap()
}

#[test]
fn a_recorded_pool_quotes_as_its_program() {
    let venue = Venue::RaydiumAmmV4;
    let Some(file) = recorded(venue) else { return };
    let address: PoolAddress = file["pool"].as_str().unwrap().parse().unwrap();
    let mut cluster = Cluster::default();
    cluster.put(address.pubkey(), amm::program_id(venue), bytes(&file["amm_account_base64"]));
    let pool = Pool::decode(address, &cluster.accounts[&address.pubkey()]).unwrap();
    let spl = amm::token_program_id(order_core::token::Program::SplToken);
    for (vault, field) in
        pool.vaults().into_iter().zip(["coin_vault_account_base64", "pc_vault_account_base64"])
    {
        cluster.put(vault, spl, bytes(&file[field]));
    }
    for mint in pool.mints() {
        cluster.put_mint(mint, amm::TransferFee::default());
    }
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
    let address: PoolAddress = record["pool"].as_str().unwrap().parse().unwrap();
    let mut cluster = Cluster::default();
    cluster.put(address.pubkey(), amm::program_id(venue), bytes(&record["lb_pair_base64"]));
    for array in record["bin_arrays"].as_array().unwrap() {
        let key = array["pubkey"].as_str().unwrap().parse().unwrap();
        cluster.put(key, amm::program_id(venue), bytes(&array["data"]));
    }
    let pool = Pool::decode(address, &cluster.accounts[&address.pubkey()]).unwrap();
    for (mint, vault) in pool.mints().into_iter().zip(pool.vaults()) {
        cluster.put_mint(mint, amm::TransferFee::default());
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
        let mut cluster = Cluster::default();
        let program = amm::program_id(venue);
        let address: PoolAddress = swap["pool"].as_str().unwrap().parse().unwrap();
        let data = bytes(&swap["pool_account_base64"]);
        let config = Pubkey::new_from_array(data[9..41].try_into().unwrap());
        cluster.put(config, program, clmm_configuration(swap["trade_fee_rate"].as_u64().unwrap()));
        cluster.put(address.pubkey(), program, data);
        let mut arrays = Vec::new();
        for array in swap["tick_arrays"].as_array().unwrap() {
            arrays.push(array["address"].as_str().unwrap().parse::<Pubkey>().unwrap());
            cluster.put(*arrays.last().unwrap(), program, bytes(&array["data_base64"]));
        }
        let pool = Pool::decode(address, &cluster.accounts[&address.pubkey()]).unwrap();
        for mint in pool.mints() {
            cluster.put_mint(mint, amm::TransferFee::default());
        }
        let market = cluster.market(address, NOW).unwrap();
        // The bitmap leads to the very arrays that the recorded instruction named.
        assert!(arrays.iter().any(|array| market.swap_accounts().contains(array)), "{address}");
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
