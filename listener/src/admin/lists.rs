//! `/api/v1/refused`: refused requests, newest first, without bodies.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::{Extension, Json};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::View;
use super::auth::Caller;
use super::problem::Problem;
use crate::store::{Refused, StoreError};

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

pub(super) async fn refused(
    State(view): State<Arc<View>>,
    Extension(caller): Extension<Caller>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Items<RefusedItem>>, Problem> {
    let limit = limit(asked.as_ref())?;
    let mut items = Vec::new();
    for shown in view.listeners().iter().filter(|shown| caller.on(&shown.full_name()).is_some()) {
        let found = shown.endpoint().store().refused(limit).await.map_err(unreadable)?;
        let item = |refused| RefusedItem { listener: shown.full_name(), refused };
        items.extend(found.into_iter().map(item));
    }
    items.sort_by_key(|item| std::cmp::Reverse(item.refused.at_ms));
    items.truncate(limit);
    Ok(Json(Items { items }))
}

fn limit(asked: Result<&Query<Asked>, &QueryRejection>) -> Result<usize, Problem> {
    let limit = asked.ok().map(|Query(Asked { limit })| limit.unwrap_or(USUAL));
    limit.filter(|limit| (1..=MOST).contains(limit)).ok_or_else(|| {
        let reason = format!("`limit` must be a number from 1 to {MOST}");
        Problem::invalid("limit", reason, "give one, or leave it out")
    })
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn unreadable(error: StoreError) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "store unavailable", error.to_string())
}
