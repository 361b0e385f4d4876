//! The user and the password in the URL of the queue.

use async_nats::ServerAddr;

/// A user of the server, as the URL has it.
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: String,
}

impl Credentials {
    /// None is returned for a URL without a user.
    pub(super) fn of(address: &ServerAddr) -> Option<Self> {
        let user = decoded(address.username()?);
        Some(Self { user, password: decoded(address.password().unwrap_or_default()) })
    }
}

/// A part of a URL as the text that it stands for: `%40` is `@`. A % that is no code stays.
fn decoded(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        let code = after.get(..2).filter(|_| *first == b'%');
        let code = code.and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => bytes.push(*first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_read_as_it_was_before_it_was_part_of_a_url() {
        let address: ServerAddr = "nats://gate%20way:p%40ss%2Fw%231@localhost:4222".parse().unwrap();
        let credentials = Credentials::of(&address).unwrap();
        assert_eq!((credentials.user.as_str(), credentials.password.as_str()), ("gate way", "p@ss/w#1"));
        assert!(Credentials::of(&"nats://localhost:4222".parse().unwrap()).is_none());
        assert_eq!(decoded("100%"), "100%");
    }
}
