//! Layouts against accounts recorded on mainnet, which are not part of this repository.

use crate::accounts::{Cluster, NOW};
use crate::vectors::number;
use amm::{Clock, Pool};
use base64::Engine;
use order_core::quote::Mode;
use order_core::{Atoms, PoolAddress, Pubkey, Venue};
use serde_json::Value;
use solana_account::Account;

/// The folder with recorded accounts, by venue: `<venue>.json`. For DAMM v2 it has `{"pools": {address: base64}}`,
/// for DLMM a `mainnet_reference` with the pool, its bin arrays and results.
const FOLDER: &str = "RECORDED_ACCOUNTS";

#[test]
fn recorded_pools_name_the_vaults_that_their_program_derives() {
    let Ok(folder) = std::env::var(FOLDER) else {
        println!("skipped: {FOLDER} names no folder with recorded accounts");
        return;
    };
    let venue = Venue::MeteoraDammV2;
    let path = format!("{folder}/{venue}.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let program = amm::program_id(venue);
    let pools = file["pools"].as_object().unwrap();
    assert!(!pools.is_empty());
    for (address, data) in pools {
        let data = base64::engine::general_purpose::STANDARD.decode(data.as_str().unwrap()).unwrap();
        let account = Account { lamports: 1, data, owner: program, executable: false, rent_epoch: 0 };
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

fn bytes(text: &Value) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(text.as_str().unwrap()).unwrap()
}

/// Quotes of the venue's own client for a pool of mainnet, as far as its bins are recorded.
#[test]
fn a_recorded_dlmm_pool_gives_what_its_own_client_says() {
    let Ok(folder) = std::env::var(FOLDER) else {
        println!("skipped: {FOLDER} names no folder with recorded accounts");
        return;
    };
    let venue = Venue::MeteoraDlmm;
    let path = format!("{folder}/{venue}.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
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
