use super::*;
use clap::Parser;
use futures_util::StreamExt;
use order_core::failure::Code;
use order_core::quote::{Exclusions, Mode};
use order_core::{Atoms, InputBuffer, Mint};
use proto::{RouterClient, quote, status};
use std::path::{Path, PathBuf};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

const TIMEOUT: Duration = Duration::from_secs(20);

/// A router whose cluster does not exist.
async fn start() -> (String, Shell, tokio::task::JoinHandle<anyhow::Result<()>>) {
    let (address, shell, serving) = start_with(&[]).await;
    (format!("http://{address}"), shell, serving)
}

async fn start_with(arguments: &[&str]) -> (SocketAddr, Shell, tokio::task::JoinHandle<anyhow::Result<()>>) {
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let cluster = format!("http://{nowhere}");
    let fixed = ["router", "--listen", "127.0.0.1:0", "--solana-rpc-url", &cluster];
    let configuration = Configuration::parse_from(fixed.iter().chain(arguments));
    let shell = Shell::default();
    let router = Router::bind(configuration, shell.clone()).await.unwrap();
    (router.address(), shell, tokio::spawn(router.serve()))
}

fn certificates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../service/tests/certificates")
}

/// The failure of a client that trusts these certificates and no others.
async fn health(url: &str, trusted: &str) -> order_core::Failure {
    let authorities = std::fs::read(certificates().join(trusted)).unwrap();
    let client = RouterClient::trusting(url, Some(&authorities)).unwrap();
    client.health(TIMEOUT).await.unwrap_err()
}

#[tokio::test]
async fn the_port_speaks_tls_to_clients_that_trust_its_certificate_and_follows_its_files() {
    const SERVED: &str = "the router runs, and has no state fresh enough to quote";
    let folder = std::env::temp_dir().join(format!("router-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = |name: &str| folder.join(name).display().to_string();
    let install = |name: &str| {
        std::fs::copy(certificates().join(format!("{name}.pem")), file("certificate.pem")).unwrap();
        std::fs::copy(certificates().join(format!("{name}.key.pem")), file("key.pem")).unwrap();
    };
    install("first");
    let arguments = ["--tls-certificate", &file("certificate.pem"), "--tls-key", &file("key.pem")];
    let (address, shell, serving) = start_with(&arguments).await;
    let url = format!("https://localhost:{}", address.port());
    assert_eq!(health(&url, "first.pem").await.message, SERVED);
    assert_ne!(health(&url, "second.pem").await.message, SERVED);
    let plain = RouterClient::new(&format!("http://{address}")).unwrap();
    assert_ne!(plain.health(TIMEOUT).await.unwrap_err().message, SERVED);
    install("second");
    let followed = async {
        while health(&url, "second.pem").await.message != SERVED {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(TIMEOUT, followed).await.expect("the second certificate is used");
    shell.shutdown().cancel();
    serving.await.unwrap().unwrap();
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn certificates_that_are_none_are_refused() {
    let nothing = RouterClient::trusting("https://localhost:1", Some(b"nothing"));
    assert!(nothing.is_err() || nothing.unwrap().health(TIMEOUT).await.is_err());
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
        use_full_input: false,
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
