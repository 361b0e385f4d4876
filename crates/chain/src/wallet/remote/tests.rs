use super::*;
use crate::Wallet;
use crate::wallet::Signer;
use curve25519_dalek::scalar::clamp_integer;
use curve25519_dalek::{EdwardsPoint, Scalar};
use sha2::{Digest as _, Sha512};
use solana_keypair::Keypair;
use solana_signer::Signer as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

fn keypair() -> Keypair {
    Keypair::new_from_array([7; 32])
}

/// A signer that answers each request with the text that `answer` makes of it.
async fn signer(answer: impl Fn(&str) -> String + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !String::from_utf8_lossy(&request).contains("\"}") {
                if stream.read_buf(&mut request).await.unwrap() == 0 {
                    break;
                }
            }
            let answer = answer(&String::from_utf8_lossy(&request));
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    format!("http://{address}/{}", keypair().pubkey())
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

/// The message of a request.
fn message(request: &str) -> Vec<u8> {
    let body = request.split("\r\n\r\n").nth(1).unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    BASE64.decode(body["message"].as_str().unwrap()).unwrap()
}

fn signed(message: &[u8]) -> String {
    ok(&format!(r#"{{"signature":"{}"}}"#, keypair().sign_message(message)))
}

/// A valid signature of the message with a nonce that does not come from it.
fn randomized(message: &[u8], nonce: u32) -> String {
    let secret: [u8; 32] = Sha512::digest([7; 32])[..32].try_into().unwrap();
    let secret = Scalar::from_bytes_mod_order(clamp_integer(secret));
    let nonce = Scalar::from(nonce + 1);
    let commitment = EdwardsPoint::mul_base(&nonce).compress().to_bytes();
    let challenge = [&commitment[..], keypair().pubkey().as_ref(), message].concat();
    let challenge = Scalar::from_bytes_mod_order_wide(&Sha512::digest(challenge).into());
    let response = (nonce + challenge * secret).to_bytes();
    let signature: [u8; 64] = [commitment, response].concat().try_into().unwrap();
    Signature::from(signature).to_string()
}

fn wallet(url: &str) -> Wallet {
    let remote = RemoteSigner::new(url, Some("a-token")).unwrap();
    Wallet { pubkey: remote.wallet(), signer: Signer::Remote(Arc::new(remote)) }
}

async fn proven(url: &str) -> Result<(), SignerError> {
    wallet(url).prove().await
}

#[tokio::test]
async fn a_signer_is_asked_with_its_token_and_signs_as_a_file_does() {
    let url = signer(|request| {
        assert!(request.to_lowercase().contains("authorization: bearer a-token"), "{request}");
        signed(&message(request))
    })
    .await;
    let wallet = wallet(&url);
    assert_eq!(wallet.pubkey(), keypair().pubkey());
    wallet.prove().await.unwrap();
    assert_eq!(wallet.sign(b"bytes").await, Wallet::for_test(7).sign(b"bytes").await);
}

#[tokio::test]
async fn a_signature_of_another_key_or_of_another_message_is_not_used() {
    let url = signer(|request| {
        let other = Keypair::new_from_array([8; 32]).sign_message(&message(request));
        ok(&format!(r#"{{"signature":"{other}"}}"#))
    })
    .await;
    assert!(matches!(proven(&url).await, Err(SignerError::Refused { .. })));
    let url = signer(|_| signed(b"something else")).await;
    assert!(matches!(proven(&url).await, Err(SignerError::Refused { .. })));
}

#[tokio::test]
async fn a_signer_that_draws_signatures_at_random_is_refused() {
    let drawn = AtomicU32::new(0);
    let url = signer(move |request| {
        let message = message(request);
        let nonce = drawn.fetch_add(1, Ordering::Relaxed);
        ok(&format!(r#"{{"signature":"{}"}}"#, randomized(&message, nonce)))
    })
    .await;
    assert_eq!(proven(&url).await, Err(SignerError::Random));
}

#[tokio::test]
async fn refusals_and_silence_are_told_apart() {
    let url =
        signer(|_| "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned())
            .await;
    assert!(matches!(proven(&url).await, Err(SignerError::Refused { .. })));
    let url =
        signer(|_| "HTTP/1.1 503 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()).await;
    assert!(matches!(proven(&url).await, Err(SignerError::Unreachable { .. })));
    let url = signer(|_| ok(&" ".repeat(10_000))).await;
    assert!(matches!(proven(&url).await, Err(SignerError::Refused { .. })));
    let gone = format!("http://127.0.0.1:9/{}", keypair().pubkey());
    assert!(matches!(proven(&gone).await, Err(SignerError::Unreachable { .. })));
}

#[test]
fn a_token_is_not_sent_in_the_clear() {
    let address = keypair().pubkey();
    let open = |url: &str, token| RemoteSigner::new(url, token).err();
    assert_eq!(open(&format!("http://signer.internal/{address}"), Some("t")), Some(InvalidSigner::Exposed));
    assert_eq!(open(&format!("https://signer.internal/{address}"), Some("t")), None);
    assert_eq!(open(&format!("http://127.0.0.1:1/wallets/{address}"), Some("t")), None);
    assert_eq!(open(&format!("http://signer.internal/{address}"), None), None);
    for bad in ["https://signer.internal/", "https://signer.internal/wallet", "https://"] {
        assert_eq!(open(bad, None), Some(InvalidSigner::NotAUrl), "{bad}");
    }
}
