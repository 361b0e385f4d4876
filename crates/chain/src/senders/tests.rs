use super::*;
use crate::Client;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// A request as a sender gets it.
struct Request {
    /// The request line and the headers, in lower case.
    head: String,
    body: Value,
}

/// A sender that answers every request with these words, and tells what it got.
struct Stub {
    place: String,
    requests: mpsc::UnboundedReceiver<Request>,
    task: tokio::task::JoinHandle<()>,
}

impl Stub {
    async fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = listener.local_addr().unwrap().to_string();
        let (told, requests) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, answer, told.clone()));
            }
        });
        Self { place, requests, task }
    }

    async fn next(&mut self) -> Request {
        self.requests.recv().await.unwrap()
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    mut stream: TcpStream,
    answer: &'static str,
    told: mpsc::UnboundedSender<Request>,
) -> Option<()> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
        stream.read_exact(&mut body).await.ok()?;
        let body = serde_json::from_slice(&body).unwrap_or_default();
        told.send(Request { head, body }).ok()?;
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}

const TAKEN: &str = "HTTP/1.1 200 OK\r\nx-bundle-id: b1\r\ncontent-length: 39\r\n\r\n\
                     {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"sig\"}";
const SUBMITTED: &str = "HTTP/1.1 200 OK\r\ncontent-length: 19\r\n\r\n{\"signature\":\"sig\"}";
const LIMITED: &str = "HTTP/1.1 429 No\r\nretry-after: 3600\r\ncontent-length: 0\r\n\r\n";

/// A client without a node that takes anything, and with these senders.
fn client(senders: &[String], keys: &str) -> Client {
    let keys = SenderKeys::parse(keys).unwrap();
    Client::new(&["http://127.0.0.1:1".to_owned()]).unwrap().with_senders(senders, &keys).unwrap()
}

#[tokio::test]
async fn every_form_gets_the_same_bytes_in_its_own_words_with_its_key() {
    let (mut jito, mut bundle, mut submit, mut plain) = (
        Stub::start(TAKEN).await,
        Stub::start(TAKEN).await,
        Stub::start(SUBMITTED).await,
        Stub::start(TAKEN).await,
    );
    let senders = [
        format!("jito+http://{}/api/v1/transactions", jito.place),
        format!("bundle+http://{}/api/v1/bundles", bundle.place),
        format!("submit+http://{}/api/v2/submit", submit.place),
        format!("http://{}/fast?c={{key}}", plain.place),
    ];
    let keys = format!("{} k1\n{} k2\n{} k3\n{} k4", jito.place, bundle.place, submit.place, plain.place);
    let receipt = Arc::default();
    client(&senders, &keys).broadcast(&[1, 2, 3], &receipt).await.unwrap();
    let got = [jito.next().await, bundle.next().await, submit.next().await, plain.next().await];
    let lines = got.each_ref().map(|request| request.head.lines().next().unwrap().to_owned());
    assert_eq!(
        lines,
        [
            "post /api/v1/transactions http/1.1",
            "post /api/v1/bundles http/1.1",
            "post /api/v2/submit http/1.1",
            "post /fast?c=k4 http/1.1",
        ]
    );
    for (request, header) in got.iter().zip(["x-jito-auth: k1", "x-jito-auth: k2", "authorization: k3"]) {
        assert!(request.head.contains(&format!("\r\n{header}\r\n")), "{}", request.head);
    }
    let bytes = [
        &got[0].body["params"][0],
        &got[1].body["params"][0][0],
        &got[2].body["transaction"]["content"],
        &got[3].body["params"][0],
    ];
    assert_eq!(bytes, [&json!("AQID"); 4]);
}

#[tokio::test]
async fn a_receipt_says_who_took_it_and_once() {
    let (taking, refusing) =
        (Stub::start(TAKEN).await, Stub::start("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n").await);
    let senders = [format!("http://{}", refusing.place), format!("jito+http://{}", taking.place)];
    let (client, receipt) = (client(&senders, ""), Arc::default());
    for _ in 0..2 {
        client.broadcast(&[1], &receipt).await.unwrap();
    }
    assert_eq!(receipt.takers(), std::slice::from_ref(&taking.place));
}

#[tokio::test]
async fn a_sender_that_limits_rates_is_left_alone_for_a_while() {
    let mut limited = Stub::start(LIMITED).await;
    let client = client(&[format!("jito+http://{}", limited.place)], "");
    let told = client.broadcast(&[1], &Arc::default()).await.unwrap_err().to_string();
    assert!(told.contains("429"), "{told}");
    limited.next().await;
    let told = client.broadcast(&[1], &Arc::default()).await.unwrap_err().to_string();
    assert!(told.contains("left alone"), "{told}");
    assert!(limited.requests.is_empty());
}

#[tokio::test]
async fn a_key_that_a_sender_repeats_is_not_told() {
    const REFUSED: &str =
        "HTTP/1.1 401 No\r\ncontent-length: 35\r\n\r\n{\"code\":16,\"message\":\"secret? no.\"} ";
    let stub = Stub::start(REFUSED).await;
    let client = client(&[format!("submit+http://{}", stub.place)], &format!("{} secret", stub.place));
    let told = client.broadcast(&[1], &Arc::default()).await.unwrap_err();
    let words = format!("{told} {told:?} {client:?}");
    assert!(words.contains("…? no.") && !words.contains("secret"), "{words}");
}

#[tokio::test]
async fn a_check_finds_out_who_is_there_and_sends_nothing() {
    let mut there = Stub::start("HTTP/1.1 405 No\r\ncontent-length: 0\r\n\r\n").await;
    let senders = [format!("jito+http://{}/a", there.place), "submit+http://127.0.0.1:1/b".to_owned()];
    let client = client(&senders, "");
    let reached = client.reach_senders().await;
    assert!(matches!(reached.as_slice(), [Ok(405), Err(_)]), "{reached:?}");
    let asked = there.next().await;
    assert!(asked.head.starts_with("get /a ") && asked.body.is_null(), "{}", asked.head);
    let exposed = |place: &str| {
        let client = self::client(&[place.to_owned()], "");
        client.sender_places()[0].is_exposed
    };
    for place in ["jito+https://h", "http://localhost:1", "http://127.0.0.3", "http://[::1]:8"] {
        assert!(!exposed(place), "{place}");
    }
    assert!(exposed("http://sender.example/fast"));
}
