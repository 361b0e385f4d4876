use anyhow::{Context, ensure};
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// One seed, or several one after the other: `7`, or `1..20` with both ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seeds(RangeInclusive<u64>);

impl Seeds {
    pub(crate) fn iter(&self) -> impl Iterator<Item = u64> {
        self.0.clone()
    }
}

impl FromStr for Seeds {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        let number = |text: &str| text.parse::<u64>().context("a seed is a number, several are as in 1..20");
        let (first, last) = (number(first)?, number(last)?);
        ensure!(first <= last, "the last seed is less than the first");
        Ok(Self(first..=last))
    }
}

impl fmt::Display for Seeds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.0.start(), self.0.end());
        if first == last { write!(formatter, "{first}") } else { write!(formatter, "{first}..{last}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_several_seeds_belong_to_them() {
        let seeds = |text: &str| text.parse::<Seeds>().map(|seeds| seeds.iter().collect::<Vec<_>>());
        assert_eq!(seeds("7").unwrap(), [7]);
        assert_eq!(seeds("1..3").unwrap(), [1, 2, 3]);
        assert_eq!(["7", "1..3"].map(|text| text.parse::<Seeds>().unwrap().to_string()), ["7", "1..3"]);
        for wrong in ["", "x", "3..1", "1..", "1..=2"] {
            assert!(seeds(wrong).is_err(), "{wrong}");
        }
    }
}
