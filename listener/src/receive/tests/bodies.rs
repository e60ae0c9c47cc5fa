//! Bodies that are too large, too slow, broken, or too many.

use std::time::{Duration, Instant};

use super::support::*;
use crate::receive::Limits;

#[tokio::test]
async fn an_announced_body_over_the_limit_is_answered_413_before_it_is_read() {
    let port = Port::start().await;
    let mut client = port.client().await;
    client.write(format!("POST {PATH} HTTP/1.1\r\nhost: h\r\ncontent-length: 65537\r\n\r\n")).await;
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (413, Some("close")));
    assert_eq!(answer.body, r#"{"cause":"body_too_large"}"#);
    assert!(client.closed().await);
    let kept = port.store.kept(1).await.remove(0);
    assert_eq!((kept.status, kept.cause, kept.body_bytes), (413, "body_too_large", 0));
    assert_eq!(port.refused("body_too_large"), 1);
}

#[tokio::test]
async fn a_sender_that_writes_its_too_large_body_first_still_reads_the_answer() {
    let port = Port::start().await;
    let mut client = port.client().await;
    client.write(post(PATH, "", vec![b'x'; 8 * 1024 * 1024])).await;
    assert_eq!(client.answer().await.status, 413);
    assert!(client.closed().await);
}

#[tokio::test]
async fn a_body_over_the_limit_without_a_length_is_cut_off_with_413() {
    let port = Port::start().await;
    let mut client = port.client().await;
    client.write(format!("POST {PATH} HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n")).await;
    let chunk = [b"2000\r\n".as_slice(), &[b'x'; 0x2000], b"\r\n"].concat();
    for _ in 0..9 {
        client.write(&chunk).await;
    }
    assert_eq!(client.answer().await.status, 413);
    assert!(client.closed().await);
    let kept = port.store.kept(1).await.remove(0);
    assert_eq!(kept.body.len(), 4096);
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_taken() {
    let port = Port::start().await;
    assert_eq!(port.send(signed(PATH, vec![b'x'; 64 * 1024])).await.status, 204);
}

#[tokio::test]
async fn a_body_that_trickles_is_answered_408_and_the_connection_closed() {
    let port = Port::start().await;
    let mut client = port.client().await;
    client.write(format!("POST {PATH} HTTP/1.1\r\nhost: h\r\ncontent-length: 1000\r\n\r\n")).await;
    let began = Instant::now();
    for _ in 0..20 {
        client.write("x").await;
        tokio::time::sleep(Duration::from_millis(25)).await;
        if began.elapsed() > Duration::from_millis(350) {
            break;
        }
    }
    let answer = client.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (408, Some("close")));
    assert_eq!(answer.body, r#"{"cause":"body_timeout"}"#);
    assert!(client.closed().await);
    let kept = port.store.kept(1).await.remove(0);
    assert!(kept.body.starts_with(b"xxx"));
}

#[tokio::test]
async fn a_body_that_never_comes_is_answered_408() {
    let port = Port::start().await;
    let mut client = port.client().await;
    client.write(format!("POST {PATH} HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\n")).await;
    assert_eq!(client.answer().await.status, 408);
    assert!(client.closed().await);
    assert_eq!(port.metrics.in_flight.get(), 0);
}

#[tokio::test]
async fn a_body_that_comes_on_but_not_in_time_is_answered_408() {
    let limits = Limits { body_time: Duration::from_millis(700), progress_bytes: 1, ..quick() };
    let port = Port::with(PATH, &Reply::default(), limits).await;
    let mut client = port.client().await;
    client.write(format!("POST {PATH} HTTP/1.1\r\nhost: h\r\ncontent-length: 1000\r\n\r\n")).await;
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(650) {
        client.write("x").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(client.answer().await.status, 408);
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_body_that_is_not_framed_properly_is_answered_400() {
    let port = Port::start().await;
    let mut client = port.client().await;
    client.write(format!("POST {PATH} HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n")).await;
    client.write("zz\r\nnot a length\r\n").await;
    assert_eq!(client.answer().await.status, 400);
    assert!(client.closed().await);
    assert_eq!(port.refused("bad_body"), 1);
}

#[tokio::test]
async fn two_lengths_are_not_guessed_between() {
    let port = Port::start().await;
    let both =
        format!("POST {PATH} HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd");
    assert_eq!(port.send(both).await.status, 400);
    assert_eq!(port.store.stored(), 0);
}

#[tokio::test]
async fn bodies_in_flight_are_bounded_together() {
    let port = Port::with(PATH, &Reply::default(), Limits { bodies_bytes: 50_000, ..quick() }).await;
    port.store.shut();
    let mut first = port.client().await;
    first.write(signed(PATH, vec![b'x'; 30_000])).await;
    until("the first is in flight", || port.metrics.in_flight.get() == 1).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let second = port.send(signed(PATH, vec![b'x'; 30_000])).await;
    assert_eq!((second.status, second.header("retry-after")), (503, Some("1")));
    assert_eq!(second.body, r#"{"cause":"busy_bytes"}"#);
    port.store.open();
    assert_eq!(first.answer().await.status, 204);
    assert_eq!(port.send(signed(PATH, vec![b'x'; 30_000])).await.status, 204, "what was taken is given back");
}
