use serde::{Deserialize, Serialize};

/// How many slots a block waits until it is confirmed: real clusters take one or two.
const CONFIRMATION_LAG: u64 = 1;

/// How many slots a block waits until it is finalized, as on real clusters.
pub(crate) const FINALIZATION_LAG: u64 = 32;

/// How sure an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Commitment {
    /// In the newest block.
    Processed,
    /// In a block that the cluster has voted for.
    Confirmed,
    /// In a block that nothing undoes. What a request means that names none, as on real nodes.
    #[default]
    Finalized,
}

impl Commitment {
    /// Every level, the least sure first.
    pub(crate) const ALL: [Self; 3] = [Self::Processed, Self::Confirmed, Self::Finalized];

    /// How many slots behind the newest block it looks.
    pub(crate) const fn lag(self) -> u64 {
        match self {
            Self::Processed => 0,
            Self::Confirmed => CONFIRMATION_LAG,
            Self::Finalized => FINALIZATION_LAG,
        }
    }

    /// The level of a block that is `age` slots older than the newest.
    pub(crate) const fn of_age(age: u64) -> Self {
        if age >= FINALIZATION_LAG {
            Self::Finalized
        } else if age >= CONFIRMATION_LAG {
            Self::Confirmed
        } else {
            Self::Processed
        }
    }
}
