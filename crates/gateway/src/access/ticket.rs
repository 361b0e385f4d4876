//! Tickets: what a browser shows to open a WebSocket, for which it can set no header. A key in a URL would be
//! kept in logs and histories; a ticket there is worthless after seconds.

use super::Caller;
use super::keys::{Keys, refused};
use crate::http::problem::Problem;
use hmac::{Hmac, Mac as _};
use journal::{KeyId, StoredKey};
use order_core::Timestamp;
use sha2::Sha256;
use std::net::IpAddr;
use std::time::Duration;

/// Time from issue to expiry.
const LIFETIME: Duration = Duration::from_secs(30);

/// A ticket: the key's id, the expiry, and a code that only a gateway can make from the key's stored hash.
#[derive(Debug)]
pub(crate) struct Ticket {
    id: KeyId,
    /// Seconds since 1970.
    expires_at: i64,
}

impl Ticket {
    /// A ticket for the holder of this key.
    pub(crate) fn new(id: KeyId, now: Timestamp) -> (Self, Timestamp) {
        let expires_at = now + LIFETIME;
        (Self { id, expires_at: expires_at.timestamp() }, expires_at)
    }

    /// The ticket as text.
    ///
    /// # Errors
    /// The key is no longer valid, or the database does not answer.
    pub(crate) async fn seal(&self, keys: &Keys) -> Result<String, Problem> {
        let stored = keys.valid(&self.id).await?.ok_or_else(refused)?;
        let code: String =
            self.code(&stored).finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(format!("{}.{}.{code}", self.id, self.expires_at))
    }

    /// The caller that shows this ticket from this address.
    ///
    /// # Errors
    /// The ticket is not valid or has expired, or its key is not valid any more.
    pub(crate) async fn open(
        text: &str,
        keys: &Keys,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<Caller, Problem> {
        let (ticket, code) = Self::parse(text).ok_or_else(refused)?;
        if ticket.expires_at <= now.timestamp() {
            return Err(refused());
        }
        let stored = keys.valid(&ticket.id).await?.ok_or_else(refused)?;
        ticket.code(&stored).verify_slice(&code).map_err(|_| refused())?;
        keys.admit(&ticket.id, &stored, address)
    }

    fn parse(text: &str) -> Option<(Self, [u8; 32])> {
        let mut parts = text.splitn(3, '.');
        let (id, expires_at, code) = (parts.next()?, parts.next()?, parts.next()?);
        let ticket = Self { id: id.parse().ok()?, expires_at: expires_at.parse().ok()? };
        let pairs: Option<Vec<u8>> =
            (0..code.len()).step_by(2).map(|at| u8::from_str_radix(code.get(at..at + 2)?, 16).ok()).collect();
        Some((ticket, pairs?.try_into().ok()?))
    }

    /// Under the stored hash, which no caller knows and which is another for each key.
    fn code(&self, stored: &StoredKey) -> Hmac<Sha256> {
        let mut block = [0; 64];
        let (key, _) = block.split_at_mut(stored.secret_hash.len());
        key.copy_from_slice(&stored.secret_hash);
        Hmac::new(&block.into()).chain_update(format!("ticket {} {}", self.id, self.expires_at))
    }
}
