//! The two paths on which the operator comes for settings and tells what came of them. Both need a proof; what
//! is not proven is answered as if there were nothing.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::routing::{Router, post};
use crds::saving::{FETCH_PATH, Fetch, Fetched, MAX_REASON, OUTCOME_PATH, Outcome, Place, Settled};
use http::StatusCode;
use serde::de::DeserializeOwned;
use tracing::{info, warn};

use super::super::problem::Problem;
use super::super::{Admin, Shown, View};

/// Bytes of what the operator sends: a reason, which grows in JSON.
const MAX_BODY: usize = 8 * MAX_REASON + 4 * 1024;

pub(in crate::admin) fn router() -> Router<Admin> {
    Router::new()
        .route(FETCH_PATH, post(fetch))
        .route(OUTCOME_PATH, post(outcome))
        .layer(DefaultBodyLimit::max(MAX_BODY))
}

async fn fetch(State(view): State<Arc<View>>, body: Bytes) -> Result<Json<Fetched>, Problem> {
    let asked: Fetch = read(&body)?;
    let shown = find(&view, &asked.place)?;
    shown.saving().fetch(&asked.id, |key| asked.is_proven(key)).map(Json).ok_or_else(nothing)
}

async fn outcome(State(view): State<Arc<View>>, body: Bytes) -> Result<StatusCode, Problem> {
    let told: Outcome = read(&body)?;
    let shown = find(&view, &told.place)?;
    let actor = shown
        .saving()
        .settle(&told.id, told.settled.clone(), |key| told.is_proven(key))
        .ok_or_else(nothing)?;
    let name = shown.full_name();
    let detail = match &told.settled {
        Settled::Applied { generation } => format!("saved as generation {generation}"),
        Settled::Refused { reason } => format!("refused: {reason}"),
    };
    info!(listener.key = %name, actor = actor.0, "settings of {name} that somebody wanted: {detail}");
    if let Some(desk) = shown.desk()
        && let Err(error) = desk.note_settings(actor, detail).await
    {
        warn!(listener.key = %name, %error, "the outcome is not in the audit log of {name}");
    }
    Ok(StatusCode::NO_CONTENT)
}

fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|_| {
        Problem::invalid(
            "body",
            "this is not what the operator sends",
            "let the operator ask; people use the web page",
        )
    })
}

fn find(view: &View, place: &Place) -> Result<Arc<Shown>, Problem> {
    let name = format!("{}/{}", place.namespace, place.name);
    let listeners = view.listeners();
    listeners.iter().find(|shown| shown.full_name() == name).map(Arc::clone).ok_or_else(nothing)
}

fn nothing() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not found", "there is nothing to save by this name, or not for you")
}
