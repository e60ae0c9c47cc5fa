//! `GET /errors`, `/errors/count`, `/errors/export` and `/errors/{id}`
//!
//! Lists have no payloads. One error has them for `operate` and above, with the masked fields replaced;
//! a piece of a destination's answer is given likewise, since destinations repeat what they refuse.

use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::RawQuery;
use axum::response::Response;
use axum::{Extension, Json};
use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;

use super::export::{self, Rows, guarded, time};
use super::payload::{MASKED, Payload};
use super::query::{Asked, COUNT, ERRORS, EXPORT};
use super::target::Target;
use crate::admin::mask::Masks;
use crate::admin::problem::Problem;
use crate::admin::tokens::Role;
use crate::desk::{
    AuditEntry, Counts, Desk, DeskError, ErrorDetail, ErrorFilter, ErrorShown, Listing, Note, Query,
};

/// One error, whole.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct Whole {
    #[serde(flatten)]
    pub(in crate::admin) shown: ErrorShown,
    /// The delivery's number and the element's place in it, from 0: `1042.3`.
    pub(in crate::admin) record: String,
    /// The page it was in last.
    pub(in crate::admin) page: Option<String>,
    /// Status of the destination's answer.
    pub(in crate::admin) status: Option<u16>,
    /// The beginning of the answer, at most 4 KiB.
    pub(in crate::admin) response: Option<String>,
    /// The record as it came.
    pub(in crate::admin) payload: Option<Payload>,
    /// What somebody made of it and nobody sent yet.
    pub(in crate::admin) edited_payload: Option<Edited>,
    /// Why payloads and the answer are not shown.
    pub(in crate::admin) withheld: Option<&'static str>,
    /// Oldest first.
    pub(in crate::admin) notes: Vec<Note>,
    /// Errors that this one closed by folding, newest first, at most 100.
    pub(in crate::admin) folded: Vec<i64>,
    /// What was done to it, newest first, at most 100.
    pub(in crate::admin) audit: Vec<AuditEntry>,
}

/// An edited payload.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct Edited {
    #[serde(flatten)]
    pub(in crate::admin) payload: Payload,
    /// Who edited it.
    pub(in crate::admin) by: String,
    /// Epoch milliseconds.
    pub(in crate::admin) at_ms: i64,
}

pub(super) async fn list(
    Extension(target): Extension<Target>,
    RawQuery(query): RawQuery,
) -> Result<Json<Listing<ErrorShown>>, Problem> {
    let mut asked = Asked::read(query.as_deref(), ERRORS)?;
    let filter = asked.filter()?;
    Ok(Json(target.desk().errors(asked.query(filter)?).await?))
}

pub(super) async fn count(
    Extension(target): Extension<Target>,
    RawQuery(query): RawQuery,
) -> Result<Json<Counts>, Problem> {
    let mut asked = Asked::read(query.as_deref(), COUNT)?;
    let counting = asked.counting()?;
    Ok(Json(target.desk().count(asked.filter()?, counting).await?))
}

pub(super) async fn export(
    Extension(target): Extension<Target>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    file(target.desk(), query.as_deref()).await
}

/// The file that a query asks for.
pub(in crate::admin) async fn file(desk: &Arc<dyn Desk>, query: Option<&str>) -> Result<Response, Problem> {
    let mut asked = Asked::read(query, EXPORT)?;
    let format = export::format(&mut asked)?;
    export::file(Errors { desk: Arc::clone(desk), filter: asked.filter()? }, format).await
}

struct Errors {
    desk: Arc<dyn Desk>,
    filter: ErrorFilter,
}

#[async_trait]
impl Rows for Errors {
    type Item = ErrorShown;

    const NAME: &'static str = "errors";
    const COLUMNS: &'static str = "id,state,traceKey,dataUri,destination,class,code,message,firstAt,lastAt,attempts,\
                                   assignee,tags,edited,hasPayload,waitsUntil,resolvedAt,resolvedBy,resolvedHow";

    async fn part(&self, query: Query<()>) -> Result<Listing<ErrorShown>, DeskError> {
        self.desk.errors(query.with(self.filter.clone())).await
    }

    fn cells(error: &ErrorShown) -> Vec<String> {
        let resolution = error.resolution.as_ref();
        vec![
            error.id.to_string(),
            error.state.as_str().to_owned(),
            guarded(&error.trace_key),
            guarded(&error.data_uri),
            guarded(error.destination.as_deref().unwrap_or_default()),
            error.class.as_str().to_owned(),
            guarded(&error.code),
            guarded(&error.message),
            time(Some(error.first_at_ms)),
            time(Some(error.last_at_ms)),
            error.attempts.to_string(),
            guarded(error.assignee.as_deref().unwrap_or_default()),
            guarded(&error.tags.join(" ")),
            error.edited.to_string(),
            error.has_payload.to_string(),
            time(error.waits_until_ms),
            time(resolution.map(|resolution| resolution.at_ms)),
            guarded(resolution.and_then(|resolution| resolution.by.as_deref()).unwrap_or_default()),
            resolution.map(|resolution| resolution.how).unwrap_or_default().to_owned(),
        ]
    }
}

pub(super) async fn one(Extension(target): Extension<Target>) -> Result<Json<Whole>, Problem> {
    let detail = target.desk().error(target.id()?).await?;
    Ok(Json(whole(detail, target.role, &target.masks())))
}

/// An error as `role` may see it.
pub(in crate::admin) fn whole(detail: ErrorDetail, role: Role, masks: &Masks) -> Whole {
    let ErrorDetail { shown, record, page, status, response, payload, edited, notes, folded, audit } = detail;
    let mut whole = Whole {
        shown,
        record: record.to_string(),
        page,
        status,
        response: None,
        payload: None,
        edited_payload: None,
        withheld: None,
        notes,
        folded,
        audit,
    };
    if role < Role::Operate {
        whole.withheld = Some("payloads and answers are shown to the roles operate and admin");
        return whole;
    }
    let known = [payload.as_ref(), edited.as_ref().map(|(payload, _, _)| payload)];
    let known: Vec<Bytes> = known.into_iter().flatten().cloned().collect();
    if known.iter().any(|payload| masks.hide(payload).is_none()) || (known.is_empty() && !masks.is_empty()) {
        whole.withheld = Some(MASKED);
    } else {
        whole.response =
            response.map(|text| known.iter().fold(text, |text, payload| masks.scrub(payload, &text)));
    }
    whole.payload = payload.and_then(|payload| masks.hide(&payload)).map(Payload::of);
    whole.edited_payload = edited.and_then(|(payload, by, at_ms)| {
        Some(Edited { payload: Payload::of(masks.hide(&payload)?), by, at_ms })
    });
    whole
}
