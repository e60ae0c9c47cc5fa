//! More connections and requests than there is room for.

use super::support::*;
use crate::receive::Limits;

#[tokio::test]
async fn requests_beyond_the_room_are_answered_503_at_once() {
    let port = Port::with(PATH, &Reply::default(), Limits { in_flight: 2, ..quick() }).await;
    port.store.shut();
    let (mut first, mut second) = (port.client().await, port.client().await);
    first.write(signed(PATH, EVENTS)).await;
    second.write(signed(PATH, EVENTS)).await;
    until("two are in flight", || port.metrics.in_flight.get() == 2).await;
    let third = port.send(signed(PATH, EVENTS)).await;
    assert_eq!((third.status, third.header("retry-after")), (503, Some("1")));
    assert_eq!((third.body.as_str(), port.refused("busy")), (r#"{"cause":"busy"}"#, 1));
    assert_eq!(port.send(post("/elsewhere", "", "")).await.status, 404, "other paths need no room");
    port.store.open();
    assert_eq!((first.answer().await.status, second.answer().await.status), (204, 204));
    assert_eq!(port.send(signed(PATH, EVENTS)).await.status, 204);
    assert!(port.store.refused.lock().unwrap().is_empty(), "a 503 is counted and not kept");
}

#[tokio::test]
async fn connections_beyond_the_cap_are_closed_and_counted() {
    let port = Port::with(PATH, &Reply::default(), Limits { connections: 2, ..quick() }).await;
    let (mut first, second) = (port.client().await, port.client().await);
    until("two are open", || port.metrics.connections.get() == 2).await;
    assert!(port.client().await.closed().await);
    assert_eq!(port.turned_away("connection_limit"), 1);
    drop(second);
    until("one is open", || port.metrics.connections.get() == 1).await;
    assert_eq!(port.send(signed(PATH, EVENTS)).await.status, 204);
    first.write(signed(PATH, EVENTS)).await;
    assert_eq!(first.answer().await.status, 204, "the open one goes on");
}
