//! Quotes that were given out, for as long as an order may name them.

use super::{Error, Live};
use deadpool_redis::redis;
use order_core::quote::{Id, Mode};
use order_core::{Atoms, Quote, Token};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A quote with what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quoted {
    /// The quote.
    pub quote: Quote,
    /// What would be spent.
    pub token_in: Token,
    /// What would be bought.
    pub token_out: Token,
    /// Which side the caller fixed.
    pub mode: Mode,
    /// How much of it; the quote may spend a little less.
    pub amount: Atoms,
}

impl Live {
    /// Keeps a quote for `ttl`, by its id.
    ///
    /// # Errors
    /// Redis is of no help: an order cannot name the quote.
    pub async fn remember_quote(&self, quoted: &Quoted, ttl: Duration) -> Result<(), Error> {
        let body = serde_json::to_string(quoted).map_err(|error| Error::Refused(error.to_string()))?;
        let ttl_ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1);
        let mut command = redis::cmd("SET");
        command.arg(self.quote_key(quoted.quote.id)).arg(body).arg("PX").arg(ttl_ms);
        self.command::<redis::Value>(&command).await.map(drop)
    }

    /// The quote of that id, if it is still kept.
    ///
    /// # Errors
    /// Redis is of no help.
    pub async fn quote(&self, id: Id) -> Result<Option<Quoted>, Error> {
        let mut command = redis::cmd("GET");
        command.arg(self.quote_key(id));
        let body: Option<Vec<u8>> = self.command(&command).await?;
        body.map(|body| serde_json::from_slice(&body).map_err(|error| Error::Refused(error.to_string())))
            .transpose()
    }

    fn quote_key(&self, id: Id) -> String {
        self.key(&format!("quote:{id}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use order_core::{Fraction, Timestamp, token};

    fn quoted() -> Quoted {
        let mut known = token::known();
        Quoted {
            quote: Quote {
                id: Id(uuid::Uuid::now_v7()),
                amount_in: Atoms::new(u64::MAX),
                amount_out: Atoms::new(1),
                fee: Fraction::ZERO,
                price_impact: Fraction::ZERO,
                route: Vec::new(),
                alternatives: Vec::new(),
                slot: 1,
                state_age_ms: 2,
                created_at: Timestamp::UNIX_EPOCH,
                expires_at: Timestamp::UNIX_EPOCH,
            },
            token_in: known.next().unwrap(),
            token_out: known.next().unwrap(),
            mode: Mode::ExactIn,
            amount: Atoms::new(u64::MAX),
        }
    }

    #[tokio::test]
    async fn a_quote_is_kept_by_its_id_and_forgotten_in_time() {
        let (live, kept, brief) = (testing::live(), quoted(), quoted());
        live.remember_quote(&kept, Duration::from_secs(60)).await.unwrap();
        assert_eq!(live.quote(kept.quote.id).await.unwrap(), Some(kept));
        assert_eq!(live.quote(Id(uuid::Uuid::nil())).await.unwrap(), None);
        live.remember_quote(&brief, Duration::from_millis(1)).await.unwrap();
        let forgotten = async { while live.quote(brief.quote.id).await.unwrap().is_some() {} };
        tokio::time::timeout(Duration::from_secs(10), forgotten).await.unwrap();
    }
}
