use super::*;
use crate::testing::{self, SOL, TestPool, usdc};
use futures_util::StreamExt;
use order_core::failure::Code;
use order_core::quote::{Exclusions, Mode};
use order_core::{Atoms, InputBuffer, Mint, Venue};
use proto::RouterClient;
use proto::wire::router_service_client::RouterServiceClient;
use proto::wire::router_service_server::RouterServiceServer;
use tonic::transport::server::TcpIncoming;

const MAX_AGE: Duration = Duration::from_secs(5);
const TIMEOUT: Duration = Duration::from_secs(20);

struct Running {
    url: String,
    client: RouterClient,
    books: watch::Sender<Book>,
    shutdown: CancellationToken,
}

async fn start(book: Book) -> Running {
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", incoming.local_addr().unwrap());
    let (books, receiver) = watch::channel(book);
    let shutdown = CancellationToken::new();
    let service = RouterServiceServer::new(Service::new(receiver, MAX_AGE, shutdown.clone()));
    tokio::spawn(tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming));
    Running { client: RouterClient::new(&url).unwrap(), url, books, shutdown }
}

fn ask(amount: u64) -> Request {
    Request {
        mint_in: SOL,
        mint_out: usdc(),
        amount: Atoms::new(amount),
        mode: Mode::ExactIn,
        input_buffer: InputBuffer::STANDARD,
        use_full_input: false,
        excluded: Exclusions::default(),
    }
}

fn two() -> [TestPool; 2] {
    [testing::pool(1), testing::pool(2)]
}

fn fresh(pools: &[TestPool], slot: u64) -> Book {
    testing::book(pools, slot, Instant::now())
}

#[tokio::test]
async fn a_quote_arrives_whole() {
    let running = start(fresh(&two(), 7)).await;
    let before = service::now();
    let quote = running.client.quote(&ask(1_000_000_000), TIMEOUT, None).await.unwrap();
    assert_eq!((quote.route.hop_count(), quote.alternatives.len(), quote.slot), (2, 2, 7));
    assert_eq!(quote.id.0.get_version_num(), 7);
    assert!(quote.created_at.timestamp_millis() >= before.timestamp_millis());
    assert_eq!(quote.expires_at, quote.created_at + Duration::from_secs(10));
    let again = running.client.quote(&ask(1_000_000_000), TIMEOUT, None).await.unwrap();
    assert_ne!(again.id, quote.id);
    assert_eq!(again.route, quote.route);
}

#[tokio::test]
async fn the_price_is_in_whole_tokens() {
    let running = start(fresh(&two(), 7)).await;
    let mut client = RouterServiceClient::connect(running.url).await.unwrap();
    let message = client.quote(ask(1_000_000_000).to_wire()).await.unwrap().into_inner();
    assert_eq!(message.price, Atoms::new(message.amount_out).to_decimal(6));
}

#[tokio::test]
async fn refusals_carry_their_code() {
    let running = start(fresh(&two(), 7)).await;
    let foreign = Request { mint_out: Mint::new([9; 32]), ..ask(1) };
    let failure = running.client.quote(&foreign, TIMEOUT, None).await.unwrap_err();
    assert_eq!(failure.code, Code::NoRoute);
    let failure = running.client.quote(&ask(0), TIMEOUT, None).await.unwrap_err();
    assert_eq!((failure.code, failure.code.retryable()), (Code::Unsupported, false));
    running.books.send_replace(Book::default());
    let failure = running.client.quote(&ask(1), TIMEOUT, None).await.unwrap_err();
    assert_eq!(failure.code, Code::ClusterUnavailable);
}

#[tokio::test]
async fn the_listing_says_what_can_be_traded_and_why_not() {
    let mut broken = testing::pool(3);
    broken.accounts.truncate(1);
    let [one, other] = two();
    let running = start(fresh(&[one, other, broken], 7)).await;
    let listing = running.client.list_pools(TIMEOUT, None).await.unwrap();
    let pools: Vec<_> = listing.pools.iter().map(|pool| (pool.venue, pool.unavailable.is_none())).collect();
    let raydium = Venue::RaydiumCpmm;
    assert_eq!(pools, [(raydium, true), (raydium, false), (Venue::MeteoraDammV2, true)]);
    assert_eq!(listing.pools[0].program_id, amm::program_id(raydium));
    assert_eq!(listing.pools[0].fee.to_decimal(), "0.0025");
    assert!(listing.pools[1].unavailable.as_ref().unwrap().contains("missing"));
    assert_eq!(listing.tokens.iter().map(|token| token.symbol.as_str()).collect::<Vec<_>>(), ["SOL", "USDC"]);
    assert_eq!(listing.slot, 7);
}

async fn open(running: &Running, amount: u64) -> tonic::Streaming<QuoteResponse> {
    let mut client = RouterServiceClient::connect(running.url.clone()).await.unwrap();
    client.stream_quotes(ask(amount).to_wire()).await.unwrap().into_inner()
}

#[tokio::test]
async fn a_stream_tells_of_a_change_and_ends_with_the_router() {
    let running = start(fresh(&two(), 7)).await;
    let mut stream = open(&running, 1_000_000_000).await;
    let first = stream.message().await.unwrap().unwrap();
    let better = testing::seeded(Venue::RaydiumCpmm, 1, [1_000_000_000_000, 160_000_000_000], 2_500_000);
    running.books.send_replace(fresh(std::slice::from_ref(&better), 9));
    let second = stream.message().await.unwrap().unwrap();
    assert!(second.amount_out > first.amount_out);
    assert_eq!(second.slot, 9);
    assert_ne!(second.quote_id, first.quote_id);
    running.shutdown.cancel();
    let end = stream.message().await.unwrap_err();
    assert_eq!(status::to_failure(&end).code, Code::RouterUnavailable);
}

#[tokio::test]
async fn a_stream_ends_when_there_is_nothing_to_quote() {
    let running = start(fresh(&two(), 7)).await;
    let mut stream = open(&running, 1_000_000_000).await;
    stream.message().await.unwrap().unwrap();
    let stale = Instant::now().checked_sub(2 * MAX_AGE).unwrap();
    running.books.send_replace(testing::book(&two(), 8, stale));
    let end = stream.message().await.unwrap_err();
    assert_eq!(status::to_failure(&end).code, Code::ClusterUnavailable);
}

#[tokio::test(start_paused = true)]
async fn the_same_quote_again_is_no_news_until_the_last_is_about_to_expire() {
    let now = Instant::now();
    let fresh = |slot| testing::book(&two(), slot, now + 2 * answer::LIFETIME);
    let (books, receiver) = watch::channel(fresh(7));
    let service = Service::new(receiver, MAX_AGE, CancellationToken::new());
    let first = service.decide(&ask(1_000_000_000)).unwrap();
    let permit = service.permit(None).unwrap();
    let mut stream = stream::open(service, ask(1_000_000_000), first.clone(), permit);
    assert_eq!(stream.next().await.unwrap().unwrap(), first.to_wire());
    books.send_replace(fresh(8));
    let renewed = stream.next().await.unwrap().unwrap();
    assert_eq!((renewed.amount_out, renewed.slot), (first.quote.amount_out().get(), 8));
    assert!(now.elapsed() >= Duration::from_secs(5) && now.elapsed() < answer::LIFETIME);
}

#[tokio::test]
async fn streams_are_bounded() {
    let (_books, receiver) = watch::channel(fresh(&two(), 7));
    let service = Service::new(receiver, MAX_AGE, CancellationToken::new());
    let caller = |last: usize| SocketAddr::from(([192, 0, 2, u8::try_from(last).unwrap()], 1));
    let all: Vec<_> = (0..STREAMS_MAX)
        .map(|number| service.permit(Some(caller(number / STREAMS_PER_CALLER))).unwrap())
        .collect();
    let message = tonic::Request::new(ask(1_000_000).to_wire());
    let refused = wire::router_service_server::RouterService::stream_quotes(&service, message).await;
    assert_eq!(refused.err().unwrap().code(), tonic::Code::ResourceExhausted);
    drop(all);
    let _share: Vec<_> = (0..STREAMS_PER_CALLER).map(|_| service.permit(Some(caller(1))).unwrap()).collect();
    assert_eq!(service.permit(Some(caller(1))).unwrap_err().code(), tonic::Code::ResourceExhausted);
    assert!(service.permit(Some(caller(2))).is_ok(), "others have theirs");
}
