//! Layouts against accounts recorded on mainnet, which are not part of this repository.

use crate::accounts::NOW;
use amm::Pool;
use base64::Engine;
use order_core::{PoolAddress, Pubkey, Venue};
use serde_json::Value;
use solana_account::Account;

/// The folder with recorded accounts, by venue: `{"pools": {address: base64}}` in `<venue>.json`.
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
