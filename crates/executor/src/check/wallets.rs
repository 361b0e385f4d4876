use super::{Finding, PATIENCE};
use crate::Configuration;
use crate::wallets::Wallets;
use chain::{Client, Commitment, Wallet};
use order_core::{Atoms, Pubkey};
use std::collections::HashSet;
use std::path::Path;
use tokio::time::timeout;

const SUBJECT: &str = "wallet";

/// Lamports that an order locks until they are taken back or its token account is closed: its marker and a token
/// account, by the cluster's rent for 0 and 165 bytes, and the fee of one signature.
const LOCKED_BY_AN_ORDER: u64 = 890_880 + 2_039_280 + 5_000;

/// SOL has nine decimals.
const SOL_DECIMALS: u8 = 9;

/// Opens every wallet, and lets signers prove that they have the key. The wallets that can be used.
pub(super) async fn check(configuration: &Configuration) -> (Vec<Pubkey>, Vec<Finding>) {
    let token_file = configuration.signer_token_file.as_deref();
    let mut usable = Vec::new();
    let mut findings = Vec::new();
    for place in &configuration.keypair {
        match opened(place, token_file).await {
            Ok(wallet) => {
                findings.push(Finding::fine(SUBJECT, format!("{} can be used", wallet.pubkey())));
                usable.push(wallet.pubkey());
            }
            Err(told) => findings.push(Finding::fault(SUBJECT, told)),
        }
    }
    let distinct: HashSet<_> = usable.iter().collect();
    if distinct.len() < usable.len() {
        findings.push(Finding::fault(SUBJECT, "KEYPAIR names a wallet twice"));
    }
    if configuration.keypair.len() > Wallets::MAX {
        findings.push(Finding::fault(SUBJECT, format!("KEYPAIR names more than {} wallets", Wallets::MAX)));
    }
    (usable, findings)
}

async fn opened(place: &str, token_file: Option<&Path>) -> Result<Wallet, String> {
    let wallet = Wallet::open(place, token_file).map_err(|error| format!("{error}; check KEYPAIR"))?;
    match timeout(PATIENCE, wallet.prove()).await {
        Ok(Ok(())) => Ok(wallet),
        Ok(Err(error)) => Err(format!("{error}; check KEYPAIR and SIGNER_TOKEN_FILE")),
        Err(_) => Err("the signer does not answer; check KEYPAIR and SIGNER_TOKEN_FILE".to_owned()),
    }
}

/// Compares each wallet's SOL with that which orders lock for fees, tips and rent.
pub(super) async fn balances(
    configuration: &Configuration,
    client: &Client,
    wallets: &[Pubkey],
) -> Vec<Finding> {
    let of_one = LOCKED_BY_AN_ORDER.saturating_add(configuration.max_priority_fee().get());
    let tip = configuration.tips().map_or(0, |tips| tips.most().get());
    let of_one = of_one.saturating_add(tip);
    let of_all = of_one.saturating_mul(u64::from(configuration.concurrency));
    let mut findings = Vec::new();
    for wallet in wallets {
        let finding = match timeout(PATIENCE, client.balance(wallet, Commitment::Confirmed)).await {
            Ok(Ok(balance)) => funded(wallet, balance, of_one, of_all),
            Ok(Err(error)) => {
                Finding::fault("nodes", format!("the balance of {wallet} cannot be read: {error}"))
            }
            Err(_) => Finding::fault("nodes", format!("no node tells the balance of {wallet}")),
        };
        findings.push(finding);
    }
    findings
}

/// Judges a balance by the lamports that one order locks, and as many as are worked on at once.
pub(super) fn funded(wallet: &Pubkey, balance: Atoms, of_one: u64, of_all: u64) -> Finding {
    let sol = |lamports: u64| Atoms::new(lamports).to_decimal(SOL_DECIMALS);
    let has = format!("{wallet} has {} SOL", sol(balance.get()));
    match balance.get() {
        lamports if lamports < of_one => Finding::fault(
            SUBJECT,
            format!("{has}: fees, tip and rent of one order take up to {}", sol(of_one)),
        ),
        lamports if lamports < of_all => Finding::warning(
            SUBJECT,
            format!(
                "{has}: fees, tips and rent of the orders that are worked on at once take up to {}",
                sol(of_all)
            ),
        ),
        _ => Finding::fine(SUBJECT, has),
    }
}
