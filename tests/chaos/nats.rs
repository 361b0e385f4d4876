//! As much of the NATS protocol as it takes to put anything on the queue and to ask how much is there.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// The stream of orders, and the subject that the gateways publish to.
const INFO: &str = "$JS.API.STREAM.INFO.ORDERS";
const SUBJECT: &str = "ORDERS.execute.market";

const TIMEOUT: Duration = Duration::from_secs(2);

/// Where the answer is sent to.
const INBOX: &str = "_INBOX.chaos";

struct Connection(BufReader<TcpStream>);

/// Puts messages on the queue of orders, whatever is in them.
pub(crate) fn publish(server: SocketAddr, payloads: &[String]) -> Result<()> {
    let mut connection = Connection::open(server)?;
    for payload in payloads {
        connection.send(&format!("PUB {SUBJECT} {}\r\n{payload}\r\n", payload.len()))?;
    }
    connection.send("PING\r\n")?;
    connection.line("PONG").map(drop)
}

/// How many messages are on the queue; 0 if there is no queue.
pub(crate) fn messages(server: SocketAddr) -> Result<u64> {
    let mut connection = Connection::open(server)?;
    connection.send(&format!("SUB {INBOX} 1\r\nPUB {INFO} {INBOX} 0\r\n\r\n"))?;
    let head = connection.line("MSG")?;
    let length = head.rsplit(' ').next().and_then(|length| length.parse().ok());
    let mut body = vec![0; length.context("a message without a length")?];
    connection.0.read_exact(&mut body)?;
    let info: Value = serde_json::from_slice(&body).context("reading what NATS says of the queue")?;
    Ok(info["state"]["messages"].as_u64().unwrap_or(0))
}

impl Connection {
    fn open(server: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&server, TIMEOUT).context("connecting to NATS")?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        let mut connection = Self(BufReader::new(stream));
        connection.line("INFO")?;
        connection.send("CONNECT {\"verbose\":false}\r\n")?;
        Ok(connection)
    }

    fn send(&mut self, text: &str) -> Result<()> {
        self.0.get_mut().write_all(text.as_bytes()).context("writing to NATS")
    }

    /// The next line of a kind; others are passed over.
    fn line(&mut self, kind: &str) -> Result<String> {
        loop {
            let mut line = String::new();
            ensure!(self.0.read_line(&mut line)? > 0, "NATS closed the connection");
            let line = line.trim_end();
            ensure!(!line.starts_with("-ERR"), "NATS says {line}");
            if line.starts_with(kind) {
                return Ok(line.to_owned());
            }
        }
    }
}
