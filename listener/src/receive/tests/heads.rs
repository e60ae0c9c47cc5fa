//! Heads that are too large or too slow, and connections on which nothing comes.

use std::time::{Duration, Instant};

use super::support::*;
use crate::receive::Limits;

#[tokio::test]
async fn a_head_that_trickles_is_answered_408_and_the_connection_closed() {
    let port = Port::start().await;
    let mut client = port.client().await;
    let began = Instant::now();
    client.write(format!("POST {PATH} HTTP/1.1\r\n")).await;
    while began.elapsed() < Duration::from_millis(350) {
        client.write("x-a: b\r\n").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.body.as_str()), (408, r#"{"cause":"header_timeout"}"#));
    assert!(client.closed().await);
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(port.turned_away("header_timeout"), 1);
}

#[tokio::test]
async fn a_second_head_is_timed_like_the_first() {
    let port = Port::start().await;
    let mut client = port.client().await;
    client.write(signed(PATH, EVENTS)).await;
    assert_eq!(client.answer().await.status, 204);
    client.write("POST").await;
    assert_eq!(client.answer().await.status, 408);
    assert!(client.closed().await);
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let port = Port::start().await;
    let mut client = port.client().await;
    let began = Instant::now();
    assert!(client.closed().await);
    assert!(began.elapsed() < Duration::from_millis(1_200), "that was the idle time");
    until("it is not counted any more", || port.metrics.connections.get() == 0).await;
}

#[tokio::test]
async fn a_connection_waits_longer_between_requests_than_for_a_head() {
    let port = Port::start().await;
    let mut client = port.client().await;
    client.write(signed(PATH, EVENTS)).await;
    assert_eq!(client.answer().await.status, 204);
    tokio::time::sleep(Duration::from_millis(900)).await;
    client.write(signed(PATH, EVENTS)).await;
    assert_eq!(client.answer().await.status, 204, "900 ms are more than a head may take");
    let began = Instant::now();
    assert!(client.closed().await);
    let waited = began.elapsed();
    assert!(waited > Duration::from_millis(1_300) && waited < Duration::from_secs(4), "{waited:?}");
}

#[tokio::test]
async fn a_head_over_the_limit_is_answered_431_and_the_connection_closed() {
    let port = Port::start().await;
    let long = format!("x-long: {}\r\n", "x".repeat(40_000));
    let many = "x-many: y\r\n".repeat(101);
    for lines in [long, many] {
        let mut client = port.client().await;
        client.write(post(PATH, &lines, "")).await;
        assert_eq!(client.answer().await.status, 431);
        assert!(client.closed().await);
    }
    until("both are counted", || port.turned_away("headers_too_large") == 2).await;
    assert_eq!(port.send(post(PATH, &"x-many: y\r\n".repeat(90), "")).await.status, 401);
}

#[tokio::test]
async fn what_is_not_http_is_answered_400_and_closed() {
    let port = Port::start().await;
    let mut client = port.client().await;
    client.write("\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}\x03\x03 hello?\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 400);
    assert!(client.closed().await);
    until("it is counted", || port.turned_away("not_http") == 1).await;
}

#[tokio::test]
async fn a_sender_that_does_not_read_its_answers_is_cut_off() {
    use tokio::io::AsyncWriteExt;
    let limits = Limits { write_time: Duration::from_millis(300), ..quick() };
    let port = Port::with(PATH, &Reply::default(), limits).await;
    let mut client = port.client().await;
    let requests = post("/elsewhere", "", "").repeat(100);
    let cut_off = async {
        // The answers fill the buffers of both sides, then writing stops, then the connection ends.
        while client.socket.write_all(&requests).await.is_ok() {}
    };
    tokio::time::timeout(Duration::from_mins(1), cut_off).await.expect("still connected");
    until("it is not counted any more", || port.metrics.connections.get() == 0).await;
}
