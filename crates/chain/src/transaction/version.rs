use super::{LENGTH_MAX, LENGTH_MAX_V1};
use solana_message::v1::V1_PREFIX;
use std::fmt;
use std::str::FromStr;

/// The version of a transaction's format, the older first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Version {
    /// Fits in a packet, may name lookup tables, and says in instructions how much it may compute and pays for it.
    /// Every node, relay and signer knows it.
    #[default]
    V0,
    /// May be more than three times as long, names every account by its address, and carries its limits and its fee
    /// in its head.
    V1,
}

/// A text that is no version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no version of transactions; the versions are 0 and 1")]
pub struct UnknownVersion(String);

impl Version {
    /// Every version, the older first.
    pub const ALL: [Self; 2] = [Self::V0, Self::V1];

    /// The version of a transaction's bytes.
    pub fn of(bytes: &[u8]) -> Self {
        if bytes.first() == Some(&V1_PREFIX) { Self::V1 } else { Self::V0 }
    }

    /// The number, as nodes and settings write it.
    pub const fn number(self) -> u8 {
        match self {
            Self::V0 => 0,
            Self::V1 => 1,
        }
    }

    /// Most bytes of a transaction.
    pub const fn length_max(self) -> usize {
        match self {
            Self::V0 => LENGTH_MAX,
            Self::V1 => LENGTH_MAX_V1,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number())
    }
}

impl FromStr for Version {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Self, UnknownVersion> {
        let known = Self::ALL.into_iter().find(|version| version.to_string() == text);
        known.ok_or_else(|| UnknownVersion(text.chars().take(20).collect()))
    }
}
