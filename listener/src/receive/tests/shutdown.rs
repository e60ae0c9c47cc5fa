//! What is in flight is answered, what is idle is closed, and it ends in time.

use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use super::support::*;
use crate::receive::Limits;

#[tokio::test]
async fn a_shutdown_answers_what_is_in_flight_and_closes_the_rest() {
    let port = Port::start().await;
    let mut idle = port.client().await;
    idle.write(signed(PATH, EVENTS)).await;
    assert_eq!(idle.answer().await.status, 204);
    port.store.shut();
    let mut busy = port.client().await;
    busy.write(signed(PATH, EVENTS)).await;
    until("one is in flight", || port.metrics.in_flight.get() == 1).await;

    port.shutdown.cancel();
    assert!(idle.closed().await);
    until("no new connections", || {
        std::net::TcpStream::connect_timeout(&port.address, Duration::from_millis(200)).is_err()
    })
    .await;
    assert!(!port.served.is_finished());
    port.store.open();
    let answer = busy.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (204, Some("close")));
    assert!(busy.closed().await);
    drop((idle, busy));
    tokio::time::timeout(Duration::from_secs(2), port.served).await.unwrap().unwrap();
    assert_eq!((port.store.stored(), port.metrics.connections.get()), (2, 0));
}

#[tokio::test]
async fn a_shutdown_waits_no_longer_than_its_grace() {
    let limits = Limits { grace: Duration::from_millis(300), ..quick() };
    let port = Port::with(PATH, &Reply::default(), limits).await;
    port.store.shut();
    let mut client = port.client().await;
    client.write(signed(PATH, EVENTS)).await;
    until("one is in flight", || port.metrics.in_flight.get() == 1).await;
    let began = Instant::now();
    port.shutdown.cancel();
    port.served.await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(300) && began.elapsed() < Duration::from_secs(2));
    assert!(client.closed().await);
    port.store.open();
    until("what had begun is stored all the same", || port.store.stored() == 1).await;
    assert!(TcpStream::connect(port.address).await.is_err());
}
