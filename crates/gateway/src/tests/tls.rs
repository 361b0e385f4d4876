//! TLS on the port, and its files when they change.

use super::configuration;
use super::server::Running;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

fn certificates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../service/tests/certificates")
}

/// Connects as a client that trusts one certificate.
async fn connect(to: SocketAddr, trusted: &str) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificates().join(trusted)).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, TcpStream::connect(to).await?).await
}

#[tokio::test]
async fn the_port_speaks_tls_and_follows_its_files() {
    let folder = std::env::temp_dir().join(format!("gateway-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let install = |name: &str| {
        std::fs::copy(certificates().join(format!("{name}.pem")), folder.join("certificate.pem")).unwrap();
        std::fs::copy(certificates().join(format!("{name}.key.pem")), folder.join("key.pem")).unwrap();
    };
    install("first");
    let file = |name: &str| folder.join(name).display().to_string();
    let arguments = ["--tls-certificate", &file("certificate.pem"), "--tls-key", &file("key.pem")];
    let running = Running::with(configuration(&arguments).await).await;
    let mut client = connect(running.address, "first.pem").await.unwrap();
    client
        .write_all(b"GET /docs/errors HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let mut plain = TcpStream::connect(running.address).await.unwrap();
    plain.write_all(b"GET /docs/errors HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"), "it speaks TLS only");
    install("second");
    super::until("the second certificate is used", async || {
        connect(running.address, "second.pem").await.is_ok()
    })
    .await;
    running.stop().await;
    std::fs::remove_dir_all(folder).unwrap();
}
