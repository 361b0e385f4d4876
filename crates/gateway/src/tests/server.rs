//! The port itself.

use super::configuration;
use crate::server::{Capacity, Server};
use service::Shell;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A gateway on a port of its own, until it is dropped.
pub(super) struct Running {
    pub(super) address: SocketAddr,
    pub(super) shell: Shell,
    serving: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Running {
    pub(super) async fn start() -> Self {
        Self::with(configuration(&[]).await).await
    }

    pub(super) async fn with(configuration: crate::Configuration) -> Self {
        Self::with_capacity(configuration, Capacity::of_this_process()).await
    }

    pub(super) async fn with_capacity(configuration: crate::Configuration, capacity: Capacity) -> Self {
        let shell = Shell::default();
        let server = Server::bind_with(configuration, shell.clone(), capacity).await.unwrap();
        Self { address: server.address().unwrap(), shell, serving: tokio::spawn(server.serve()) }
    }

    /// Asks it to stop, and waits until everything has come to its end.
    pub(super) async fn stop(self) {
        let Self { shell, serving, .. } = self;
        shell.shutdown().cancel();
        let ended = async {
            serving.await.unwrap().unwrap();
            shell.tasks().close();
            shell.tasks().wait().await;
        };
        tokio::time::timeout(Duration::from_secs(20), ended).await.unwrap();
    }
}

async fn everything(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    tokio::time::timeout(Duration::from_secs(30), read).await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn silent_and_slow_clients_lose_their_connection() {
    let running = Running::start().await;
    let silent = TcpStream::connect(running.address).await.unwrap();
    let mut dribbling = TcpStream::connect(running.address).await.unwrap();
    dribbling.write_all(b"GET /health HTTP/1.1\r\nHost:").await.unwrap();
    let (silent, dribbling) = tokio::join!(everything(silent), everything(dribbling));
    assert!(!silent.contains("200 OK") && !dribbling.contains("200 OK"));
    running.stop().await;
}

#[tokio::test]
async fn shutdown_closes_the_port_and_idle_connections() {
    let running = Running::start().await;
    let address = running.address;
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /docs HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut first = [0; 15];
    idle.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200 OK");
    running.stop().await;
    assert!(everything(idle).await.ends_with("</html>\n"));
    assert!(TcpStream::connect(address).await.is_err());
}
