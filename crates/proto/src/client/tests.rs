//! The client against a real server over a real socket.

use crate::wire::router_service_server::{RouterService, RouterServiceServer};
use crate::{RouterClient, quote, status, wire};
use order_core::failure::Code;
use order_core::quote::{Exclusions, Mode};
use order_core::{Atoms, Failure, InputBuffer, Mint};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

const LONG: Duration = Duration::from_secs(20);

/// Answers by the amount that is asked for, and tells of the metadata that came with it.
struct Scripted {
    seen: mpsc::UnboundedSender<MetadataMap>,
}

const REFUSE: u64 = 1;
const NEVER: u64 = 2;
const OTHER_AMOUNT: u64 = 3;

#[tonic::async_trait]
impl RouterService for Scripted {
    type StreamQuotesStream = tokio_stream::Empty<Result<wire::QuoteResponse, Status>>;

    async fn quote(
        &self,
        request: Request<wire::QuoteRequest>,
    ) -> Result<Response<wire::QuoteResponse>, Status> {
        self.seen.send(request.metadata().clone()).unwrap();
        let asked = request.into_inner();
        match asked.amount {
            REFUSE => Err(status::from_failure(&Failure::new(Code::NoRoute, "no pool trades the pair"))),
            NEVER => std::future::pending().await,
            OTHER_AMOUNT => Ok(Response::new(reply(&asked, 4))),
            amount => Ok(Response::new(reply(&asked, amount))),
        }
    }

    async fn stream_quotes(
        &self,
        _: Request<wire::QuoteRequest>,
    ) -> Result<Response<Self::StreamQuotesStream>, Status> {
        Ok(Response::new(tokio_stream::empty()))
    }

    async fn list_pools(
        &self,
        _: Request<wire::ListPoolsRequest>,
    ) -> Result<Response<wire::ListPoolsResponse>, Status> {
        Ok(Response::new(wire::ListPoolsResponse { slot: 42, ..Default::default() }))
    }
}

fn reply(asked: &wire::QuoteRequest, amount_in: u64) -> wire::QuoteResponse {
    wire::QuoteResponse {
        quote_id: "01920000-0000-7000-8000-000000000001".to_owned(),
        amount_in,
        amount_out: 9,
        fee: "0".to_owned(),
        price_impact: "0".to_owned(),
        transfer_fee: "0".to_owned(),
        price: "1".to_owned(),
        paths: vec![wire::Path {
            share: "1".to_owned(),
            hops: vec![wire::Hop {
                venue: "raydium_cpmm".to_owned(),
                pool: Mint::new([5; 32]).to_string(),
                mint_in: asked.mint_in.clone(),
                mint_out: asked.mint_out.clone(),
                amount_in,
                amount_out: 9,
                share: "1".to_owned(),
            }],
        }],
        expires_at_ms: 1,
        ..Default::default()
    }
}

async fn start() -> (RouterClient, mpsc::UnboundedReceiver<MetadataMap>) {
    let (url, metadata) = serve().await;
    (RouterClient::new(&url).unwrap(), metadata)
}

/// The address of a router that answers.
async fn serve() -> (String, mpsc::UnboundedReceiver<MetadataMap>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (seen, metadata) = mpsc::unbounded_channel();
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<RouterServiceServer<Scripted>>().await;
    tokio::spawn(
        tonic::transport::Server::builder()
            .add_service(RouterServiceServer::new(Scripted { seen }))
            .add_service(health_service)
            .serve_with_incoming(TcpListenerStream::new(listener)),
    );
    (url, metadata)
}

/// A port that accepts connections, and says nothing.
async fn hung() -> (String, tokio::net::TcpListener) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    (format!("http://{}", listener.local_addr().unwrap()), listener)
}

fn ask(amount: u64) -> quote::Request {
    let (mint_in, mint_out) = (Mint::new([1; 32]), Mint::new([2; 32]));
    quote::Request {
        mint_in,
        mint_out,
        amount: Atoms::new(amount),
        mode: Mode::ExactIn,
        input_buffer: InputBuffer::STANDARD,
        use_full_input: false,
        excluded: Exclusions::default(),
    }
}

#[tokio::test]
async fn a_quote_arrives_and_the_call_carries_its_deadline_and_trace() {
    let (client, mut metadata) = start().await;
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let quote = client.quote(&ask(1_000), LONG, Some(traceparent)).await.unwrap();
    assert_eq!((quote.amount_in(), quote.amount_out()), (Atoms::new(1_000), Atoms::new(9)));
    let metadata = metadata.recv().await.unwrap();
    assert_eq!(metadata.get("traceparent").unwrap(), traceparent);
    assert_eq!(metadata.get("grpc-timeout").unwrap(), "20000000u");
    assert_eq!(client.list_pools(LONG, None).await.unwrap().slot, 42);
    client.health(LONG).await.unwrap();
}

#[tokio::test]
async fn a_refusal_arrives_as_the_same_failure() {
    let (client, _metadata) = start().await;
    let failure = client.quote(&ask(REFUSE), LONG, Some("not\nascii metadata")).await.unwrap_err();
    assert_eq!(failure, Failure::new(Code::NoRoute, "no pool trades the pair"));
}

#[tokio::test]
async fn a_reply_for_another_amount_is_no_quote() {
    let (client, _metadata) = start().await;
    let failure = client.quote(&ask(OTHER_AMOUNT), LONG, None).await.unwrap_err();
    assert_eq!(failure.code, Code::RouterUnavailable);
    assert!(failure.message.contains("unusable"), "{failure}");
}

#[tokio::test]
async fn silence_ends_with_the_deadline_and_an_absent_router_is_named() {
    let (client, _metadata) = start().await;
    let failure = client.quote(&ask(NEVER), Duration::from_millis(50), None).await.unwrap_err();
    assert_eq!(failure.code, Code::RouterUnavailable);
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let absent = RouterClient::new(&format!("http://{unused}")).unwrap();
    let failure = absent.quote(&ask(5), LONG, None).await.unwrap_err();
    assert_eq!(failure.code, Code::RouterUnavailable);
    assert!(absent.health(LONG).await.is_err());
    assert!(RouterClient::new("not a url").is_err());
}

#[tokio::test]
async fn a_router_that_hangs_holds_up_no_call_while_another_answers() {
    let ((silent, _hung), (well, _metadata)) = (hung().await, serve().await);
    let client = RouterClient::new(&format!("{silent}, {well}")).unwrap();
    // Whoever's turn it is.
    for _ in 0..4 {
        let quote = client.quote(&ask(1_000), Duration::from_secs(3), None).await.unwrap();
        assert_eq!(quote.amount_out(), Atoms::new(9));
    }
}

#[tokio::test]
async fn a_router_that_is_away_or_hangs_is_asked_last_from_then_on() {
    let ((silent, _hung), (well, mut metadata)) = (hung().await, serve().await);
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = RouterClient::new(&format!("http://{unused},{silent},{well}")).unwrap();
    client.routers.ask_health().await;
    for amount in 1_000..1_010 {
        let first = client.routers.in_turn().await.unwrap().remove(0);
        super::router(first.channel.clone())
            .quote(super::outgoing(ask(amount).to_wire(), LONG, None))
            .await
            .unwrap();
    }
    let mut answered = 0;
    while metadata.try_recv().is_ok() {
        answered += 1;
    }
    assert_eq!(answered, 10);
}

#[tokio::test]
async fn a_refusal_is_an_answer_and_no_other_router_is_asked() {
    let ((one, mut first), (other, mut second)) = (serve().await, serve().await);
    let client = RouterClient::new(&format!("{one},{other}")).unwrap();
    let failure = client.quote(&ask(REFUSE), LONG, None).await.unwrap_err();
    assert_eq!(failure.code, Code::NoRoute);
    let asked = [first.try_recv().is_ok(), second.try_recv().is_ok()];
    assert_eq!(asked.into_iter().filter(|asked| *asked).count(), 1);
}

#[tokio::test]
async fn calls_are_shared_among_all_routers() {
    let ((one, mut first), (other, mut second)) = (serve().await, serve().await);
    let client = RouterClient::new(&format!("{one},{other}")).unwrap();
    for amount in 1_000..1_010 {
        client.quote(&ask(amount), LONG, None).await.unwrap();
    }
    let mut counts = [0, 0];
    while first.try_recv().is_ok() {
        counts[0] += 1;
    }
    while second.try_recv().is_ok() {
        counts[1] += 1;
    }
    // A slow machine may have one hedged.
    assert!(counts.iter().all(|count| *count >= 5), "{counts:?}");
}

#[tokio::test]
async fn a_name_is_looked_up() {
    let (url, _metadata) = serve().await;
    let named = url.replace("127.0.0.1", "localhost");
    let client = RouterClient::new(&named).unwrap();
    assert_eq!(client.quote(&ask(1_000), LONG, None).await.unwrap().amount_out(), Atoms::new(9));
    let nowhere = RouterClient::new("http://nowhere.invalid:1").unwrap();
    assert_eq!(nowhere.health(LONG).await.unwrap_err().code, Code::RouterUnavailable);
}
