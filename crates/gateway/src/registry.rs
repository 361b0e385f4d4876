//! The router's client, with a cache of its list of tokens and pools.

use order_core::{Failure, Mint, Quote, Token, token};
use proto::RouterClient;
use proto::pools::Pools;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Age at which a listing is fetched again.
const FRESH: Duration = Duration::from_secs(2);

/// Timeout of a call to the router.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Client of the router, and its latest listing.
pub(crate) struct Registry {
    router: RouterClient,
    /// Not locked during a call to the router, so a reader that accepts an old listing does not wait.
    latest: RwLock<Option<Listing>>,
    /// Locked by the task that calls the router.
    refresh: Mutex<()>,
}

/// The router's tokens and pools, with the time of the call.
#[derive(Debug, Clone)]
pub(crate) struct Listing {
    pub(crate) pools: Arc<Pools>,
    at: Instant,
}

impl Listing {
    /// The time since the call.
    pub(crate) fn age(&self) -> Duration {
        self.at.elapsed()
    }

    fn token(&self, mint: Mint) -> Option<Token> {
        self.pools.tokens.iter().find(|token| token.mint == mint).cloned()
    }
}

impl Registry {
    /// A registry of this router.
    pub(crate) fn new(router: RouterClient) -> Self {
        Self { router, latest: RwLock::new(None), refresh: Mutex::new(()) }
    }

    /// The best quote now.
    ///
    /// # Errors
    /// The failure that the router reports, or it does not answer.
    pub(crate) async fn quote(&self, request: &proto::quote::Request) -> Result<Quote, Failure> {
        self.router.quote(request, TIMEOUT, service::trace::traceparent().as_deref()).await
    }

    /// Checks that the router can quote.
    ///
    /// # Errors
    /// It cannot, or does not answer.
    pub(crate) async fn health(&self) -> Result<(), Failure> {
        self.router.health(TIMEOUT).await
    }

    /// The router's listing, at most two seconds old. Concurrent callers share one call.
    ///
    /// # Errors
    /// The router does not answer.
    pub(crate) async fn listing(&self) -> Result<Listing, Failure> {
        if let Some(listing) = self.fresh() {
            return Ok(listing);
        }
        let _refresh = self.refresh.lock().await;
        // Another task may have fetched it meanwhile.
        if let Some(listing) = self.fresh() {
            return Ok(listing);
        }
        let traceparent = service::trace::traceparent();
        let pools = self.router.list_pools(TIMEOUT, traceparent.as_deref()).await?;
        let listing = Listing { pools: Arc::new(pools), at: Instant::now() };
        self.keep(listing.clone());
        Ok(listing)
    }

    /// The known token of a symbol, or of a mint.
    pub(crate) fn known(name: &str) -> Option<Token> {
        token::known().find(|known| known.symbol == name || known.mint.to_string() == name)
    }

    /// The token of a known symbol, or of a mint that the router lists; None if it is neither.
    ///
    /// # Errors
    /// It may be a mint, and the router does not answer.
    pub(crate) async fn resolve(&self, name: &str) -> Result<Option<Token>, Failure> {
        if let Some(known) = Self::known(name) {
            return Ok(Some(known));
        }
        let Ok(mint) = name.parse::<Mint>() else { return Ok(None) };
        // A mint's decimals and program do not change, so an old listing is good enough.
        let earlier = self.latest().and_then(|listing| listing.token(mint));
        match earlier {
            Some(token) => Ok(Some(token)),
            None => Ok(self.listing().await?.token(mint)),
        }
    }

    fn latest(&self) -> Option<Listing> {
        self.latest.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn fresh(&self) -> Option<Listing> {
        self.latest().filter(|listing| listing.age() < FRESH)
    }

    fn keep(&self, listing: Listing) {
        *self.latest.write().unwrap_or_else(PoisonError::into_inner) = Some(listing);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use order_core::failure::Code;

    #[tokio::test]
    async fn only_unlisted_mints_need_the_router() {
        let registry = Registry::new(RouterClient::new("http://127.0.0.1:1").unwrap());
        let usdc = registry.resolve("USDC").await.unwrap().unwrap();
        assert_eq!(registry.resolve(&usdc.mint.to_string()).await.unwrap(), Some(usdc));
        for nothing in ["usdc", "", "So1", "DOGE"] {
            assert_eq!(registry.resolve(nothing).await.unwrap(), None, "{nothing}");
        }
        let stranger = Mint::new([9; 32]).to_string();
        assert_eq!(registry.resolve(&stranger).await.unwrap_err().code, Code::RouterUnavailable);
    }

    #[tokio::test]
    async fn listed_token_is_found_while_the_router_is_silent() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let registry = Registry::new(RouterClient::new(&url).unwrap());
        let token = Token { mint: Mint::new([9; 32]), ..Registry::known("USDC").unwrap() };
        let pools = Pools { pools: Vec::new(), tokens: vec![token.clone()], slot: 1 };
        let at = Instant::now();
        registry.keep(Listing { pools: Arc::new(pools), at });
        tokio::time::pause();
        tokio::time::advance(FRESH).await;
        let mut asking = std::pin::pin!(registry.listing());
        assert!(asking.as_mut().now_or_never().is_none(), "the listing is old, so the router is asked");
        let found = registry.resolve(&token.mint.to_string()).now_or_never();
        assert_eq!(found.unwrap().unwrap(), Some(token));
    }
}
