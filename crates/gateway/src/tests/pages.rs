//! The pages that explain the contract, and the state of the service.

use super::{Gateway, until};
use axum::body::Body;
use http::Request;
use order_core::MAINNET_GENESIS_HASH;
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
        ("put", "/api/accounts/{account}/policy"),
    ] {
        let operation = &api["paths"][path][method];
        let name = operation["operationId"].as_str().unwrap();
        assert!(names.insert(name), "two operations are called {name}");
        assert!(operation["summary"].is_string(), "{method} {path}");
        assert!(operation["tags"][0].is_string(), "{method} {path}");
    }
    assert_eq!(api["paths"].as_object().unwrap().len(), 17);
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

/// Generators of clients refuse a response without a description, and name methods by `operationId`.
#[tokio::test]
async fn every_operation_says_how_it_may_answer_and_which_key_it_needs() {
    let api = Gateway::start().await.get("/api/openapi.json").await.json();
    assert_eq!(api["servers"][0]["url"], "/");
    assert_eq!(api["security"], json!([{"bearer": []}]));
    assert_eq!(api["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            for (status, response) in responses {
                let response = response["$ref"]
                    .as_str()
                    .map_or(response, |reference| api.pointer(reference.strip_prefix('#').unwrap()).unwrap());
                let place = format!("{method} {path} {status}");
                assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{place}");
                assert!(response["headers"]["x-request-id"].is_object(), "{place}");
                if status.as_str() >= "400" && path != "/health" {
                    assert!(response["content"]["application/problem+json"].is_object(), "{place}");
                }
            }
            if path == "/health" {
                assert_eq!(operation["security"], json!([]));
                continue;
            }
            assert!(operation["security"].is_null(), "{method} {path} needs a key");
            assert!(operation["description"].as_str().unwrap().contains("API key with the scope"));
            let mut expected = vec!["401", "403", "421", "500", "503"];
            if operation["requestBody"].is_object() {
                expected.extend(["400", "408", "413", "415", "422"]);
            }
            for status in expected {
                assert!(responses.contains_key(status), "{method} {path} {status}");
            }
        }
    }
}

#[tokio::test]
async fn names_are_enums_and_numbers_have_their_form() {
    let api = Gateway::start().await.get("/api/openapi.json").await.json();
    let schemas = &api["components"]["schemas"];
    for (name, least) in [
        ("OrderStatus", 8),
        ("OrderEventKind", 10),
        ("Dex", 3),
        ("VenueName", 7),
        ("SwapMode", 2),
        ("ErrorCode", 48),
        ("FailureCode", 16),
        ("EnvironmentName", 3),
        ("TokenProgram", 2),
    ] {
        let names = schemas[name]["enum"].as_array().unwrap_or_else(|| panic!("{name} is no enum"));
        assert!(names.len() >= least, "{name}: {names:?}");
    }
    for name in ["Decimal", "SignedDecimal", "Address", "TransactionSignature", "IdempotencyKey", "TokenName"]
    {
        assert!(schemas[name]["pattern"].is_string(), "{name}");
    }
    for name in ["ExecuteRequest", "QuoteRequest"] {
        assert_eq!(schemas[name]["additionalProperties"], false, "{name}");
        assert!(schemas[name]["example"].is_object(), "{name}");
    }
}

#[tokio::test]
async fn sockets_are_described_with_the_schemas_of_their_messages() {
    let api = Gateway::start().await.get("/api/asyncapi.json").await.json();
    assert_eq!(api["asyncapi"], "3.0.0");
    assert_eq!(api["channels"]["watch"]["address"], "/api/orders/{orderId}/ws");
    let messages = api["components"]["messages"].as_object().unwrap();
    for name in ["order_update", "accepted", "heartbeat", "error", "order"] {
        assert!(messages.contains_key(name), "{name}");
    }
    assert!(messages["order"]["payload"]["properties"]["idempotencyKey"].is_object());
    let mut references = Vec::new();
    collect(&api, &mut references);
    for reference in references {
        assert!(api.pointer(reference.strip_prefix('#').unwrap()).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn the_start_answers_people_and_programs() {
    let gateway = Gateway::start().await;
    let answer = gateway.get("/").await;
    assert_eq!(answer.json()["links"]["openapi"], "/api/openapi.json");
    assert_eq!(answer.header("vary"), Some("accept"));
    let browser = Request::get("/").header("accept", "text/html,*/*;q=0.8").body(Body::empty()).unwrap();
    let answer = gateway.send(browser).await;
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(answer.body.contains("href=\"/docs\""));
}

#[tokio::test]
async fn each_problem_links_to_the_page_of_its_code() {
    let gateway = Gateway::start().await;
    let problem = gateway.get("/api/orders/7").await.json();
    let page = gateway.get(problem["type"].as_str().unwrap()).await;
    assert_eq!(page.status.as_u16(), 200);
    assert!(page.body.contains("order_not_found"));
    assert_eq!(gateway.get("/docs/errors/no_such_code").await.json()["code"], "not_found");
}

#[tokio::test]
async fn environment_is_that_of_the_cluster_and_unknown_before() {
    let gateway = Gateway::start().await;
    assert_eq!(gateway.get("/health").await.json()["environment"], "unknown");
    let id = gateway.place().await;
    let order = format!("/api/orders/{id}");
    assert_eq!(gateway.get(&order).await.json()["environment"], "unknown");
    gateway.app.journal.bind_cluster(MAINNET_GENESIS_HASH).await.unwrap();
    until("the gateway knows", async || gateway.get("/health").await.json()["environment"] == "live").await;
    assert_eq!(gateway.get(&order).await.json()["environment"], "live");
    assert_eq!(gateway.orders().await[0]["environment"], "live");
    assert!(gateway.get("/docs").await.body.contains("environment live"));
}

#[tokio::test]
async fn the_pages_are_there_and_may_load_nothing_from_elsewhere() {
    let gateway = Gateway::start().await;
    for path in ["/docs", "/docs/errors", "/docs/errors/slippage_exceeded", "/docs/compatibility"] {
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
    assert_eq!(health["executors"]["status"], "down", "nobody would execute an order");
    assert!(health["executors"]["error"].as_str().unwrap().contains("orders wait"));
    assert_eq!(health["accepting"], false);
    let problems: Vec<_> =
        health["problems"].as_array().unwrap().iter().map(|problem| problem.as_str().unwrap()).collect();
    assert!(problems.iter().any(|problem| problem.starts_with("no executor can work")), "{problems:?}");
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
