use anyhow::{Context as _, ensure};
use chain::Wallet;
use order_core::failure::Code;
use order_core::{AccountAddress, AccountPolicy, Failure, Order};
use service::CancellationToken;
use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

/// The pause before a signer that did not answer at the start is asked again.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The wallets that this executor signs with. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Wallets {
    /// Signs for the accounts that are bound to none.
    first: Wallet,
    others: Vec<Wallet>,
}

impl Wallets {
    /// Wallets of one executor, at most.
    pub(crate) const MAX: usize = 100;

    /// Opens keypair files and signers; the first is that of the accounts that are bound to none.
    pub(crate) fn open(places: &[String], token_file: Option<&Path>) -> anyhow::Result<Self> {
        ensure!(places.len() <= Self::MAX, "an executor has {} wallets at most", Self::MAX);
        let open = |place: &String| Wallet::open(place, token_file);
        let mut wallets = places.iter().map(open).collect::<Result<Vec<_>, _>>()?.into_iter();
        let first = wallets.next().context("no wallet is named")?;
        let wallets = Self { first, others: wallets.collect() };
        let distinct: HashSet<_> = wallets.iter().map(Wallet::pubkey).collect();
        ensure!(distinct.len() == places.len(), "a wallet is named twice");
        Ok(wallets)
    }

    /// Waits until every signer has shown that it has its wallet's key.
    ///
    /// # Errors
    /// One has another key, or signs at random; or the process is asked to stop.
    pub(crate) async fn prove(&self, shutdown: &CancellationToken) -> anyhow::Result<()> {
        for wallet in self.iter() {
            while let Err(error) = wallet.prove().await {
                if !matches!(error, chain::SignerError::Unreachable { .. }) {
                    return Err(error).context("check KEYPAIR and SIGNER_TOKEN_FILE");
                }
                tracing::warn!(%error, "waiting for the signer");
                let pause = shutdown.run_until_cancelled(tokio::time::sleep(ASK_AGAIN_AFTER));
                pause.await.context("stopped before the signer answered")?;
            }
        }
        Ok(())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Wallet> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// The addresses, the first wallet's first.
    pub(crate) fn addresses(&self) -> Vec<AccountAddress> {
        self.iter().map(|wallet| wallet.pubkey().into()).collect()
    }

    /// The wallet that signs an order's next transaction: the one that has signed before, or else its account's.
    ///
    /// # Errors
    /// This executor does not have it. After another wallet's transaction that is final: the order's marker is that
    /// wallet's, so the chain would not refuse a second swap.
    pub(crate) fn of(&self, order: &Order, policy: &AccountPolicy) -> Result<&Wallet, Failure> {
        let with = |address: AccountAddress| self.iter().find(|wallet| wallet.pubkey() == address.pubkey());
        let signed = order.transactions().last().and_then(|transaction| transaction.marker.as_ref());
        if let Some(signer) = signed.map(|marker| marker.wallet) {
            return with(signer).ok_or_else(|| {
                let message =
                    format!("an earlier transaction of the order was signed by the wallet {signer}");
                Failure::new(Code::WalletChanged, message)
            });
        }
        let Some(bound) = policy.wallet else { return Ok(&self.first) };
        // The account was bound to it after this executor had claimed the order: another takes over.
        with(bound).ok_or_else(|| {
            Failure::new(
                Code::Interrupted,
                format!("this executor does not have the account's wallet {bound}"),
            )
        })
    }
}
