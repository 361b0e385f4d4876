//! The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), by which PostgreSQL asks for a password.

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

type Hash = [u8; 32];

/// A password, its salt and the iterations.
type Salting = (String, String, u32);

/// Salted passwords: each takes thousands of hashes, and a server asks for the same again and again.
static SALTED: Mutex<Option<HashMap<Salting, Hash>>> = Mutex::new(None);

/// One exchange.
pub(crate) struct Exchange {
    password: String,
    /// The client's first message, without the flag of channel binding.
    first: String,
}

/// The client's last message, and the server's signature that has to follow.
pub(crate) struct Proof {
    pub(crate) message: String,
    signature: String,
}

impl Exchange {
    pub(crate) fn begin(password: &str) -> Result<Self> {
        let nonce = crate::login::password()?;
        // PostgreSQL takes the user from the connection's beginning.
        Ok(Self { password: password.to_owned(), first: format!("n=,r={nonce}") })
    }

    /// The client's first message: it binds to no channel.
    pub(crate) fn first_message(&self) -> String {
        format!("n,,{}", self.first)
    }

    /// The answer to the server's first message.
    pub(crate) fn prove(&self, challenge: &str) -> Result<Proof> {
        let field = |name: &str| {
            let mut fields = challenge.split(',');
            fields
                .find_map(|field| field.strip_prefix(name))
                .context("a field is missing in the server's challenge")
        };
        let (nonce, salt) = (field("r=")?, field("s=")?);
        let iterations: u32 = field("i=")?.parse().context("reading the number of iterations")?;
        let own = self.first.split_once(",r=").map_or("", |(_, own)| own);
        ensure!(nonce.starts_with(own), "the server's challenge is to another");
        let salted = salted(&self.password, salt, iterations)?;
        let without_proof = format!("c=biws,r={nonce}");
        let signed = format!("{},{challenge},{without_proof}", self.first);
        let client_key = code(&salted, &[b"Client Key"]);
        let client_signature = code(&Sha256::digest(client_key), &[signed.as_bytes()]);
        let proof: Vec<u8> = client_key.iter().zip(client_signature).map(|(key, byte)| key ^ byte).collect();
        let signature = code(&code(&salted, &[b"Server Key"]), &[signed.as_bytes()]);
        Ok(Proof {
            message: format!("{without_proof},p={}", BASE64_STANDARD.encode(proof)),
            signature: format!("v={}", BASE64_STANDARD.encode(signature)),
        })
    }
}

impl Proof {
    /// Checks that the server knows the password, too.
    pub(crate) fn verify(&self, last: &str) -> Result<()> {
        ensure!(last == self.signature, "the server does not know the password");
        Ok(())
    }
}

/// The text that PostgreSQL takes in place of a password, with a single iteration. More make guesses dear, and a
/// password of 128 random bits is not guessed; tests open thousands of connections.
pub(crate) fn verifier(password: &str) -> Result<String> {
    let salt = BASE64_STANDARD.encode(crate::login::password()?);
    let salted = salted(password, &salt, 1)?;
    let stored_key = BASE64_STANDARD.encode(Sha256::digest(code(&salted, &[b"Client Key"])));
    let server_key = BASE64_STANDARD.encode(code(&salted, &[b"Server Key"]));
    Ok(format!("SCRAM-SHA-256$1:{salt}${stored_key}:{server_key}"))
}

fn salted(password: &str, salt: &str, iterations: u32) -> Result<Hash> {
    let key = (password.to_owned(), salt.to_owned(), iterations);
    let mut known = SALTED.lock().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    if let Some(salted) = known.get(&key) {
        return Ok(*salted);
    }
    let salt = BASE64_STANDARD.decode(salt).context("reading the salt")?;
    let mut round = code(password.as_bytes(), &[&salt, &1_u32.to_be_bytes()]);
    let mut sum = round;
    for _ in 1..iterations {
        round = code(password.as_bytes(), &[&round]);
        sum.iter_mut().zip(round).for_each(|(sum, byte)| *sum ^= byte);
    }
    known.insert(key, sum);
    Ok(sum)
}

/// HMAC with a key that is shorter than a block, as all keys here are.
fn code(key: &[u8], parts: &[&[u8]]) -> Hash {
    let mut block = [0; 64];
    block.iter_mut().zip(key).for_each(|(byte, key)| *byte = *key);
    let mut code = Hmac::<Sha256>::new(&block.into());
    parts.iter().for_each(|part| code.update(part));
    code.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7677, without the user's name, which PostgreSQL does not read.
    #[test]
    fn a_proof_and_the_server_s_signature_are_those_of_the_rfc() {
        let exchange =
            Exchange { password: "pencil".to_owned(), first: "n=user,r=rOprNGfwEbeRWgbNEkqO".to_owned() };
        let challenge =
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let proof = exchange.prove(challenge).unwrap();
        assert_eq!(
            proof.message,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        proof.verify("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").unwrap();
        assert!(proof.verify("v=").is_err());
    }

    #[test]
    fn a_challenge_to_another_is_not_answered() {
        let exchange = Exchange::begin("pencil").unwrap();
        assert!(exchange.prove("r=another,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096").is_err());
    }
}
