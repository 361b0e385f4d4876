//! Clients that take more than their share of the port, and the correctness of HTTP on the wire.

use super::configuration;
use super::server::Running;
use crate::server::Capacity;
use serde_json::Value;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};

/// Longer than every time-out of a connection.
const PATIENCE: Duration = Duration::from_secs(40);

/// Another client on this machine.
const OTHER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

const PAGE: &[u8] = b"GET /api/openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// A connection from one of this machine's addresses.
async fn connect(from: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((from, 0))).unwrap();
    socket.connect(to).await.unwrap()
}

/// Everything that the gateway sends until it ends the connection. A reset is an end, too.
async fn everything(stream: &mut TcpStream) -> String {
    let mut received = Vec::new();
    match timeout(PATIENCE, stream.read_to_end(&mut received)).await.expect("the connection ends") {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    String::from_utf8_lossy(&received).into_owned()
}

/// The answer to one request on a connection of its own.
async fn answer(to: SocketAddr, request: &str) -> String {
    let mut stream = connect(Ipv4Addr::LOCALHOST, to).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    everything(&mut stream).await
}

/// The problem document of an answer.
fn problem(answer: &str) -> Value {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    assert!(head.to_lowercase().contains("content-type: application/problem+json"), "{head}");
    serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {body}"))
}

/// Sends requests and reads nothing, until the gateway ends the connection.
async fn never_read(mut stream: TcpStream) -> Duration {
    let started = Instant::now();
    while stream.write_all(PAGE).await.is_ok() {}
    started.elapsed()
}

#[tokio::test]
async fn client_that_never_reads_loses_its_connection() {
    let running = Running::start().await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let greedy = socket.connect(running.address).await.unwrap();
    timeout(PATIENCE, never_read(greedy)).await.expect("the gateway ends the connection");
    running.stop().await;
}

#[tokio::test]
async fn body_that_trickles_is_refused_after_its_time() {
    let running = Running::start().await;
    let mut slow = connect(Ipv4Addr::LOCALHOST, running.address).await;
    let head = "POST /api/orders/execute HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n";
    slow.write_all(head.as_bytes()).await.unwrap();
    let (mut reading, mut writing) = slow.split();
    let mut received = Vec::new();
    let trickle = async {
        while writing.write_all(b" ").await.is_ok() {
            // The pace of the client.
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    let read = reading.read_to_end(&mut received);
    let ended = async {
        tokio::select! { _ = read => {}, () = trickle => {} }
    };
    timeout(PATIENCE, ended).await.expect("the gateway ends the connection");
    assert!(String::from_utf8_lossy(&received).starts_with("HTTP/1.1 408"));
    running.stop().await;
}

/// A connection whose request waits for its body.
async fn without_body(to: SocketAddr) -> TcpStream {
    let head = "POST /api/orders/execute HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000\r\nexpect: 100-continue\r\n\r\n";
    let mut stream = connect(Ipv4Addr::LOCALHOST, to).await;
    stream.write_all(head.as_bytes()).await.unwrap();
    // Sent once the gateway waits for the body.
    let mut line = [0; 21];
    timeout(PATIENCE, stream.read_exact(&mut line)).await.expect("the body is waited for").unwrap();
    assert_eq!(&line, b"HTTP/1.1 100 Continue");
    stream
}

#[tokio::test]
async fn bodies_that_trickle_keep_no_turn_from_the_clients_other_requests() {
    let running = Running::start().await;
    let mut slow = Vec::new();
    for _ in 0..40 {
        slow.push(without_body(running.address).await);
    }
    let page = "GET /docs/errors HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let served = timeout(Duration::from_secs(5), answer(running.address, page)).await;
    assert!(served.expect("it waits for no other body").starts_with("HTTP/1.1 200"));
    drop(slow);
    running.stop().await;
}

#[tokio::test]
async fn silent_connections_hold_up_the_clients_next_request_for_moments() {
    let running = Running::start().await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(connect(Ipv4Addr::LOCALHOST, running.address).await);
    }
    let page = "GET /docs/errors HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let served = timeout(Duration::from_secs(8), answer(running.address, page)).await;
    assert!(served.expect("it waits for no silent one").starts_with("HTTP/1.1 200"));
    drop(silent);
    running.stop().await;
}

#[tokio::test]
async fn a_client_has_a_share_of_the_connections_and_others_are_served() {
    let running = Running::with(configuration(&["--max-connections-per-client", "4"]).await).await;
    let mut greedy = Vec::new();
    for _ in 0..4 {
        let mut stream = connect(Ipv4Addr::LOCALHOST, running.address).await;
        stream.write_all(PAGE).await.unwrap();
        stream.read_exact(&mut [0; 15]).await.unwrap();
        greedy.push(stream);
    }
    let close = "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let refused = answer(running.address, close).await;
    assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
    let refused = problem(&refused);
    assert_eq!(refused["code"], "too_many_connections");
    assert!(refused["requestId"].is_string(), "{refused}");
    let mut other = connect(OTHER, running.address).await;
    other.write_all(close.as_bytes()).await.unwrap();
    assert!(everything(&mut other).await.starts_with("HTTP/1.1 200"));
    drop(greedy);
    super::until("the share is free again", async || {
        answer(running.address, close).await.starts_with("HTTP/1.1 200")
    })
    .await;
    running.stop().await;
}

#[tokio::test]
async fn a_request_names_its_host_exactly_once() {
    let running = Running::start().await;
    for hosts in ["", "host: localhost\r\nhost: localhost\r\n", "host: localhost\r\nHost: y\r\n"] {
        let refused = answer(
            running.address,
            &format!("GET /api/openapi.json HTTP/1.1\r\n{hosts}connection: close\r\n\r\n"),
        )
        .await;
        assert!(refused.starts_with("HTTP/1.1 400"), "{hosts:?}: {refused}");
        assert_eq!(problem(&refused)["code"], "invalid_host");
    }
    let old = answer(running.address, "GET /docs/errors HTTP/1.0\r\n\r\n").await;
    assert!(old.starts_with("HTTP/1.0 421"), "HTTP/1.0 has no such rule; the guard wants a name: {old}");
    running.stop().await;
}

#[tokio::test]
async fn requests_that_cannot_be_parsed_get_a_problem_and_the_end() {
    let running = Running::start().await;
    let many: String = (0..500).map(|number| format!("x-{number}: 1\r\n")).collect();
    let long = format!("x-long: {}\r\n", "1".repeat(200_000));
    for (request, status, code) in [
        ("NOT HTTP\r\n\r\n".to_owned(), "HTTP/1.1 400", "malformed_request"),
        (format!("GET / HTTP/1.1\r\nhost: localhost\r\n{many}\r\n"), "HTTP/1.1 431", "head_too_large"),
        (format!("GET / HTTP/1.1\r\nhost: localhost\r\n{long}\r\n"), "HTTP/1.1 431", "head_too_large"),
    ] {
        let mut stream = connect(Ipv4Addr::LOCALHOST, running.address).await;
        // The gateway may end the connection before it has everything.
        let _ = stream.write_all(request.as_bytes()).await;
        let refused = everything(&mut stream).await;
        assert!(refused.starts_with(status), "{status}: {refused}");
        assert_eq!(problem(&refused)["code"], code);
    }
    running.stop().await;
}

#[tokio::test]
async fn large_answers_are_compressed_and_small_ones_are_not() {
    let running = Running::start().await;
    let get = async |path: &str| {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\naccept-encoding: gzip\r\nconnection: close\r\n\r\n"
        );
        answer(running.address, &request).await.to_lowercase()
    };
    assert!(get("/api/openapi.json").await.contains("content-encoding: gzip"));
    assert!(!get("/health").await.contains("content-encoding"));
    running.stop().await;
}

#[tokio::test]
async fn http_2_is_served_beside_http_1() {
    let running = Running::start().await;
    let stream = connect(Ipv4Addr::LOCALHOST, running.address).await;
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let request = http::Request::get("http://localhost/docs/errors").body(()).unwrap();
    let (response, _) = client.send_request(request, true).unwrap();
    assert_eq!(response.await.unwrap().status(), http::StatusCode::OK);
    drop(client);
    timeout(PATIENCE, connection).await.expect("the connection ends").unwrap().unwrap();
    running.stop().await;
}

#[tokio::test]
async fn when_all_connections_are_busy_newcomers_are_told_to_try_again() {
    let capacity = Capacity { connections: 2, sockets: 2 };
    let configured = configuration(&["--max-connections-per-client", "2"]).await;
    let running = Running::with_capacity(configured, capacity).await;
    let busy = [without_body(running.address).await, without_body(running.address).await];
    let mut other = connect(OTHER, running.address).await;
    other.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let refused = everything(&mut other).await;
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(refused.to_lowercase().contains("retry-after: "), "{refused}");
    assert_eq!(problem(&refused)["code"], "overloaded");
    drop(busy);
    running.stop().await;
}

#[tokio::test]
async fn a_crowd_over_its_share_gets_few_answers_and_others_are_served() {
    let running = Running::with(configuration(&["--max-connections-per-client", "1"]).await).await;
    let seat = without_body(running.address).await;
    let mut crowd = tokio::task::JoinSet::new();
    for _ in 0..500 {
        let address = running.address;
        crowd.spawn(async move {
            let mut stream = connect(Ipv4Addr::LOCALHOST, address).await;
            // The gateway may have ended the connection.
            let _ = stream.write_all(PAGE).await;
            everything(&mut stream).await
        });
    }
    let close = b"GET /docs/errors HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let mut other = connect(OTHER, running.address).await;
    other.write_all(close).await.unwrap();
    assert!(everything(&mut other).await.starts_with("HTTP/1.1 200"));
    let answers = crowd.join_all().await;
    let answered = answers.iter().filter(|answer| answer.starts_with("HTTP/1.1 429")).count();
    let silent = answers.iter().filter(|answer| answer.is_empty()).count();
    assert!(answered > 0 && silent > 0, "{answered} answered, {silent} not");
    assert_eq!(answered + silent, answers.len());
    drop(seat);
    running.stop().await;
}

#[tokio::test]
async fn reads_are_limited_by_client_on_the_wire() {
    let running = Running::with(configuration(&["--reads-per-minute", "3"]).await).await;
    let request = "GET /api/openapi.json HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    for _ in 0..3 {
        assert!(answer(running.address, request).await.starts_with("HTTP/1.1 200"));
    }
    let refused = answer(running.address, request).await;
    assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
    let head = refused.to_lowercase();
    assert!(
        head.contains("retry-after: ") && head.contains("ratelimit-policy: \"reads\";q=3;w=60"),
        "{head}"
    );
    assert_eq!(problem(&refused)["code"], "rate_limited");
    let mut other = connect(OTHER, running.address).await;
    other.write_all(request.as_bytes()).await.unwrap();
    assert!(everything(&mut other).await.starts_with("HTTP/1.1 200"));
    let page = "GET /docs/errors HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    assert!(answer(running.address, page).await.starts_with("HTTP/1.1 200"), "pages are no reads of the API");
    running.stop().await;
}

#[tokio::test]
async fn a_client_that_has_the_document_gets_304_and_no_body() {
    let running = Running::start().await;
    let get = async |headers: &str| {
        let request = format!(
            "GET /api/openapi.json HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n"
        );
        answer(running.address, &request).await
    };
    for encoding in ["", "accept-encoding: gzip\r\n"] {
        let whole = get(encoding).await;
        let head = whole.split_once("\r\n\r\n").unwrap().0;
        let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).expect("it has a tag");
        let same = get(&format!("{encoding}if-none-match: {tag}\r\n")).await;
        let (head, body) = same.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 304") && head.contains(&format!("etag: {tag}")), "{head}");
        assert_eq!(body, "");
        assert!(get(&format!("{encoding}if-none-match: \"other\"\r\n")).await.starts_with("HTTP/1.1 200"));
    }
    running.stop().await;
}

#[tokio::test]
async fn a_flood_of_resets_ends_its_connection_and_no_other() {
    let running = Running::start().await;
    let stream = connect(Ipv4Addr::LOCALHOST, running.address).await;
    let (client, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let flood = async {
        let mut client = client;
        loop {
            // As many as the gateway allows at once.
            for _ in 0..32 {
                client = client.ready().await?;
                let request = http::Request::get("http://localhost/docs/errors").body(()).unwrap();
                let (_, mut stream) = client.send_request(request, false)?;
                stream.send_reset(h2::Reason::CANCEL);
            }
            tokio::task::yield_now().await;
        }
    };
    let ended: Result<(), h2::Error> =
        timeout(PATIENCE, flood).await.expect("the gateway ends the connection");
    assert!(ended.is_err());
    let ended = timeout(PATIENCE, connection).await.expect("the connection ends").unwrap();
    if let Some(reason) = ended.unwrap_err().reason() {
        assert_eq!(reason, h2::Reason::ENHANCE_YOUR_CALM);
    }
    let page = "GET /docs/errors HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    assert!(answer(running.address, page).await.starts_with("HTTP/1.1 200"));
    running.stop().await;
}
