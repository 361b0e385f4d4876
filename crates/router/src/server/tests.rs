use super::*;
use clap::Parser;
use futures_util::StreamExt;
use order_core::failure::Code;
use order_core::quote::{Exclusions, Mode};
use order_core::{Atoms, InputBuffer, Mint};
use proto::{RouterClient, quote, status};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

const TIMEOUT: Duration = Duration::from_secs(20);

/// A router whose cluster does not exist.
async fn start() -> (String, Shell, tokio::task::JoinHandle<anyhow::Result<()>>) {
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let arguments = ["router", "--listen", "127.0.0.1:0", "--solana-rpc-url", &format!("http://{nowhere}")];
    let shell = Shell::default();
    let router = Router::bind(Configuration::parse_from(arguments), shell.clone()).await.unwrap();
    let url = format!("http://{}", router.address());
    (url, shell, tokio::spawn(router.serve()))
}

#[tokio::test]
async fn without_a_cluster_it_answers_and_says_that_it_cannot_quote() {
    let (url, shell, serving) = start().await;
    let client = RouterClient::new(&url).unwrap();
    let request = quote::Request {
        mint_in: Mint::new([1; 32]),
        mint_out: Mint::new([2; 32]),
        amount: Atoms::new(1),
        mode: Mode::ExactIn,
        input_buffer: InputBuffer::STANDARD,
        excluded: Exclusions::default(),
    };
    let failure = client.quote(&request, TIMEOUT, None).await.unwrap_err();
    assert_eq!(failure.code, Code::ClusterUnavailable);
    assert_eq!(client.health(TIMEOUT).await.unwrap_err().code, Code::RouterUnavailable);
    let health = shell.health().await;
    assert_eq!(health[0].name, "cluster");
    assert_eq!(health[0].error.as_deref(), Some("no pool has been read from the cluster yet"));
    shell.shutdown().cancel();
    serving.await.unwrap().unwrap();
    shell.tasks().close();
    shell.tasks().wait().await;
}

#[tokio::test]
async fn reflection_tells_the_services() {
    let (url, _shell, _serving) = start().await;
    let channel = tonic::transport::Channel::from_shared(url).unwrap().connect_lazy();
    let mut client = ServerReflectionClient::new(channel);
    let ask = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let answers = client.server_reflection_info(futures_util::stream::iter([ask])).await.unwrap();
    let answer = answers.into_inner().next().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("{answer:?}");
    };
    let mut names: Vec<String> = list.service.into_iter().map(|service| service.name).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["dex.router.v1.RouterService", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"]
    );
}

#[tokio::test]
async fn a_request_of_absurd_size_is_not_read() {
    let (url, _shell, _serving) = start().await;
    let mut client = wire::router_service_client::RouterServiceClient::connect(url).await.unwrap();
    let request = wire::QuoteRequest { mint_in: "1".repeat(REQUEST_BYTES_MAX + 1), ..Default::default() };
    let refused = client.quote(request).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::OutOfRange);
    assert!(!status::to_failure(&refused).code.retryable());
}
