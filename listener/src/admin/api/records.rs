//! `GET /records`, `/records/export` and `/records/{id}`
//!
//! Lists have no payloads. One record has them for `operate` and above, with the masked fields replaced.

use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::RawQuery;
use axum::response::Response;
use axum::{Extension, Json};
use schemars::JsonSchema;
use serde::Serialize;

use super::export::{self, Rows, guarded, time};
use super::payload::{MASKED, Payload, ROLE};
use super::query::{Asked, RECORDS, RECORDS_EXPORT};
use super::target::Target;
use crate::admin::mask::Masks;
use crate::admin::problem::Problem;
use crate::admin::tokens::Role;
use crate::desk::{
    DeskError, History, Listing, Query, RecordDetail, RecordFilter, RecordShown, Records, Step,
};
use crate::store::RecordId;

/// One record, and its way.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct Whole {
    #[serde(flatten)]
    pub(in crate::admin) shown: RecordShown,
    /// The record as it came; null where it is gone.
    pub(in crate::admin) payload: Option<Payload>,
    /// What the hook gave for it, which is handed on; null where it changed nothing.
    pub(in crate::admin) changed: Option<Payload>,
    /// Why payloads are not shown.
    pub(in crate::admin) withheld: Option<&'static str>,
    /// What happened to it, in order of time; what is still to come at the end.
    pub(in crate::admin) way: Vec<Step>,
}

pub(super) async fn list(
    Extension(target): Extension<Target>,
    RawQuery(query): RawQuery,
) -> Result<Json<Records>, Problem> {
    let mut asked = Asked::read(query.as_deref(), RECORDS)?;
    let filter = asked.records()?;
    Ok(Json(target.history()?.records(asked.query(filter)?).await?))
}

pub(super) async fn one(Extension(target): Extension<Target>) -> Result<Json<Whole>, Problem> {
    let id: RecordId = target.named("name of a record", "give delivery and place, such as 1042.3")?;
    let detail = target.history()?.record(id).await?;
    Ok(Json(whole(detail, target.role, &target.masks())))
}

/// A record as `role` may see it.
pub(in crate::admin) fn whole(detail: RecordDetail, role: Role, masks: &Masks) -> Whole {
    let RecordDetail { shown, payload, changed, way } = detail;
    let mut whole = Whole { shown, payload: None, changed: None, withheld: None, way };
    if role < Role::Operate {
        whole.withheld = Some(ROLE);
        return whole;
    }
    let known = [&payload, &changed];
    if known.into_iter().flatten().any(|payload| masks.hide(payload).is_none()) {
        whole.withheld = Some(MASKED);
    }
    whole.payload = payload.and_then(|payload| masks.hide(&payload)).map(Payload::of);
    whole.changed = changed.and_then(|payload| masks.hide(&payload)).map(Payload::of);
    whole
}

pub(super) async fn export(
    Extension(target): Extension<Target>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut asked = Asked::read(query.as_deref(), RECORDS_EXPORT)?;
    let format = export::format(&mut asked)?;
    export::file(Found { history: Arc::clone(target.history()?), filter: asked.records()? }, format).await
}

struct Found {
    history: Arc<dyn History>,
    filter: RecordFilter,
}

#[async_trait]
impl Rows for Found {
    type Item = RecordShown;

    const NAME: &'static str = "records";
    const COLUMNS: &'static str = "record,receivedAt,subscriptionType,objectId,traceKey,dataUri";

    async fn part(&self, query: Query<()>) -> Result<Listing<RecordShown>, DeskError> {
        Ok(self.history.records(query.with(self.filter.clone())).await?.list)
    }

    fn cells(item: &RecordShown) -> Vec<String> {
        let RecordShown { record, received_at_ms, subscription_type, object_id, trace_key, data_uri } = item;
        vec![
            record.clone(),
            time(Some(*received_at_ms)),
            guarded(subscription_type.as_deref().unwrap_or_default()),
            guarded(object_id.as_deref().unwrap_or_default()),
            guarded(trace_key),
            guarded(data_uri),
        ]
    }
}
