use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;
use subtle::ConstantTimeEq as _;

/// The beginning of every key, by which people and scanners know one.
const PREFIX: &str = "oek_";

/// The length of a key's id, in bytes.
const ID_LENGTH: usize = 6;

/// The length of a key's secret, in bytes.
const SECRET_LENGTH: usize = 32;

/// The part of a key that is no secret: 12 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for KeyId {
    type Err = InvalidApiKey;

    fn from_str(text: &str) -> Result<Self, InvalidApiKey> {
        let hexadecimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() == 2 * ID_LENGTH && text.bytes().all(hexadecimal) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidApiKey)
        }
    }
}

/// Text that is no API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an API key is oek_, 12 hexadecimal digits, _ and 64 hexadecimal digits")]
pub struct InvalidApiKey;

/// An API key: the id, by which it is found, and the secret, of which only the hash is stored.
#[derive(Clone)]
pub struct ApiKey {
    id: KeyId,
    secret: [u8; SECRET_LENGTH],
}

impl ApiKey {
    /// The number of random bytes in a key.
    pub const RANDOM_LENGTH: usize = ID_LENGTH + SECRET_LENGTH;

    /// The key of these bytes, which come from a generator that nobody can predict.
    pub fn from_random(random: &[u8; Self::RANDOM_LENGTH]) -> Self {
        let (id, rest) = random.split_at(ID_LENGTH);
        let mut secret = [0; SECRET_LENGTH];
        secret.copy_from_slice(rest);
        Self { id: KeyId(hexadecimal(id)), secret }
    }

    /// The id.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// The key as its holder sends it. Shown once, when it is made.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}_{}", self.id, hexadecimal(&self.secret))
    }

    /// The hash of the secret, as it is stored.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.secret).into()
    }

    /// Returns true if the stored hash is that of this secret, in a time that does not depend on it.
    pub fn matches(&self, stored: &[u8; 32]) -> bool {
        self.hash().ct_eq(stored).into()
    }
}

impl FromStr for ApiKey {
    type Err = InvalidApiKey;

    fn from_str(text: &str) -> Result<Self, InvalidApiKey> {
        let (id, secret) =
            text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).ok_or(InvalidApiKey)?;
        Ok(Self { id: id.parse()?, secret: bytes(secret).ok_or(InvalidApiKey)? })
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}_…", self.id)
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(text: &str) -> Option<[u8; SECRET_LENGTH]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let bytes: Option<Vec<u8>> =
        pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    bytes?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(fill: u8) -> ApiKey {
        ApiKey::from_random(&[fill; ApiKey::RANDOM_LENGTH])
    }

    #[test]
    fn a_key_is_read_as_it_was_shown() {
        let shown = key(0xa7).reveal();
        assert_eq!(shown, format!("oek_a7a7a7a7a7a7_{}", "a7".repeat(32)));
        let read: ApiKey = shown.parse().unwrap();
        assert_eq!(read.id().as_str(), "a7a7a7a7a7a7");
        assert!(read.matches(&key(0xa7).hash()));
        assert!(!read.matches(&key(0xa8).hash()));
        assert!(!read.matches(&[0; 32]));
    }

    #[test]
    fn text_of_another_form_is_no_key() {
        let shown = key(0xa7).reveal();
        for text in [
            "",
            "oek_",
            &shown[1..],
            &shown[..shown.len() - 1],
            &format!("{shown}0"),
            &shown.to_uppercase(),
            &shown.replacen('a', "g", 1),
            &shown.replacen("_a7", "__", 1),
            &format!("oek_a7a7a7a7a7a7_{}é", "a7".repeat(31)),
        ] {
            assert!(text.parse::<ApiKey>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_secret_is_in_no_log() {
        assert_eq!(format!("{:?}", key(0xa7)), "oek_a7a7a7a7a7a7_…");
    }
}
