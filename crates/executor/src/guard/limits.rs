use super::exceeded;
use anyhow::Context as _;
use order_core::{Failure, UsdMicros};

/// The most that may be spent; None where there is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    per_order: Option<UsdMicros>,
    per_day: Option<UsdMicros>,
}

impl Limits {
    /// # Errors
    /// Real money is traded without both limits.
    pub(crate) fn new(
        per_order: Option<UsdMicros>,
        per_day: Option<UsdMicros>,
        live: bool,
    ) -> anyhow::Result<Self> {
        if live {
            per_order.context("--live needs MAX_ORDER_VALUE, the most that an order may be worth in USD")?;
            per_day.context("--live needs MAX_DAY_VALUE, the most that a day's orders may come to in USD")?;
        }
        Ok(Self { per_order, per_day })
    }

    /// The limits of one order and of a day's orders.
    pub(crate) fn of_order_and_day(self) -> (Option<UsdMicros>, Option<UsdMicros>) {
        (self.per_order, self.per_day)
    }

    pub(super) fn are_none(self) -> bool {
        self.per_order.or(self.per_day).is_none()
    }

    pub(crate) fn per_day(self) -> Option<UsdMicros> {
        self.per_day
    }

    /// Checks that one order may be worth this much.
    pub(super) fn check(self, value: UsdMicros) -> Result<(), Failure> {
        match self.per_order {
            Some(most) if value > most => {
                Err(exceeded(format!("the order is worth {value} USD, {most} is the most for one order")))
            }
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use order_core::failure::Code;

    #[test]
    fn an_order_may_be_worth_its_limit_and_no_more() {
        let limits = Limits::new(Some(UsdMicros::new(10_000_000)), None, false).unwrap();
        assert_eq!(limits.check(UsdMicros::new(10_000_000)), Ok(()));
        let failure = limits.check(UsdMicros::new(10_000_001)).unwrap_err();
        assert_eq!(failure.code, Code::LimitExceeded);
        assert_eq!(failure.message, "the order is worth 10.000001 USD, 10 is the most for one order");
        assert_eq!(Limits::new(None, None, false).unwrap().check(UsdMicros::new(u64::MAX)), Ok(()));
    }
}
