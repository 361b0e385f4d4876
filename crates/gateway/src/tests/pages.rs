//! The pages that explain the contract, and the state of the service.

use super::Gateway;
use serde_json::{Value, json};
use std::collections::HashSet;

#[tokio::test]
async fn every_operation_of_the_contract_is_described() {
    let gateway = Gateway::start().await;
    let answer = gateway.get("/api/openapi.json").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let api = answer.json();
    assert_eq!(api["openapi"], "3.1.0");
    let mut names = HashSet::new();
    for (method, path) in [
        ("get", "/health"),
        ("post", "/api/orders/quote"),
        ("post", "/api/orders/execute"),
        ("get", "/api/orders/execute"),
        ("get", "/api/orders/{orderId}"),
        ("delete", "/api/orders/{orderId}"),
        ("get", "/api/orders/{orderId}/events"),
        ("get", "/api/orders"),
        ("get", "/api/queue/stats"),
        ("get", "/api/metrics"),
        ("get", "/api/orders/{orderId}/ws"),
        ("get", "/api/tokens"),
        ("get", "/api/pools"),
        ("post", "/api/ws-ticket"),
        ("get", "/api/accounts"),
        ("post", "/api/accounts"),
        ("get", "/api/keys"),
        ("post", "/api/keys"),
        ("post", "/api/keys/{keyId}/rotate"),
        ("delete", "/api/keys/{keyId}"),
    ] {
        let operation = &api["paths"][path][method];
        let name = operation["operationId"].as_str().unwrap();
        assert!(names.insert(name), "two operations are called {name}");
        assert!(operation["summary"].is_string(), "{method} {path}");
        assert!(operation["tags"][0].is_string(), "{method} {path}");
    }
    assert_eq!(api["paths"].as_object().unwrap().len(), 16);
}

#[tokio::test]
async fn every_reference_of_the_description_leads_somewhere() {
    let api = Gateway::start().await.get("/api/openapi.json").await.json();
    let mut references = Vec::new();
    collect(&api, &mut references);
    assert!(references.len() > 20);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(api.pointer(pointer).is_some(), "{reference}");
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(reference) if name == "$ref" => references.push(reference.clone()),
                    field => collect(field, references),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, references)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test]
async fn the_pages_are_there_and_may_load_nothing_from_elsewhere() {
    let gateway = Gateway::start().await;
    for path in ["/docs", "/docs/errors"] {
        let answer = gateway.get(path).await;
        assert_eq!(answer.status.as_u16(), 200);
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
        assert!(answer.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
    }
    assert!(gateway.get("/docs/errors").await.body.contains("id=\"slippage_exceeded\""));
}

#[tokio::test]
async fn health_names_dependencies_that_are_down() {
    let gateway = Gateway::start().await;
    let answer = gateway.get("/health").await;
    assert_eq!(answer.status.as_u16(), 200);
    let health = answer.json();
    assert_eq!(health["status"], "degraded");
    assert_eq!(health["dependencies"]["postgres"]["status"], "ok");
    assert_eq!(health["dependencies"]["redis"]["status"], "ok");
    assert_eq!(health["dependencies"]["router"]["status"], "down");
    assert!(health["dependencies"]["router"]["latencyMs"].is_u64());
}

#[tokio::test]
async fn statistics_exist_without_orders() {
    let gateway = Gateway::start().await;
    let metrics = gateway.get("/api/metrics").await.json();
    assert_eq!(
        (&metrics["total"], &metrics["byDex"], &metrics["analysisWindow"]),
        (&json!(0), &json!({}), &json!(1000))
    );
    assert_eq!(gateway.get("/api/metrics?limit=7").await.json()["analysisWindow"], 7);
    assert_eq!(gateway.get("/api/metrics?limit=0").await.status.as_u16(), 422);
}
