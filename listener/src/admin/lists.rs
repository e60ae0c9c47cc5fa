//! `/api/v1/refused` and `/api/v1/errors`: small lists to look at, without bodies and payloads.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::View;
use super::problem::Problem;
use crate::store::{Failure, OpenError, Refused, StoreError};

/// Items in a list where nothing else is asked for.
const USUAL: usize = 50;
/// Items in a list at most.
const MOST: usize = 500;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    limit: Option<usize>,
}

#[derive(Debug, Serialize)]
pub(super) struct Items<T> {
    items: Vec<T>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RefusedItem {
    /// `namespace/name`
    listener: String,
    #[serde(flatten)]
    refused: Refused,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErrorItem {
    /// `namespace/name`
    listener: String,
    id: i64,
    /// `1042.3`
    record: String,
    destination: Option<String>,
    page: Option<String>,
    attempts: u32,
    at_ms: i64,
    trace_key: String,
    data_uri: String,
    #[serde(flatten)]
    failure: Failure,
}

pub(super) async fn refused(
    State(view): State<Arc<View>>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Items<RefusedItem>>, Problem> {
    let limit = limit(asked.as_ref())?;
    let mut items = Vec::new();
    for shown in view.listeners().iter() {
        let found = shown.endpoint().store().refused(limit).await.map_err(unreadable)?;
        let item = |refused| RefusedItem { listener: shown.full_name(), refused };
        items.extend(found.into_iter().map(item));
    }
    items.sort_by_key(|item| std::cmp::Reverse(item.refused.at_ms));
    items.truncate(limit);
    Ok(Json(Items { items }))
}

pub(super) async fn errors(
    State(view): State<Arc<View>>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Items<ErrorItem>>, Problem> {
    let limit = limit(asked.as_ref())?;
    let mut items = Vec::new();
    for shown in view.listeners().iter() {
        let found = shown.endpoint().store().open_errors(limit).await.map_err(unreadable)?;
        items.extend(found.into_iter().map(|error| error_item(shown.full_name(), error)));
    }
    items.sort_by_key(|item| std::cmp::Reverse(item.at_ms));
    items.truncate(limit);
    Ok(Json(Items { items }))
}

fn error_item(listener: String, error: OpenError) -> ErrorItem {
    let OpenError { id, destination, page, attempts, error } = error;
    ErrorItem {
        listener,
        id,
        record: error.record.to_string(),
        destination,
        page: page.map(|page| page.to_string()),
        attempts,
        at_ms: error.at_ms,
        trace_key: error.trace_key,
        data_uri: error.data_uri,
        failure: error.failure,
    }
}

fn limit(asked: Result<&Query<Asked>, &QueryRejection>) -> Result<usize, Problem> {
    match asked {
        Ok(Query(Asked { limit })) => Ok(limit.unwrap_or(USUAL).clamp(1, MOST)),
        Err(_) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "bad query",
            format!("`limit` must be a number from 1 to {MOST}"),
        )),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn unreadable(error: StoreError) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "store unavailable", error.to_string())
}
