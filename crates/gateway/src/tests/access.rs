//! Callers and their rights: keys, scopes, accounts, sites.

use super::{Answer, Gateway, ORDER, issue, json, until};
use crate::access::{PUBLIC, needed};
use crate::http::rate_limit::Client;
use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use journal::KeyId;
use order_core::{AccountId, Scope};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr};

fn account(name: &str) -> AccountId {
    name.parse().unwrap()
}

/// Each operation of the API, as the OpenAPI document lists them.
async fn operations(gateway: &Gateway) -> Vec<(Method, String)> {
    let document = gateway.get("/api/openapi.json").await.json();
    let paths = document["paths"].as_object().unwrap();
    let methods = paths.iter().flat_map(|(path, operations)| {
        let known = |name: &&String| matches!(name.as_str(), "get" | "post" | "put" | "patch" | "delete");
        let methods = operations.as_object().unwrap().keys().filter(known);
        methods.map(|method| (method.to_uppercase().parse().unwrap(), path.clone())).collect::<Vec<_>>()
    });
    methods.collect()
}

/// A request for an operation, with an order's id where the path has one.
fn request(method: &Method, path: &str, order: &str) -> http::request::Builder {
    let path = path.replace("{orderId}", order).replace("{keyId}", "0123456789ab");
    let request =
        Request::builder().method(method.clone()).uri(path).header("content-type", "application/json");
    if *method == Method::POST { request } else { request.header("connection", "close") }
}

fn body(path: &str) -> Body {
    Body::from(if path == "/api/ws-ticket" { "" } else { ORDER })
}

fn with(request: http::request::Builder, key: &str) -> http::request::Builder {
    request.header(header::AUTHORIZATION, format!("Bearer {key}"))
}

#[tokio::test]
async fn each_operation_needs_its_scope_and_nothing_is_open_that_is_not_named() {
    let gateway = Gateway::start().await;
    let order = gateway.place().await;
    let journal = &gateway.app.journal;
    let mut keys = Vec::new();
    for scope in Scope::ALL {
        keys.push((scope, issue(journal, AccountId::operator(), &[scope]).await));
    }
    let operations = operations(&gateway).await;
    assert!(operations.len() >= 11, "{operations:?}");
    for (method, path) in operations {
        let needed = needed(&method, &path);
        assert_eq!(needed.is_none(), PUBLIC.contains(&path.as_str()), "{method} {path}");
        let without = gateway.send_bare(request(&method, &path, &order).body(body(&path)).unwrap()).await;
        assert_eq!(without.status == StatusCode::UNAUTHORIZED, needed.is_some(), "{method} {path}");
        if needed.is_some() {
            assert_eq!(without.header("www-authenticate"), Some("Bearer"), "{method} {path}");
        }
        for (scope, key) in &keys {
            let answer = with(request(&method, &path, &order), key).body(body(&path)).unwrap();
            let answer = gateway.send_bare(answer).await;
            let refused = answer.status == StatusCode::FORBIDDEN;
            assert_eq!(
                refused,
                needed.is_some_and(|needed| needed != *scope),
                "{method} {path} with {scope}"
            );
            assert_ne!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path} with {scope}");
        }
    }
}

#[tokio::test]
async fn an_order_is_known_to_its_account_alone() {
    let gateway = Gateway::start().await;
    let scopes = [Scope::Read, Scope::Trade];
    let mine = issue(&gateway.app.journal, account("mine"), &scopes).await;
    let theirs = issue(&gateway.app.journal, account("theirs"), &scopes).await;
    let place = |key: &str| with(json("/api/orders/execute"), key).header("idempotency-key", "one");
    let placed = gateway.send(place(&mine).body(Body::from(ORDER)).unwrap()).await.json();
    let id = placed["orderId"].as_str().unwrap();

    let read = async |key: &str, method: &Method, path: String| -> Answer {
        let request = with(request(method, &path, id), key).body(Body::empty()).unwrap();
        gateway.send(request).await
    };
    for path in ["/api/orders/{orderId}", "/api/orders/{orderId}/events"] {
        assert_eq!(read(&mine, &Method::GET, path.to_owned()).await.status, StatusCode::OK, "{path}");
        let theirs = read(&theirs, &Method::GET, path.to_owned()).await;
        assert_eq!(theirs.status, StatusCode::NOT_FOUND, "{path}");
        let unknown =
            read(&mine, &Method::GET, path.replace("{orderId}", "01a21a78-27ad-7000-8000-000000000000"));
        let same = |answer: Answer| answer.json()["code"].clone();
        assert_eq!(same(theirs), same(unknown.await), "{path}: as if it did not exist");
    }
    let orders = async |key: &str, query: &str| -> Vec<Value> {
        let listed = read(key, &Method::GET, format!("/api/orders{query}")).await.json();
        listed["orders"].as_array().unwrap().clone()
    };
    for query in ["", "?status=pending", "?tokenIn=SOL", "?tokenIn=SOL&tokenOut=USDC&status=pending"] {
        assert_eq!(orders(&mine, query).await.len(), 1, "{query}");
        assert_eq!(orders(&theirs, query).await.len(), 0, "{query}");
    }

    let again = gateway.send(place(&mine).body(Body::from(ORDER)).unwrap()).await;
    assert_eq!(again.json()["orderId"], id, "the key is mine");
    let other = gateway.send(place(&theirs).body(Body::from(ORDER)).unwrap()).await;
    assert_eq!(other.status, StatusCode::ACCEPTED, "{}", other.body);
    assert_ne!(other.json()["orderId"], id, "the same key of another account is another");
    assert!(other.header("idempotent-replayed").is_none());

    let cancelled = read(&theirs, &Method::DELETE, "/api/orders/{orderId}".to_owned()).await;
    assert_eq!(cancelled.status, StatusCode::NOT_FOUND);
    assert_eq!(orders(&mine, "?status=pending").await.len(), 1, "it was not cancelled");
    assert_eq!(read(&mine, &Method::DELETE, "/api/orders/{orderId}".to_owned()).await.status, StatusCode::OK);
    let results = read(&theirs, &Method::GET, "/api/metrics".to_owned()).await.json();
    assert_eq!(results["total"], 0, "{results}");
    assert_eq!(read(&mine, &Method::GET, "/api/metrics".to_owned()).await.json()["total"], 1);
}

#[tokio::test]
async fn a_revoked_key_is_refused() {
    let gateway = Gateway::start().await;
    let key = issue(&gateway.app.journal, account("desk"), &[Scope::Read]).await;
    let status = async || {
        let request = with(Request::get("/api/orders"), &key).body(Body::empty()).unwrap();
        gateway.send(request).await.status
    };
    assert_eq!(status().await, StatusCode::OK);
    let id: KeyId = key.split('_').nth(1).unwrap().parse().unwrap();
    assert!(gateway.app.journal.accounts.revoke(&id).await.unwrap());
    until("the key is refused", async || status().await == StatusCode::UNAUTHORIZED).await;
}

#[tokio::test]
async fn a_key_is_for_its_networks() {
    let gateway = Gateway::start().await;
    let journal = &gateway.app.journal;
    let key = issue(journal, account("desk"), &[Scope::Read]).await;
    let id = key.split('_').nth(1).unwrap();
    let limit = format!("UPDATE api_keys SET networks = '{{10.0.0.0/8}}' WHERE id = '{id}'");
    let mut witness = super::witness(&gateway).await;
    sqlx::Executor::execute(&mut witness, sqlx::AssertSqlSafe(limit)).await.unwrap();
    for (address, status) in [
        (IpAddr::V4(Ipv4Addr::new(10, 1, 2, 3)), StatusCode::OK),
        (IpAddr::V4(Ipv4Addr::new(11, 1, 2, 3)), StatusCode::FORBIDDEN),
    ] {
        let gateway = Gateway { client: Client(address), ..gateway.clone() };
        let request = with(Request::get("/api/orders"), &key).body(Body::empty()).unwrap();
        assert_eq!(gateway.send(request).await.status, status, "{address}");
    }
}

#[tokio::test]
async fn without_a_key_only_this_machine_under_its_own_name_is_served() {
    let gateway = Gateway::keyless().await;
    let here = Client(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let ask = async |client: Client, headers: &[(&str, &str)]| {
        let gateway = Gateway { client, ..gateway.clone() };
        let mut request = json("/api/orders/execute");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        gateway.send_bare(request.body(Body::from(ORDER)).unwrap()).await.status
    };
    assert_eq!(ask(here, &[]).await, StatusCode::ACCEPTED);
    assert_eq!(ask(here, &[("host", "[::1]:3000")]).await, StatusCode::ACCEPTED);
    assert_eq!(ask(here, &[("host", "10.0.0.7:3000")]).await, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(here, &[("host", "evil.example:3000")]).await, StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(ask(here, &[("origin", "http://evil.example")]).await, StatusCode::FORBIDDEN);
    assert_eq!(ask(here, &[("sec-fetch-site", "cross-site")]).await, StatusCode::FORBIDDEN);
    assert_eq!(ask(here, &[("x-forwarded-for", "203.0.113.7")]).await, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(super::client(), &[]).await, StatusCode::UNAUTHORIZED);

    issue(&gateway.app.journal, AccountId::operator(), &[Scope::Read]).await;
    until("a key is required", async || ask(here, &[]).await == StatusCode::UNAUTHORIZED).await;
}

#[tokio::test]
async fn who_guesses_keys_is_slowed_down() {
    let gateway = Gateway::start().await;
    let mut statuses = Vec::new();
    for number in 0..70_u32 {
        let key = format!("oek_{number:012x}_{}", "0".repeat(64));
        let request = with(Request::get("/api/orders"), &key).body(Body::empty()).unwrap();
        statuses.push(gateway.send(request).await.status);
    }
    assert_eq!(statuses[0], StatusCode::UNAUTHORIZED);
    assert_eq!(statuses[69], StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(gateway.get("/api/orders").await.status, StatusCode::OK, "who has a key is not");
}

async fn an_admin_sets_policies(ask: &impl AsyncFn(Method, &str, &str) -> Answer) {
    let policy = r#"{"maxOrderValue":"12.5","maxDayValue":"100","maxSlippage":"0.01","tokens":["So11111111111111111111111111111111111111112"],"venues":["raydium_clmm"],"maxWorking":2,"wallet":"GmaDrppBC7P5ARKV8g3djiwP89vz1jLK23V2GBjuAEGB"}"#;
    let set = ask(Method::PUT, "/api/accounts/desk/policy", policy).await;
    assert_eq!((set.status, set.body.as_str()), (StatusCode::OK, policy));
    let listed = ask(Method::GET, "/api/accounts", "").await.json();
    assert_eq!(listed["accounts"][0]["policy"], set.json());
    for (field, value) in [
        ("maxOrderValue", r#""-1""#),
        ("maxDayValue", r#""much""#),
        ("maxSlippage", r#""1""#),
        ("tokens", r#"["SOL "]"#),
        ("tokens", "[]"),
        ("venues", r#"["raydium"]"#),
        ("maxWorking", "0"),
        ("wallet", r#""me""#),
        ("maxOrders", "1"),
    ] {
        let body = format!(r#"{{"{field}":{value}}}"#);
        let refused = ask(Method::PUT, "/api/accounts/desk/policy", &body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {}", refused.body);
    }
    let unknown = ask(Method::PUT, "/api/accounts/nobody/policy", "{}").await;
    assert_eq!(
        (unknown.status, &unknown.json()["code"]),
        (StatusCode::NOT_FOUND, &Value::from("account_not_found"))
    );
    assert_eq!(ask(Method::PUT, "/api/accounts/desk/policy", "{}").await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_admin_manages_accounts_and_keys_over_the_api() {
    let gateway = Gateway::start().await;
    let admin = issue(&gateway.app.journal, AccountId::operator(), &[Scope::Admin]).await;
    let ask = async |method: Method, path: &str, body: &str| {
        let request = with(Request::builder().method(method).uri(path), &admin);
        let request = request.header("content-type", "application/json");
        gateway.send(request.body(Body::from(body.to_owned())).unwrap()).await
    };
    let created = ask(Method::POST, "/api/accounts", r#"{"account":"desk"}"#).await;
    assert_eq!((created.status, created.body.as_str()), (StatusCode::CREATED, r#"{"account":"desk"}"#));
    let again = ask(Method::POST, "/api/accounts", r#"{"account":"desk"}"#).await;
    assert_eq!((again.status, &again.json()["code"]), (StatusCode::CONFLICT, &Value::from("account_exists")));
    for body in [r#"{"account":"The Desk"}"#, r#"{"account":"desk","x":1}"#, "{}", "[]"] {
        assert_eq!(
            ask(Method::POST, "/api/accounts", body).await.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{body}"
        );
    }
    let accounts = ask(Method::GET, "/api/accounts", "").await.json();
    assert_eq!(accounts["accounts"][0]["account"], "desk");
    assert_eq!(accounts["accounts"][0]["policy"]["maxOrderValue"], Value::Null);
    an_admin_sets_policies(&ask).await;

    let body = r#"{"account":"desk","scopes":["read"],"label":"a program","networks":["::/0","0.0.0.0/0"],"days":7}"#;
    let issued = ask(Method::POST, "/api/keys", body).await;
    assert_eq!(issued.status, StatusCode::CREATED, "{}", issued.body);
    let (key, id) = (issued.json()["key"].clone(), issued.json()["id"].clone());
    let (key, id) = (key.as_str().unwrap(), id.as_str().unwrap());
    let used = with(Request::get("/api/orders"), key).body(Body::empty()).unwrap();
    assert_eq!(gateway.send(used).await.status, StatusCode::OK);
    for body in [
        r#"{"account":"desk","scopes":[]}"#,
        r#"{"account":"desk","scopes":["all"]}"#,
        r#"{"account":"nobody","scopes":["read"]}"#,
        r#"{"account":"desk","scopes":["read"],"networks":["here"]}"#,
    ] {
        let refused = ask(Method::POST, "/api/keys", body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {}", refused.body);
    }
    let listed = ask(Method::GET, "/api/keys?account=desk", "").await;
    assert_eq!(listed.json()["keys"][0]["id"], id);
    assert!(!listed.body.contains(key.rsplit_once('_').unwrap().1), "no secret is listed");

    let rotated = ask(Method::POST, &format!("/api/keys/{id}/rotate"), "{}").await;
    assert_eq!(rotated.status, StatusCode::CREATED, "{}", rotated.body);
    assert_eq!(ask(Method::DELETE, &format!("/api/keys/{id}"), "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(ask(Method::DELETE, "/api/keys/0123456789ab", "").await.status, StatusCode::NOT_FOUND);
    let refused = async || {
        let used = with(Request::get("/api/orders"), key).body(Body::empty()).unwrap();
        gateway.send(used).await.status == StatusCode::UNAUTHORIZED
    };
    until("the key is refused", refused).await;
}

#[tokio::test]
async fn a_ticket_opens_a_socket_for_seconds_and_nothing_else() {
    let gateway = Gateway::start().await;
    let key = issue(&gateway.app.journal, account("desk"), &[Scope::Read]).await;
    let request = with(Request::post("/api/ws-ticket"), &key).body(Body::empty()).unwrap();
    let ticket = gateway.send(request).await;
    assert_eq!(ticket.status, StatusCode::OK, "{}", ticket.body);
    let ticket = ticket.json()["ticket"].as_str().unwrap().to_owned();
    let order = gateway.place().await;
    let open = async |ticket: &str| {
        let path = format!("/api/orders/{order}/ws?ticket={ticket}");
        let request = Request::get(path).header("upgrade", "websocket").header("connection", "upgrade");
        let request = request
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        gateway.send_bare(request.body(Body::empty()).unwrap()).await
    };
    // Without a connection there is nothing to upgrade, which comes after all that the guard looks at.
    assert_eq!(open(&ticket).await.status, StatusCode::UPGRADE_REQUIRED);
    let (rest, code) = ticket.rsplit_once('.').unwrap();
    let (id, expiry) = rest.split_once('.').unwrap();
    let later = format!("{id}.{}.{code}", expiry.parse::<i64>().unwrap() + 60);
    let past = format!("{id}.1.{code}");
    for forged in [&later, &past, rest, "", &format!("{ticket}0"), &ticket.replace(id, "0123456789ab")] {
        assert_eq!(open(forged).await.status, StatusCode::UNAUTHORIZED, "{forged}");
    }
    let read = Request::get(format!("/api/orders?ticket={ticket}")).body(Body::empty()).unwrap();
    assert_eq!(gateway.send_bare(read).await.status, StatusCode::UNAUTHORIZED, "it is for sockets alone");
}

#[tokio::test]
async fn only_pages_of_allowed_sites_may_read_answers() {
    let gateway = Gateway::with(&["--allowed-origins", "https://desk.example"]).await;
    let preflight = async |origin: &str| {
        let request = Request::builder().method(Method::OPTIONS).uri("/api/orders/execute");
        let request = request.header("origin", origin).header("access-control-request-method", "POST");
        gateway.send_bare(request.body(Body::empty()).unwrap()).await
    };
    let allowed = preflight("https://desk.example").await;
    assert_eq!(allowed.header("access-control-allow-origin"), Some("https://desk.example"));
    assert_eq!(preflight("https://evil.example").await.header("access-control-allow-origin"), None);
    let placed = json("/api/orders/execute").header("origin", "https://desk.example");
    let placed =
        gateway.send(placed.header("sec-fetch-site", "cross-site").body(Body::from(ORDER)).unwrap()).await;
    assert_eq!(placed.status, StatusCode::ACCEPTED, "{}", placed.body);
    assert_eq!(placed.header("access-control-allow-origin"), Some("https://desk.example"));

    let closed = Gateway::start().await;
    let request = json("/api/orders/quote").header("origin", "https://desk.example");
    let refused = closed.send(request.body(Body::from(ORDER)).unwrap()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(refused.header("access-control-allow-origin"), None);
}
