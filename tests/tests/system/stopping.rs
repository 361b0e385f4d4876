//! Orders that stop: cancelled, expired, or ordered at a price that was never quoted.

use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use system_tests::{Engine, Gateway, Part, eventually, market_order, setting};
use xtask::Login;

fn order() -> Value {
    market_order("SOL", "USDC", "0.1", "0.05")
}

async fn until_status(gateway: &Gateway, id: &str, status: &str) {
    eventually(&format!("order {id} is {status}"), async || {
        (gateway.order(id).await["status"] == status).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_order_that_nobody_signs_in_time_expires_and_is_never_signed() {
    let settings = vec![setting("gateway", "ORDER_TTL_SECONDS", "2"), setting("executor", "ATTEMPTS", "100")];
    let mut engine = Engine::start(1, 1, settings);
    let gateway = engine.gateway(0);
    engine.kill(Part::Router);
    let without_router = gateway.place(&order()).await;
    let ended = gateway.ended(&without_router).await;
    assert_eq!(ended["status"], "expired", "{ended}");
    engine.kill(Part::Executor(0));
    let without_executor = gateway.place(&order()).await;
    let expires = gateway.order(&without_executor).await["expiresAt"].clone();
    eventually("the expiry passes", async || {
        let order = gateway.order(&without_executor).await;
        (order["timestamp"].as_str() > expires.as_str()).then_some(())
    })
    .await;
    engine.restart(Part::Router);
    engine.restart(Part::Executor(0));
    let updates = gateway.follow(&without_executor, 0).await.to_the_end(1).await;
    assert_eq!(updates.last().unwrap()["status"], "expired");
    assert!(engine.ledger().iter().all(|line| line["kind"] != "received"), "a transaction was sent");
}

#[tokio::test]
async fn a_cancel_ends_what_is_not_signed_and_lets_no_attempt_follow_what_is() {
    let mut engine = Engine::start(1, 1, vec![setting("executor", "ATTEMPTS", "100")]);
    let (gateway, cluster) = (engine.gateway(0), engine.cluster());
    assert_eq!(gateway.ended(&gateway.place(&order()).await).await["status"], "confirmed");

    cluster.drop_transactions().await;
    let signed = gateway.place(&order()).await;
    until_status(&gateway, &signed, "submitted").await;
    let answer = gateway.cancel(&signed).await;
    assert_eq!((answer.status.as_u16(), &answer.body["code"]), (409, &json!("too_late")), "{}", answer.body);
    cluster.expire_blockhashes().await;
    let ended = gateway.ended(&signed).await;
    assert_eq!((&ended["status"], &ended["attempts"]), (&json!("cancelled"), &json!(1)), "{ended}");
    cluster.heal().await;

    engine.kill(Part::Router);
    let routing = gateway.place(&order()).await;
    until_status(&gateway, &routing, "routing").await;
    let updates = gateway.follow(&routing, 0).await;
    let answer = gateway.cancel(&routing).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["status"]),
        (200, &json!("cancelled")),
        "{}",
        answer.body
    );
    assert_eq!(updates.to_the_end(1).await.last().unwrap()["status"], "cancelled");
    engine.restart(Part::Router);

    let confirmed = gateway.place(&order()).await;
    gateway.ended(&confirmed).await;
    let answer = gateway.cancel(&confirmed).await;
    assert_eq!((answer.status.as_u16(), &answer.body["code"]), (409, &json!("too_late")), "{}", answer.body);
    assert_eq!(gateway.cancel(&routing).await.status.as_u16(), 200);
    let sent = engine.ledger().iter().filter(|line| line["kind"] == "landed").count();
    assert_eq!(sent, 2, "only the first and the last have landed");
}

#[tokio::test]
async fn redis_sets_no_order_s_minimum() {
    let engine = Engine::start(1, 1, vec![]);
    let gateway = engine.gateway(0);
    let mut asked = order();
    let quote = gateway.post("/api/orders/quote", &asked).await.body;
    let id = quote["quoteId"].as_str().unwrap();
    let mut redis = Redis::connect(&engine.redis.operator);
    let key = format!("orders:quote:{id}");
    let kept = redis.command(&[b"GET", key.as_bytes()]);
    // The quote's own amount becomes one of a single digit, whatever is around it.
    let name = b"\"amount_out\":";
    let at = kept.windows(name.len()).position(|bytes| bytes == name).unwrap() + name.len();
    let digits = kept[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let altered = [&kept[..at], b"1", &kept[at + digits..]].concat();
    redis.command(&[b"SET", key.as_bytes(), &altered]);
    asked["quoteId"] = json!(id);
    let answer = gateway.post("/api/orders/execute", &asked).await;
    assert_eq!(answer.status.as_u16(), 422, "{}", answer.body);
    assert_eq!(answer.body["code"], "quote_not_found");
    redis.command(&[b"SET", key.as_bytes(), &kept]);
    assert_eq!(gateway.post("/api/orders/execute", &asked).await.status.as_u16(), 202);
}

/// As much of Redis' protocol as it takes to change what it keeps.
struct Redis(BufReader<TcpStream>);

impl Redis {
    fn connect(login: &Login) -> Self {
        let mut redis = Self(BufReader::new(TcpStream::connect(login.address).unwrap()));
        let answer = redis.command(&[b"AUTH", login.user.as_bytes(), login.password.as_bytes()]);
        assert_eq!(answer, b"+OK\r\n");
        redis
    }

    /// The answer to a command: the text of a bulk string, or else the line.
    fn command(&mut self, words: &[&[u8]]) -> Vec<u8> {
        let mut request = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            request.extend(format!("${}\r\n", word.len()).into_bytes());
            request.extend_from_slice(word);
            request.extend(b"\r\n");
        }
        self.0.get_mut().write_all(&request).unwrap();
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        let Some(length) = line.strip_prefix('$') else { return line.into_bytes() };
        let mut text = vec![0; length.trim_end().parse::<usize>().unwrap() + 2];
        self.0.read_exact(&mut text).unwrap();
        text.truncate(text.len() - 2);
        text
    }
}
