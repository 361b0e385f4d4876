//! Where senders are, and the keys that they want.

use super::form::SenderForm;
use reqwest::Url;
use reqwest::header::HeaderValue;
use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::str::FromStr as _;

/// The mark in a URL in whose place the key is put.
const KEY_MARK: &str = "{key}";

/// Most senders that a transaction is handed to.
pub const SENDERS_MAX: usize = 32;

/// Why senders cannot be used. No URL is shown: it may hold a key.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSenders {
    /// A text is no sender.
    #[error(
        "sender number {position} is not FORM+URL with the form {forms} and an http or https URL",
        forms = SenderForm::NAMES.join(", ")
    )]
    NoSender {
        /// Its place in the list, from 1.
        position: usize,
    },
    /// There are too many.
    #[error("{0} senders are named, {SENDERS_MAX} is the most")]
    TooMany(usize),
    /// The URL has a place for a key, and there is none for its host.
    #[error("the URL of the sender {name} wants a key, and SENDER_KEYS_FILE has none for {name}")]
    NoKey {
        /// Its host and port.
        name: String,
    },
    /// The key has no place.
    #[error(
        "SENDER_KEYS_FILE has a key for {name}, which the form rpc puts into the URL: write {{key}} there"
    )]
    NoPlace {
        /// Its host and port.
        name: String,
    },
    /// The key cannot be sent.
    #[error("the key of the sender {name} has characters that cannot be sent")]
    NoHeader {
        /// Its host and port.
        name: String,
    },
    /// A key is for no sender.
    #[error("SENDER_KEYS_FILE has a key for {name}, which is no host of SENDERS")]
    NoHost {
        /// The host and port in the file.
        name: String,
    },
    /// The file of keys cannot be used.
    #[error(transparent)]
    File(#[from] crate::InvalidFile),
    /// A line of it is none.
    #[error("line {line} of SENDER_KEYS_FILE is not a host and a key with a space between them")]
    NoLine {
        /// Its number, from 1.
        line: usize,
    },
    /// The client cannot be made.
    #[error(transparent)]
    Client(#[from] crate::Error),
}

/// The keys of senders, by host and port.
#[derive(Default)]
pub struct SenderKeys(HashMap<String, String>);

impl SenderKeys {
    /// Reads a file with a line for each key: the sender's host, with its port where the URL has one, and the key.
    ///
    /// # Errors
    /// The file can be read by others, or not at all, or has another form.
    pub fn read(path: &Path) -> Result<Self, InvalidSenders> {
        Self::parse(&crate::wallet::read_secret(path)?)
    }

    pub(super) fn parse(text: &str) -> Result<Self, InvalidSenders> {
        let mut keys = HashMap::new();
        let lines = (1..).zip(text.lines().map(str::trim));
        for (line, text) in lines.filter(|(_, text)| !text.is_empty() && !text.starts_with('#')) {
            let (host, key) = text.split_once(char::is_whitespace).ok_or(InvalidSenders::NoLine { line })?;
            keys.insert(host.to_owned(), key.trim().to_owned());
        }
        Ok(Self(keys))
    }
}

impl fmt::Debug for SenderKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// One sender's address, with its key.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) form: SenderForm,
    pub(super) url: Url,
    /// Host and port: the rest of the URL may hold a key.
    pub(super) name: String,
    /// For the header that the form has for it.
    pub(super) key: Option<HeaderValue>,
    /// The key's text, to be kept out of what is told.
    pub(super) secret: Option<String>,
}

/// Reads the addresses of senders: `form+https://…`, or a URL alone for the form `rpc`.
pub(super) fn read(texts: &[String], keys: &SenderKeys) -> Result<Vec<Address>, InvalidSenders> {
    if texts.len() > SENDERS_MAX {
        return Err(InvalidSenders::TooMany(texts.len()));
    }
    let addresses = (1..).zip(texts).map(|(position, text)| address(text.trim(), position, keys));
    let addresses = addresses.collect::<Result<Vec<_>, _>>()?;
    let unused = |host: &&String| !addresses.iter().any(|address| address.name == **host);
    match keys.0.keys().find(unused) {
        Some(host) => Err(InvalidSenders::NoHost { name: host.clone() }),
        None => Ok(addresses),
    }
}

fn address(text: &str, position: usize, keys: &SenderKeys) -> Result<Address, InvalidSenders> {
    let none = || InvalidSenders::NoSender { position };
    let scheme = text.split("://").next().unwrap_or_default();
    let (form, url) = match scheme.split_once('+') {
        Some((form, _)) => {
            let form = SenderForm::from_str(form).map_err(|_| none())?;
            (form, text.split_once('+').ok_or_else(none)?.1)
        }
        None => (SenderForm::Rpc, text),
    };
    let parse = |url: &str| Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let parsed = parse(url).ok_or_else(none)?;
    let name = crate::rpc::name_of(&parsed).ok_or_else(none)?;
    let secret = keys.0.get(&name).cloned();
    let place = url.contains(KEY_MARK);
    let (url, key) = match (&secret, form.key_header()) {
        (None, _) if place => return Err(InvalidSenders::NoKey { name }),
        (None, _) => (parsed, None),
        (Some(key), _) if place => (parse(&url.replace(KEY_MARK, key)).ok_or_else(none)?, None),
        (Some(_), None) => return Err(InvalidSenders::NoPlace { name }),
        (Some(key), Some(_)) => {
            let header = HeaderValue::from_str(key);
            let mut header = header.map_err(|_| InvalidSenders::NoHeader { name: name.clone() })?;
            header.set_sensitive(true);
            (parsed, Some(header))
        }
    };
    Ok(Address { form, url, name, key, secret })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(text: &str, keys: &str) -> Result<Address, InvalidSenders> {
        let mut addresses = read(&[text.to_owned()], &SenderKeys::parse(keys)?)?;
        Ok(addresses.remove(0))
    }

    #[test]
    fn a_sender_is_a_form_and_a_url() {
        let jito = read_one("jito+https://ny.block-engine.example/api/v1/transactions", "").unwrap();
        assert_eq!((jito.form, jito.name.as_str()), (SenderForm::Jito, "ny.block-engine.example"));
        assert_eq!(jito.url.as_str(), "https://ny.block-engine.example/api/v1/transactions");
        let plain = read_one("http://127.0.0.1:8899/?swqos_only=true&a=b+c", "").unwrap();
        assert_eq!((plain.form, plain.name.as_str()), (SenderForm::Rpc, "127.0.0.1:8899"));
        for bad in ["", "jito", "ftp://h", "jito+ftp://h", "fast+https://h", "+https://h", "jito+https://"] {
            let error = read_one(bad, "").err();
            assert!(matches!(error, Some(InvalidSenders::NoSender { position: 1 })), "{bad}: {error:?}");
        }
        let many = vec!["http://h".to_owned(); SENDERS_MAX + 1];
        assert!(matches!(read(&many, &SenderKeys::default()), Err(InvalidSenders::TooMany(33))));
    }

    #[test]
    fn a_key_comes_from_the_file_into_the_header_or_the_url() {
        let keys = "# keys\n\nhost.example  secret\n";
        let submit = read_one("submit+https://host.example/api/v2/submit", keys).unwrap();
        assert!(submit.key.as_ref().is_some_and(|key| key == "secret" && key.is_sensitive()));
        let placed = read_one("https://host.example/?c={key}", keys).unwrap();
        assert_eq!((placed.url.as_str(), placed.key), ("https://host.example/?c=secret", None));
        let told = |text: &str, keys: &str| read_one(text, keys).err().unwrap().to_string();
        assert!(told("https://host.example/", keys).contains("write {key} there"));
        assert!(told("https://other.example/?c={key}", "").contains("wants a key"));
        assert!(told("jito+https://other.example/", keys).contains("no host of SENDERS"));
        assert!(told("jito+https://host.example/", "host.example\n").contains("line 1"));
        assert!(told("jito+https://host.example/", "host.example a\u{1}b").contains("cannot be sent"));
    }

    #[test]
    fn no_key_is_shown() {
        let keys = SenderKeys::parse("host.example secret").unwrap();
        assert_eq!(format!("{keys:?}"), r#"{"host.example"}"#);
    }
}
