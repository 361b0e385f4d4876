//! Who logs in to a server, and the passwords of one run: random, and in no argument and no log.

use crate::scram;
use anyhow::{Context, Result, ensure};
use std::fmt;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Random bytes of a password, which has two digits for each.
const PASSWORD_BYTES: usize = 16;

/// The way into a server.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// Where the server listens.
    pub address: SocketAddr,
    /// The user's name.
    pub user: String,
    /// The user's password, as it is: [`Login::url`] encodes it.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.user, self.address)
    }
}

impl Login {
    /// A login with a password of its own.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn random(address: SocketAddr, user: &str) -> Result<Self> {
        Ok(Self { address, user: user.to_owned(), password: password()? })
    }

    /// The same at another address, such as that of a proxy.
    pub fn at(&self, address: SocketAddr) -> Self {
        Self { address, ..self.clone() }
    }

    /// The text that PostgreSQL verifies the password with.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn verifier(&self) -> Result<String> {
        scram::verifier(&self.password)
    }

    /// The URL, such as `nats://user:password@127.0.0.1:4222`.
    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}:{}@{}", encoded(&self.user), encoded(&self.password), self.address)
    }

    /// Reads a URL, such as `postgres://user:password@127.0.0.1:5432/database`.
    ///
    /// # Errors
    /// It has no user, no password, or no address in numbers. The message does not repeat it.
    pub fn parse(url: &str) -> Result<Self> {
        let (_, rest) = url.split_once("://").context("a URL without a scheme")?;
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let (user, address) = authority.rsplit_once('@').context("a URL without a user")?;
        let (user, password) = user.split_once(':').context("a URL without a password")?;
        let address = address.parse().with_context(|| format!("`{address}` in a URL is no address"))?;
        Ok(Self { address, user: decoded(user)?, password: decoded(password)? })
    }
}

/// A password of 128 random bits, in hexadecimal digits.
///
/// # Errors
/// The system gives no random bytes.
pub fn password() -> Result<String> {
    let mut bytes = [0; PASSWORD_BYTES];
    getrandom::fill(&mut bytes).context("asking the system for random bytes")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Writes a file that its owner alone may read.
///
/// # Errors
/// It is there already, or cannot be written.
pub fn write_private(path: &Path, text: &str) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(path).with_context(|| format!("making {}", path.display()))?;
    file.write_all(text.as_bytes()).with_context(|| format!("writing {}", path.display()))
}

/// A text as a part of a URL: what has no meaning of its own there stays, the rest is its bytes in hexadecimal.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn decoded(text: &str) -> Result<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        ensure!(after.len() >= 2, "a % without two digits in a URL");
        let (digits, after) = after.split_at(2);
        let digits = std::str::from_utf8(digits).context("a % without two digits in a URL")?;
        bytes.push(u8::from_str_radix(digits, 16).context("a % without two digits in a URL")?);
        rest = after;
    }
    String::from_utf8(bytes).context("a part of a URL that is no text")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port;

    #[test]
    fn a_url_has_any_password_and_gives_it_back() {
        for password in ["p@ss/w#1", "a:b?c&d%e", "plain-._~", "schön"] {
            let login = Login {
                address: port::local(5432),
                user: "gate way".to_owned(),
                password: password.to_owned(),
            };
            let url = login.url("postgres");
            assert_eq!(Login::parse(&format!("{url}/orders?x=y")).unwrap(), login);
        }
        let login = Login { address: port::local(1), user: "u".to_owned(), password: "p@ss/w#1".to_owned() };
        assert_eq!(login.url("redis"), "redis://u:p%40ss%2Fw%231@127.0.0.1:1");
    }

    #[test]
    fn passwords_are_long_and_never_the_same() {
        let (one, other) = (password().unwrap(), password().unwrap());
        assert_eq!((one.len(), other.len()), (32, 32));
        assert_ne!(one, other);
    }

    #[test]
    fn a_login_does_not_show_its_password() {
        let login = Login::random(port::local(1), "gateway").unwrap();
        assert_eq!(format!("{login:?}"), "gateway@127.0.0.1:1");
    }

    #[test]
    fn a_private_file_is_its_owner_s_and_never_written_over() {
        use std::os::unix::fs::PermissionsExt as _;
        let path = std::env::temp_dir().join(format!("xtask-private-{}", std::process::id()));
        write_private(&path, "secret").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(write_private(&path, "other").is_err());
        std::fs::remove_file(path).unwrap();
    }
}
