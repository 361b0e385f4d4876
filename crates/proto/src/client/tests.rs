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
    (RouterClient::new(&url).unwrap(), metadata)
}

fn ask(amount: u64) -> quote::Request {
    let (mint_in, mint_out) = (Mint::new([1; 32]), Mint::new([2; 32]));
    quote::Request {
        mint_in,
        mint_out,
        amount: Atoms::new(amount),
        mode: Mode::ExactIn,
        input_buffer: InputBuffer::STANDARD,
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
