//! `GET /audit`

use axum::extract::RawQuery;
use axum::{Extension, Json};

use super::query::{AUDIT, Asked};
use super::target::Target;
use crate::admin::problem::Problem;
use crate::desk::{AuditEntry, Listing};

pub(super) async fn list(
    Extension(target): Extension<Target>,
    RawQuery(query): RawQuery,
) -> Result<Json<Listing<AuditEntry>>, Problem> {
    let mut asked = Asked::read(query.as_deref(), AUDIT)?;
    let error = error(&mut asked)?;
    Ok(Json(target.desk().audit(asked.query(error)?).await?))
}

/// The error whose lines are asked for.
pub(in crate::admin) fn error(asked: &mut Asked) -> Result<Option<i64>, Problem> {
    let number = |text: String| {
        text.parse().map_err(|_| {
            Problem::invalid("error", format!("{text:?} is no number"), "give the number of an error")
        })
    };
    asked.take("error").map(number).transpose()
}
