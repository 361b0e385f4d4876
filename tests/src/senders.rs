use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A form in which senders take transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As nodes take them.
    Rpc,
    /// As Jito's block engines take them.
    Jito,
    /// As Jito's block engines take bundles.
    Bundle,
    /// As bloXroute and NextBlock take them.
    Submit,
}

impl Form {
    /// Every form.
    pub const ALL: [Self; 4] = [Self::Rpc, Self::Jito, Self::Bundle, Self::Submit];

    const fn name_and_path(self) -> (&'static str, &'static str) {
        match self {
            Self::Rpc => ("rpc", "/fast?c={key}"),
            Self::Jito => ("jito", "/api/v1/transactions"),
            Self::Bundle => ("bundle", "/api/v1/bundles"),
            Self::Submit => ("submit", "/api/v2/submit"),
        }
    }

    /// The transaction in base64, if the request has the form.
    fn transaction(self, body: &Value) -> Option<&str> {
        let method = body["method"].as_str();
        match self {
            Self::Rpc if body["params"][1]["skipPreflight"] != true => None,
            Self::Rpc | Self::Jito if method == Some("sendTransaction") => body["params"][0].as_str(),
            Self::Bundle if method == Some("sendBundle") => body["params"][0][0].as_str(),
            Self::Submit => body["transaction"]["content"].as_str(),
            Self::Rpc | Self::Jito | Self::Bundle => None,
        }
    }

    fn answer(self, signature: &str) -> Value {
        match self {
            Self::Rpc | Self::Jito => json!({ "jsonrpc": "2.0", "id": 1, "result": signature }),
            Self::Bundle => json!({ "jsonrpc": "2.0", "id": 1, "result": "a-bundle" }),
            Self::Submit => json!({ "signature": signature }),
        }
    }

    /// The line of a request's head that has the key.
    fn key_line(self, key: &str) -> String {
        match self {
            Self::Rpc => format!("POST /fast?c={key} HTTP/1.1"),
            Self::Jito | Self::Bundle => format!("x-jito-auth: {key}"),
            Self::Submit => format!("authorization: {key}"),
        }
    }
}

/// A sender for tests: it takes transactions in its form, wants a key, and gives them to a node of the cluster.
#[derive(Debug)]
pub struct Sender {
    form: Form,
    address: SocketAddr,
    taken: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Sender {
    /// The key that every sender wants.
    pub const KEY: &str = "canary-of-the-sender-key";

    /// Starts a sender in front of a node.
    ///
    /// # Panics
    /// There is no free port.
    pub async fn start(form: Form, node: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let taken = Arc::default();
        let service = Service { form, node: node.to_owned(), taken: Arc::clone(&taken) };
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move { service.serve(stream).await });
            }
        });
        Self { form, address, taken, task }
    }

    /// The sender as the setting `SENDERS` names it.
    pub fn setting(&self) -> String {
        let (form, path) = self.form.name_and_path();
        format!("{form}+http://{}{path}", self.address)
    }

    /// Its host and port.
    pub fn name(&self) -> String {
        self.address.to_string()
    }

    /// The transactions that it took, in base64, in their order.
    ///
    /// # Panics
    /// A thread has panicked.
    pub fn taken(&self) -> Vec<String> {
        self.taken.lock().unwrap().clone()
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Service {
    form: Form,
    node: String,
    taken: Arc<Mutex<Vec<String>>>,
}

impl Service {
    /// Ends with the connection.
    async fn serve(self, mut stream: TcpStream) -> Option<()> {
        loop {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.ok()?);
            }
            let head = String::from_utf8(head).ok()?;
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap_or(0))];
            stream.read_exact(&mut body).await.ok()?;
            let answer = self.answer(&head, &serde_json::from_slice(&body).unwrap_or_default()).await;
            let (status, answer) = match answer {
                Some(answer) => ("200 OK", answer),
                None => ("400 Bad Request", json!({ "code": 3, "message": "no transaction, or no key" })),
            };
            let answer = answer.to_string();
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", answer.len());
            stream.write_all(format!("{head}{answer}").as_bytes()).await.ok()?;
        }
    }

    async fn answer(&self, head: &str, body: &Value) -> Option<Value> {
        let key_line = self.form.key_line(Sender::KEY);
        head.lines().find(|line| *line == key_line)?;
        let transaction = self.form.transaction(body)?;
        let params = json!([transaction, { "encoding": "base64", "skipPreflight": true }]);
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "sendTransaction", "params": params });
        let answer = crate::http().post(&self.node).json(&call).send().await.ok()?;
        let answer: Value = answer.json().await.ok()?;
        self.taken.lock().unwrap().push(transaction.to_owned());
        Some(self.form.answer(answer["result"].as_str()?))
    }
}
