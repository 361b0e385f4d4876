use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use system_tests::{Engine, eventually, market_order, setting};
use tonic::{Request, Response, Status};

const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";

/// Receives spans as a collector does, and keeps which services took part in which trace.
#[derive(Clone, Default)]
struct Collector {
    seen: Arc<Mutex<BTreeSet<(String, String)>>>,
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        for resource in request.into_inner().resource_spans {
            let service = service_name(&resource);
            for span in resource.scope_spans.iter().flat_map(|scope| &scope.spans) {
                let id = span.trace_id.iter().map(|byte| format!("{byte:02x}")).collect();
                self.seen.lock().unwrap().insert((id, service.clone()));
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

fn service_name(resource: &ResourceSpans) -> String {
    let attributes = resource.resource.iter().flat_map(|resource| &resource.attributes);
    let name = attributes.filter(|attribute| attribute.key == "service.name").find_map(|name| {
        match name.value.as_ref()?.value.as_ref()? {
            Value::StringValue(name) => Some(name.clone()),
            _ => None,
        }
    });
    name.unwrap_or_default()
}

#[tokio::test]
async fn one_trace_goes_from_the_request_through_every_service() {
    let collector = Collector::default();
    let address = xtask::port::free().unwrap();
    let server = tonic::transport::Server::builder().add_service(TraceServiceServer::new(collector.clone()));
    tokio::spawn(server.serve(address));
    let endpoint = format!("http://{address}");
    let settings = ["gateway", "executor", "router"]
        .map(|service| setting(service, "OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint))
        .to_vec();
    let engine = Engine::start(1, 1, settings);
    let gateway = engine.gateway(0);

    let request = gateway.request(reqwest::Method::POST, "/api/orders/execute");
    let request = request.header("traceparent", format!("00-{TRACE_ID}-b7ad6b7169203331-01"));
    let answer = gateway.send(request.json(&market_order("SOL", "USDC", "1", "0.05"))).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    gateway.ended(answer.body["orderId"].as_str().unwrap()).await;

    let expected: BTreeSet<String> = ["gateway", "executor", "router"].map(str::to_owned).into();
    eventually("spans of all three services in the caller's trace", async || {
        let seen = collector.seen.lock().unwrap();
        let services: BTreeSet<String> =
            seen.iter().filter(|(id, _)| id == TRACE_ID).map(|(_, service)| service.clone()).collect();
        (services == expected).then_some(())
    })
    .await;
}
