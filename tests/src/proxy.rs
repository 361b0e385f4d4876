use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Size of a piece that is read at once: latency and throttle act on pieces.
const PIECE_BYTES: usize = 16 * 1024;

/// The pause after the system has refused to accept, for instance for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A fault of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ailment {
    /// Everything takes this long.
    Latency(Duration),
    /// Nothing passes, and nobody is told.
    Blackhole,
    /// Connections are reset, and new ones too.
    Reset,
    /// The server's side is closed while the client's stays open.
    HalfClose,
    /// So many bytes a second.
    Throttle(u32),
    /// Requests arrive, and the connection is reset instead of the answer.
    LoseAnswers,
}

/// A TCP proxy whose connections fall ill on demand: accepts at its own address, and passes everything
/// on to another. Dropped, it ends all it carries.
#[derive(Debug)]
pub struct Proxy {
    /// Where it is reached.
    pub address: SocketAddr,
    ailment: watch::Sender<Option<Ailment>>,
}

impl Proxy {
    /// Starts to serve, in good health.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn start(target: SocketAddr) -> io::Result<Self> {
        Self::start_on(Ipv4Addr::LOCALHOST, target).await
    }

    /// Starts to serve on one of this machine's own addresses.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn start_on(host: Ipv4Addr, target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((host, 0)).await?;
        let address = listener.local_addr()?;
        let (ailment, watched) = watch::channel(None);
        tokio::spawn(accept(listener, target, watched));
        Ok(Self { address, ailment })
    }

    /// Makes all connections ill, those that exist and those to come, until it is told otherwise.
    pub fn set(&self, ailment: Option<Ailment>) {
        self.ailment.send_replace(ailment);
    }
}

type Health = watch::Receiver<Option<Ailment>>;

async fn accept(listener: TcpListener, target: SocketAddr, mut health: Health) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = gone(&mut health) => return,
        };
        match accepted {
            Ok((near, _)) => {
                let health = health.clone();
                // Whatever breaks a connection is seen by both its ends.
                tokio::spawn(async move { carry(near, target, health).await });
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn carry(mut near: TcpStream, target: SocketAddr, health: Health) -> io::Result<()> {
    let reachable = !matches!(*health.borrow(), Some(Ailment::Reset));
    let mut far = match TcpStream::connect(target).await {
        Ok(far) if reachable => far,
        Ok(_) | Err(_) => return near.set_zero_linger(),
    };
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let broken = {
        let ((near_reader, near_writer), (far_reader, far_writer)) = (near.split(), far.split());
        let requests = pass(near_reader, far_writer, health.clone(), Direction::Requests);
        let answers = pass(far_reader, near_writer, health, Direction::Answers);
        tokio::try_join!(requests, answers).is_err()
    };
    if broken {
        // With this, closing a connection sends a reset.
        near.set_zero_linger()?;
        far.set_zero_linger()?;
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Requests,
    Answers,
}

fn reset() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

/// Passes one direction on until it ends.
async fn pass(
    mut reader: impl AsyncRead + Unpin,
    mut writer: impl AsyncWrite + Unpin,
    mut health: Health,
    direction: Direction,
) -> io::Result<()> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let length = tokio::select! {
            biased;
            ailment = sudden(&mut health, direction) => match ailment {
                Ailment::HalfClose => {
                    writer.shutdown().await?;
                    over(&mut health, Ailment::HalfClose).await;
                    return Err(reset());
                }
                _ => return Err(reset()),
            },
            length = reader.read(&mut piece) => length?,
        };
        if length == 0 {
            return writer.shutdown().await;
        }
        let ailment = *health.borrow();
        match ailment {
            None => {}
            Some(Ailment::Latency(latency)) => tokio::time::sleep(latency).await,
            Some(Ailment::Blackhole) => over(&mut health, Ailment::Blackhole).await,
            Some(Ailment::Throttle(bytes_per_second)) => {
                let bytes = u32::try_from(length).unwrap_or(u32::MAX);
                tokio::time::sleep(Duration::from_secs(1) * bytes / bytes_per_second).await;
            }
            Some(Ailment::LoseAnswers) if direction == Direction::Requests => {}
            Some(Ailment::LoseAnswers | Ailment::Reset | Ailment::HalfClose) => return Err(reset()),
        }
        writer.write_all(&piece[..length]).await?;
    }
}

/// Waits for an ailment that does not wait for the next piece.
async fn sudden(health: &mut Health, direction: Direction) -> Ailment {
    let strikes = |ailment: &Option<Ailment>| match ailment {
        Some(Ailment::Reset) => true,
        Some(Ailment::HalfClose) => direction == Direction::Answers,
        Some(Ailment::Latency(_) | Ailment::Blackhole | Ailment::Throttle(_) | Ailment::LoseAnswers)
        | None => false,
    };
    match health.wait_for(strikes).await.map(|ailment| *ailment) {
        Ok(Some(ailment)) => ailment,
        // The proxy is gone: so is everything it carried.
        Ok(None) | Err(_) => Ailment::Reset,
    }
}

/// Waits until the proxy is dropped.
async fn gone(health: &mut Health) {
    while health.changed().await.is_ok() {}
}

async fn over(health: &mut Health, ailment: Ailment) {
    // An error means that the proxy is gone; the caller finds out by itself.
    let _ = health.wait_for(|now| *now != Some(ailment)).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{Instant, timeout};

    /// A server that gives back what it gets, and a connection to it through a proxy.
    async fn echo() -> (Proxy, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::start(listener.local_addr().unwrap()).await.unwrap();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    let (mut reader, mut writer) = stream.split();
                    // Ends with an error when the proxy resets it.
                    let _ = tokio::io::copy(&mut reader, &mut writer).await;
                });
            }
        });
        let stream = TcpStream::connect(proxy.address).await.unwrap();
        (proxy, stream)
    }

    async fn exchange(stream: &mut TcpStream) -> io::Result<[u8; 4]> {
        let mut answer = [0; 4];
        stream.write_all(b"ping").await?;
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    }

    #[tokio::test]
    async fn passes_everything_on_and_late_when_told_so() {
        let (proxy, mut stream) = echo().await;
        assert_eq!(&exchange(&mut stream).await.unwrap(), b"ping");
        let latency = Duration::from_millis(50);
        proxy.set(Some(Ailment::Latency(latency)));
        let started = Instant::now();
        assert_eq!(&exchange(&mut stream).await.unwrap(), b"ping");
        assert!(started.elapsed() >= 2 * latency);
    }

    #[tokio::test]
    async fn a_blackhole_swallows_until_it_is_over() {
        let (proxy, mut stream) = echo().await;
        exchange(&mut stream).await.unwrap();
        proxy.set(Some(Ailment::Blackhole));
        stream.write_all(b"ping").await.unwrap();
        let mut answer = [0; 4];
        let silence = timeout(Duration::from_millis(100), stream.read_exact(&mut answer)).await;
        assert!(silence.is_err(), "something passed");
        proxy.set(None);
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"ping");
    }

    #[tokio::test]
    async fn a_lost_answer_and_a_reset_end_the_connection() {
        for ailment in [Ailment::LoseAnswers, Ailment::Reset] {
            let (proxy, mut stream) = echo().await;
            exchange(&mut stream).await.unwrap();
            proxy.set(Some(ailment));
            assert!(exchange(&mut stream).await.is_err(), "{ailment:?}");
            proxy.set(None);
            let mut again = TcpStream::connect(proxy.address).await.unwrap();
            assert_eq!(&exchange(&mut again).await.unwrap(), b"ping");
        }
    }

    #[tokio::test]
    async fn a_dropped_proxy_ends_what_it_carries_and_takes_nothing_more() {
        let (proxy, mut stream) = echo().await;
        exchange(&mut stream).await.unwrap();
        let address = proxy.address;
        drop(proxy);
        assert!(exchange(&mut stream).await.is_err());
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_half_closed_connection_ends_for_the_reader_at_once() {
        let (proxy, mut stream) = echo().await;
        exchange(&mut stream).await.unwrap();
        proxy.set(Some(Ailment::HalfClose));
        assert_eq!(stream.read(&mut [0; 4]).await.unwrap(), 0);
    }
}
