//! `/bulk-plans` and `/bulk`

use axum::body::Body;
use axum::extract::RawQuery;
use axum::{Extension, Json};
use schemars::JsonSchema;
use serde::Deserialize;

use super::body;
use super::query::{Asked, PAGING};
use super::target::Target;
use crate::admin::problem::Problem;
use crate::desk::{Act, Bulk, Listing, Plan, Selection};

/// A filter and an act are small.
const MAX_BODY: usize = 64 * 1024;

/// What a bulk act is to do, and to what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Wanted {
    selection: Selection,
    act: Act,
}

pub(super) async fn plan(Extension(target): Extension<Target>, request: Body) -> Result<Json<Plan>, Problem> {
    let Wanted { selection, act } = body::parse(&body::read(request, MAX_BODY).await?)?;
    if matches!(act, Act::Edit { .. }) {
        return Err(Problem::invalid(
            "act",
            "one payload does not fit many errors",
            "edit errors one by one",
        ));
    }
    Ok(Json(target.desk().plan(target.actor.clone(), selection, act).await?))
}

pub(super) async fn start(Extension(target): Extension<Target>) -> Result<Json<Bulk>, Problem> {
    Ok(Json(target.desk().start(target.actor.clone(), target.id()?).await?))
}

pub(super) async fn one(Extension(target): Extension<Target>) -> Result<Json<Bulk>, Problem> {
    Ok(Json(target.desk().bulk(target.id()?).await?))
}

pub(super) async fn list(
    Extension(target): Extension<Target>,
    RawQuery(query): RawQuery,
) -> Result<Json<Listing<Bulk>>, Problem> {
    let query = Asked::read(query.as_deref(), PAGING)?.query(())?;
    Ok(Json(target.desk().bulks(query).await?))
}

pub(super) async fn cancel(Extension(target): Extension<Target>) -> Result<Json<Bulk>, Problem> {
    Ok(Json(target.desk().cancel(target.actor.clone(), target.id()?).await?))
}
