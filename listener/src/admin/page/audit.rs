//! `/audit`: who did what.

use axum::Extension;
use axum::extract::RawQuery;
use maud::{Markup, html};

use super::filter::Conditions;
use super::parts::{empty, older, table, text_field, time};
use super::trouble::Trouble;
use super::visit::Visit;
use crate::admin::api::query::AUDIT;
use crate::admin::api::{audit, query::Asked};
use crate::desk::{AuditEntry, Cursor};

pub(super) const COLUMNS: [&str; 5] = ["Time", "Who", "What", "About", "In short"];

pub(super) async fn list(
    Extension(visit): Extension<Visit>,
    RawQuery(query): RawQuery,
) -> Result<Markup, Trouble> {
    let conditions = Conditions::read(query.as_deref())?;
    let mut asked = Asked::read(Some(&conditions.whole()), AUDIT)?;
    let error = audit::error(&mut asked)?;
    let listing = visit.desk()?.audit(asked.query(error)?).await?;
    let base = format!("{}/audit", visit.base);
    let body = html! {
        form.filter method="get" action=(base) role="search" aria-label="Filter the audit log" {
            div.fields { (text_field("error", "Number of an error", conditions.get("error"), "Empty: all of them")) }
            p.buttons { button { "Filter" } a href=(base) { "Clear filter" } }
        }
        @if listing.items.is_empty() {
            (empty("Nobody did anything yet. Each act on an error stands here, with who and when."))
        } @else {
            (table("What was done, newest first", &COLUMNS, &listing.items.iter().map(|entry| row(&visit, entry)).collect::<Vec<_>>()))
        }
        (older(&base, &conditions.query(), listing.next.as_ref().map(Cursor::as_str)))
    };
    Ok(visit.page("Audit log", &body))
}

/// A line of the audit log, as [`COLUMNS`] names its cells.
pub(super) fn row(visit: &Visit, entry: &AuditEntry) -> Vec<Markup> {
    vec![
        time(entry.at_ms),
        html! { (entry.actor) },
        html! { (entry.act) },
        html! {
            @if let Some(id) = entry.error { a href={ (visit.base) "/errors/" (id) } { "error " (id) } " " }
            @if let Some(id) = entry.bulk { a href={ (visit.base) "/bulk/" (id) } { "bulk act " (id) } }
        },
        html! { (entry.detail) },
    ]
}
