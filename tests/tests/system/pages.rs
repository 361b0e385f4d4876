//! A stranger's web site: its page, and everything else passed on to the gateway, as after its name came to point
//! there.

use serde_json::Value;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// The path of the page.
pub(crate) const ATTACK: &str = "/attack";

const PAGE: &str = include_str!("attack.html");

/// The largest head of a request.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// A web site on a port of its own, until the test ends.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    report: Arc<Mutex<Option<Value>>>,
}

impl Site {
    pub(crate) async fn start(gateway: SocketAddr) -> Self {
        let [pages, reports] = [listener().await, listener().await];
        let (address, reported) = (pages.local_addr().unwrap(), reports.local_addr().unwrap());
        let page = PAGE.replace("GATEWAY", &gateway.to_string()).replace("REPORT", &reported.to_string());
        let (page, report): (Arc<str>, _) = (page.into(), Arc::new(Mutex::new(None)));
        tokio::spawn(async move {
            while let Ok((stream, _)) = pages.accept().await {
                // A browser may break any connection off.
                tokio::spawn(serve(stream, gateway, Arc::clone(&page)));
            }
        });
        let told = Arc::clone(&report);
        tokio::spawn(async move {
            while let Ok((stream, _)) = reports.accept().await {
                tokio::spawn(listen(stream, Arc::clone(&told)));
            }
        });
        Self { address, report }
    }

    /// The report of the page since the last call.
    pub(crate) fn take_report(&self) -> Option<Value> {
        self.report.lock().unwrap().take()
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// Reads the head of a request, and perhaps some of its body; and the request's line.
async fn head(stream: &mut TcpStream) -> std::io::Result<(Vec<u8>, String)> {
    let mut read = Vec::new();
    while !read.windows(4).any(|end| end == b"\r\n\r\n") {
        if read.len() > HEAD_BYTES_MAX || stream.read_buf(&mut read).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    let line =
        String::from_utf8_lossy(read.split(|byte| *byte == b'\r').next().unwrap_or_default()).into_owned();
    Ok((read, line))
}

async fn serve(mut stream: TcpStream, gateway: SocketAddr, page: Arc<str>) -> std::io::Result<()> {
    let (read, line) = head(&mut stream).await?;
    if line.starts_with(&format!("GET {ATTACK} ")) {
        let length = page.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
        );
        return stream.write_all([head.as_bytes(), page.as_bytes()].concat().as_slice()).await;
    }
    let mut upstream = TcpStream::connect(gateway).await?;
    upstream.write_all(&read).await?;
    tokio::io::copy_bidirectional(&mut stream, &mut upstream).await.map(drop)
}

async fn listen(mut stream: TcpStream, report: Arc<Mutex<Option<Value>>>) -> std::io::Result<()> {
    let (_, line) = head(&mut stream).await?;
    if let Some((_, rest)) = line.split_once('?') {
        let told = percent_decoded(rest.split(' ').next().unwrap_or_default());
        *report.lock().unwrap() = Some(serde_json::from_slice(&told).unwrap_or(Value::Null));
    }
    stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").await
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digits = if byte == b'%' { [rest.next(), rest.next()] } else { [None, None] };
        match digits {
            [Some(high), Some(low)] => {
                let pair = [high, low];
                let digits = std::str::from_utf8(&pair).unwrap_or("00");
                decoded.push(u8::from_str_radix(digits, 16).unwrap_or(0));
            }
            _ => decoded.push(byte),
        }
    }
    decoded
}
