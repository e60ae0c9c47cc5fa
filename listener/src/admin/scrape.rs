//! `/metrics`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use prometheus_client::encoding::text::{encode_eof, encode_registry};

use super::problem::Problem;
use super::serve::Admin;
use super::{status, store_metrics};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The process's own metrics, and the stores' counters as they are now. A store
/// that cannot count is left out of the second part, so that its failure does not hide the first.
pub(super) async fn get(State(admin): State<Admin>) -> Result<Response, Problem> {
    let mut counted = Vec::new();
    for shown in admin.view.listeners().iter() {
        match status::count(shown).await {
            Ok(status) => counted.push((shown.endpoint().labels().clone(), status)),
            Err(error) => tracing::debug!(%error, "the store of {} did not count", shown.full_name()),
        }
    }
    let stores = store_metrics::registry(&counted);
    let mut text = String::new();
    encode_registry(&mut text, &admin.metrics.registry)
        .and_then(|()| encode_registry(&mut text, &stores))
        .and_then(|()| encode_eof(&mut text))
        .map_err(|_| {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "not encoded", "the metrics cannot be written")
        })?;
    Ok(([(CONTENT_TYPE, OPEN_METRICS)], text).into_response())
}
