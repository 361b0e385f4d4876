use chain::transaction::{TOKEN_ACCOUNT_LENGTH, token_account};
use chain::{AllowedFormats, Blockhash, Client, Formats, MARKER_LENGTH};
use futures_util::TryFutureExt as _;
use order_core::failure::Code;
use order_core::order::Marker;
use order_core::{Atoms, Failure, Order, Quote};
use std::sync::Arc;
use swap::{PoolReader, PoolSnapshot};
use tokio::sync::OnceCell;

/// The cluster's answers that a transaction is built from.
pub(super) struct Ground {
    pub(super) pools: PoolSnapshot,
    pub(super) blockhash: Blockhash,
    pub(super) recent_fees: Vec<u64>,
    pub(super) rent: Rent,
    pub(super) formats: Formats,
}

/// The lamports that accounts must hold to live.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rent {
    pub(super) token_account: Atoms,
    pub(super) marker: Atoms,
}

/// Asks the cluster for everything that a transaction is built from.
pub(crate) struct Survey {
    cluster: Client,
    pools: Arc<PoolReader>,
    formats: AllowedFormats,
    rent: OnceCell<Rent>,
}

impl Survey {
    pub(crate) fn new(cluster: Client, pools: Arc<PoolReader>, formats: AllowedFormats) -> Self {
        Self { cluster, pools, formats, rent: OnceCell::new() }
    }

    /// Asks for everything at once. The pools, the clock and the wallet's balances come from one slot.
    pub(super) async fn ground(
        &self,
        order: &Order,
        quote: &Quote,
        marker: &Marker,
    ) -> Result<Ground, Failure> {
        let route: Vec<_> = quote.route.hops().map(|hop| hop.pool).collect();
        let token_in = order.intent().token_in();
        let wallet = marker.wallet.pubkey();
        let source = token_account(&wallet, token_in, marker);
        // The account of wrapped SOL exists only within the transaction.
        let more: &[_] = if token_in.is_native() { &[wallet] } else { &[wallet, source] };
        let written: Vec<_> = route.iter().map(|pool| pool.pubkey()).collect();
        let (pools, blockhash, recent_fees, rent, formats) = futures_util::try_join!(
            self.pools.read(&route, more, quote.slot),
            self.cluster.shared_blockhash().map_err(|error| error.failure()),
            self.cluster.shared_prioritization_fees(&written).map_err(|error| error.failure()),
            self.rent(),
            self.cluster.shared_formats(&self.formats).map_err(|error| error.failure()),
        )?;
        if !token_in.is_native() && !pools.has(&source) {
            return Err(Failure::new(
                Code::InsufficientFunds,
                format!("the wallet has no {}", token_in.symbol),
            ));
        }
        Ok(Ground { pools, blockhash, recent_fees, rent, formats })
    }

    /// The lamports that accounts must hold to live, asked once.
    async fn rent(&self) -> Result<Rent, Failure> {
        let ask = || async {
            let of = |length| self.cluster.minimum_balance(length);
            let (token_account, marker) =
                futures_util::try_join!(of(TOKEN_ACCOUNT_LENGTH), of(MARKER_LENGTH))?;
            Ok(Rent { token_account, marker })
        };
        self.rent.get_or_try_init(ask).await.copied().map_err(|error: chain::Error| error.failure())
    }
}
