//! The JSON of nodes' answers, and what it means here.

use crate::client::{AccountSignature, Commitment, LandedTransaction, SignatureStatus, Simulation};
use crate::fill::{Balances, TokenBalance};
use crate::{Account, TransactionFailure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use order_core::{Atoms, Mint, Signature};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;
use solana_pubkey::Pubkey;

/// An answer with the bank it comes from.
#[derive(Deserialize)]
pub(crate) struct InContext<T> {
    pub(crate) context: Context,
    pub(crate) value: T,
}

#[derive(Deserialize)]
pub(crate) struct Context {
    pub(crate) slot: u64,
}

/// Anything that is written as text: addresses, hashes, amounts.
pub(crate) fn text<'de, D: Deserializer<'de>, T>(deserializer: D) -> Result<T, D::Error>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireAccount {
    lamports: u64,
    #[serde(deserialize_with = "text")]
    owner: Pubkey,
    data: (String, String),
    executable: bool,
    #[serde(default)]
    rent_epoch: u64,
}

impl WireAccount {
    pub(crate) fn decode(self) -> Result<Account, String> {
        let (data, encoding) = self.data;
        if encoding != "base64" {
            return Err(format!("account data came as {encoding}, not as base64"));
        }
        let data = BASE64.decode(data).map_err(|error| format!("account data: {error}"))?;
        Ok(Account {
            lamports: self.lamports,
            data,
            owner: self.owner,
            executable: self.executable,
            rent_epoch: self.rent_epoch,
        })
    }
}

/// Decodes accounts in their order.
pub(crate) fn decode_accounts(accounts: Vec<Option<WireAccount>>) -> Result<Vec<Option<Account>>, String> {
    accounts.into_iter().map(|account| account.map(WireAccount::decode).transpose()).collect()
}

#[derive(Deserialize)]
pub(crate) struct KeyedAccount {
    #[serde(deserialize_with = "text")]
    pub(crate) pubkey: Pubkey,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireBlockhash {
    #[serde(deserialize_with = "text")]
    pub(crate) blockhash: crate::Hash,
    pub(crate) last_valid_block_height: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireEpochInfo {
    pub(crate) epoch: u64,
    pub(crate) absolute_slot: u64,
    pub(crate) block_height: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WirePrioritizationFee {
    pub(crate) slot: u64,
    pub(crate) prioritization_fee: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireStatus {
    slot: u64,
    confirmations: Option<u64>,
    err: Value,
    confirmation_status: Option<String>,
}

impl WireStatus {
    pub(crate) fn decode(self) -> Result<SignatureStatus, String> {
        let commitment = match (self.confirmation_status, self.confirmations) {
            (Some(name), _) => name.parse().map_err(|error| format!("confirmation status: {error}"))?,
            // Old nodes say only how many blocks are on top: none is named once it is final.
            (None, None) => Commitment::Finalized,
            (None, Some(_)) => Commitment::Processed,
        };
        Ok(SignatureStatus { slot: self.slot, commitment, failure: TransactionFailure::read(&self.err) })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireAccountSignature {
    signature: Signature,
    err: Value,
    block_time: Option<i64>,
}

impl WireAccountSignature {
    pub(crate) fn decode(self) -> AccountSignature {
        AccountSignature {
            signature: self.signature,
            succeeded: self.err.is_null(),
            block_time: self.block_time,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireSimulation {
    err: Value,
    logs: Option<Vec<String>>,
    accounts: Option<Vec<Option<WireAccount>>>,
    units_consumed: Option<u64>,
    loaded_accounts_data_size: Option<u32>,
    fee: Option<u64>,
    pre_balances: Option<Vec<u64>>,
    post_balances: Option<Vec<u64>>,
    pre_token_balances: Option<Vec<WireTokenBalance>>,
    post_token_balances: Option<Vec<WireTokenBalance>>,
}

impl WireSimulation {
    pub(crate) fn decode(self, slot: u64) -> Result<Simulation, String> {
        let balances = match (self.fee, self.pre_balances, self.post_balances) {
            (Some(fee), Some(before), Some(after)) => Some(Balances {
                network_fee: Atoms::new(fee),
                lamports_before: before,
                lamports_after: after,
                tokens_before: decode_token_balances(self.pre_token_balances)?,
                tokens_after: decode_token_balances(self.post_token_balances)?,
            }),
            (Some(_) | None, Some(_) | None, Some(_) | None) => None,
        };
        Ok(Simulation {
            slot,
            failure: TransactionFailure::read(&self.err),
            logs: self.logs.unwrap_or_default(),
            units: self.units_consumed.unwrap_or(0),
            loaded_bytes: self.loaded_accounts_data_size,
            accounts: decode_accounts(self.accounts.unwrap_or_default())?,
            balances,
        })
    }
}

#[derive(Deserialize)]
pub(crate) struct WireTransaction {
    slot: u64,
    transaction: (String, String),
    meta: Option<WireMeta>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMeta {
    err: Value,
    fee: u64,
    pre_balances: Vec<u64>,
    post_balances: Vec<u64>,
    pre_token_balances: Option<Vec<WireTokenBalance>>,
    post_token_balances: Option<Vec<WireTokenBalance>>,
    log_messages: Option<Vec<String>>,
}

impl WireTransaction {
    pub(crate) fn decode(self) -> Result<LandedTransaction, String> {
        let meta = self.meta.ok_or("the transaction came without its meta data")?;
        let bytes = BASE64.decode(self.transaction.0).map_err(|error| format!("its bytes: {error}"))?;
        Ok(LandedTransaction {
            slot: self.slot,
            bytes,
            failure: TransactionFailure::read(&meta.err),
            logs: meta.log_messages.unwrap_or_default(),
            balances: Balances {
                network_fee: Atoms::new(meta.fee),
                lamports_before: meta.pre_balances,
                lamports_after: meta.post_balances,
                tokens_before: decode_token_balances(meta.pre_token_balances)?,
                tokens_after: decode_token_balances(meta.post_token_balances)?,
            },
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireTokenBalance {
    account_index: usize,
    mint: Mint,
    #[serde(deserialize_with = "text")]
    owner: Pubkey,
    ui_token_amount: WireTokenAmount,
}

#[derive(Deserialize)]
struct WireTokenAmount {
    amount: String,
}

fn decode_token_balances(balances: Option<Vec<WireTokenBalance>>) -> Result<Vec<TokenBalance>, String> {
    let mut decoded = Vec::new();
    for balance in balances.unwrap_or_default() {
        let amount = balance.ui_token_amount.amount;
        decoded.push(TokenBalance {
            account_index: balance.account_index,
            mint: balance.mint,
            owner: balance.owner,
            amount: amount.parse().map_err(|error| format!("token amount `{amount}`: {error}"))?,
        });
    }
    Ok(decoded)
}
