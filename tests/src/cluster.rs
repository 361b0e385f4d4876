use crate::eventually;
use order_core::{Atoms, Mint, Pubkey};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

const TOKEN_PROGRAM: Pubkey = Pubkey::from_str_const("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA");
const ASSOCIATED_TOKEN_PROGRAM: Pubkey =
    Pubkey::from_str_const("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL");

/// A client of the cluster's JSON-RPC: what it says of the wallet is what the engine is held to.
#[derive(Debug, Clone)]
pub struct Cluster {
    url: String,
    http: reqwest::Client,
}

impl Cluster {
    /// A client of the node at this address.
    pub fn new(address: SocketAddr) -> Self {
        Self { url: format!("http://{address}"), http: crate::gateway::http() }
    }

    /// The result of one call.
    ///
    /// # Panics
    /// The cluster does not answer, or answers with an error.
    pub async fn call(&self, method: &str, params: Value) -> Value {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer = self.http.post(&self.url).json(&request).send().await.unwrap();
        let mut answer: Value = answer.json().await.unwrap();
        assert!(answer["error"].is_null(), "{method}: {answer}");
        answer["result"].take()
    }

    /// The lamports of an account, at the commitment that orders are confirmed at.
    pub async fn lamports(&self, account: Pubkey) -> Atoms {
        let result =
            self.call("getBalance", json!([account.to_string(), { "commitment": "confirmed" }])).await;
        Atoms::new(result["value"].as_u64().unwrap())
    }

    /// The wallet's balance of a token, in its associated token account.
    pub async fn tokens(&self, wallet: Pubkey, mint: Mint) -> Atoms {
        let account = associated_token_account(wallet, mint).to_string();
        let result =
            self.call("getTokenAccountBalance", json!([account, { "commitment": "confirmed" }])).await;
        Atoms::new(result["value"]["amount"].as_str().unwrap().parse().unwrap())
    }

    /// The addresses of the seeded pools that trade all of these tokens.
    pub async fn pools(&self, symbols: &[&str]) -> Vec<String> {
        let pools: Vec<Value> = self.http.get(self.admin("")).send().await.unwrap().json().await.unwrap();
        let trading = pools.iter().filter(|pool| {
            let tokens = pool["tokens"].as_array().unwrap();
            symbols.iter().all(|symbol| tokens.iter().any(|token| token == symbol))
        });
        let addresses: Vec<String> =
            trading.map(|pool| pool["address"].as_str().unwrap().to_owned()).collect();
        assert!(!addresses.is_empty(), "no pool of {symbols:?}");
        addresses
    }

    /// Moves the price of a pool's first token, in hundredths of a percent, as other people's trades would.
    pub async fn move_price(&self, pool: &str, change_bps: i32) {
        self.change(&format!("/{pool}/price"), json!({ "changeBps": change_bps })).await;
    }

    /// Takes everything out of a pool.
    pub async fn drain(&self, pool: &str) {
        self.change(&format!("/{pool}/drain"), json!({})).await;
    }

    /// Changes a venue's program so that it keeps a unit of what it sells, or back.
    pub async fn change_program(&self, venue: &str, changed: bool) {
        self.set_program(venue, json!({ "changed": changed })).await;
    }

    /// Has a venue's program refuse every swap.
    pub async fn refuse_swaps(&self, venue: &str) {
        self.set_program(venue, json!({ "refuses": true })).await;
    }

    async fn set_program(&self, venue: &str, body: Value) {
        let url = format!("{}/admin/programs/{venue}", self.url);
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
    }

    /// Has the cluster take transactions of version 1, or no more.
    pub async fn take_version_1(&self, active: bool) {
        let url = format!("{}/admin/transaction-version-1", self.url);
        let answer = self.http.post(url).json(&json!({ "active": active })).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
    }

    /// Gives an account lamports, as anybody may send them.
    pub async fn airdrop(&self, address: Pubkey, amount: Atoms) {
        self.give(json!({ "address": address.to_string(), "amount": amount.get() })).await;
    }

    /// Gives an account's owner tokens, as anybody may send them.
    pub async fn airdrop_token(&self, owner: Pubkey, mint: Mint, amount: Atoms) {
        let body = json!({ "address": owner.to_string(), "mint": mint.to_string(), "amount": amount.get() });
        self.give(body).await;
    }

    async fn give(&self, body: Value) {
        let answer = self.http.post(format!("{}/admin/airdrop", self.url)).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
    }

    /// Makes no more blocks, until [`Cluster::heal`].
    pub async fn freeze(&self) {
        self.begin("freezeSlots").await;
    }

    /// Takes transactions and never executes them, until [`Cluster::heal`].
    pub async fn drop_transactions(&self) {
        self.begin("dropTransactions").await;
    }

    /// Makes so many blocks that no transaction can land that was signed before.
    pub async fn expire_blockhashes(&self) {
        let url = format!("{}/admin/expire-blockhashes", self.url);
        let answer = self.http.post(url).json(&json!({})).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
    }

    /// Gives up the fork of the last slots, and says which transactions it had.
    pub async fn roll_back(&self, slots: u64) -> Vec<String> {
        let url = format!("{}/admin/roll-back", self.url);
        let answer = self.http.post(url).json(&json!({ "slots": slots })).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
        let fork: Value = answer.json().await.unwrap();
        let signatures = fork["rolledBack"].as_array().unwrap().iter();
        signatures.map(|signature| signature.as_str().unwrap().to_owned()).collect()
    }

    async fn begin(&self, fault: &str) {
        self.fault(json!({ "fault": fault })).await;
    }

    /// Begins the fault that a script says, until it is over or [`Cluster::heal`], and gives its number.
    ///
    /// # Panics
    /// The script makes no sense.
    pub async fn fault(&self, script: Value) -> u64 {
        let answer = self.http.post(self.faults()).json(&script).send().await.unwrap();
        let (status, body) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(status, 200, "{script}: {body}");
        serde_json::from_str::<Value>(&body).unwrap()["id"].as_u64().unwrap()
    }

    /// Ends the fault with this number.
    ///
    /// # Panics
    /// There is none.
    pub async fn end(&self, fault: u64) {
        let answer = self.http.delete(format!("{}/{fault}", self.faults())).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
    }

    /// True if the node answers calls.
    pub async fn answers(&self) -> bool {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "getHealth" });
        self.http.post(&self.url).json(&request).send().await.is_ok_and(|answer| answer.status() == 200)
    }

    /// How often the faults that have not been removed have struck.
    pub async fn struck(&self) -> u64 {
        let faults: Vec<Value> = self.http.get(self.faults()).send().await.unwrap().json().await.unwrap();
        faults.iter().map(|fault| fault["struck"].as_u64().unwrap()).sum()
    }

    /// The newest slot.
    pub async fn slot(&self) -> u64 {
        self.call("getSlot", json!([{ "commitment": "processed" }])).await.as_u64().unwrap()
    }

    /// Waits until there are so many slots more.
    pub async fn pass(&self, slots: u64) {
        let until = self.slot().await + slots;
        eventually("slots pass", async || (self.slot().await >= until).then_some(())).await;
    }

    /// Ends every fault.
    pub async fn heal(&self) {
        let answer = self.http.delete(self.faults()).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
    }

    fn faults(&self) -> String {
        format!("{}/admin/faults", self.url)
    }

    async fn change(&self, path: &str, body: Value) {
        let answer = self.http.post(self.admin(path)).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}: {:?}", answer.text().await);
    }

    fn admin(&self, path: &str) -> String {
        format!("{}/admin/pools{path}", self.url)
    }

    /// A transaction as the cluster's history shows it; null if it does not.
    pub async fn transaction(&self, signature: &str) -> Value {
        let options =
            json!({ "commitment": "confirmed", "encoding": "json", "maxSupportedTransactionVersion": 1 });
        self.call("getTransaction", json!([signature, options])).await
    }
}

/// The public part of the operator's wallet.
#[derive(Debug, Clone, Copy)]
pub struct Wallet {
    /// Its address.
    pub address: Pubkey,
}

impl Wallet {
    /// Reads a keypair file: a JSON list of 64 bytes, of which the last 32 are the public key.
    ///
    /// # Panics
    /// It is none.
    pub fn read(path: &Path) -> Self {
        let bytes: Vec<u8> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        Self { address: Pubkey::try_from(&bytes[32..64]).unwrap() }
    }
}

fn associated_token_account(wallet: Pubkey, mint: Mint) -> Pubkey {
    let mint = mint.pubkey();
    let seeds = [wallet.as_ref(), TOKEN_PROGRAM.as_ref(), mint.as_ref()];
    Pubkey::find_program_address(&seeds, &ASSOCIATED_TOKEN_PROGRAM).0
}

/// A keypair that owns nothing, the first test vector of RFC 8032.
const OTHER_KEYPAIR: [u8; 64] = [
    0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44,
    0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60, 0xd7, 0x5a,
    0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72,
    0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
];

/// Writes the keypair of a wallet that owns nothing into a file, as executors read it.
///
/// # Errors
/// The file cannot be written.
pub fn write_other_keypair(path: &Path) -> std::io::Result<Pubkey> {
    std::fs::write(path, json!(OTHER_KEYPAIR.to_vec()).to_string())?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    let public: [u8; 32] = std::array::from_fn(|place| OTHER_KEYPAIR[place + 32]);
    Ok(Pubkey::from(public))
}
