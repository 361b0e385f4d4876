//! Idempotency keys: reading the header, fingerprints, and looking up the order of an earlier request.

use super::request::OrderRequest;
use crate::http::error_codes::Code;
use crate::http::problem::Problem;
use crate::state::App;
use http::{HeaderMap, HeaderName};
use journal::{Accepted, Idempotency};
use order_core::AccountId;
use order_core::order::Id;
use sha2::{Digest as _, Sha256};

/// Header with the client's idempotency key.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The longest key, in characters.
const MAX_KEY: usize = 255;

/// The idempotency key of a request, if it has one.
///
/// # Errors
/// The header is there several times, or is not 1 to 255 visible ASCII characters.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    match (value.to_str().ok().and_then(parse), values.next()) {
        (Some(key), None) => Ok(Some(key)),
        (_, _) => Err(Problem::field(
            Code::InvalidIdempotencyKey,
            "Idempotency-Key",
            format!("must be one value of 1 to {MAX_KEY} visible ASCII characters, bare or in quotes"),
        )),
    }
}

/// The key of a WebSocket's first message, which may be given in the header, in the message, or in both alike.
///
/// # Errors
/// The key in the message is not valid, or is another than the one in the header.
pub(super) fn agreed(header: Option<String>, field: Option<String>) -> Result<Option<String>, Problem> {
    const FIELD: &str = "idempotencyKey";
    let Some(field) = field else { return Ok(header) };
    let Some(key) = parse(&field) else {
        let message = format!("must have 1 to {MAX_KEY} visible ASCII characters");
        return Err(Problem::field(Code::InvalidIdempotencyKey, FIELD, message));
    };
    if header.is_some_and(|header| header != key) {
        let message = "differs from the header Idempotency-Key";
        return Err(Problem::field(Code::InvalidIdempotencyKey, FIELD, message));
    }
    Ok(Some(key))
}

/// The key in a header's value: bare, or a string of RFC 9651 in quotes. Both forms of a key are the same key.
fn parse(value: &str) -> Option<String> {
    let key = if value.starts_with('"') { unquoted(value)? } else { value.to_owned() };
    let valid = (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    valid.then_some(key)
}

/// The text of a string of RFC 9651, in which a backslash comes before each quote and backslash.
fn unquoted(value: &str) -> Option<String> {
    let mut rest = value.strip_prefix('"')?.strip_suffix('"')?.chars();
    let mut text = String::new();
    while let Some(char) = rest.next() {
        text.push(match char {
            '"' => return None,
            '\\' => rest.next().filter(|escaped| matches!(escaped, '"' | '\\'))?,
            other => other,
        });
    }
    Some(text)
}

/// Hash that identifies a repeated request. Computed over the canonical form of the order; over the raw bytes
/// if the body is not a valid order.
pub(super) fn fingerprint(parsed: &Result<OrderRequest, Problem>, body: &[u8]) -> [u8; 32] {
    match parsed {
        Ok(order) => order.fingerprint(),
        Err(_) => Sha256::digest(body).into(),
    }
}

/// The order that an earlier request of the account with this key placed, if there is one.
///
/// # Errors
/// The key was used with another body, or the database does not answer.
pub(super) async fn replay(
    app: &App,
    account: &AccountId,
    idempotency: &Idempotency,
) -> Result<Option<Id>, Problem> {
    match app.journal.orders.accepted(account, idempotency).await? {
        None | Some(Accepted::New | Accepted::Halted) => Ok(None),
        Some(Accepted::Replayed { id }) => Ok(Some(id)),
        Some(Accepted::Conflict { .. }) => Err(reused()),
    }
}

/// The key was used with another body.
pub(super) fn reused() -> Problem {
    Problem::field(Code::IdempotencyKeyReused, "Idempotency-Key", "was used with another body")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn hash(body: &[u8]) -> [u8; 32] {
        fingerprint(&OrderRequest::parse(body), body)
    }

    /// Fingerprints as they are stored in PostgreSQL beside the keys. A change of one would turn a repeated
    /// request into a conflict.
    const STORED: [(&str, &str); 12] = [
        (
            r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":100}"#,
            "1d09e51961f453d4bd68b1d38b06743da61d0273066919fba9ce9036b0411e37",
        ),
        (
            r#" {"amount":"1e2", "tokenOut":"EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v","tokenIn":"SOL","quoteId":null}"#,
            "1d09e51961f453d4bd68b1d38b06743da61d0273066919fba9ce9036b0411e37",
        ),
        (
            r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":1.50,"maxSlippage":"0.010","quoteId":"01A21A78-27AD-7000-8000-00000000000A","expiresAt":"2026-01-01T01:00:00+01:00"}"#,
            "da65b8426a3008dc0eca9b52a387c62a802848a51685ae77a4dfd63fc1f8b5dc",
        ),
        (
            r#"{"tokenIn":"11111111111111111111111111111111","tokenOut":"SOL","amount":"0.000000001"}"#,
            "a5c9b63e66a1694d45d3bf67bd6d101b57b89f7597eaa05806aabb4335696cbf",
        ),
        (
            r#"{"tokenIn":"DOGE","tokenOut":"DOGE","amount":0}"#,
            "5be27ce7c91367b49fd8f4334a1ff7aa40de8b4ed4e871288c6f008dd14e1d32",
        ),
        (r#""#, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (r#"{"#, "021fb596db81e6d02bf3d2586ee3981fe519f275c0ac9ca76bbcf2ebb4097d96"),
        (r#"[]"#, "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"),
        (
            r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":"1,5"}"#,
            "8d9b4685c6748c645fc868f601fb7b9f0a9cf85f44decc88d29b155f30183723",
        ),
        (
            r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":1,"side":"buy"}"#,
            "93c35145a27d21effeb6ba7d562dd5d18ea44f6e39ff2c5c7d823b4b21df56a9",
        ),
        (
            r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":1,"amount":1}"#,
            "11b771710ea1a3f6224bf7a0f5aa21b40acea2aaab66198e9feb5a49c77780ff",
        ),
        (
            r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":1,"quoteId":"7"}"#,
            "eecee51678c2acd0d1502a279c94ab595f87f6d81c406b372dba6930f419f5b4",
        ),
    ];

    #[test]
    fn fingerprints_stay_as_they_are_stored() {
        for (body, stored) in STORED {
            let hash: String = hash(body.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hash, stored, "{body}");
        }
    }

    #[test]
    fn a_request_is_the_same_however_it_is_written() {
        let first = hash(br#"{"tokenIn":"SOL","tokenOut":"USDC","amount":100}"#);
        let again =
            br#" {"amount":"1e2", "tokenOut":"EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v","tokenIn":"SOL"}"#;
        assert_eq!(first, hash(again));
        for other in [
            r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":101}"#,
            r#"{"tokenIn":"SOL","tokenOut":"USDT","amount":100}"#,
            r#"{"tokenIn":"RAY","tokenOut":"USDC","amount":100}"#,
            r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":100,"maxSlippage":0.01}"#,
            r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":100,"quoteId":"00000000-0000-0000-0000-000000000000"}"#,
            r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":100,"expiresAt":"2026-01-01T00:00:00Z"}"#,
            r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":100,"side":"buy"}"#,
            r#"{"tokenIn":"SOL","tokenOut":"USDC","amount":-100}"#,
            "{",
        ] {
            assert_ne!(first, hash(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn key_of_a_message_and_its_header_must_agree() {
        let agreed = |header: Option<&str>, field: Option<&str>| {
            super::agreed(header.map(str::to_owned), field.map(str::to_owned)).map_err(|problem| problem.code)
        };
        assert_eq!(agreed(None, None), Ok(None));
        for (header, field) in [(Some("k"), None), (None, Some("k")), (Some("k"), Some("\"k\""))] {
            assert_eq!(agreed(header, field), Ok(Some("k".to_owned())));
        }
        assert_eq!(agreed(Some("k"), Some("other")), Err(Code::InvalidIdempotencyKey));
        assert_eq!(agreed(None, Some("two words")), Err(Code::InvalidIdempotencyKey));
    }

    #[test]
    fn key_is_one_value_of_visible_ascii() {
        let key = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(IDEMPOTENCY_KEY, HeaderValue::from_bytes(value).unwrap());
            }
            super::key(&headers).map_err(|problem| problem.code)
        };
        assert_eq!(key(&[]), Ok(None));
        assert_eq!(key(&[b"k-1"]), Ok(Some("k-1".to_owned())));
        for same in [br#""k-1""#.as_slice(), b"k-1"] {
            assert_eq!(key(&[same]), Ok(Some("k-1".to_owned())));
        }
        assert_eq!(key(&[br#""a\"b\\""#]), Ok(Some(r#"a"b\"#.to_owned())));
        for refused in
            [br#"""#.as_slice(), br#""""#, br#""a"#, br#""a"b""#, br#""a\b""#, br#""a";p=1"#, br#""a b""#]
        {
            assert_eq!(key(&[refused]), Err(Code::InvalidIdempotencyKey), "{refused:?}");
        }
        assert_eq!(key(&[&[b'x'; 255]]).unwrap().unwrap().len(), 255);
        for refused in [&[b"".as_slice()][..], &[b"a b"], &[b"\xc3\xa9"], &[&[b'x'; 256]], &[b"a", b"b"]] {
            assert_eq!(key(refused), Err(Code::InvalidIdempotencyKey), "{refused:?}");
        }
    }
}
