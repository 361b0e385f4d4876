//! How a WebSocket ends: the close handshake, faults of the client, and limits.

use super::ORDER;
use super::sockets::{Socket, Stage, frame, next, rest};
use futures_util::{SinkExt as _, StreamExt as _};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

/// The close code that the gateway sends next, after any other frames.
async fn code(socket: &mut Socket) -> u16 {
    loop {
        match next(socket).await {
            Message::Close(Some(close)) => return close.code.into(),
            Message::Text(_) => {}
            message => panic!("unexpected: {message:?}"),
        }
    }
}

/// Sends bytes as they are, past the client's WebSocket.
async fn raw(socket: &mut Socket, bytes: &[u8]) {
    let MaybeTlsStream::Plain(stream) = socket.get_mut() else { panic!("no TLS here") };
    stream.write_all(bytes).await.unwrap();
}

#[tokio::test]
async fn a_close_of_the_client_is_answered() {
    let stage = Stage::start().await;
    let id = stage.place().await;
    for path in [format!("/api/orders/{id}/ws"), "/api/orders/execute".to_owned()] {
        let mut socket = stage.open(&path).await;
        let bye = CloseFrame { code: CloseCode::Normal, reason: "done".into() };
        socket.close(Some(bye)).await.unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(10), async {
            loop {
                match socket.next().await {
                    Some(Ok(Message::Close(Some(close)))) => assert_eq!(close.code, CloseCode::Normal),
                    Some(Ok(_)) => {}
                    // The client's library has seen the answer.
                    None | Some(Err(Error::ConnectionClosed)) => return,
                    Some(Err(error)) => panic!("{path}: no close handshake: {error}"),
                }
            }
        });
        ended.await.expect("the socket ends");
    }
    stage.running.stop().await;
}

#[tokio::test]
async fn faults_of_the_client_have_their_codes() {
    let stage = Stage::start().await;
    let id = stage.place().await;
    let path = format!("/api/orders/{id}/ws");
    let masked = |first: u8, payload: &[u8]| {
        let length = u8::try_from(payload.len()).unwrap();
        [&[first, 0x80 | length, 0, 0, 0, 0], payload].concat()
    };
    // A frame with a reserved bit, a text that is not UTF-8, and an unmasked frame.
    for (bytes, expected) in
        [(masked(0xF1, b"x"), 1002), (masked(0x81, b"\xff\xfe"), 1007), (vec![0x81, 1, b'x'], 1002)]
    {
        let mut socket = stage.open(&path).await;
        raw(&mut socket, &bytes).await;
        assert_eq!(code(&mut socket).await, expected, "{bytes:x?}");
    }
    let mut socket = stage.open(&path).await;
    socket.send(Message::text("x".repeat(5_000))).await.unwrap();
    assert_eq!(code(&mut socket).await, 1009);
    stage.running.stop().await;
}

#[tokio::test]
async fn an_order_is_a_text_message() {
    let stage = Stage::start().await;
    let mut socket = stage.open("/api/orders/execute").await;
    socket.send(Message::binary(ORDER.as_bytes())).await.unwrap();
    let refusal = frame(&mut socket).await;
    assert_eq!(refusal["problem"]["code"], "unsupported_media_type");
    assert!(refusal["problem"]["requestId"].is_string(), "{refusal}");
    assert_eq!(rest(&mut socket).await, (vec![], 1003));
    stage.running.stop().await;
}

#[tokio::test]
async fn a_second_order_on_one_socket_is_refused_and_the_first_goes_on() {
    let stage = Stage::start().await;
    let mut socket = stage.open("/api/orders/execute").await;
    socket.send(Message::text(ORDER)).await.unwrap();
    let first = frame(&mut socket).await;
    assert_eq!(first["seq"], 1);
    socket.send(Message::text(ORDER)).await.unwrap();
    let refusal = frame(&mut socket).await;
    assert_eq!((&refusal["type"], &refusal["problem"]["code"]), (&"error".into(), &"invalid_request".into()));
    assert!(refusal["problem"]["requestId"].is_string(), "{refusal}");
    assert_eq!(rest(&mut socket).await, (vec![], 1008));
    let listed = stage
        .journal
        .reports
        .list(&order_core::AccountId::operator(), &journal::Filter::default(), None, 10)
        .await
        .unwrap();
    assert_eq!(listed.len(), 1);
    let mut again = stage.open(&format!("/api/orders/{}/ws", first["orderId"].as_str().unwrap())).await;
    assert_eq!(frame(&mut again).await["seq"], 1);
    stage.running.stop().await;
}

#[tokio::test]
async fn every_refusal_on_a_socket_has_the_id_of_its_request() {
    let stage = Stage::start().await;
    let mut socket = stage.open("/api/orders/execute").await;
    socket.send(Message::text("{")).await.unwrap();
    let refusal = frame(&mut socket).await;
    assert!(refusal["problem"]["requestId"].is_string(), "{refusal}");
    stage.running.stop().await;
}

#[tokio::test]
async fn a_client_has_a_share_of_the_sockets() {
    let stage = Stage::with_arguments(&["--max-sockets-per-client", "2"]).await;
    let id = stage.place().await;
    let path = format!("/api/orders/{id}/ws");
    let _open = [stage.open(&path).await, stage.open(&path).await];
    let refused = connect_async(format!("ws://{}{path}", stage.running.address)).await.unwrap_err();
    let Error::Http(response) = refused else { panic!("{refused}") };
    assert_eq!(response.status(), 429);
    let body = String::from_utf8(response.body().clone().unwrap_or_default()).unwrap();
    assert!(body.contains("too_many_connections"), "{body}");
    stage.running.stop().await;
}
