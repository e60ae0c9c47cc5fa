//! `/livez` and `/readyz`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde_json::{Value, json};

use super::View;
use super::problem::Problem;

pub(super) async fn livez() -> Json<Value> {
    Json(json!({"alive": true}))
}

pub(super) async fn readyz(State(view): State<Arc<View>>) -> Result<Json<Value>, Problem> {
    let reasons = unready(&view).await;
    if reasons.is_empty() {
        return Ok(Json(json!({"ready": true})));
    }
    let mut problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not ready", reasons.join("; "));
    problem.reasons = reasons;
    Err(problem)
}

/// Why deliveries would not be accepted now.
async fn unready(view: &View) -> Vec<String> {
    let listeners = view.listeners();
    if listeners.is_empty() {
        let why = view.refusal().map_or_else(String::new, |message| format!(": {message}"));
        return vec![format!("no configuration is live{why}")];
    }
    // A look at a store that had failed may try to write, so it does not belong on the runtime's threads.
    let looked = tokio::task::spawn_blocking(move || {
        let look = |shown: &Arc<super::Shown>| {
            let failed = shown.endpoint().store().health().err()?;
            Some(format!("{}: {failed}", shown.full_name()))
        };
        listeners.iter().filter_map(look).collect()
    });
    looked.await.unwrap_or_else(|_| vec!["the stores' health could not be read".to_owned()])
}
