//! `GET /refusals`, `/refusals/export` and `/refusals/{id}`
//!
//! Lists have no bodies. One refused request has the beginning of its body for `operate` and above.

use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::RawQuery;
use axum::response::Response;
use axum::{Extension, Json};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::export::{self, Rows, guarded, time};
use super::payload::{MASKED, Payload, ROLE};
use super::query::{Asked, REFUSALS, REFUSALS_EXPORT};
use super::target::Target;
use crate::admin::mask::Masks;
use crate::admin::problem::Problem;
use crate::admin::tokens::Role;
use crate::desk::{DeskError, History, Listing, Query, RefusedFilter};
use crate::store::Refused;

/// One refused request.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::admin) struct Whole {
    #[serde(flatten)]
    pub(in crate::admin) refused: Refused,
    /// The first 4 KiB of its body.
    pub(in crate::admin) body: Option<Payload>,
    /// Why the body is not shown.
    pub(in crate::admin) withheld: Option<&'static str>,
}

pub(super) async fn list(
    Extension(target): Extension<Target>,
    RawQuery(query): RawQuery,
) -> Result<Json<Listing<Refused>>, Problem> {
    let mut asked = Asked::read(query.as_deref(), REFUSALS)?;
    let filter = asked.refusals()?;
    Ok(Json(target.history()?.refusals(asked.query(filter)?).await?))
}

pub(super) async fn one(Extension(target): Extension<Target>) -> Result<Json<Whole>, Problem> {
    let id: Uuid = target.named("id of a refused request", "give the id of the list")?;
    let refused = target.history()?.refusal(id).await?;
    Ok(Json(whole(refused, target.role, &target.masks())))
}

/// A refused request as `role` may see it.
pub(in crate::admin) fn whole(refused: Refused, role: Role, masks: &Masks) -> Whole {
    let (body, withheld) = match (role < Role::Operate, masks.hide(&refused.body)) {
        (true, _) => (None, Some(ROLE)),
        (false, None) => (None, Some(MASKED)),
        (false, Some(body)) => (Some(Payload::of(body)), None),
    };
    Whole { refused, body, withheld }
}

pub(super) async fn export(
    Extension(target): Extension<Target>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut asked = Asked::read(query.as_deref(), REFUSALS_EXPORT)?;
    let format = export::format(&mut asked)?;
    export::file(Refusals { history: Arc::clone(target.history()?), filter: asked.refusals()? }, format).await
}

struct Refusals {
    history: Arc<dyn History>,
    filter: RefusedFilter,
}

#[async_trait]
impl Rows for Refusals {
    type Item = Refused;

    const NAME: &'static str = "refusals";
    const COLUMNS: &'static str = "id,at,status,cause,diagnosisCode,diagnosis,requestLine,bodyBytes,peer";

    async fn part(&self, query: Query<()>) -> Result<Listing<Refused>, DeskError> {
        self.history.refusals(query.with(self.filter.clone())).await
    }

    fn cells(item: &Refused) -> Vec<String> {
        vec![
            item.id.to_string(),
            time(Some(item.at_ms)),
            item.status.to_string(),
            guarded(item.cause),
            guarded(item.diagnosis_code.unwrap_or_default()),
            guarded(item.diagnosis.as_deref().unwrap_or_default()),
            guarded(&item.request_line),
            item.body_bytes.to_string(),
            guarded(item.peer.as_deref().unwrap_or_default()),
        ]
    }
}
