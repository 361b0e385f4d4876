use super::{Finding, PATIENCE};
use crate::Configuration;
use crate::tips::Tips;
use chain::{Account, Client, Commitment, MARKER_LENGTH, SenderPlace};
use order_core::{Atoms, Pubkey};
use tokio::time::timeout;

const SUBJECT: &str = "senders";
const TIPS: &str = "tips";

/// A tip of more is probably a slip of the pen: 0.1 SOL.
const TIP_USUAL_MAX: Atoms = Atoms::new(100_000_000);

/// The statuses of HTTP of a server that does not know the key.
const KEY_REFUSED: [u16; 2] = [401, 403];

/// Looks at the senders and at the tips that pay them.
pub(super) async fn check(
    configuration: &Configuration,
    client: &Client,
    wallets: &[Pubkey],
) -> Vec<Finding> {
    let tips = match configuration.tips() {
        Ok(tips) => tips,
        Err(error) => return vec![Finding::error(TIPS, &error)],
    };
    let places = client.sender_places();
    let reached = timeout(PATIENCE, client.reach_senders()).await;
    let reached = reached.unwrap_or_else(|_| vec![Err("no answer".to_owned()); places.len()]);
    let of_sender = |(place, reached): (&SenderPlace, Result<u16, String>)| sender(place, &reached, &tips);
    let mut findings: Vec<_> = places.iter().zip(reached).flat_map(of_sender).collect();
    findings.extend(cap(&tips, !places.is_empty()));
    if !tips.most().is_zero() {
        findings.append(&mut accounts(client, &tips, wallets).await);
    }
    findings
}

pub(super) fn sender(place: &SenderPlace, reached: &Result<u16, String>, tips: &Tips) -> Vec<Finding> {
    let SenderPlace { name, form, is_exposed, has_key } = place;
    let mut findings = Vec::new();
    let exposed = "gets transactions over http://, so others on the way read them before they land";
    match (is_exposed, has_key) {
        (true, true) => {
            findings.push(Finding::fault(SUBJECT, format!("{name} {exposed}, and its key; use https://")));
        }
        (true, false) => findings.push(Finding::warning(SUBJECT, format!("{name} {exposed}"))),
        (false, _) => {}
    }
    if form.wants_tip() && tips.most().is_zero() {
        let told = format!("{name} wants a tip, and none is paid: set MAX_TIP_LAMPORTS and TIP_ACCOUNTS");
        findings.push(Finding::warning(SUBJECT, told));
    }
    findings.push(match reached {
        Err(reason) => Finding::warning(SUBJECT, format!("{name} cannot be reached: {reason}")),
        Ok(status) if KEY_REFUSED.contains(status) => {
            Finding::warning(SUBJECT, format!("{name} answers with {status}: check SENDER_KEYS_FILE"))
        }
        Ok(_) => Finding::fine(SUBJECT, format!("{name} is there, form {}", form.name())),
    });
    findings
}

/// Judges the cap of tips.
pub(super) fn cap(tips: &Tips, senders: bool) -> Option<Finding> {
    let most = tips.most();
    if most.is_zero() {
        let unpaid = "TIP_ACCOUNTS names accounts, and MAX_TIP_LAMPORTS is not set: no tip is paid";
        return (!tips.accounts().is_empty()).then(|| Finding::warning(TIPS, unpaid));
    }
    let told = format!("from {} to {} lamports for each order that lands", tips.least().get(), most.get());
    Some(if most > TIP_USUAL_MAX {
        Finding::warning(TIPS, format!("{told}: that is more than 0.1 SOL; check MAX_TIP_LAMPORTS"))
    } else if senders {
        Finding::fine(TIPS, told)
    } else {
        Finding::warning(TIPS, format!("{told}, and SENDERS names nobody who lands for a tip"))
    })
}

async fn accounts(client: &Client, tips: &Tips, wallets: &[Pubkey]) -> Vec<Finding> {
    let addresses: Vec<_> = tips.accounts().iter().map(|account| account.pubkey()).collect();
    let asked = async {
        let rent = client.minimum_balance(MARKER_LENGTH).await?;
        Ok::<_, chain::Error>((rent, client.accounts(&addresses, Commitment::Confirmed).await?))
    };
    match timeout(PATIENCE, asked).await {
        Ok(Ok((rent, snapshot))) => {
            let judged = addresses.iter().zip(&snapshot.accounts);
            judged
                .filter_map(|(address, account)| {
                    account_fault(address, account.as_ref(), tips.least(), rent, wallets)
                })
                .collect()
        }
        Ok(Err(error)) => vec![Finding::warning(TIPS, format!("TIP_ACCOUNTS cannot be read: {error}"))],
        Err(_) => vec![Finding::warning(TIPS, "no node shows TIP_ACCOUNTS")],
    }
}

/// Judges an account that gets tips.
pub(super) fn account_fault(
    address: &Pubkey,
    account: Option<&Account>,
    least: Atoms,
    rent: Atoms,
    wallets: &[Pubkey],
) -> Option<Finding> {
    let told = |reason: &str| Some(Finding::fault(TIPS, format!("{address} in TIP_ACCOUNTS {reason}")));
    match account {
        _ if wallets.contains(address) => told("is a wallet that trades: it would tip itself"),
        Some(account) if account.executable => told("is a program, and cannot get lamports"),
        Some(account) if account.lamports.saturating_add(least.get()) < rent.get() => {
            told("has so little that the smallest tip does not make it live: every order would fail")
        }
        None if least < rent => {
            told("does not exist, and the smallest tip does not open it: every order would fail")
        }
        None => Some(Finding::warning(TIPS, format!("{address} in TIP_ACCOUNTS does not exist"))),
        Some(_) => None,
    }
}
