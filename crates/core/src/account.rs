use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The name of an account of this engine, which owns orders, keys and limits. Not a Solana account. 1 to 64
/// characters of `a-z`, `0-9`, `-` and `_`; it never changes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(Arc<str>);

/// Text that is no account's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an account's name has 1 to {max} characters of a-z, 0-9, - and _", max = AccountId::MAX_LENGTH)]
pub struct InvalidAccountId;

impl AccountId {
    /// The longest name, in characters.
    pub const MAX_LENGTH: usize = 64;

    /// The account that exists from the start. It owns all orders of before there were accounts.
    pub fn operator() -> Self {
        Self(Arc::from("operator"))
    }

    /// Returns true for the account that exists from the start.
    pub fn is_operator(&self) -> bool {
        *self.0 == *"operator"
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountId {
    type Err = InvalidAccountId;

    fn from_str(text: &str) -> Result<Self, InvalidAccountId> {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        if (1..=Self::MAX_LENGTH).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(Arc::from(text)))
        } else {
            Err(InvalidAccountId)
        }
    }
}

impl Serialize for AccountId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for AccountId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_short_word_that_fits_into_urls_labels_and_subjects() {
        for name in ["operator", "a", "desk-7", "market_maker", &"x".repeat(64)] {
            assert_eq!(name.parse::<AccountId>().unwrap().as_str(), name);
            assert_eq!(serde_json::from_str::<AccountId>(&format!("\"{name}\"")).unwrap().to_string(), name);
        }
        for name in ["", "Desk", "a b", "a.b", "a/b", "é", "a\n", &"x".repeat(65)] {
            assert!(name.parse::<AccountId>().is_err(), "{name:?}");
            assert!(serde_json::from_value::<AccountId>(name.into()).is_err(), "{name:?}");
        }
    }
}
