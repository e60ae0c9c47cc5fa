//! The admin port over real sockets.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Admin, Shown, View, serve};
use crate::deliver::{DestinationState, PauseReason, Paused};
use crate::metrics::Metrics;
use crate::receive::Endpoint;
use crate::receive::tests::support::{Came, Client, FakeStore, NOW_MS, PATH, Reply, live, quick};
use crate::store::{DestinationStatus, Refused, Status};
use language::clock::Clock;

struct Port {
    address: SocketAddr,
    store: Arc<FakeStore>,
    shown: Arc<Shown>,
    view: Arc<View>,
    metrics: Arc<Metrics>,
    shutdown: CancellationToken,
}

impl Port {
    async fn start(token: Option<&str>) -> Self {
        let store = Arc::new(FakeStore::default());
        let metrics = Arc::new(Metrics::default());
        let live = live(PATH, &Reply::default());
        let endpoint = Endpoint::new(live, Arc::clone(&store) as _, Clock::manual(NOW_MS), &metrics);
        let paused =
            Paused { reason: PauseReason::Connection, since_ms: NOW_MS, next_probe_ms: Some(NOW_MS + 1_000) };
        let state = |name: &str, paused| DestinationState { name: name.to_owned(), paused };
        let shown =
            Shown::new(endpoint, None, None, move || vec![state("audit", Some(paused)), state("new", None)]);
        let view = View::new();
        view.set_listeners(vec![Arc::clone(&shown)]);
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let (token, open) = (token.map(Into::into), true);
        let admin = Admin { view: Arc::clone(&view), metrics: Arc::clone(&metrics), token, open };
        tokio::spawn(serve(socket, admin, quick(), shutdown.clone()));
        Self { address, store, shown, view, metrics, shutdown }
    }

    async fn send(&self, method: &str, path: &str, headers: &str) -> Came {
        let mut client = Client::connect(self.address).await;
        client.write(format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n")).await;
        client.answer().await
    }

    async fn get(&self, path: &str) -> Came {
        self.send("GET", path, "").await
    }

    async fn json(&self, path: &str) -> Value {
        let came = self.get(path).await;
        assert_eq!((came.status, came.header("content-type")), (200, Some("application/json")));
        serde_json::from_str(&came.body).unwrap()
    }
}

fn problem(came: &Came) -> Value {
    assert_eq!(came.header("content-type"), Some("application/problem+json"));
    let problem: Value = serde_json::from_str(&came.body).unwrap();
    assert_eq!(problem["status"], came.status);
    problem
}

fn refused(at_ms: i64, cause: &'static str) -> Refused {
    Refused {
        id: Uuid::nil(),
        at_ms,
        status: 401,
        cause,
        diagnosis: Some("signed with http".to_owned()),
        diagnosis_code: Some("scheme"),
        request_line: "POST /sales/contacts HTTP/1.1".to_owned(),
        headers: vec![("cookie".to_owned(), "[left out]".to_owned())],
        body: Bytes::from_static(b"a private body"),
        body_bytes: 14,
        peer: None,
    }
}

#[tokio::test]
async fn a_listener_whose_store_can_write_is_alive_and_ready() {
    let port = Port::start(None).await;
    assert_eq!(port.json("/livez").await, json!({"alive": true}));
    assert_eq!(port.json("/readyz").await, json!({"ready": true}));
    port.shutdown.cancel();
}

#[tokio::test]
async fn a_store_that_cannot_write_makes_it_unready_and_not_dead() {
    let port = Port::start(None).await;
    *port.store.unwell.lock().unwrap() = Some("no space left on device".to_owned());
    let came = port.get("/readyz").await;
    assert_eq!(came.status, 503);
    assert_eq!(problem(&came)["reasons"], json!(["sales/contacts: no space left on device"]));
    assert_eq!(port.get("/livez").await.status, 200);
    *port.store.unwell.lock().unwrap() = None;
    assert_eq!(port.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn without_a_live_configuration_it_is_unready_and_says_why() {
    let port = Port::start(None).await;
    port.view.set_listeners(Vec::new());
    port.view.set_refusal(Some("spec.filter: unknown name".to_owned()));
    let came = port.get("/readyz").await;
    assert_eq!(came.status, 503);
    let detail = "no configuration is live: spec.filter: unknown name";
    assert_eq!(problem(&came)["detail"], detail);
    assert_eq!(port.json("/api/v1/status").await["message"], "spec.filter: unknown name");
}

#[tokio::test]
async fn the_report_tells_counters_and_refusals_without_a_token() {
    let port = Port::start(Some("t0ken")).await;
    *port.store.status.lock().unwrap() =
        Status { pending_records: 7, open_errors: 2, last_delivery_ms: Some(NOW_MS), ..Status::default() };
    port.shown.set_refusal(Some("spec.filter: unknown name".to_owned()));
    let reports: crds::report::Reports = serde_json::from_value(port.json("/report").await).unwrap();
    let [report] = &reports.listeners[..] else { panic!("{reports:?}") };
    assert_eq!((report.pending_records, report.open_errors), (Some(7), Some(2)));
    assert_eq!(report.last_delivery_ms, Some(NOW_MS));
    assert_eq!(report.configuration_refused.as_deref(), Some("spec.filter: unknown name"));

    port.view.set_listeners(Vec::new());
    port.view.set_refusal(Some("no file".to_owned()));
    assert_eq!(port.json("/report").await, json!({"listeners": [], "message": "no file"}));
}

#[tokio::test]
async fn the_status_shows_listener_configuration_store_and_destinations() {
    let port = Port::start(None).await;
    let audit =
        DestinationStatus { name: "audit".into(), pending_records: 4, ..DestinationStatus::default() };
    *port.store.status.lock().unwrap() = Status {
        deliveries: 7,
        pending_records: 4,
        refused_kept: 2,
        refused_dropped: 1,
        destinations: vec![audit],
        ..Status::default()
    };
    port.shown.set_refusal(Some("no such Secret".to_owned()));
    let status = port.json("/api/v1/status").await;
    let listener = &status["listeners"][0];
    assert_eq!((&listener["name"], &listener["namespace"]), (&json!("contacts"), &json!("sales")));
    assert_eq!(
        (&listener["displayName"], &listener["description"]),
        (&json!("Contacts"), &json!("New contacts"))
    );
    assert_eq!(listener["url"], "https://hooks.example.com/sales/contacts");
    assert_eq!(
        listener["configuration"],
        json!({"valid": false, "generation": 3, "message": "no such Secret"})
    );
    assert_eq!(
        (&listener["store"]["deliveries"], &listener["store"]["pendingRecords"]),
        (&json!(7), &json!(4))
    );
    assert_eq!(listener["refused"], json!({"kept": 2, "dropped": 1}));
    let destinations = &listener["destinations"];
    assert_eq!(destinations[0]["pendingRecords"], 4);
    let paused = json!({"reason": "connection", "sinceMs": NOW_MS, "nextProbeMs": NOW_MS + 1_000});
    assert_eq!(destinations[0]["paused"], paused);
    assert_eq!((&destinations[1]["name"], &destinations[1]["paused"]), (&json!("new"), &json!(null)));

    *port.store.unwell.lock().unwrap() = Some("gone".to_owned());
    let status = port.json("/api/v1/status").await;
    assert_eq!(status["listeners"][0]["storeError"], "the store failed: gone");
    assert_eq!(status["listeners"][0]["store"], Value::Null);
}

#[tokio::test]
async fn the_metrics_hold_the_processs_and_the_stores() {
    let port = Port::start(None).await;
    let audit =
        DestinationStatus { name: "audit".into(), delivered_records: 9, ..DestinationStatus::default() };
    *port.store.status.lock().unwrap() = Status {
        duplicates: 5,
        open_errors: 3,
        last_delivery_ms: Some(NOW_MS),
        destinations: vec![audit],
        ..Status::default()
    };
    port.metrics.connections.set(2);
    let came = port.get("/metrics").await;
    assert_eq!(
        came.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    for line in [
        "hubspot_listener_connections 2",
        r#"hubspot_listener_duplicates_total{namespace="sales",listener="contacts"} 5"#,
        r#"hubspot_listener_open_errors{namespace="sales",listener="contacts"} 3"#,
        r#"hubspot_listener_last_delivery_timestamp_seconds{namespace="sales",listener="contacts"} 1790000000"#,
        concat!(
            "hubspot_listener_destination_delivered_records_total",
            r#"{namespace="sales",listener="contacts",destination="audit"} 9"#
        ),
    ] {
        assert!(came.body.lines().any(|given| given == line), "{line}\n{}", came.body);
    }
    assert!(came.body.ends_with("# EOF\n") && came.body.matches("# EOF").count() == 1);
    let mut types: Vec<_> = came.body.lines().filter(|line| line.starts_with("# TYPE")).collect();
    types.sort_unstable();
    let all = types.len();
    types.dedup();
    assert_eq!(types.len(), all, "no metric is printed twice");

    *port.store.unwell.lock().unwrap() = Some("gone".to_owned());
    let came = port.get("/metrics").await;
    assert_eq!(came.status, 200);
    assert!(came.body.contains("hubspot_listener_connections 2"));
}

#[tokio::test]
async fn the_api_wants_its_token_and_probes_and_metrics_do_not() {
    let port = Port::start(Some("t0ken")).await;
    for headers in [
        "",
        "authorization: Bearer wrong\r\n",
        "authorization: Bearer t0ke\r\n",
        "authorization: Basic t0ken\r\n",
    ] {
        for path in ["/api/v1/status", "/api/v1/refused", "/api/v1/errors", "/api/none", "/api"] {
            let came = port.send("GET", path, headers).await;
            assert_eq!(came.status, 401, "{path} {headers}");
            assert!(came.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer")));
            assert_eq!(problem(&came)["title"], "unauthorized");
        }
    }
    assert_eq!(port.send("GET", "/api/v1/status", "authorization: Bearer t0ken\r\n").await.status, 200);
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(port.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn an_open_api_does_not_answer_a_name_that_only_leads_here() {
    let port = Port::start(None).await;
    for (host, status) in
        [("127.0.0.1:9090", 200), ("localhost", 200), ("rebound.example.com", 403), ("", 403)]
    {
        let mut client = Client::connect(port.address).await;
        client.write(format!("GET /api/v1/status HTTP/1.1\r\nhost: {host}\r\n\r\n")).await;
        assert_eq!(client.answer().await.status, status, "{host}");
    }
}

#[tokio::test]
async fn refused_requests_are_listed_newest_first_without_their_bodies() {
    let port = Port::start(None).await;
    for (at_ms, cause) in [(1, "bad_signature"), (2, "stale_timestamp"), (3, "missing_signature")] {
        port.store.refused.lock().unwrap().push(refused(at_ms, cause));
    }
    let came = port.get("/api/v1/refused?limit=2").await;
    assert!(!came.body.contains("a private body"));
    let list: Value = serde_json::from_str(&came.body).unwrap();
    let items = list["items"].as_array().unwrap();
    let causes: Vec<_> = items.iter().map(|item| item["cause"].as_str().unwrap()).collect();
    assert_eq!(causes, ["missing_signature", "stale_timestamp"]);
    assert_eq!((&items[0]["listener"], &items[0]["bodyBytes"]), (&json!("sales/contacts"), &json!(14)));
    assert_eq!(items[0]["diagnosis"], "signed with http");
}

#[tokio::test]
async fn errors_are_problems() {
    let port = Port::start(None).await;
    for path in ["/nothing", "/api/v1/nothing", "/sales/contacts"] {
        let came = port.get(path).await;
        assert_eq!(came.status, 404, "{path}");
        problem(&came);
    }
    let came = port.send("DELETE", "/api/v1/status", "").await;
    assert_eq!(came.status, 405);
    assert!(came.header("allow").is_some_and(|allowed| allowed.contains("GET")));
    problem(&came);
    let came = port.get("/api/v1/refused?limit=many").await;
    assert_eq!(came.status, 400);
    assert_eq!(problem(&came)["field"], "limit");
}

#[tokio::test]
async fn the_admin_port_has_the_limits_of_the_public_one() {
    let port = Port::start(None).await;
    let mut client = Client::connect(port.address).await;
    client.write("GET /livez HTTP/1.1\r\nx-a: ").await;
    assert_eq!(client.answer().await.status, 408);
    let long = format!("x-long: {}\r\n", "x".repeat(40_000));
    assert_eq!(port.send("GET", "/livez", &long).await.status, 431);
}
