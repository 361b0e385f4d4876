use crate::amounts::atoms;
use reqwest::Method;
use serde_json::{Value, json};
use system_tests::{Engine, eventually, http, market_order, setting};
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

#[tokio::test]
async fn every_page_is_there() {
    // As in an environment file with lines that have no value.
    let blank = ["LIVE", "MAX_DAY_VALUE", "SIGNER_TOKEN_FILE"].map(|name| setting("executor", name, ""));
    let more = ["TLS_KEY", "TRUSTED_PROXIES", "LOG_FORMAT"].map(|name| setting("gateway", name, ""));
    let engine = Engine::start(1, 1, blank.into_iter().chain(more).collect());
    let gateway = engine.gateway(0);

    // The executor reports itself right after its start.
    let well = async || {
        let health = gateway.get("/health").await;
        (health["status"] == "ok").then_some(health)
    };
    let health = eventually("all is well", well).await;
    assert_eq!(health["executors"], json!({ "status": "ok", "count": 1 }));
    for dependency in ["postgres", "nats", "redis", "router"] {
        assert!(health["dependencies"][dependency].is_object(), "{health}");
    }

    let tokens = gateway.get("/api/tokens").await;
    let pools = gateway.get("/api/pools").await;
    for symbol in ["SOL", "USDC", "USDT"] {
        assert!(tokens.to_string().contains(&format!("\"{symbol}\"")), "{tokens}");
    }
    for dex in ["Raydium", "Meteora", "Orca"] {
        assert!(pools.to_string().contains(&format!("\"{dex}\"")), "{pools}");
    }

    let openapi = gateway.get("/api/openapi.json").await;
    assert!(openapi["openapi"].as_str().unwrap().starts_with("3.1"), "{}", openapi["openapi"]);
    for path in ["/api/orders/quote", "/api/orders/execute", "/api/orders/{orderId}", "/api/queue/stats"] {
        assert!(openapi["paths"][path].is_object(), "{path} is not in the OpenAPI document");
    }
    let page = gateway.get("/docs").await;
    let page = page.as_str().unwrap();
    assert!(page.contains("<html"), "{page}");
    for outside in ["src=\"http", "href=\"http", "url(http"] {
        assert!(!page.contains(outside), "the page needs a file from outside");
    }
    let answer = gateway.send(gateway.request(Method::GET, "/api/orders")).await;
    assert!(answer.headers.contains_key("x-request-id"));
}

#[tokio::test]
async fn a_quote_promises_what_the_order_then_gets() {
    let engine = Engine::start(1, 1, vec![]);
    let gateway = engine.gateway(0);
    let mut order = market_order("SOL", "USDC", "10", "0.01");
    let quote = gateway.post("/api/orders/quote", &order).await;
    assert_eq!(quote.status, 200, "{}", quote.body);
    let quote = quote.body;
    assert!(atoms(&quote["minimumOutput"], "USDC") < atoms(&quote["estimatedOutput"], "USDC"), "{quote}");
    let considered =
        quote["route"].as_array().unwrap().len() + quote["alternatives"].as_array().unwrap().len();
    assert!(considered >= 2, "a pool on each exchange: {quote}");

    order["quoteId"] = quote["quoteId"].clone();
    let id = gateway.place(&order).await;
    let ended = gateway.ended(&id).await;
    assert_eq!(ended["status"], "confirmed", "{ended}");
    // Prices stand still here, so the quote is met to the unit.
    assert_eq!(ended["data"]["executedOutput"], quote["estimatedOutput"]);
    assert_eq!(ended["data"]["slippage"], Value::from("0"), "{ended}");

    let mut wanted = market_order("SOL", "USDC", "100", "0.01");
    wanted["mode"] = "exactOut".into();
    let quote = gateway.post("/api/orders/quote", &wanted).await;
    assert_eq!(quote.status, 200, "{}", quote.body);
}

#[tokio::test]
async fn every_service_has_probes_and_metrics() {
    let mut engine = Engine::start(1, 1, vec![]);
    let id = engine.gateway(0).place(&market_order("SOL", "USDC", "1", "0.05")).await;
    engine.gateway(0).ended(&id).await;
    for service in engine.stack.services() {
        let get = async |path: &str| {
            let answer = http().get(format!("http://{}{path}", service.admin)).send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        };
        let name = service.process.name();
        assert_eq!(get("/livez").await.0, 200, "{name}");
        assert_eq!(get("/readyz").await.0, 200, "{name}");
        let (status, metrics) = get("/metrics").await;
        assert_eq!(status, 200, "{name}");
        // The sandbox stands for somebody else's node and counts nothing.
        assert!(name == "sandbox" || metrics.contains("# TYPE"), "{name}: {metrics}");
    }
}

#[tokio::test]
async fn the_router_speaks_the_standard_grpc_services() {
    let engine = Engine::start(1, 0, vec![]);
    let url = format!("http://{}", engine.stack.router.address);
    let channel = Channel::from_shared(url).unwrap().connect().await.unwrap();

    let service = "dex.router.v1.RouterService".to_owned();
    let health =
        HealthClient::new(channel.clone()).check(HealthCheckRequest { service: service.clone() }).await;
    assert_eq!(health.unwrap().into_inner().status(), ServingStatus::Serving);

    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let answers = ServerReflectionClient::new(channel).server_reflection_info(stream_of(request)).await;
    let answer = answers.unwrap().into_inner().message().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("not a list of services: {answer:?}")
    };
    assert!(list.service.iter().any(|listed| listed.name == service), "{list:?}");
}

fn stream_of<T: Send + 'static>(item: T) -> impl futures_util::Stream<Item = T> + Send + 'static {
    futures_util::stream::once(async { item })
}
