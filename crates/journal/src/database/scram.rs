//! Verifiers of passwords, as PostgreSQL keeps them: SCRAM-SHA-256, RFC 5802 and RFC 7677.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};

/// PostgreSQL's own number of iterations.
const ITERATIONS: u32 = 4096;

const SALT_LENGTH: usize = 16;

/// The beginning of every verifier.
const SCHEME: &str = "SCRAM-SHA-256$";

/// The text that PostgreSQL takes in place of the password, with a salt of its own. A password that is such a text
/// already stays as it is. An error says what is wrong with the password; None is returned if the system gives no
/// random bytes.
pub(crate) fn verifier(password: &str) -> Option<Result<String, &'static str>> {
    if let Some(rest) = password.strip_prefix(SCHEME) {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=:$".contains(&byte);
        let whole =
            rest.bytes().all(allowed) && rest.split([':', '$']).filter(|part| !part.is_empty()).count() == 4;
        return Some(if whole {
            Ok(password.to_owned())
        } else {
            Err("this is no whole SCRAM-SHA-256 verifier")
        });
    }
    // Others would have to be normalized, as each client does in its own way.
    if password.is_empty() || !password.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some(Err("a password has one or more visible ASCII characters, and no space"));
    }
    let mut salt = [0; SALT_LENGTH];
    getrandom::fill(&mut salt).ok()?;
    Some(Ok(salted_verifier(password, &salt)))
}

fn salted_verifier(password: &str, salt: &[u8]) -> String {
    let salted = salted_password(password, salt);
    let stored_key = Sha256::digest(code(&salted, &[b"Client Key"]));
    let server_key = code(&salted, &[b"Server Key"]);
    let [salt, stored_key, server_key] =
        [salt, &stored_key[..], &server_key[..]].map(|bytes| BASE64_STANDARD.encode(bytes));
    format!("{SCHEME}{ITERATIONS}:{salt}${stored_key}:{server_key}")
}

/// PBKDF2 of one block.
fn salted_password(password: &str, salt: &[u8]) -> [u8; 32] {
    let mut round = code(password.as_bytes(), &[salt, &1_u32.to_be_bytes()]);
    let mut sum = round;
    for _ in 1..ITERATIONS {
        round = code(password.as_bytes(), &[&round]);
        sum.iter_mut().zip(round).for_each(|(sum, byte)| *sum ^= byte);
    }
    sum
}

fn code(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // A key that is longer than a block is hashed first, as HMAC says.
    let mut block = [0; 64];
    let hashed;
    let key = if key.len() > block.len() {
        hashed = Sha256::digest(key);
        &hashed[..]
    } else {
        key
    };
    block.iter_mut().zip(key).for_each(|(byte, key)| *byte = *key);
    let mut code = Hmac::<Sha256>::new(&block.into());
    parts.iter().for_each(|part| code.update(part));
    code.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The salt of the example in RFC 7677; the keys are those of its password `pencil`, whose proofs it shows.
    #[test]
    fn a_verifier_is_that_of_the_rfc() {
        let salt = BASE64_STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let salted = salted_password("pencil", &salt);
        let message: &[u8] =
            b"n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
            s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let signature = code(&code(&salted, &[b"Server Key"]), &[message]);
        assert_eq!(BASE64_STANDARD.encode(signature), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
        assert!(salted_verifier("pencil", &salt).starts_with("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"));
    }

    #[test]
    fn a_password_is_visible_ascii() {
        assert!(verifier("p@ss/w#1").unwrap().is_ok());
        for password in ["", "two words", "pässword", "line\n"] {
            assert!(verifier(password).unwrap().is_err(), "{password:?}");
        }
    }

    #[test]
    fn a_verifier_stays_as_it_is() {
        let made = verifier("p@ss/w#1").unwrap().unwrap();
        assert_eq!(verifier(&made).unwrap().unwrap(), made);
        for broken in
            ["SCRAM-SHA-256$", "SCRAM-SHA-256$1:a$b", "SCRAM-SHA-256$1:a$b:c'; DROP TABLE orders --"]
        {
            assert!(verifier(broken).unwrap().is_err(), "{broken}");
        }
    }
}
