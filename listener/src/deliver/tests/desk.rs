//! The error desk end to end: the embedded store, a deliverer, a destination on a socket.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use uuid::Uuid;

use super::scene::{http, live, timing};
use super::server::{Server, say};
use crate::config::LiveDestination;
use crate::deliver::{Deliverer, Parts};
use crate::desk::{Act, Actor, Desk, ErrorFilter, ErrorShown, Query, State};
use crate::metrics::Metrics;
use crate::store::Store;
use crate::store::index::{Embedded, Options};
use crate::store::suite::Plain;
use crate::verify::{Received, Request};
use language::clock::Clock;

struct Place {
    store: Arc<Embedded>,
    _deliverer: Deliverer,
    _live: watch::Sender<Arc<crate::config::Live>>,
    _directory: tempfile::TempDir,
}

impl Place {
    async fn start(destination: LiveDestination) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = Options::new(directory.path(), Arc::new(Plain), Clock::System);
        let store = Arc::new(Embedded::open(options).await.unwrap());
        let live = watch::Sender::new(Arc::new(live(vec![destination])));
        let deliverer = Deliverer::start(Parts {
            live: live.subscribe(),
            store: Arc::<Embedded>::clone(&store),
            clock: Clock::System,
            metrics: Arc::new(Metrics::default()),
            timing: timing(),
        })
        .await
        .unwrap();
        Self { store, _deliverer: deliverer, _live: live, _directory: directory }
    }

    async fn append(&self, body: &str) {
        let received = Received {
            id: Uuid::now_v7(),
            at_ms: Clock::System.now_ms(),
            method: http::Method::POST,
            target: "/".to_owned(),
            host: None,
            headers: http::HeaderMap::new(),
            body: body.to_owned().into(),
            peer: None,
        };
        self.store.append(Request::proven(received)).await.unwrap();
    }

    /// Waits until the newest error is as `reached` says.
    async fn until(&self, reached: impl Fn(&ErrorShown) -> bool) -> ErrorShown {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        loop {
            let query = Query { filter: ErrorFilter::default(), cursor: None, limit: 1 };
            let newest = self.store.errors(query).await.unwrap().items.pop();
            match newest {
                Some(error) if reached(&error) => return error,
                newest => assert!(tokio::time::Instant::now() < deadline, "{newest:?}"),
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn act(&self, error: i64, act: Act) {
        self.store.act(Actor("ann".to_owned()), error, act).await.unwrap();
    }
}

async fn picky() -> Server {
    Server::start(|_, seen| say(if seen.body.contains("wrong") { 400 } else { 200 })).await
}

fn event(id: u64, object: u64, value: &str) -> String {
    format!(
        r#"{{"eventId":{id},"subscriptionType":"contact.creation","portalId":62515,"objectId":{object},"propertyValue":"{value}"}}"#
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_is_edited_sent_again_and_resolved() {
    let server = picky().await;
    let place = Place::start(http(&server.url("/"))).await;
    place.append(&event(1, 7, "wrong")).await;
    let error = place.until(|error| error.state == State::Open).await;
    assert_eq!((error.trace_key.as_str(), error.code.as_str()), ("62515/contact/7", "http_400"));
    place.act(error.id, Act::Retry).await;
    let again = place.until(|error| error.state == State::Open && error.attempts == 2).await;
    assert_eq!(again.id, error.id);
    place.act(error.id, Act::Edit { payload: Some(event(1, 7, "right")) }).await;
    place.act(error.id, Act::Retry).await;
    let done = place.until(|error| error.state == State::Resolved).await;
    assert_eq!(done.resolution.unwrap().how, "retried");
    assert_eq!(server.seen().last().unwrap().body, format!("[{}]", event(1, 7, "right")));
    assert_eq!(place.store.status().await.unwrap().open_errors, 0);
    place.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_later_success_of_the_same_object_closes_its_error() {
    let server = picky().await;
    let place = Place::start(http(&server.url("/"))).await;
    place.append(&event(1, 7, "wrong")).await;
    place.until(|error| error.state == State::Open).await;
    place.append(&event(2, 8, "right")).await;
    place.append(&event(3, 7, "right")).await;
    let done = place.until(|error| error.state == State::Resolved).await;
    assert_eq!(done.resolution.unwrap().how, "later_success");
    place.store.close().await;
}
