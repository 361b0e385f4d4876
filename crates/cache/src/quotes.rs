//! Quotes that were given out, for as long as an order may name them.

use super::{Cache, Error};
use deadpool_redis::redis;
use hmac::{Hmac, Mac as _};
use order_core::quote::{Id, Mode};
use order_core::{AccountId, Atoms, Quote, Token};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use std::time::Duration;

/// The length of the code in front of a quote, in bytes.
const CODE_LENGTH: usize = 32;

/// The key that quotes are authenticated with. A quote decides what an order accepts at least, and Redis
/// must not: what comes back without the right code is no quote.
#[derive(Clone)]
pub struct QuoteKey(Hmac<Sha256>);

impl QuoteKey {
    /// The key that all gateways share.
    pub fn new(secret: [u8; 32]) -> Self {
        // As HMAC pads a key that is shorter than a block.
        let mut block = [0; 64];
        let (key, _) = block.split_at_mut(secret.len());
        key.copy_from_slice(&secret);
        Self(Hmac::new(&block.into()))
    }

    fn code(&self, body: &[u8]) -> [u8; CODE_LENGTH] {
        self.0.clone().chain_update(body).finalize().into_bytes().into()
    }

    /// The quote's own bytes, if nobody has changed them.
    fn open<'a>(&self, kept: &'a [u8]) -> Option<&'a [u8]> {
        let (code, body) = kept.split_at_checked(CODE_LENGTH)?;
        self.0.clone().chain_update(body).verify_slice(code).is_ok().then_some(body)
    }
}

/// A quote with what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quoted {
    /// The account that asked.
    pub account: AccountId,
    /// The quote.
    pub quote: Quote,
    /// The token that is spent.
    pub token_in: Token,
    /// The token that is bought.
    pub token_out: Token,
    /// Which side the caller fixed.
    pub mode: Mode,
    /// How much of it; the quote may spend a little less.
    pub amount: Atoms,
}

impl Cache {
    /// Keeps a quote for `ttl`, by its id, with its code under `key`.
    ///
    /// # Errors
    /// Redis is of no help: an order cannot name the quote.
    pub async fn remember_quote(&self, quoted: &Quoted, key: &QuoteKey, ttl: Duration) -> Result<(), Error> {
        let body = serde_json::to_vec(quoted).map_err(|error| Error::Refused(error.to_string()))?;
        let ttl_ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1);
        let mut command = redis::cmd("SET");
        let kept = [&key.code(&body)[..], &body].concat();
        command.arg(self.quote_key(quoted.quote.id)).arg(kept).arg("PX").arg(ttl_ms);
        self.command::<redis::Value>(&command).await.map(drop)
    }

    /// The quote of that id, if it is still kept, and as it was given out.
    ///
    /// # Errors
    /// Redis is of no help.
    pub async fn quote(&self, id: Id, key: &QuoteKey) -> Result<Option<Quoted>, Error> {
        let mut command = redis::cmd("GET");
        command.arg(self.quote_key(id));
        let Some(kept): Option<Vec<u8>> = self.command(&command).await? else { return Ok(None) };
        let quoted: Option<Quoted> = key.open(&kept).and_then(|body| serde_json::from_slice(body).ok());
        // A quote that was given out under another id is a forgery, too.
        let quoted = quoted.filter(|quoted| quoted.quote.id == id);
        if quoted.is_none() {
            crate::metrics::quote_forged();
            tracing::error!(quote.id = %id, "a quote in Redis is not the one that was given out");
        }
        Ok(quoted)
    }

    fn quote_key(&self, id: Id) -> String {
        self.key(&format!("quote:{id}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use order_core::route::{Hop, Path, Route};
    use order_core::{Fraction, PoolAddress, Timestamp, Venue, token};

    fn quoted() -> Quoted {
        let mut known = token::known();
        let hop = Hop {
            venue: Venue::RaydiumCpmm,
            pool: PoolAddress::new([1; 32]),
            mint_in: token::NATIVE_MINT,
            mint_out: token::USDC_MINT,
            amount_in: Atoms::new(u64::MAX),
            amount_out: Atoms::new(1),
        };
        Quoted {
            account: AccountId::operator(),
            quote: Quote {
                id: Id(uuid::Uuid::now_v7()),
                route: Route::new(vec![Path::direct(Fraction::ONE, hop)]).unwrap(),
                fee: Fraction::ZERO,
                price_impact: Fraction::ZERO,
                transfer_fee: Fraction::ZERO,
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
        let (cache, kept, brief) = (testing::cache(), quoted(), quoted());
        cache.remember_quote(&kept, &key(), Duration::from_secs(60)).await.unwrap();
        assert_eq!(cache.quote(kept.quote.id, &key()).await.unwrap(), Some(kept));
        assert_eq!(cache.quote(Id(uuid::Uuid::nil()), &key()).await.unwrap(), None);
        cache.remember_quote(&brief, &key(), Duration::from_millis(1)).await.unwrap();
        let forgotten = async { while cache.quote(brief.quote.id, &key()).await.unwrap().is_some() {} };
        tokio::time::timeout(Duration::from_secs(10), forgotten).await.unwrap();
    }

    fn key() -> QuoteKey {
        QuoteKey::new([7; 32])
    }

    /// Altered, under another key, without a code, or given out under another id.
    #[tokio::test]
    async fn what_was_not_given_out_as_it_is_is_no_quote() {
        let (cache, first, second) = (testing::cache(), quoted(), quoted());
        let minute = Duration::from_secs(60);
        let (id, name) = (first.quote.id, cache.quote_key(first.quote.id));
        cache.remember_quote(&first, &key(), minute).await.unwrap();
        let given: Vec<u8> = cache.command(redis::cmd("GET").arg(&name)).await.unwrap();
        assert_eq!(cache.quote(id, &QuoteKey::new([8; 32])).await.unwrap(), None);
        let text = serde_json::to_vec(&first).unwrap();
        let other = serde_json::to_vec(&second).unwrap();
        let altered: Vec<u8> = [&given[..given.len() - 1], b" "].concat();
        let signed_other = [&key().code(&other)[..], &other].concat();
        for forged in [text, altered, given[..16].to_vec(), Vec::new(), signed_other] {
            let mut set = redis::cmd("SET");
            cache.command::<redis::Value>(set.arg(&name).arg(&forged)).await.unwrap();
            assert_eq!(cache.quote(id, &key()).await.unwrap(), None, "{}", forged.escape_ascii());
        }
    }
}
