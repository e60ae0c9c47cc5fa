//! `/records`: what deliveries consisted of, by trace key, object id or time; and their replay.

use axum::Extension;
use axum::extract::RawQuery;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::errors::destinations;
use super::filter::Conditions;
use super::parts::{
    data_uri, empty, older, or_none, refused, select, short, table, text_field, time, time_field,
};
use super::plan;
use super::trouble::Trouble;
use super::visit::Visit;
use crate::admin::api::query::{Asked, RECORDS};
use crate::admin::problem::Problem;
use crate::admin::tokens::Role;
use crate::desk::{Cursor, RecordShown, Records};

const COLUMNS: [&str; 6] =
    ["Record", "Arrived", "Trace key", "Kind of event", "Object id", "Record in HubSpot"];

pub(super) async fn list(
    Extension(visit): Extension<Visit>,
    RawQuery(query): RawQuery,
) -> Result<Response, Trouble> {
    let conditions = Conditions::read(query.as_deref())?;
    let Records { list, behind } = match find(&visit, &conditions).await {
        Ok(records) => records,
        Err(problem) if problem.code.is_client_error() => {
            let body = html! { (refused(&problem)) (form(&visit, &conditions)) };
            return Ok((problem.code, visit.page("Records", &body)).into_response());
        }
        Err(problem) => return Err(Trouble(problem)),
    };
    let base = format!("{}/records", visit.base);
    let body = html! {
        (form(&visit, &conditions))
        @if behind > 0 {
            p.hint { "The newest " (behind) " deliveries are still being indexed, so that this search takes longer." }
        }
        @if !list.items.is_empty() {
            (sample(&visit, "Records, newest first", &list.items))
        } @else if list.next.is_some() {
            (empty("None was found so far. Look further with \"Older\"."))
        } @else if conditions.is_empty() {
            (empty("There are no records yet, or they are older than what is kept."))
        } @else {
            (empty("No record matches this filter."))
        }
        (older(&base, &conditions.query(), list.next.as_ref().map(Cursor::as_str)))
        @if visit.may(Role::Operate) && !(list.items.is_empty() && list.next.is_none()) {
            (plan::for_records(&visit, &conditions))
        }
    };
    Ok(visit.page("Records", &body).into_response())
}

async fn find(visit: &Visit, conditions: &Conditions) -> Result<Records, Problem> {
    let mut asked = Asked::read(Some(&conditions.whole()), RECORDS)?;
    let filter = asked.records()?;
    Ok(visit.history()?.records(asked.query(filter)?).await?)
}

/// Some records in a table.
pub(super) fn sample(visit: &Visit, caption: &str, records: &[RecordShown]) -> Markup {
    let row = |shown: &RecordShown| {
        let RecordShown { record, received_at_ms, subscription_type, object_id, trace_key, data_uri: uri } =
            shown;
        vec![
            html! { a href={ (visit.base) "/records/" (record) } { (record) } },
            time(*received_at_ms),
            or_none(Some(&short(trace_key))),
            or_none(subscription_type.as_deref()),
            or_none(object_id.as_deref()),
            data_uri(uri),
        ]
    };
    table(caption, &COLUMNS, &records.iter().map(row).collect::<Vec<_>>())
}

fn form(visit: &Visit, conditions: &Conditions) -> Markup {
    let get = |name| conditions.get(name);
    let base = format!("{}/records", visit.base);
    html! {
        form.filter method="get" action=(base) role="search" aria-label="Filter records" {
            div.fields {
                (text_field("traceKey", "Trace key", get("traceKey"), "Whole, as it stands in a list"))
                (text_field("objectId", "Object id", get("objectId"), "The number of the contact, company or deal in HubSpot"))
                (text_field("delivery", "Delivery", get("delivery"), "Its number"))
                (select("deliveredTo", "Delivered to", get("deliveredTo"), &destinations(visit, "Anywhere or nowhere", get("deliveredTo"))))
                (time_field("from", "Arrived from (UTC)", get("from")))
                (time_field("until", "Arrived before (UTC)", get("until")))
            }
            p.buttons { button { "Filter" } a href=(base) { "Clear filter" } }
        }
    }
}
