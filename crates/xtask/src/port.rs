//! Free ports.

use anyhow::{Result, bail};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the ports that operating systems give to outgoing connections, so that none of those takes
/// a port between its choice and its use.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// An address on this machine where nothing listens.
///
/// # Errors
/// Every port of the range is taken.
pub fn free() -> Result<SocketAddr> {
    // Different processes begin at different places; one process never chooses a port twice in a row.
    let spread = u16::try_from(std::process::id().wrapping_mul(97) % u32::from(COUNT))?;
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + (spread.wrapping_add(step) % COUNT);
        let address = local(port);
        if is_free(address) {
            return Ok(address);
        }
    }
    bail!("no port between {FIRST} and {} is free", FIRST + COUNT)
}

/// This port on this machine.
pub fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// True if nothing listens at the address.
pub fn is_free(address: SocketAddr) -> bool {
    TcpListener::bind(address).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_twice_nor_while_in_use() {
        let first = free().unwrap();
        let listener = TcpListener::bind(first).unwrap();
        assert!(!is_free(first));
        assert_ne!(first, free().unwrap());
        drop(listener);
    }
}
