use crate::executor::Executor;
use chain::Trade;
use chain::transaction::temporary_account;
use order_core::Order;
use order_core::order::{Observation, SignedTransaction};

impl Executor {
    /// Sends the transaction until the chain has spoken. There is no deadline: what may have been
    /// sent can only be given up by the chain. None if this executor stops first; the next owner
    /// sends the same bytes.
    pub(crate) async fn land(&self, order: &Order, transaction: &SignedTransaction) -> Option<Observation> {
        let trade = self.trade(order);
        faults::defect!("sign_again_on_timeout", {
            let landing = self.lander.land(transaction, &trade);
            let landed = tokio::time::timeout(std::time::Duration::from_secs(3), landing).await;
            return landed.map_or(Some(Observation::Expired), Result::ok);
        });
        tokio::select! {
            biased;
            observation = self.lander.land(transaction, &trade) => match observation {
                Ok(observation) => Some(observation),
                Err(error) => {
                    tracing::error!(%error, signature = %transaction.signature, "letting go of the order");
                    None
                }
            },
            () = self.shutdown.cancelled() => {
                tracing::info!(signature = %transaction.signature, "leaving the order to another executor");
                None
            }
        }
    }

    /// Whose balances the order changes.
    pub(crate) fn trade(&self, order: &Order) -> Trade {
        let (wallet, intent) = (self.wallet.pubkey(), order.intent());
        Trade {
            wallet,
            temporary: temporary_account(&wallet, order.id()),
            token_in: intent.token_in().clone(),
            token_out: intent.token_out().clone(),
        }
    }
}
