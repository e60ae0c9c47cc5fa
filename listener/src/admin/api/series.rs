//! `GET /series`

use axum::extract::RawQuery;
use axum::{Extension, Json};

use super::query::{Asked, SERIES};
use super::target::Target;
use crate::admin::problem::Problem;
use crate::desk::{Range, Series};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Seconds of a step where nothing else is asked for.
const USUAL_STEP: i64 = 300;
/// A week: as long as minutes are kept.
const MOST_STEP: i64 = 604_800;

pub(super) async fn get(
    Extension(target): Extension<Target>,
    RawQuery(query): RawQuery,
) -> Result<Json<Series>, Problem> {
    let mut asked = Asked::read(query.as_deref(), SERIES)?;
    let until_ms = asked.time("until")?.unwrap_or_else(|| target.now_ms());
    let from_ms = asked.time("from")?.unwrap_or_else(|| until_ms.saturating_sub(DAY_MS));
    let step = asked.number("stepSeconds", MOST_STEP)?.unwrap_or(USUAL_STEP);
    Ok(Json(target.history()?.series(Range { from_ms, until_ms, step_ms: step * 1_000 }).await?))
}
