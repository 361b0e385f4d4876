//! As much of the NATS protocol as it takes to put anything on the queue and to ask how much is there.

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;
use xtask::Login;

/// Where the server is asked about the stream of orders, a message of it, and the executors' consumer,
/// and the first words of the subjects that the gateways publish to: one for each order. What the
/// faults put there has subjects of its own, so that it does come twice.
const STREAM: &str = "$JS.API.STREAM.INFO.ORDERS";
const MESSAGE: &str = "$JS.API.STREAM.MSG.GET.ORDERS";
const CONSUMER: &str = "$JS.API.CONSUMER.INFO.ORDERS.executor";
const SUBJECT: &str = "ORDERS.execute";

const TIMEOUT: Duration = Duration::from_secs(2);

/// Where the answer is sent to.
const INBOX: &str = "_INBOX.chaos";

struct Connection(BufReader<TcpStream>);

/// Puts messages on the queue of orders, whatever is in them.
pub(crate) fn publish(operator: &Login, payloads: &[String]) -> Result<()> {
    let mut connection = Connection::open(operator)?;
    for payload in payloads {
        let subject = format!("{SUBJECT}.{}", uuid::Uuid::now_v7());
        connection.send(&format!("PUB {subject} {}\r\n{payload}\r\n", payload.len()))?;
    }
    connection.send("PING\r\n")?;
    connection.line("PONG").map(drop)
}

/// The texts of the messages on the queue, and how many of them are still to be delivered, or to be
/// acknowledged.
pub(crate) fn left(operator: &Login) -> Result<(Vec<String>, u64)> {
    let mut connection = Connection::open(operator)?;
    connection.send(&format!("SUB {INBOX} 1\r\n"))?;
    let state = &connection.ask(STREAM, "")?["state"];
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    let mut messages = Vec::new();
    // The numbers of messages that are gone are not answered with a message.
    for seq in number(&state["first_seq"])..=number(&state["last_seq"]) {
        let answer = connection.ask(MESSAGE, &format!("{{\"seq\":{seq}}}"))?;
        if let Some(data) = answer["message"]["data"].as_str() {
            let data = BASE64_STANDARD.decode(data).context("reading a message")?;
            messages.push(String::from_utf8_lossy(&data).into_owned());
        }
        if messages.len() as u64 >= number(&state["messages"]) {
            break;
        }
    }
    let consumer = connection.ask(CONSUMER, "")?;
    Ok((messages, number(&consumer["num_pending"]) + number(&consumer["num_ack_pending"])))
}

impl Connection {
    fn open(operator: &Login) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&operator.address, TIMEOUT).context("connecting to NATS")?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        let mut connection = Self(BufReader::new(stream));
        connection.line("INFO")?;
        let connect = json!({ "verbose": false, "user": operator.user, "pass": operator.password });
        connection.send(&format!("CONNECT {connect}\r\n"))?;
        Ok(connection)
    }

    /// The server's answer to a question about the queue.
    fn ask(&mut self, subject: &str, question: &str) -> Result<Value> {
        self.send(&format!("PUB {subject} {INBOX} {}\r\n{question}\r\n", question.len()))?;
        let head = self.line("MSG")?;
        let length: usize =
            head.rsplit(' ').next().unwrap_or_default().parse().context("reading a length")?;
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        serde_json::from_slice(&body).context("reading what NATS says of the queue")
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
