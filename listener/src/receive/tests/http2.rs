//! HTTP/2 with prior knowledge.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::time::Duration;
use tokio::net::TcpStream;

use super::support::*;

async fn connect(port: &Port) -> SendRequest<Full<Bytes>> {
    let socket = TcpStream::connect(port.address).await.unwrap();
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(socket)).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn request(method: &str, target: &str, signature: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(method).uri(format!("http://inside.example{target}"));
    for line in signature.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    request.body(Full::new(body.into())).unwrap()
}

async fn body<B: hyper::body::Body<Error: std::fmt::Debug>>(answer: Response<B>) -> String {
    String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn a_delivery_over_http_2_is_stored_with_the_target_as_it_came() {
    let port = Port::start().await;
    let mut sender = connect(&port).await;
    let target = format!("{PATH}?x=%2f");
    let answer =
        sender.send_request(request("POST", &target, &signature(&target, EVENTS), EVENTS)).await.unwrap();
    assert_eq!(answer.status(), 204);
    let received = port.store.appended.lock().unwrap()[0].clone();
    assert_eq!((received.target, received.body.as_ref()), (target, EVENTS.as_bytes()));
    assert_eq!(received.host.as_deref(), Some("inside.example"));
}

#[tokio::test]
async fn refusals_over_http_2_are_the_same() {
    let port = Port::start().await;
    let mut sender = connect(&port).await;
    for (method, target, length, status, cause) in [
        ("POST", "/elsewhere", 0, 404, "not_found"),
        ("GET", PATH, 0, 405, "method_not_allowed"),
        ("POST", PATH, 70_000, 413, "body_too_large"),
        ("POST", PATH, 5, 401, "missing_signature"),
    ] {
        let answer = sender.send_request(request(method, target, "", vec![b'x'; length])).await.unwrap();
        assert_eq!(answer.status(), status, "{method} {target}");
        assert!(!answer.headers().contains_key("connection"));
        assert_eq!(body(answer).await, format!(r#"{{"cause":"{cause}"}}"#));
    }
    port.door.settle().await;
    let lines: Vec<_> = port.store.kept(2).await.into_iter().map(|kept| kept.request_line).collect();
    assert_eq!(lines, [format!("POST {PATH} HTTP/2.0"), format!("POST {PATH} HTTP/2.0")]);
}

#[tokio::test]
async fn many_requests_share_one_connection() {
    let port = Port::start().await;
    let sender = connect(&port).await;
    let send = |_| {
        let mut sender = sender.clone();
        async move {
            sender
                .send_request(request("POST", PATH, &signature(PATH, EVENTS), EVENTS))
                .await
                .unwrap()
                .status()
        }
    };
    let statuses = futures_util::future::join_all((0..100).map(send)).await;
    assert!(statuses.iter().all(|status| *status == 204), "{statuses:?}");
    assert_eq!(port.store.stored(), 100);
}

#[tokio::test]
async fn a_shutdown_answers_what_is_in_flight_over_http_2() {
    let port = Port::start().await;
    port.store.shut();
    let mut sender = connect(&port).await;
    let sent = tokio::spawn(sender.send_request(request("POST", PATH, &signature(PATH, EVENTS), EVENTS)));
    until("one is in flight", || port.metrics.in_flight.get() == 1).await;
    port.shutdown.cancel();
    tokio::time::sleep(Duration::from_millis(100)).await;
    port.store.open();
    assert_eq!(sent.await.unwrap().unwrap().status(), 204);
    tokio::time::timeout(Duration::from_secs(2), port.served).await.unwrap().unwrap();
}

#[tokio::test]
async fn an_idle_http_2_connection_is_closed() {
    let port = Port::start().await;
    let mut sender = connect(&port).await;
    let answer = sender.send_request(request("GET", PATH, "", "")).await.unwrap();
    assert_eq!(answer.status(), 405);
    until("it is closed", || sender.is_closed()).await;
    until("it is not counted any more", || port.metrics.connections.get() == 0).await;
}

#[tokio::test]
async fn an_append_is_finished_although_its_stream_was_reset() {
    let port = Port::start().await;
    port.store.shut();
    let mut sender = connect(&port).await;
    let sent = tokio::spawn(sender.send_request(request("POST", PATH, &signature(PATH, EVENTS), EVENTS)));
    until("one is in flight", || port.metrics.in_flight.get() == 1).await;
    sent.abort();
    drop(sender);
    until("the connection is gone", || port.metrics.connections.get() == 0).await;
    assert_eq!(port.metrics.in_flight.get(), 1, "what is left keeps its place");
    port.store.open();
    until("the delivery is stored", || port.store.stored() == 1).await;
    until("the place is free", || port.metrics.in_flight.get() == 0).await;
}
