//! Tips: the lamports that a transaction pays to those who land it.

use anyhow::ensure;
use order_core::order::{self, Tip};
use order_core::{AccountAddress, Atoms};
use std::collections::HashSet;

/// The tips of an executor's transactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tips {
    accounts: Vec<AccountAddress>,
    least: Atoms,
    most: Atoms,
    /// Attempts that an order has.
    attempts: u32,
}

impl Tips {
    /// Most accounts among which tips are shared.
    pub(crate) const ACCOUNTS_MAX: usize = 64;

    /// Tips to these accounts, from `least` to `most` lamports; none if `most` is zero.
    ///
    /// # Errors
    /// Nobody would get them, an account is named twice, or `least` is more than `most`.
    pub(crate) fn new(
        accounts: Vec<AccountAddress>,
        least: Atoms,
        most: Atoms,
        attempts: u32,
    ) -> anyhow::Result<Self> {
        let distinct: HashSet<_> = accounts.iter().collect();
        ensure!(distinct.len() == accounts.len(), "TIP_ACCOUNTS names an account twice");
        ensure!(
            accounts.len() <= Self::ACCOUNTS_MAX,
            "TIP_ACCOUNTS names more than {} accounts",
            Self::ACCOUNTS_MAX
        );
        if !most.is_zero() {
            ensure!(!accounts.is_empty(), "MAX_TIP_LAMPORTS is set; name who gets the tips in TIP_ACCOUNTS");
            ensure!(
                !least.is_zero() && least <= most,
                "MIN_TIP_LAMPORTS must be from 1 to MAX_TIP_LAMPORTS, which is {}",
                most.get()
            );
        }
        Ok(Self { accounts, least, most, attempts })
    }

    /// The accounts among which tips are shared.
    pub(crate) fn accounts(&self) -> &[AccountAddress] {
        &self.accounts
    }

    /// The least tip that is paid.
    pub(crate) const fn least(&self) -> Atoms {
        self.least
    }

    /// The most that a transaction may pay; zero if none pays a tip.
    pub(crate) const fn most(&self) -> Atoms {
        self.most
    }

    /// The tip of an order's attempt. The fewer attempts are left, the more urgent it is: the last pays the most, and
    /// each one before it half of the next. The account follows from the order's random id, and each attempt has
    /// another, so that transactions side by side seldom write the same one.
    pub(crate) fn of(&self, id: order::Id, attempt: u32) -> Option<Tip> {
        if self.most.is_zero() {
            return None;
        }
        let left = self.attempts.saturating_sub(attempt);
        let share = self.most.get().checked_shr(left).unwrap_or(0);
        let lamports = Atoms::new(share).max(self.least).min(self.most);
        let (_, random) = id.0.as_u64_pair();
        let count = u64::try_from(self.accounts.len()).ok()?;
        let place = random.wrapping_add(u64::from(attempt)).checked_rem(count)?;
        let account = *self.accounts.get(usize::try_from(place).ok()?)?;
        Some(Tip { account, lamports })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn account(seed: u8) -> AccountAddress {
        AccountAddress::new([seed; 32])
    }

    fn tips(least: u64, most: u64, attempts: u32) -> anyhow::Result<Tips> {
        let accounts = [1, 2, 3].map(account).to_vec();
        Tips::new(accounts, Atoms::new(least), Atoms::new(most), attempts)
    }

    fn id(random: u128) -> order::Id {
        order::Id(Uuid::from_u128(random))
    }

    #[test]
    fn the_last_attempt_pays_the_most_and_each_before_it_half() {
        let paid = |least, most, attempts| {
            let tips = tips(least, most, attempts).unwrap();
            (1..=attempts).map(|attempt| tips.of(id(0), attempt).unwrap().lamports.get()).collect::<Vec<_>>()
        };
        assert_eq!(paid(1_000, 1_000_000, 3), [250_000, 500_000, 1_000_000]);
        assert_eq!(paid(300_000, 1_000_000, 3), [300_000, 500_000, 1_000_000]);
        assert_eq!(paid(7, 7, 2), [7, 7]);
        assert_eq!(paid(1, 1_000, 100)[..2], [1, 1], "more halvings than a number has");
    }

    #[test]
    fn each_attempt_tips_another_account_and_the_same_attempt_the_same() {
        let tips = tips(1, 9, 3).unwrap();
        let of = |order, attempt| tips.of(id(order), attempt).unwrap().account;
        assert_eq!([1, 2, 3].map(|attempt| of(0, attempt)), [account(2), account(3), account(1)]);
        assert_eq!(of(1, 1), account(3), "the order's id decides where it begins");
        assert_eq!(of(5, 2), of(5, 2));
    }

    #[test]
    fn tips_that_nobody_gets_or_that_cannot_be_are_refused() {
        let none = |most| Tips::new(Vec::new(), Atoms::new(1_000), Atoms::new(most), 3);
        assert_eq!(none(0).unwrap().of(id(1), 3), None);
        assert!(none(1).is_err());
        for (least, most) in [(2, 1), (0, 1)] {
            assert!(tips(least, most, 3).is_err(), "{least} {most}");
        }
        let twice = vec![account(1); 2];
        assert!(Tips::new(twice, Atoms::new(1), Atoms::new(1), 3).is_err());
    }

    proptest! {
        #[test]
        fn no_tip_is_over_the_cap_or_under_the_least_or_falls(
            least in 1u64.., most in 1u64.., attempts in 1u32..200, attempt in 1u32..300, random in any::<u128>(),
        ) {
            let Ok(tips) = tips(least, most, attempts) else {
                prop_assert!(least > most);
                return Ok(());
            };
            let tip = tips.of(id(random), attempt).unwrap();
            prop_assert!((least..=most).contains(&tip.lamports.get()));
            prop_assert!(tips.accounts().contains(&tip.account));
            prop_assert!(tips.of(id(random), attempt + 1).unwrap().lamports >= tip.lamports);
            if attempt >= attempts {
                prop_assert_eq!(tip.lamports.get(), most);
            }
        }
    }
}
