//! Path, method, signature, store: the rows of the design's table, in the order of judgement.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::AsyncWriteExt;

use super::support::*;
use crate::receive::{Door, SamePath};
use crate::store::AppendError;

#[tokio::test]
async fn a_signed_delivery_is_stored_byte_for_byte_and_answered_204_without_a_body() {
    let port = Port::start().await;
    let answer = port.send(signed(PATH, EVENTS)).await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    assert_eq!((answer.header("content-length"), answer.header("content-type")), (None, None));
    assert_eq!(stored_body(&port.store, 0), EVENTS);
    let received = port.store.appended.lock().unwrap()[0].clone();
    assert_eq!((received.at_ms, received.target.as_str()), (NOW_MS, PATH));
    assert_eq!(received.host.as_deref(), Some("inside.example"));
    assert_eq!(received.id.get_version_num(), 7);
    assert_eq!(received.peer.map(|peer| peer.ip().is_loopback()), Some(true));
    assert_eq!((port.endpoint.accepted.get(), port.endpoint.accepted_bytes.get()), (1, EVENTS.len() as u64));
}

#[tokio::test]
async fn the_target_is_kept_as_it_came() {
    let port = Port::start().await;
    let target = format!("{PATH}?b=%2f&a=%41&&x=a+b");
    assert_eq!(port.send(signed(&target, EVENTS)).await.status, 204);
    assert_eq!(port.store.appended.lock().unwrap()[0].target, target);
}

#[tokio::test]
async fn a_path_is_compared_byte_for_byte() {
    let port = Port::with("/a%3Ab", &Reply::default(), quick()).await;
    for target in ["/a%3Ab", "/a%3Ab?", "/a%3Ab?x=%2f", "http://any.example/a%3Ab?x=1"] {
        assert_eq!(port.send(post(target, "", "[]")).await.status, 401, "{target}");
    }
    for target in ["/a:b", "/a%3ab", "/a%3Ab/", "//a%3Ab", "/A%3Ab", "/", "/x/../a%3Ab", "http://any.example"]
    {
        let answer = port.send(post(target, "", "[]")).await;
        assert_eq!((answer.status, answer.body.as_str()), (404, r#"{"cause":"not_found"}"#), "{target}");
    }
    assert_eq!(port.turned_away("not_found"), 8);
}

#[tokio::test]
async fn targets_that_are_no_path_are_not_found() {
    let port = Port::start().await;
    for line in ["OPTIONS * HTTP/1.1", "CONNECT hooks.example.com:443 HTTP/1.1"] {
        let request = format!("{line}\r\nhost: inside.example\r\n\r\n");
        assert_eq!(port.send(request).await.status, 404, "{line}");
    }
}

#[tokio::test]
async fn another_method_is_answered_405_with_the_one_that_is_allowed() {
    let port = Port::start().await;
    for method in ["GET", "PUT", "DELETE", "OPTIONS", "BREW"] {
        let request = format!("{method} {PATH} HTTP/1.1\r\nhost: inside.example\r\n\r\n");
        let answer = port.send(request).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method}");
        assert_eq!(answer.body, r#"{"cause":"method_not_allowed"}"#);
    }
    assert_eq!(port.refused("method_not_allowed"), 5);
}

#[tokio::test]
async fn what_the_store_does_not_take_is_answered_503_and_not_acknowledged() {
    let port = Port::start().await;
    let cases = [
        (AppendError::Busy, "store_busy", "1"),
        (AppendError::Backlog { unindexed_bytes: 5 }, "store_backlog", "5"),
        (AppendError::Write("disk full".to_owned()), "store_unavailable", "5"),
        (AppendError::Closed, "store_unavailable", "5"),
    ];
    for (error, cause, seconds) in cases {
        *port.store.fails.lock().unwrap() = Some(error);
        let answer = port.send(signed(PATH, EVENTS)).await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some(seconds)));
        assert_eq!(answer.body, format!(r#"{{"cause":"{cause}"}}"#));
    }
    assert_eq!((port.store.stored(), port.endpoint.accepted.get()), (0, 0));
    *port.store.fails.lock().unwrap() = None;
    assert_eq!(port.send(signed(PATH, EVENTS)).await.status, 204);
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let port = Port::start().await;
    let mut client = port.client().await;
    let elsewhere = post("/elsewhere", "", "");
    client.write([signed(PATH, EVENTS), elsewhere, signed(PATH, "[]")].concat()).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(client.answer().await.status);
    }
    assert_eq!(statuses, [204, 404, 204]);
    assert_eq!((stored_body(&port.store, 0), stored_body(&port.store, 1)), (EVENTS.into(), "[]".into()));
}

#[tokio::test]
async fn a_body_in_pieces_is_put_together() {
    let port = Port::start().await;
    let body = "x".repeat(50_000);
    let lines = signature(PATH, &body);
    let mut client = port.client().await;
    let head = format!("POST {PATH} HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n{lines}\r\n");
    client.write(head).await;
    for piece in body.as_bytes().chunks(7_000) {
        client.write(format!("{:x}\r\n", piece.len())).await;
        client.write(piece).await;
        client.write("\r\n").await;
    }
    client.write("0\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 204);
    assert_eq!(stored_body(&port.store, 0), body);
}

#[tokio::test]
async fn a_sender_that_asks_first_is_told_to_continue() {
    let port = Port::start().await;
    let mut client = port.client().await;
    let lines = format!("expect: 100-continue\r\n{}", signature(PATH, EVENTS));
    let request = post(PATH, &lines, EVENTS);
    let (head, body) = request.split_at(request.len() - EVENTS.len());
    client.write(head).await;
    assert_eq!(client.answer().await.status, 100);
    client.write(body).await;
    assert_eq!(client.answer().await.status, 204);
}

#[tokio::test]
async fn an_append_is_finished_although_the_sender_has_gone() {
    let port = Port::start().await;
    port.store.shut();
    let mut client = port.client().await;
    client.write(signed(PATH, EVENTS)).await;
    until("the request is in flight", || port.metrics.in_flight.get() == 1).await;
    client.socket.set_zero_linger().unwrap();
    drop(client);
    tokio::time::sleep(Duration::from_millis(100)).await;
    port.store.open();
    until("the delivery is stored", || port.store.stored() == 1).await;
    until("the place is free", || port.metrics.in_flight.get() == 0).await;
    until("the connection is gone", || port.metrics.connections.get() == 0).await;
}

#[tokio::test]
async fn a_sender_that_closes_its_side_first_still_gets_its_answer() {
    let port = Port::start().await;
    let mut client = port.client().await;
    client.write(signed(PATH, EVENTS)).await;
    client.socket.shutdown().await.unwrap();
    assert_eq!(client.answer().await.status, 204);
    assert!(client.closed().await);
}

#[tokio::test]
async fn a_panic_costs_one_request_and_not_the_process() {
    let port = Port::start().await;
    let mut client = port.client().await;
    port.store.panics.store(true, Ordering::SeqCst);
    client.write(signed(PATH, EVENTS)).await;
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.body.as_str()), (500, r#"{"cause":"internal"}"#));
    port.store.panics.store(false, Ordering::SeqCst);
    client.write(signed(PATH, EVENTS)).await;
    assert_eq!(client.answer().await.status, 204);
    assert_eq!(port.metrics.in_flight.get(), 0);
}

#[tokio::test]
async fn a_configuration_is_exchanged_under_an_open_connection() {
    let port = Port::start().await;
    let mut client = port.client().await;
    client.write(signed(PATH, EVENTS)).await;
    assert_eq!(client.answer().await.status, 204);
    port.endpoint.replace(live("/new", &Reply { status: 202, ..Reply::default() }));
    port.door.set([Arc::clone(&port.endpoint)]).unwrap();
    client.write(signed(PATH, EVENTS)).await;
    assert_eq!(client.answer().await.status, 404);
    client.write(signed("/new", EVENTS)).await;
    assert_eq!(client.answer().await.status, 202);
}

#[tokio::test]
async fn two_listeners_cannot_have_one_path() {
    let port = Port::start().await;
    let twice = [Arc::clone(&port.endpoint), Arc::clone(&port.endpoint)];
    assert_eq!(port.door.set(twice), Err(SamePath { path: PATH.to_owned() }));
    assert_eq!(port.send(signed(PATH, EVENTS)).await.status, 204, "the old routes stay");
    assert!(Door::new(&port.metrics).find(PATH).is_none());
}
