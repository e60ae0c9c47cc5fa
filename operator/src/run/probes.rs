//! The operator's port: `/livez`, `/readyz`, `/metrics`. No token, nothing secret.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{Router, get};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use prometheus_client::encoding::text::encode;
use tokio::net::TcpListener;

use super::metrics::Metrics;
use super::readiness::{Readiness, Stage};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Clone, Debug)]
struct Shown {
    readiness: Readiness,
    metrics: Arc<Metrics>,
}

/// Serves until it is dropped.
pub(super) async fn serve(socket: TcpListener, readiness: Readiness, metrics: Arc<Metrics>) {
    let router = Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(scrape))
        .with_state(Shown { readiness, metrics });
    crate::serve::serve(socket, router).await;
}

async fn livez() -> &'static str {
    "alive\n"
}

async fn readyz(State(shown): State<Shown>) -> (StatusCode, String) {
    match shown.readiness.get() {
        Stage::Waiting(what) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {what}\n")),
        Stage::Stopping => (StatusCode::SERVICE_UNAVAILABLE, "not ready: stopping\n".to_owned()),
        Stage::StandingBy => (StatusCode::OK, "ready: another operator leads\n".to_owned()),
        Stage::Leading => (StatusCode::OK, "ready: leading\n".to_owned()),
    }
}

async fn scrape(State(shown): State<Shown>) -> Response<Body> {
    if let Some(bytes) = resident_bytes().await {
        shown.metrics.resident_memory.set(bytes);
    }
    let mut text = String::new();
    match encode(&mut text, &shown.metrics.registry) {
        Ok(()) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be written\n").into_response(),
    }
}

/// The resident set, in bytes; none where the system does not tell.
async fn resident_bytes() -> Option<f64> {
    let text = tokio::fs::read_to_string("/proc/self/status").await.ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u32 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(f64::from(kib) * 1024.0)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    async fn ask(address: std::net::SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn the_probes_tell_what_the_process_waits_for_and_the_metrics_end_as_open_metrics_do() {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let readiness = Readiness::default();
        let metrics = Arc::new(Metrics::default());
        let server = tokio::spawn(serve(socket, readiness.clone(), Arc::clone(&metrics)));
        assert!(ask(address, "/livez").await.starts_with("HTTP/1.1 200"));
        assert!(readiness.set(Stage::Waiting("the definition".to_owned())));
        assert!(!readiness.set(Stage::Waiting("the definition".to_owned())));
        let answer = ask(address, "/readyz").await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("the definition"), "{answer}");
        readiness.set(Stage::StandingBy);
        assert!(ask(address, "/readyz").await.starts_with("HTTP/1.1 200"));
        metrics.leader.set(1);
        let answer = ask(address, "/metrics").await;
        assert!(answer.contains("hubspot_listener_operator_leader 1\n"), "{answer}");
        assert!(answer.contains("hubspot_listener_operator_resident_memory_bytes "), "{answer}");
        assert!(answer.trim_end().ends_with("# EOF"), "{answer}");
        assert!(ask(address, "/x").await.starts_with("HTTP/1.1 404"));
        server.abort();
    }
}
