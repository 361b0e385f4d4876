//! A node for tests: a few lines of HTTP that answer what a script says, and remember what was asked.

use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The node's reaction to a call.
#[derive(Clone)]
pub(crate) enum Answer {
    /// Gives this result.
    Result(Value),
    /// Refuses with a code, a message and data.
    Error(i64, &'static str, Value),
    /// Answers with an HTTP status and no JSON.
    Status(u16),
    /// Refuses with the status 429, and says for how many seconds.
    Limited(Option<u32>),
    /// Closes the connection without a word.
    HangUp,
}

type Call = (String, Value);
type Script = Arc<Mutex<dyn FnMut(&str, &Value) -> Answer + Send>>;

static HOSTS: AtomicU32 = AtomicU32::new(0);

pub(crate) struct Node {
    pub(crate) url: String,
    calls: watch::Receiver<Vec<Call>>,
    task: JoinHandle<()>,
}

impl Node {
    pub(crate) async fn start(script: impl FnMut(&str, &Value) -> Answer + Send + 'static) -> Self {
        // Each is a host of its own: nodes of one host are one witness.
        let host = HOSTS.fetch_add(1, Ordering::Relaxed) % 250 + 1;
        Self::start_on(&format!("127.0.0.{host}"), script).await
    }

    /// A node on a host that others may be on too.
    pub(crate) async fn start_on(
        host: &str,
        script: impl FnMut(&str, &Value) -> Answer + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind(format!("{host}:0")).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, calls) = watch::channel(Vec::new());
        let script: Script = Arc::new(Mutex::new(script));
        let task = tokio::spawn(accept(listener, script, sender));
        Self { url, calls, task }
    }

    /// The methods that were called, in their order.
    pub(crate) fn methods(&self) -> Vec<String> {
        self.calls.borrow().iter().map(|(method, _)| method.clone()).collect()
    }

    pub(crate) fn count(&self, method: &str) -> usize {
        self.methods().iter().filter(|called| *called == method).count()
    }

    /// Returns once a method was called so many times.
    pub(crate) async fn called(&self, method: &str, times: usize) {
        let enough = |calls: &Vec<Call>| calls.iter().filter(|(called, _)| called == method).count() >= times;
        self.calls.clone().wait_for(enough).await.unwrap();
    }

    /// The parameters of every call of a method.
    pub(crate) fn params(&self, method: &str) -> Vec<Value> {
        let calls = self.calls.borrow();
        calls.iter().filter(|(called, _)| called == method).map(|(_, params)| params.clone()).collect()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, script: Script, calls: watch::Sender<Vec<Call>>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        connections.spawn(serve(stream, script.clone(), calls.clone()));
    }
}

/// Ends with the connection.
async fn serve(mut stream: TcpStream, script: Script, calls: watch::Sender<Vec<Call>>) -> Option<()> {
    loop {
        let request: Value = serde_json::from_slice(&read_body(&mut stream).await?).unwrap();
        let (method, params) = (request["method"].as_str().unwrap(), &request["params"]);
        calls.send_modify(|calls| calls.push((method.to_owned(), params.clone())));
        let answer = (script.lock().unwrap())(method, params);
        let mut retry_after = String::new();
        let (status, body) = match answer {
            Answer::Result(result) => (200, json!({ "jsonrpc": "2.0", "id": 1, "result": result })),
            Answer::Error(code, message, data) => {
                let error = json!({ "code": code, "message": message, "data": data });
                (200, json!({ "jsonrpc": "2.0", "id": 1, "error": error }))
            }
            Answer::Status(status) => (status, json!("busy")),
            Answer::Limited(seconds) => {
                retry_after = seconds.map_or(String::new(), |seconds| format!("retry-after: {seconds}\r\n"));
                (429, json!("Too many requests"))
            }
            Answer::HangUp => return None,
        };
        let body = body.to_string();
        let head =
            format!("HTTP/1.1 {status} Scripted\r\n{retry_after}content-length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).await.ok()?;
    }
}

async fn read_body(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")).unwrap();
    let mut body = vec![0; length.trim().parse().unwrap()];
    stream.read_exact(&mut body).await.ok()?;
    Some(body)
}
