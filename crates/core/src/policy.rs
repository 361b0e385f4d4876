use crate::{AccountAddress, Mint, Slippage, UsdMicros, Venue};
use std::collections::BTreeSet;
use std::num::NonZeroU32;

/// The bounds that an operator sets to the orders of one account, besides those of all. The default has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountPolicy {
    /// Most that one order may be worth.
    pub max_order_value: Option<UsdMicros>,
    /// Most that the orders of a day (UTC) may come to.
    pub max_day_value: Option<UsdMicros>,
    /// Highest slippage that an order may set.
    pub max_slippage: Option<Slippage>,
    /// The tokens that orders may spend and buy; all if None.
    pub tokens: Option<BTreeSet<Mint>>,
    /// The venues that orders may go over; all if None.
    pub venues: Option<BTreeSet<Venue>>,
    /// Most orders that executors route, build and sign at the same time.
    pub max_working: Option<NonZeroU32>,
    /// The wallet that signs; the first of each executor if None.
    pub wallet: Option<AccountAddress>,
}

impl AccountPolicy {
    /// Returns true if orders may spend and buy the token.
    pub fn allows_token(&self, mint: Mint) -> bool {
        self.tokens.as_ref().is_none_or(|tokens| tokens.contains(&mint))
    }

    /// The venues that no order may go over.
    pub fn refused_venues(&self) -> impl Iterator<Item = Venue> {
        let refused = |venue: &Venue| self.venues.as_ref().is_some_and(|venues| !venues.contains(venue));
        Venue::ALL.into_iter().filter(refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_allows_what_it_names_and_no_list_allows_all() {
        let [one, other] = [1, 2].map(|fill| Mint::new([fill; 32]));
        let open = AccountPolicy::default();
        assert!(open.allows_token(one) && open.refused_venues().next().is_none());
        let narrow = AccountPolicy {
            tokens: Some(BTreeSet::from([one])),
            venues: Some(Venue::ALL.into_iter().skip(1).collect()),
            ..AccountPolicy::default()
        };
        assert!(narrow.allows_token(one) && !narrow.allows_token(other));
        assert_eq!(narrow.refused_venues().collect::<Vec<_>>(), Venue::ALL[..1]);
    }
}
