use serde::{Deserialize, Deserializer, Serialize, Serializer};
use solana_pubkey::Pubkey;
use std::fmt;
use std::str::FromStr;

/// A text that is no base58 of the expected number of bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a base58 {what}")]
pub struct InvalidAddress {
    text: String,
    what: &'static str,
}

fn decode<const N: usize>(text: &str, what: &'static str) -> Result<[u8; N], InvalidAddress> {
    let mut bytes = [0; N];
    match bs58::decode(text).onto(&mut bytes) {
        Ok(written) if written == N => Ok(bytes),
        Ok(_) | Err(_) => Err(InvalidAddress { text: text.chars().take(100).collect(), what }),
    }
}

/// A newtype over bytes that reads and writes base58, in text and in JSON.
macro_rules! base58_newtype {
    ($(#[$doc:meta])* $name:ident, $length:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $length]);

        impl $name {
            /// Wraps the raw bytes.
            pub const fn new(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// The raw bytes.
            pub const fn to_bytes(self) -> [u8; $length] {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&bs58::encode(self.0).into_string())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }

        impl FromStr for $name {
            type Err = InvalidAddress;

            fn from_str(text: &str) -> Result<Self, InvalidAddress> {
                decode(text, $what).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

base58_newtype!(
    /// The address of a token's mint: what a token *is* on the chain.
    Mint, 32, "mint address"
);
base58_newtype!(
    /// The address of a pool's account.
    PoolAddress, 32, "pool address"
);
base58_newtype!(
    /// The address of any other account, such as a wallet.
    AccountAddress, 32, "account address"
);
base58_newtype!(
    /// A transaction's first signature: its name on the chain, known before it is sent.
    Signature, 64, "transaction signature"
);

impl Mint {
    /// The address as the Solana crates know it.
    pub const fn pubkey(self) -> Pubkey {
        Pubkey::new_from_array(self.0)
    }
}

impl PoolAddress {
    /// The address as the Solana crates know it.
    pub const fn pubkey(self) -> Pubkey {
        Pubkey::new_from_array(self.0)
    }
}

impl AccountAddress {
    /// The address as the Solana crates know it.
    pub const fn pubkey(self) -> Pubkey {
        Pubkey::new_from_array(self.0)
    }
}

impl From<Pubkey> for AccountAddress {
    fn from(address: Pubkey) -> Self {
        Self(address.to_bytes())
    }
}

impl From<Pubkey> for Mint {
    fn from(address: Pubkey) -> Self {
        Self(address.to_bytes())
    }
}

impl From<Pubkey> for PoolAddress {
    fn from(address: Pubkey) -> Self {
        Self(address.to_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_base58() {
        let text = "So11111111111111111111111111111111111111112";
        let mint: Mint = text.parse().unwrap();
        assert_eq!(mint.to_string(), text);
        assert_eq!(serde_json::to_string(&mint).unwrap(), format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<Mint>(&format!("\"{text}\"")).unwrap(), mint);
    }

    #[test]
    fn refuses_what_is_no_address() {
        for text in [
            "",
            "SOL",
            "0OIl",
            "So1111111111111111111111111111111111111111",
            "11111111111111111111111111111111111111111111111111",
        ] {
            assert!(text.parse::<Mint>().is_err(), "{text}");
        }
    }
}
