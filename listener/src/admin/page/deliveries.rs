//! `/deliveries`: what HubSpot sent and was accepted.

use axum::Extension;
use axum::extract::RawQuery;
use maud::{Markup, html};

use super::filter::Conditions;
use super::parts::{empty, older, table, time, time_field};
use super::trouble::Trouble;
use super::visit::Visit;
use crate::admin::api::query::{Asked, DELIVERIES};
use crate::desk::{Cursor, DeliveryShown};

pub(super) async fn list(
    Extension(visit): Extension<Visit>,
    RawQuery(query): RawQuery,
) -> Result<Markup, Trouble> {
    let conditions = Conditions::read(query.as_deref())?;
    let mut asked = Asked::read(Some(&conditions.whole()), DELIVERIES)?;
    let filter = asked.deliveries()?;
    let listing = visit.history()?.deliveries(asked.query(filter)?).await?;
    let base = format!("{}/deliveries", visit.base);
    let rows: Vec<_> = listing.items.iter().map(|delivery| row(&visit, delivery)).collect();
    let columns = ["Number", "Arrived", "Records", "Bytes", "Request id"];
    let body = html! {
        p { "Each is one request from HubSpot that was proven, put on disk and answered." }
        form.filter method="get" action=(base) role="search" aria-label="Filter deliveries" {
            div.fields {
                (time_field("from", "Arrived from (UTC)", conditions.get("from")))
                (time_field("until", "Arrived before (UTC)", conditions.get("until")))
            }
            p.buttons { button { "Filter" } a href=(base) { "Clear filter" } }
        }
        @if !rows.is_empty() {
            (table("Deliveries, newest first", &columns, &rows))
        } @else if listing.next.is_some() {
            (empty("None was found so far. Look further with \"Older\"."))
        } @else if conditions.is_empty() {
            (empty("Nothing was accepted yet, or it is older than what is kept."))
            p { "If HubSpot sends and nothing comes, look at the " a href={ (visit.base) "/refusals" } { "refused requests" } "." }
        } @else {
            (empty("No delivery matches this filter."))
        }
        (older(&base, &conditions.query(), listing.next.as_ref().map(Cursor::as_str)))
    };
    Ok(visit.page("Deliveries", &body))
}

fn row(visit: &Visit, shown: &DeliveryShown) -> Vec<Markup> {
    let DeliveryShown { delivery, received_at_ms, request_id, bytes, records } = shown;
    vec![
        html! { a href={ (visit.base) "/records?delivery=" (delivery) } { (delivery) } },
        time(*received_at_ms),
        html! { (records) },
        html! { (bytes) },
        html! { (request_id) },
    ]
}
