//! Clients that take what they can.

use anyhow::Context as _;
use clap::ValueEnum;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Runtime;

/// The address of the attackers.
const ADDRESS: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// Buffers of the attackers: small, so that it is the gateway's side that fills.
const BUFFER: u32 = 4_096;

/// Pause of an attacker that was thrown out before it tries again.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Pause between two bytes of those that trickle.
const TRICKLE: Duration = Duration::from_secs(1);

/// Time over which the attackers come, so that the queue of the port does not drop the others.
const ARRIVAL: Duration = Duration::from_secs(2);

/// Requests that a slow reader sends at once: their answers are several megabytes.
const PIPELINED: usize = 40;

/// Bytes in the head of a header bomb.
const BOMB: usize = 1024 * 1024;

/// Threads of the attackers.
const THREADS: usize = 2;

/// Priority of these threads, the lowest there is. Attackers stand for other machines: the work of sending is
/// not to take the processors from the gateway.
const NICENESS: i32 = 19;

/// A kind of attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Attack {
    /// Does nothing: what others see then is the measure of the machine.
    Nobody,
    /// Asks for much, and reads nothing.
    SlowReaders,
    /// Sends a body byte by byte.
    SlowBodies,
    /// Connects, and does nothing.
    Idle,
    /// Sends a head byte by byte.
    Slowloris,
    /// Sends heads without an end.
    HeaderBombs,
    /// Opens WebSockets.
    Sockets,
    /// Asks as fast as it can.
    Flood,
}

impl Attack {
    pub(crate) const ALL: [Self; 8] = [
        Self::Nobody,
        Self::SlowReaders,
        Self::SlowBodies,
        Self::Idle,
        Self::Slowloris,
        Self::HeaderBombs,
        Self::Sockets,
        Self::Flood,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::SlowReaders => "slow readers",
            Self::SlowBodies => "slow bodies",
            Self::Idle => "idle connections",
            Self::Slowloris => "slow heads",
            Self::HeaderBombs => "header bombs",
            Self::Sockets => "WebSockets",
            Self::Flood => "flood",
        }
    }

    /// The number of connections that are tried to be held. The flood has ten times as many as the gateway has
    /// connections to its database and answers at once.
    const fn connections(self) -> usize {
        match self {
            Self::Nobody => 0,
            Self::SlowReaders => 8_250,
            Self::SlowBodies | Self::Idle | Self::Slowloris => 5_000,
            Self::Sockets => 5_100,
            Self::HeaderBombs => 200,
            Self::Flood => 160,
        }
    }
}

/// The attackers of one attack.
pub(crate) struct Attackers {
    runtime: Runtime,
    most: Arc<AtomicUsize>,
}

impl Attackers {
    /// Begins an attack.
    ///
    /// # Errors
    /// The threads cannot be started.
    pub(crate) fn begin(attack: Attack, gateway: SocketAddr, order: &str) -> anyhow::Result<Self> {
        let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let runtime = runtime().context("starting the attackers")?;
        for number in 0..attack.connections() {
            let (open, most, order) = (Arc::clone(&open), Arc::clone(&most), order.to_owned());
            runtime.spawn(async move {
                let place = u32::try_from(number).unwrap_or(0);
                let all = u32::try_from(attack.connections()).unwrap_or(1);
                tokio::time::sleep(ARRIVAL * place / all).await;
                loop {
                    if let Ok(stream) = connect(gateway).await {
                        most.fetch_max(open.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                        // Thrown out: that is the aim of the gateway.
                        let _ = act(attack, stream, &order).await;
                        open.fetch_sub(1, Ordering::Relaxed);
                    }
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
            });
        }
        Ok(Self { runtime, most })
    }

    /// Ends the attack. The most connections that were open at once, those to be refused included.
    pub(crate) fn end(self) -> usize {
        self.runtime.shutdown_background();
        self.most.load(Ordering::Relaxed)
    }
}

/// A runtime that leaves the processors to everybody else.
fn runtime() -> io::Result<Runtime> {
    let yielding = || {
        // Linux gives each thread a priority of its own. Without it the attackers only take more.
        let _ = rustix::process::setpriority_process(None, NICENESS);
    };
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .on_thread_start(yielding)
        .enable_all()
        .build()
}

async fn connect(gateway: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(BUFFER)?;
    socket.set_send_buffer_size(BUFFER)?;
    socket.bind(SocketAddr::from((ADDRESS, 0)))?;
    socket.connect(gateway).await
}

/// Does its worst until the gateway ends the connection.
async fn act(attack: Attack, stream: TcpStream, order: &str) -> io::Result<()> {
    match attack {
        Attack::Nobody => Ok(()),
        Attack::SlowReaders => never_read(stream).await,
        Attack::SlowBodies => {
            let head = "POST /api/orders/execute HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 10000\r\n\r\n";
            trickle(stream, head).await
        }
        Attack::Idle => until_closed(stream).await,
        Attack::Slowloris => trickle(stream, "GET / HTTP/1.1\r\nhost: localhost\r\nx-slow: ").await,
        Attack::HeaderBombs => bomb(stream).await,
        Attack::Sockets => {
            let head = format!(
                "GET /api/orders/{order}/ws?after=1 HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            );
            hold(stream, &head).await
        }
        Attack::Flood => ask_without_end(stream, order).await,
    }
}

async fn never_read(mut stream: TcpStream) -> io::Result<()> {
    let request = "GET /api/openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(PIPELINED);
    loop {
        stream.write_all(request.as_bytes()).await?;
    }
}

async fn trickle(stream: TcpStream, head: &str) -> io::Result<()> {
    let (mut reading, mut writing) = stream.into_split();
    writing.write_all(head.as_bytes()).await?;
    let mut byte = [0];
    loop {
        tokio::select! {
            read = reading.read(&mut byte) => if read? == 0 { return Ok(()) },
            () = tokio::time::sleep(TRICKLE) => writing.write_all(b"x").await?,
        }
    }
}

async fn until_closed(mut stream: TcpStream) -> io::Result<()> {
    let mut bytes = [0; 1_024];
    while stream.read(&mut bytes).await? > 0 {}
    Ok(())
}

async fn bomb(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nx-bomb: ").await?;
    for _ in 0..BOMB / 1_024 {
        stream.write_all(&[b'x'; 1_024]).await?;
    }
    until_closed(stream).await
}

/// Sends a head, and then keeps the connection without a word.
async fn hold(mut stream: TcpStream, head: &str) -> io::Result<()> {
    stream.write_all(head.as_bytes()).await?;
    until_closed(stream).await
}

async fn ask_without_end(mut stream: TcpStream, order: &str) -> io::Result<()> {
    let request = format!("GET /api/orders/{order} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let mut bytes = vec![0; 16 * 1_024];
    loop {
        stream.write_all(request.as_bytes()).await?;
        if stream.read(&mut bytes).await? == 0 {
            return Ok(());
        }
    }
}
