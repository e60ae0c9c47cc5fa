//! `GET /errors`, `/errors/count` and `/errors/{id}`
//!
//! Lists have no payloads. One error has them for `operate` and above, with the masked fields replaced;
//! a piece of a destination's answer is given likewise, since destinations repeat what they refuse.

use axum::extract::RawQuery;
use axum::{Extension, Json};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;

use super::query::{Asked, ERRORS, FILTER};
use super::target::Target;
use crate::admin::mask::Masks;
use crate::admin::problem::Problem;
use crate::admin::tokens::Role;
use crate::desk::{AuditEntry, Counts, ErrorDetail, ErrorShown, Listing, Note};

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

/// A payload: `text`, or `base64` where it is no UTF-8.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(in crate::admin) struct Payload {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::admin) text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::admin) base64: Option<String>,
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
    let filter = Asked::read(query.as_deref(), FILTER)?.filter()?;
    Ok(Json(target.desk().count(filter).await?))
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
        whole.withheld = Some("fields are masked, and without a JSON object they cannot be found");
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

impl Payload {
    fn of(bytes: Bytes) -> Self {
        match String::from_utf8(bytes.into()) {
            Ok(text) => Self { text: Some(text), base64: None },
            Err(error) => Self { text: None, base64: Some(STANDARD.encode(error.as_bytes())) },
        }
    }
}
