//! A listener with its destinations, its store and a deliverer, on short waits.

use std::sync::Arc;
use std::time::Duration;

use crds::Configuration;
use crds::listener::{Format, MediaType, Signature};
use http::{HeaderName, StatusCode};
use serde_json::json;
use tokio::sync::watch;

use super::store::{FakeStore, State};
use crate::config::live::Answer;
use crate::config::{Live, LiveDestination, Target};
use crate::deliver::{Deliverer, Parts, Paused, Sink, StartError, Timing, standard_output};
use crate::metrics::Metrics;
use crate::verify::Verifier;
use language::clock::Clock;
use language::filter::Surroundings;
use language::template::Json;

pub(super) const PUBLIC_URL: &str = "https://hooks.example.com/sales/contacts";

/// Waits that a test can bear.
pub(super) fn timing() -> Timing {
    Timing {
        base_wait: Duration::from_millis(10),
        longest_wait: Duration::from_millis(50),
        failures_before_pause: 1_000,
        first_probe: Duration::from_millis(20),
        longest_probe: Duration::from_millis(100),
        store_wait: Duration::from_millis(5),
        ..Timing::default()
    }
}

/// An HTTP destination named `warehouse`.
pub(super) fn http(url: &str) -> LiveDestination {
    http_as(url, Format::Json)
}

pub(super) fn http_as(url: &str, format: Format) -> LiveDestination {
    let target = Target::Http {
        url: url.parse().unwrap(),
        format,
        headers: vec![(HeaderName::from_static("authorization"), "Bearer t0ken".parse().unwrap())],
        timeout: Duration::from_secs(5),
    };
    LiveDestination {
        name: "warehouse".into(),
        filter: None,
        mapping: None,
        target,
        concurrency: 4,
        rate: None,
        max_attempts: 3,
        max_age: Duration::from_hours(1),
        page_size: 20,
        linger: Duration::ZERO,
    }
}

/// One record in each page.
pub(super) fn one_by_one(url: &str) -> LiveDestination {
    LiveDestination { page_size: 1, ..http(url) }
}

pub(super) fn live(destinations: Vec<LiveDestination>) -> Live {
    let configuration: Configuration = serde_json::from_value(json!({
        "version": "v1", "namespace": "sales", "name": "contacts", "publicUrl": PUBLIC_URL,
        "allowedAddresses": ["127.0.0.0/8"],
        "spec": {
            "displayName": "Contacts", "clientSecrets": [{"name": "a", "key": "b"}], "destinations": []
        },
    }))
    .unwrap();
    let (settings, listener): (Json, Json) = (json!({}).into(), json!({}).into());
    Live {
        path: "/sales/contacts".into(),
        verifier: Verifier::new(&[], PUBLIC_URL, &Signature::default()),
        answer: Answer {
            status: StatusCode::NO_CONTENT,
            media_type: MediaType::Json,
            body: None,
            headers: Vec::new(),
        },
        surroundings: Surroundings::new(&settings, &listener),
        settings,
        listener,
        filter: None,
        hook: None,
        destinations: destinations.into_iter().map(Arc::new).collect(),
        notices: Vec::new(),
        trace_key: None,
        data_uri: None,
        faults: crate::config::faults::Faults::default(),
        database: None,
        configuration,
    }
}

pub(super) struct Scene {
    pub(super) store: Arc<FakeStore>,
    pub(super) live: watch::Sender<Arc<Live>>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) deliverer: Deliverer,
}

impl Scene {
    pub(super) async fn start(destination: LiveDestination) -> Self {
        Self::start_with(live(vec![destination]), timing(), FakeStore::new(), standard_output()).await
    }

    pub(super) async fn start_with(live: Live, timing: Timing, store: Arc<FakeStore>, sink: Sink) -> Self {
        Self::try_start(live, timing, store, sink).await.unwrap()
    }

    pub(super) async fn try_start(
        live: Live,
        timing: Timing,
        store: Arc<FakeStore>,
        sink: Sink,
    ) -> Result<Self, StartError> {
        let live = watch::Sender::new(Arc::new(live));
        let metrics = Arc::new(Metrics::default());
        let parts = Parts {
            live: live.subscribe(),
            store: Arc::<FakeStore>::clone(&store),
            clock: Clock::System,
            metrics: Arc::clone(&metrics),
            timing,
        };
        let deliverer = Deliverer::start_with_sink(parts, sink).await?;
        Ok(Self { store, live, metrics, deliverer })
    }

    /// Waits until the store's state is as `reached` says.
    pub(super) async fn until(&self, what: &str, reached: impl Fn(&State) -> bool) {
        until(what, || reached(&self.store.state())).await;
    }

    pub(super) async fn delivered(&self, count: usize) {
        self.until("records are delivered", |state| state.delivered.len() == count).await;
    }

    pub(super) async fn errors(&self, count: usize) {
        self.until("open errors are there", |state| state.errors.len() == count).await;
    }

    pub(super) fn paused(&self) -> Option<Paused> {
        self.deliverer.states().first().and_then(|state| state.paused)
    }

    /// What `/metrics` would print.
    pub(super) fn printed(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.metrics.registry).unwrap();
        text
    }
}

/// Waits for something that must come soon.
pub(super) async fn until(what: &str, reached: impl Fn() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while !reached() {
        assert!(tokio::time::Instant::now() < deadline, "waited too long until {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
