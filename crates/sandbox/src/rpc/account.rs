//! Accounts, as requests ask for them and answers show them.

use super::error::Error;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use solana_account::{AccountSharedData, ReadableAccount as _};

/// The longest data that base58 is offered for: it takes quadratic time.
const BASE58_BYTES_MAX: usize = 128;

/// The most filters of one request.
const FILTERS_MAX: usize = 4;

/// How an account's data is written.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(crate) enum Encoding {
    /// Base64. Unlike on real nodes it is also the default: base58 of more than 128 bytes fails.
    #[default]
    #[serde(rename = "base64")]
    Base64,
    /// Base58, of at most 128 bytes.
    #[serde(rename = "base58", alias = "binary")]
    Base58,
    /// Parsed where the node knows the program. This one knows none and answers in base64, as
    /// real nodes do for programs that they do not know.
    #[serde(rename = "jsonParsed")]
    JsonParsed,
}

/// A part of an account's data.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Slice {
    offset: usize,
    length: usize,
}

/// How accounts are shown.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Form {
    encoding: Encoding,
    data_slice: Option<Slice>,
}

impl Form {
    /// The JSON of an account.
    pub(crate) fn show(self, account: &AccountSharedData) -> Result<Value, Error> {
        let data = account.data();
        let shown = match self.data_slice {
            None => data,
            Some(Slice { offset, length }) => {
                let end = offset.saturating_add(length).min(data.len());
                data.get(offset.min(end)..end).unwrap_or_default()
            }
        };
        let data_shown = match self.encoding {
            Encoding::Base64 | Encoding::JsonParsed => json!([BASE64_STANDARD.encode(shown), "base64"]),
            Encoding::Base58 if shown.len() <= BASE58_BYTES_MAX => {
                json!([bs58::encode(shown).into_string(), "base58"])
            }
            Encoding::Base58 => {
                return Err(Error::invalid_request(
                    "Encoded binary (base 58) data should be less than 128 bytes, please use Base64 encoding.",
                ));
            }
        };
        Ok(json!({
            "lamports": account.lamports(),
            "owner": account.owner().to_string(),
            "data": data_shown,
            "executable": account.executable(),
            "rentEpoch": account.rent_epoch(),
            "space": data.len(),
        }))
    }
}

/// A condition that an account of a program must meet to be shown.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Filter {
    /// Of so many bytes.
    DataSize(usize),
    /// With these bytes at this place.
    Memcmp(Comparison),
}

/// Bytes at a place.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Comparison {
    offset: usize,
    bytes: String,
    #[serde(default)]
    encoding: ComparisonEncoding,
}

/// How the bytes of a comparison are written.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ComparisonEncoding {
    /// The default.
    #[default]
    Base58,
    /// If asked for.
    Base64,
}

/// Filters with their bytes decoded.
#[derive(Debug, Clone)]
pub(crate) struct Filters(Vec<(usize, Vec<u8>)>, Vec<usize>);

impl Filters {
    /// Checks and decodes.
    pub(crate) fn read(filters: Vec<Filter>) -> Result<Self, Error> {
        if filters.len() > FILTERS_MAX {
            return Err(Error::invalid_params(format!("Too many filters provided; max {FILTERS_MAX}")));
        }
        let mut read = Self(Vec::new(), Vec::new());
        for filter in filters {
            match filter {
                Filter::DataSize(size) => read.1.push(size),
                Filter::Memcmp(comparison) => read.0.push((comparison.offset, comparison.decode()?)),
            }
        }
        Ok(read)
    }

    /// True if an account passes all of them.
    pub(crate) fn pass(&self, account: &AccountSharedData) -> bool {
        let data = account.data();
        let same = |(offset, bytes): &(usize, Vec<u8>)| {
            data.get(*offset..).is_some_and(|rest| rest.starts_with(bytes))
        };
        self.1.iter().all(|size| data.len() == *size) && self.0.iter().all(same)
    }
}

impl Comparison {
    fn decode(&self) -> Result<Vec<u8>, Error> {
        let bytes = match self.encoding {
            ComparisonEncoding::Base58 => bs58::decode(&self.bytes).into_vec().ok(),
            ComparisonEncoding::Base64 => BASE64_STANDARD.decode(&self.bytes).ok(),
        };
        bytes
            .filter(|bytes| bytes.len() <= BASE58_BYTES_MAX)
            .ok_or_else(|| Error::invalid_params("Invalid params: memcmp bytes are not readable or too many"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use solana_pubkey::Pubkey;

    #[test]
    fn shows_an_account_as_nodes_do() {
        let account = crate::token::account(5, vec![1, 2, 3, 4], Pubkey::default());
        let form: Form =
            serde_json::from_str(r#"{"encoding":"base64","dataSlice":{"offset":1,"length":2}}"#).unwrap();
        assert_eq!(
            form.show(&account).unwrap(),
            json!({"lamports": 5, "owner": "11111111111111111111111111111111", "data": ["AgM=", "base64"],
                   "executable": false, "rentEpoch": u64::MAX, "space": 4})
        );
        let beyond: Form = serde_json::from_str(r#"{"dataSlice":{"offset":9,"length":2}}"#).unwrap();
        assert_eq!(beyond.show(&account).unwrap()["data"][0], "");
    }

    #[test]
    fn filters_compare_size_and_bytes() {
        let account = crate::token::account(5, vec![1, 2, 3, 4], Pubkey::default());
        let pass = |text: &str| Filters::read(serde_json::from_str(text).unwrap()).unwrap().pass(&account);
        assert!(pass(r#"[{"dataSize":4},{"memcmp":{"offset":1,"bytes":"AgM=","encoding":"base64"}}]"#));
        assert!(!pass(r#"[{"dataSize":5}]"#));
        assert!(!pass(r#"[{"memcmp":{"offset":3,"bytes":"AgM=","encoding":"base64"}}]"#));
        assert!(!pass(r#"[{"memcmp":{"offset":9,"bytes":"2"}}]"#));
    }
}
