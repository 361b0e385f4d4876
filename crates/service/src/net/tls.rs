use anyhow::Context as _;
use clap::Args;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub use tokio_rustls::server::TlsStream;

/// Interval in which the files are looked at.
const INTERVAL: Duration = Duration::from_secs(3);

/// Time for a client to shake hands.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The files for TLS: `#[command(flatten)]` them.
#[derive(Debug, Clone, Default, Args)]
pub struct TlsFiles {
    /// File with the certificate chain in PEM. With it and TLS_KEY the port speaks TLS only.
    #[arg(long, env = "TLS_CERTIFICATE", requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,
    /// File with the private key in PEM. Both files are read again when they change.
    #[arg(long, env = "TLS_KEY", requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,
}

/// The TLS of a port.
#[derive(Debug)]
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Current>,
}

/// The contents of the files, and the configuration made of them.
#[derive(Debug)]
struct Current {
    contents: Contents,
    config: Arc<ServerConfig>,
}

#[derive(Debug, PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Tls {
    /// Reads the files; None if there are none.
    ///
    /// # Errors
    /// A file cannot be read, or they are no certificate with its key.
    pub fn read(files: &TlsFiles) -> anyhow::Result<Option<Self>> {
        let (Some(certificate), Some(key)) = (&files.tls_certificate, &files.tls_key) else {
            return Ok(None);
        };
        let contents = Contents {
            certificate: std::fs::read(certificate).context("reading TLS_CERTIFICATE")?,
            key: std::fs::read(key).context("reading TLS_KEY")?,
        };
        let config = config(&contents)?;
        let current = RwLock::new(Current { contents, config });
        Ok(Some(Self { certificate: certificate.clone(), key: key.clone(), current }))
    }

    /// Takes over changed files for ever. Files that do not fit together are left until they do.
    pub async fn follow(&self) {
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let read = tokio::try_join!(tokio::fs::read(&self.certificate), tokio::fs::read(&self.key));
            match read {
                Ok((certificate, key)) => self.take_over(Contents { certificate, key }),
                Err(error) => {
                    tracing::warn!(%error, "the files for TLS cannot be read; the last ones are used")
                }
            }
        }
    }

    fn take_over(&self, contents: Contents) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.contents == contents {
            return;
        }
        match config(&contents) {
            Ok(config) => {
                *current = Current { contents, config };
                tracing::info!("the files for TLS have changed; new connections use them");
            }
            Err(error) => {
                tracing::warn!("the files for TLS are not valid; the last ones are used: {error:#}")
            }
        }
    }

    /// Shakes hands with a client.
    ///
    /// # Errors
    /// The client does not speak TLS, or is too slow.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> io::Result<TlsStream<S>> {
        let config = {
            let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(&current.config)
        };
        timeout(HANDSHAKE_TIMEOUT, TlsAcceptor::from(config).accept(stream))
            .await
            .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "no TLS handshake in time")))
    }
}

fn config(contents: &Contents) -> anyhow::Result<Arc<ServerConfig>> {
    let chain = CertificateDer::pem_slice_iter(&contents.certificate).collect::<Result<Vec<_>, _>>();
    let chain = chain.context("reading the certificates in TLS_CERTIFICATE")?;
    let key = PrivateKeyDer::from_pem_slice(&contents.key).context("reading the key in TLS_KEY")?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .context("choosing the versions of TLS")?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("using TLS_CERTIFICATE with TLS_KEY")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn contents(name: &str) -> Contents {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates");
        let read = |file: String| std::fs::read(folder.join(file)).unwrap();
        Contents { certificate: read(format!("{name}.pem")), key: read(format!("{name}.key.pem")) }
    }

    #[test]
    fn files_that_are_not_valid_change_nothing() {
        let first = contents("first");
        let current = Current { config: config(&first).unwrap(), contents: first };
        let tls = Tls { certificate: PathBuf::new(), key: PathBuf::new(), current: RwLock::new(current) };
        let used = || Arc::clone(&tls.current.read().unwrap().config);
        let before = used();
        let (first, second) = (contents("first"), contents("second"));
        let no_key = Contents { certificate: first.certificate.clone(), key: b"no key".to_vec() };
        let others_key = Contents { certificate: first.certificate, key: second.key.clone() };
        for invalid in [no_key, others_key] {
            tls.take_over(invalid);
            assert!(Arc::ptr_eq(&before, &used()));
        }
        tls.take_over(second);
        assert!(!Arc::ptr_eq(&before, &used()));
    }
}
