//! Notices of a real store over real sockets, with a clock that the test moves.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use crds::Configuration;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use secrecy::SecretString;
use serde_json::json;

use super::*;
use crate::config::{Inputs, Refused, compile};
use crate::deliver::{PauseReason, Paused};
use crate::desk::{Act, Actor};
use crate::store::index::{self, Embedded};
use crate::store::suite::{self, BEGIN_MS, Plain, World, body, event, failing};
use crate::store::{Outcome, Refused as RefusedRequest};

const MINUTE_MS: i64 = 60_000;

#[derive(Clone, Debug)]
struct Got {
    path: String,
    authorization: String,
    body: Value,
}

/// Who is told.
struct Sink {
    url: String,
    state: Arc<SinkState>,
}

#[derive(Default)]
struct SinkState {
    status: AtomicU16,
    got: Mutex<Vec<Got>>,
}

async fn take(
    state: Arc<SinkState>,
    request: Request<Incoming>,
) -> Result<Response<Empty<Bytes>>, std::convert::Infallible> {
    let header = request.headers().get("authorization");
    let authorization = header.map_or("", |value| value.to_str().unwrap()).to_owned();
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let got = Got { path, authorization, body: serde_json::from_slice(&body).unwrap() };
    state.got.lock().unwrap_or_else(PoisonError::into_inner).push(got);
    let mut response = Response::new(Empty::new());
    *response.status_mut() = StatusCode::from_u16(state.status.load(Ordering::SeqCst)).unwrap();
    Ok(response)
}

impl Sink {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(SinkState { status: AtomicU16::new(200), ..SinkState::default() });
        let serving = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&serving);
                let service = hyper::service::service_fn(move |request| take(Arc::clone(&state), request));
                let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
        Self { url, state }
    }

    fn answers(&self, status: u16) {
        self.state.status.store(status, Ordering::SeqCst);
    }

    /// What came since the last call.
    fn got(&self) -> Vec<Got> {
        std::mem::take(&mut *self.state.got.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn inputs(notices: &Value, allowed: &[&str]) -> Inputs {
    let configuration: Configuration = serde_json::from_value(json!({
        "version": "v1", "namespace": "sales", "name": "contacts",
        "publicUrl": "https://hooks.example.com/sales/contacts", "allowedAddresses": allowed,
        "spec": {
            "displayName": "Contacts", "clientSecrets": [{"name": "app", "key": "secret"}],
            "destinations": [{"name": "a", "log": {}}],
            "desk": {"url": "https://desk.example.com/", "notices": notices},
        },
    }))
    .unwrap();
    let secret = |name: &str, key: &str, value: &str| {
        ((name.to_owned(), key.to_owned()), SecretString::from(value.to_owned()))
    };
    Inputs {
        configuration,
        secrets: [secret("app", "secret", "s3cret"), secret("hook", "token", "Bearer t0ken")].into(),
        config_maps: BTreeMap::new(),
        tokens: BTreeMap::new(),
    }
}

struct Scene {
    _directory: tempfile::TempDir,
    world: World,
    embedded: Arc<Embedded>,
    states: Arc<Mutex<Vec<DestinationState>>>,
    metrics: Arc<Metrics>,
    live: Arc<ArcSwap<Live>>,
    noticer: Noticer,
}

impl Scene {
    async fn start(notices: Value) -> Self {
        Self::allowing(notices, &["127.0.0.0/8"]).await
    }

    async fn allowing(notices: Value, allowed: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Clock::manual(BEGIN_MS);
        let options = index::Options::new(directory.path(), Arc::new(Plain), clock.clone());
        let embedded = Arc::new(Embedded::open(options).await.unwrap());
        let world = World {
            clock,
            open: Box::new(|| unreachable!("it is open")),
            open_desk: Box::new(|_| unreachable!("it is open")),
            open_history: Box::new(|_| unreachable!("it is open")),
        };
        let live = Arc::new(ArcSwap::from_pointee(compile(inputs(&notices, allowed)).unwrap()));
        let (states, metrics) = (Arc::default(), Arc::new(Metrics::default()));
        let task = noticer(&world, &embedded, &states, &metrics, &live);
        let scene = Self { _directory: directory, world, embedded, states, metrics, live, noticer: task };
        suite::set_destinations(&scene.store(), &["a", "b"]).await;
        scene
    }

    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.embedded) as _
    }

    /// As a new process would.
    fn restart(&mut self) {
        self.noticer = noticer(&self.world, &self.embedded, &self.states, &self.metrics, &self.live);
    }

    /// Lets the time pass and looks.
    async fn look_after(&mut self, ms: i64) {
        self.world.pass(ms);
        self.noticer.look().await;
    }

    /// Events that become errors at a destination.
    async fn fail(&self, destination: &str, events: std::ops::Range<u64>) {
        let store = self.store();
        let events: Vec<String> = events.map(event).collect();
        self.world.deliver(&store, body(&events)).await;
        let page = self.world.page(&store, destination).await;
        let now_ms = self.world.clock.now_ms();
        let errors = page.records.iter().map(|record| failing(record, now_ms)).collect();
        let outcome = Outcome::Done { errors, again: Vec::new(), again_at_ms: 0 };
        self.world.settle(&store, &page, 400, outcome).await;
    }

    fn pause(&self, names: &[(&str, Option<PauseReason>)]) {
        let state = |(name, reason): &(&str, Option<PauseReason>)| DestinationState {
            name: (*name).to_owned(),
            paused: reason.map(|reason| Paused { reason, since_ms: BEGIN_MS, next_probe_ms: None }),
        };
        *self.states.lock().unwrap() = names.iter().map(state).collect();
    }

    fn count(&self, outcome: &'static str) -> u64 {
        let labels = NoticeLabels {
            namespace: "sales".into(),
            listener: "contacts".into(),
            notice: "ops".into(),
            outcome,
        };
        self.metrics.notices.get_or_create(&labels).get()
    }
}

fn noticer(
    world: &World,
    embedded: &Arc<Embedded>,
    states: &Arc<Mutex<Vec<DestinationState>>>,
    metrics: &Arc<Metrics>,
    live: &Arc<ArcSwap<Live>>,
) -> Noticer {
    let states = Arc::clone(states);
    Noticer::new(Parts {
        live: Arc::clone(live),
        desk: Arc::clone(embedded) as _,
        store: Arc::clone(embedded) as _,
        memory: Arc::clone(embedded) as _,
        states: Box::new(move || states.lock().unwrap().clone()),
        clock: world.clock.clone(),
        metrics: Arc::clone(metrics),
        timing: Timing::default(),
    })
}

fn webhook(sink: &Sink, more: &Value) -> Value {
    let mut notice = json!({"name": "ops", "webhook": {"url": format!("{}/hook", sink.url), "headers": [
        {"name": "authorization", "valueFrom": {"secretKeyRef": {"name": "hook", "key": "token"}}}
    ]}});
    notice.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!([notice])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_errors_are_told_in_groups_once_and_only_while_they_are_open() {
    let sink = Sink::start().await;
    let mut scene = Scene::start(webhook(&sink, &json!({}))).await;
    scene.fail("a", 1..3).await;
    scene.look_after(60_000).await;
    assert_eq!(sink.got().len(), 0, "what was there before the notice is not told");

    scene.fail("b", 3..7).await;
    scene.embedded.act(Actor("ann".into()), 3, Act::Resolve).await.unwrap();
    scene.look_after(1_000).await;
    assert_eq!(sink.got().len(), 0, "it may not be all yet");
    scene.look_after(10_000).await;
    let got = sink.got();
    assert_eq!(got.len(), 1);
    assert_eq!((&*got[0].path, &*got[0].authorization), ("/hook", "Bearer t0ken"));
    let told = &got[0].body;
    assert_eq!(told["kind"], "newErrors");
    assert_eq!((&told["namespace"], &told["listener"]), (&json!("sales"), &json!("contacts")));
    assert_eq!(told["url"], "https://desk.example.com/");
    // b took all six that were stored, and one is resolved.
    let groups = json!([{"destination": "b", "class": "value", "count": 5}]);
    assert_eq!(told["errors"], json!({"count": 5, "groups": groups}));
    assert!(!told.to_string().contains("62515"), "neither payload nor trace key: {told}");

    scene.fail("a", 7..8).await;
    scene.look_after(2 * MINUTE_MS).await;
    scene.restart();
    scene.look_after(2 * MINUTE_MS).await;
    assert_eq!(sink.got().len(), 0, "at most one in five minutes, also over a start");
    scene.look_after(MINUTE_MS).await;
    let got = sink.got();
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].body["errors"]["groups"][0]["destination"], "a");
    scene.look_after(10 * MINUTE_MS).await;
    assert_eq!(sink.got().len(), 0, "nothing new");
    assert_eq!((scene.count("sent"), scene.count("failed")), (2, 0));
    scene.embedded.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trace_keys_are_named_as_many_as_the_notice_asks_for() {
    let sink = Sink::start().await;
    let mut scene = Scene::start(webhook(&sink, &json!({"traceKeys": 2, "kinds": ["newErrors"]}))).await;
    scene.look_after(0).await;
    scene.look_after(1_000).await;
    scene.fail("a", 1..5).await;
    scene.look_after(11_000).await;
    let got = sink.got();
    assert_eq!(got[0].body["errors"]["groups"][0]["traceKeys"], json!(["62515_1.3", "62515_1.2"]));
    scene.embedded.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_and_its_end_are_told_and_flapping_is_bounded() {
    let sink = Sink::start().await;
    let mut scene = Scene::start(webhook(&sink, &json!({}))).await;
    let silent = Some(PauseReason::Connection);
    scene.pause(&[("a", silent), ("b", Some(PauseReason::Manifest))]);
    scene.look_after(1_000).await;
    let got = sink.got();
    assert_eq!(got.len(), 1, "a person who pauses knows it");
    assert_eq!(
        (&got[0].body["kind"], &got[0].body["destination"]["name"]),
        (&json!("destinationPaused"), &json!("a"))
    );
    for _ in 0..20 {
        scene.pause(&[("a", None), ("b", None)]);
        scene.look_after(5_000).await;
        scene.pause(&[("a", silent), ("b", None)]);
        scene.look_after(5_000).await;
    }
    assert_eq!(sink.got().len(), 0, "it flaps");
    scene.pause(&[("a", None), ("b", None)]);
    scene.look_after(2 * MINUTE_MS).await;
    assert_eq!(sink.got()[0].body["kind"], "destinationResumed");
    // Down again, told after a while; then a start, after which nobody knows yet.
    scene.pause(&[("a", silent)]);
    scene.look_after(5 * MINUTE_MS).await;
    assert_eq!(sink.got()[0].body["kind"], "destinationPaused");
    scene.restart();
    scene.pause(&[("a", None)]);
    scene.look_after(6 * MINUTE_MS).await;
    scene.pause(&[("a", silent)]);
    scene.look_after(MINUTE_MS).await;
    assert_eq!(sink.got().len(), 0, "still down, and told");
    scene.pause(&[("a", None)]);
    scene.look_after(5 * MINUTE_MS).await;
    assert_eq!(sink.got()[0].body["kind"], "destinationResumed");
    scene.embedded.close().await;
}

fn refused(at_ms: i64, code: &'static str) -> RefusedRequest {
    RefusedRequest {
        id: uuid::Uuid::new_v4(),
        at_ms,
        status: 401,
        cause: "signature_mismatch",
        diagnosis: Some(format!("about {code}: do this")),
        diagnosis_code: Some(code),
        request_line: "POST /sales/contacts HTTP/1.1".to_owned(),
        headers: Vec::new(),
        body: Bytes::from_static(b"[{\"secret\":1}]"),
        body_bytes: 14,
        peer: None,
    }
}

async fn refuse(scene: &Scene, number: usize, code: &'static str) {
    let store = scene.store();
    let wanted = store.status().await.unwrap().refused_kept + number as u64;
    for _ in 0..number {
        store.refuse(refused(scene.world.clock.now_ms(), code));
    }
    while store.status().await.unwrap().refused_kept < wanted {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_requests_are_told_above_the_rate_with_the_most_frequent_diagnosis() {
    let sink = Sink::start().await;
    let notices = webhook(&sink, &json!({"everyMinutes": 2, "refusalsPerMinute": 10}));
    let mut scene = Scene::start(notices).await;
    refuse(&scene, 19, "wrong_secret").await;
    scene.look_after(1_000).await;
    assert_eq!(sink.got().len(), 0, "nineteen in two minutes");
    refuse(&scene, 6, "wrong_url").await;
    scene.look_after(10_000).await;
    let got = sink.got();
    assert_eq!(got.len(), 1);
    let expected = json!({"count": 25, "perMinute": 12.5, "mostFrequent":
        {"code": "wrong_secret", "count": 19, "remedy": "about wrong_secret: do this"}});
    assert_eq!(got[0].body["refusals"], expected);
    assert!(!got[0].body.to_string().contains("secret\\\":1"));
    scene.look_after(MINUTE_MS).await;
    assert_eq!(sink.got().len(), 0);
    scene.look_after(3 * MINUTE_MS).await;
    assert_eq!(sink.got().len(), 0, "it is over");
    scene.embedded.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alertmanager_gets_what_fires_again_and_again_and_what_is_over_once() {
    let sink = Sink::start().await;
    let notices = json!([{"name": "ops", "alertmanager": {"url": format!("{}/am/", sink.url)}}]);
    let mut scene = Scene::start(notices).await;
    scene.look_after(0).await;
    assert_eq!(sink.got().len(), 0, "nothing fires");
    scene.fail("a", 1..4).await;
    scene.pause(&[("b", Some(PauseReason::Connection))]);
    scene.look_after(1_000).await;
    let got = sink.got();
    assert_eq!(got[0].path, "/am/api/v2/alerts");
    let alerts = got[0].body.as_array().unwrap();
    assert_eq!(alerts.len(), 2);
    let labels = |at: usize| alerts[at]["labels"].clone();
    assert_eq!(
        [labels(0), labels(1)],
        [
            json!({"alertname": "HubSpotListenerDestinationPaused", "destination": "b", "listener": "contacts",
                "namespace": "sales", "severity": "warning"}),
            json!({"alertname": "HubSpotListenerErrors", "class": "value", "destination": "a",
                "listener": "contacts", "namespace": "sales", "severity": "warning"}),
        ]
    );
    assert_eq!(alerts[1]["annotations"]["summary"], "sales/contacts: 3 open errors of class value at a");
    assert_eq!(
        (&alerts[0]["startsAt"], &alerts[0]["endsAt"]),
        (&json!(body::time(BEGIN_MS + 1_000)), &json!(body::time(BEGIN_MS + 301_000)))
    );

    scene.look_after(10_000).await;
    assert_eq!(sink.got().len(), 0, "not again within a minute");
    scene.look_after(50_000).await;
    let again = sink.got();
    assert_eq!(again[0].body[0]["startsAt"], alerts[0]["startsAt"], "the same alert");
    assert_eq!(again[0].body[0]["endsAt"], json!(body::time(BEGIN_MS + 361_000)));

    // What is over is told until it was taken.
    scene.pause(&[("b", None)]);
    sink.answers(500);
    scene.look_after(10_000).await;
    sink.got();
    sink.answers(200);
    scene.look_after(10_000).await;
    let over = sink.got();
    assert_eq!(over[0].body.as_array().unwrap().len(), 2);
    assert_eq!(over[0].body[1]["labels"]["destination"], "b");
    assert_eq!(over[0].body[1]["endsAt"], json!(body::time(scene.world.clock.now_ms())));
    scene.look_after(60_000).await;
    assert_eq!(sink.got()[0].body.as_array().unwrap().len(), 1, "once");
    scene.embedded.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notice_that_is_not_taken_is_made_anew_and_tried_ever_more_seldom() {
    let sink = Sink::start().await;
    let mut scene = Scene::start(webhook(&sink, &json!({"kinds": ["newErrors"]}))).await;
    scene.look_after(0).await;
    scene.fail("a", 1..4).await;
    sink.answers(503);
    scene.look_after(11_000).await;
    for _ in 0..9 {
        scene.look_after(10_000).await;
    }
    assert_eq!(sink.got().len(), 4, "after 0, 10, 30 and 70 seconds");
    assert_eq!((scene.count("sent"), scene.count("failed")), (0, 4));
    scene.embedded.act(Actor("ann".into()), 1, Act::Resolve).await.unwrap();
    sink.answers(204);
    scene.look_after(5 * MINUTE_MS).await;
    let got = sink.got();
    assert_eq!((got.len(), &got[0].body["errors"]["count"]), (1, &json!(2)), "only what is still open");
    scene.embedded.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_destinations_may_not_reach_is_not_reached_by_notices() {
    let sink = Sink::start().await;
    let mut scene = Scene::allowing(webhook(&sink, &json!({})), &[]).await;
    scene.look_after(0).await;
    scene.fail("a", 1..2).await;
    scene.look_after(11_000).await;
    assert_eq!((sink.got().len(), scene.count("failed")), (0, 1));
    scene.embedded.close().await;
}

fn refusals(notices: &Value) -> Vec<String> {
    let Err(Refused { refusals }) = compile(inputs(notices, &[])) else { return Vec::new() };
    refusals.into_iter().map(|refusal| refusal.field).collect()
}

#[test]
fn a_notice_that_cannot_be_is_refused_with_its_place() {
    let to = |url: &str| json!({"name": "ops", "webhook": {"url": url}});
    assert_eq!(refusals(&json!([to("https://example.com")])), Vec::<String>::new());
    let with = |mut notice: Value, field: &str, value: Value| {
        notice[field] = value;
        json!([notice])
    };
    let good = || to("https://example.com");
    let header = json!([{"name": "x", "valueFrom": {"secretKeyRef": {"name": "gone", "key": "k"}}}]);
    let secret = json!({"url": "https://example.com", "headers": header});
    for (notices, field) in [
        (json!([to("ftp://example.com")]), "spec.desk.notices[0].webhook.url"),
        (json!([to("https://{{nothing")]), "spec.desk.notices[0].webhook.url"),
        (json!([to("https://u:p@example.com")]), "spec.desk.notices[0].webhook.url"),
        (json!([good(), good()]), "spec.desk.notices"),
        (json!([{"name": "ops"}]), "spec.desk.notices[0]"),
        (with(good(), "alertmanager", json!({"url": "http://am:9093"})), "spec.desk.notices[0]"),
        (with(good(), "name", json!("On Call")), "spec.desk.notices[0].name"),
        (with(good(), "everyMinutes", json!(0)), "spec.desk.notices[0].everyMinutes"),
        (with(good(), "refusalsPerMinute", json!(0)), "spec.desk.notices[0].refusalsPerMinute"),
        (with(good(), "traceKeys", json!(21)), "spec.desk.notices[0].traceKeys"),
        (with(good(), "kinds", json!([])), "spec.desk.notices[0].kinds"),
        (with(good(), "kinds", json!(["refusals", "refusals"])), "spec.desk.notices[0].kinds"),
        (
            with(json!({"name": "ops"}), "webhook", secret),
            "spec.desk.notices[0].webhook.headers[0].valueFrom.secretKeyRef",
        ),
    ] {
        let refused = refusals(&notices);
        assert!(refused.iter().any(|found| found == field), "{notices}: {refused:?}");
    }
    assert!(!refusals(&json!(vec![good(); 9])).is_empty());
}
