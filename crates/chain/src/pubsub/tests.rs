use super::*;
use serde_json::Value;
use std::pin::{Pin, pin};
use tokio::net::TcpListener;
use tokio_tungstenite::accept_async;

type Socket = WebSocketStream<TcpStream>;

async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/secret", listener.local_addr().unwrap());
    (listener, url)
}

fn key(seed: u8) -> Pubkey {
    Pubkey::new_from_array([seed; 32])
}

async fn request(socket: &mut Socket) -> Value {
    serde_json::from_str(socket.next().await.unwrap().unwrap().to_text().unwrap()).unwrap()
}

async fn tell(socket: &mut Socket, message: Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

/// Accepts a follower of one account and grants both subscriptions, the slot's as 7, the account's as 8.
async fn grant(listener: &TcpListener) -> Socket {
    let mut socket = accept_async(listener.accept().await.unwrap().0).await.unwrap();
    assert_eq!(request(&mut socket).await, json!({ "jsonrpc": "2.0", "id": 0, "method": "slotSubscribe" }));
    let options = json!({ "encoding": "base64", "commitment": "confirmed" });
    assert_eq!(
        request(&mut socket).await,
        json!({ "jsonrpc": "2.0", "id": 1, "method": "accountSubscribe", "params": [key(1).to_string(), options] })
    );
    tell(&mut socket, json!({ "jsonrpc": "2.0", "result": 7, "id": 0 })).await;
    tell(&mut socket, json!({ "jsonrpc": "2.0", "result": 8, "id": 1 })).await;
    socket
}

fn account_notification(subscription: u64, lamports: u64) -> Value {
    let value = json!({
        "data": ["AQID", "base64"], "executable": false, "lamports": lamports,
        "owner": key(2).to_string(), "rentEpoch": 0, "space": 3
    });
    json!({ "jsonrpc": "2.0", "method": "accountNotification", "params": {
        "subscription": subscription, "result": { "context": { "slot": 5 }, "value": value }
    } })
}

fn changed(lamports: u64) -> Notice {
    let account = Account { lamports, data: vec![1, 2, 3], owner: key(2), executable: false, rent_epoch: 0 };
    Notice::Account { slot: 5, address: key(1), account }
}

async fn next(notices: &mut Pin<&mut impl Stream<Item = Notice>>) -> Notice {
    notices.next().await.unwrap()
}

/// The next notice, which must be the loss of the connection.
async fn lost(notices: &mut Pin<&mut impl Stream<Item = Notice>>) -> String {
    match next(notices).await {
        Notice::Lost { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn tells_changes_and_after_a_loss_that_a_snapshot_is_due() {
    let (listener, url) = listen().await;
    let server = tokio::spawn(async move {
        let mut socket = grant(&listener).await;
        let slot = json!({ "parent": 8, "root": 1, "slot": 9 });
        tell(
            &mut socket,
            json!({ "method": "slotNotification", "params": { "subscription": 7, "result": slot } }),
        )
        .await;
        tell(&mut socket, account_notification(99, 1)).await;
        tell(&mut socket, account_notification(8, 1)).await;
        drop(socket);
        let mut socket = grant(&listener).await;
        tell(&mut socket, account_notification(8, 0)).await;
        socket
    });
    let mut notices = pin!(follow(vec![url], vec![key(1)], Commitment::Confirmed));
    assert_eq!(next(&mut notices).await, Notice::Connected);
    assert_eq!(next(&mut notices).await, Notice::Slot { slot: 9 });
    assert_eq!(next(&mut notices).await, changed(1));
    lost(&mut notices).await;
    assert_eq!(next(&mut notices).await, Notice::Connected);
    assert_eq!(next(&mut notices).await, changed(0));
    server.await.unwrap();
}

#[tokio::test]
async fn a_node_that_falls_silent_is_left() {
    let (listener, url) = listen().await;
    let server = tokio::spawn(async move { (grant(&listener).await, listener) });
    let mut notices = pin!(follow(vec![url], vec![key(1)], Commitment::Confirmed));
    assert_eq!(next(&mut notices).await, Notice::Connected);
    // The socket stays open and nobody reads it.
    let _server = server.await.unwrap();
    tokio::time::pause();
    assert_eq!(lost(&mut notices).await, "the node told nothing for 15 s");
}

#[tokio::test]
async fn a_node_that_grants_only_part_is_left() {
    let (listener, url) = listen().await;
    let server = tokio::spawn(async move {
        let mut socket = accept_async(listener.accept().await.unwrap().0).await.unwrap();
        request(&mut socket).await;
        request(&mut socket).await;
        tell(&mut socket, json!({ "jsonrpc": "2.0", "result": 7, "id": 0 })).await;
        let slot = json!({ "parent": 8, "root": 1, "slot": 9 });
        tell(
            &mut socket,
            json!({ "method": "slotNotification", "params": { "subscription": 7, "result": slot } }),
        )
        .await;
        (socket, listener)
    });
    let mut notices = pin!(follow(vec![url], vec![key(1)], Commitment::Confirmed));
    assert_eq!(next(&mut notices).await, Notice::Slot { slot: 9 });
    let _server = server.await.unwrap();
    tokio::time::pause();
    assert_eq!(lost(&mut notices).await, "the node does not answer the subscriptions");
}

#[tokio::test]
async fn a_refused_subscription_and_nonsense_end_the_connection() {
    let (listener, url) = listen().await;
    let server = tokio::spawn(async move {
        for message in [
            json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": -32602, "message": "Invalid Request" } }),
            json!("nonsense"),
        ] {
            let mut socket = accept_async(listener.accept().await.unwrap().0).await.unwrap();
            tell(&mut socket, message).await;
            // Until the follower leaves.
            while let Some(Ok(_)) = socket.next().await {}
        }
    });
    let mut notices = pin!(follow(vec![url], vec![key(1)], Commitment::Confirmed));
    assert!(lost(&mut notices).await.contains("Invalid Request"));
    assert!(lost(&mut notices).await.contains("not understood"));
    server.await.unwrap();
}

#[tokio::test]
async fn an_unreachable_node_is_tried_again_and_its_url_is_not_shown() {
    let (listener, url) = listen().await;
    drop(listener);
    let mut notices = pin!(follow(vec![url], vec![], Commitment::Confirmed));
    for _ in 0..2 {
        assert!(!lost(&mut notices).await.contains("secret"));
    }
}

#[tokio::test]
async fn after_a_loss_the_next_node_is_followed() {
    let ((one, one_url), (other, other_url)) = (listen().await, listen().await);
    let server = tokio::spawn(async move {
        drop(grant(&one).await);
        drop(grant(&other).await);
        grant(&one).await
    });
    let mut notices = pin!(follow(vec![one_url, other_url], vec![key(1)], Commitment::Confirmed));
    for _ in 0..2 {
        assert_eq!(next(&mut notices).await, Notice::Connected);
        lost(&mut notices).await;
    }
    assert_eq!(next(&mut notices).await, Notice::Connected);
    server.await.unwrap();
}

#[tokio::test]
async fn a_node_that_answers_pings_and_tells_nothing_is_left() {
    let (listener, url) = listen().await;
    let _server = tokio::spawn(async move {
        let mut socket = grant(&listener).await;
        // Reading is what answers pings.
        while let Some(Ok(_)) = socket.next().await {}
    });
    let mut notices = pin!(follow(vec![url], vec![key(1)], Commitment::Confirmed));
    assert_eq!(next(&mut notices).await, Notice::Connected);
    tokio::time::pause();
    assert_eq!(lost(&mut notices).await, "the node told nothing for 15 s");
}
