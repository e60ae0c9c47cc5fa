//! `/records/{id}`: one record and its way.

use axum::Extension;
use bytes::Bytes;
use http::StatusCode;
use maud::{Markup, html};

use super::diff::{diff, laid_out};
use super::editor::MAX_SHOWN;
use super::parts::{data_uri, empty, facts, or_none, table, time, time_or};
use super::trouble::Trouble;
use super::visit::Visit;
use crate::admin::problem::Problem;
use crate::admin::tokens::Role;
use crate::desk::{RecordDetail, Step, StepKind};
use crate::store::RecordId;

pub(super) async fn show(Extension(visit): Extension<Visit>) -> Result<Markup, Trouble> {
    let RecordDetail { shown, payload, changed, way } = visit.history()?.record(id(&visit)?).await?;
    let delivery = shown.record.split('.').next().unwrap_or_default();
    let body = html! {
        (facts(&[
            ("Arrived", time(shown.received_at_ms)),
            ("Delivery", html! { a href={ (visit.base) "/records?delivery=" (delivery) } { (delivery) } }),
            ("Trace key", or_none(Some(&shown.trace_key))),
            ("Data URI", data_uri(&shown.data_uri)),
            ("Kind of event", or_none(shown.subscription_type.as_deref())),
            ("Object id", or_none(shown.object_id.as_deref())),
        ]))
        section aria-labelledby="way" {
            h2 #way { "Its way" }
            @if way.is_empty() {
                (empty("What became of it is not kept any more."))
            } @else {
                (table("What happened, oldest first", &COLUMNS, &way.iter().map(|step| row(&visit, step)).collect::<Vec<_>>()))
            }
        }
        section aria-labelledby="payload" {
            h2 #payload { "Payload" }
            @match visible(&visit, payload.as_ref()) {
                Err(why) => p { (why) },
                Ok(came) => {
                    div.scroll role="region" aria-label="Payload as it came" tabindex="0" { pre { (laid_out(&came)) } }
                    @if let Some(Ok(after)) = changed.as_ref().map(|changed| visible(&visit, Some(changed))) {
                        h3 { "What the hook made of it" }
                        (diff(&came, &after))
                    }
                }
            }
        }
    };
    Ok(visit.page(&format!("Record {}", shown.record), &body))
}

/// `1042.3`
fn id(visit: &Visit) -> Result<RecordId, Problem> {
    let parse = |text: &str| {
        let (delivery, element) = text.split_once('.')?;
        Some(RecordId { delivery: delivery.parse().ok()?, element: element.parse().ok()? })
    };
    parse(visit.id_text()).ok_or_else(|| {
        let detail = format!("{:?} is no record", visit.id_text());
        Problem::new(StatusCode::NOT_FOUND, "not found", detail).remedy("its number looks like 1042.3")
    })
}

/// Bytes as this person may see them, or why they may not.
pub(super) fn visible(visit: &Visit, bytes: Option<&Bytes>) -> Result<String, String> {
    if !visit.may(Role::Operate) {
        return Err("Payloads are shown to the roles operate and admin. Your role is view.".to_owned());
    }
    let Some(bytes) = bytes else {
        return Err("The payload is not kept any more.".to_owned());
    };
    if bytes.len() > MAX_SHOWN {
        return Err(format!("The payload has {} bytes, which is too much for a page.", bytes.len()));
    }
    let Some(hidden) = visit.masks().hide(bytes) else {
        return Err("Fields of this listener are masked, and they cannot be found in this payload; so nobody is shown it.".to_owned());
    };
    String::from_utf8(hidden.into()).map_err(|_| "The payload is no text.".to_owned())
}

const COLUMNS: [&str; 6] = ["When", "What", "Where", "Answer", "Took", "About"];

fn row(visit: &Visit, step: &Step) -> Vec<Markup> {
    let Step { at_ms, destination, what, page, status, took_ms, error, bulk } = step;
    vec![
        time_or(*at_ms, "not noted"),
        html! { (what_words(*what)) },
        html! { (destination.as_deref().unwrap_or("before any destination")) },
        html! { @if let Some(status) = status { (status) } },
        html! { @if let Some(took) = took_ms { (took) " ms" } },
        html! {
            @if let Some(page) = page { "page " (page) " " }
            @if let Some(id) = error { a href={ (visit.base) "/errors/" (id) } { "error " (id) } " " }
            @if let Some(id) = bulk { a href={ (visit.base) "/bulk/" (id) } { "bulk act " (id) } }
        },
    ]
}

fn what_words(what: StepKind) -> &'static str {
    match what {
        StepKind::Received => "Received",
        StepKind::Passed => "Let through by the hook",
        StepKind::Changed => "Changed by the hook",
        StepKind::Dropped => "Dropped by the hook",
        StepKind::Pending => "Waits to be handed on",
        StepKind::Filtered => "Left out by the filter",
        StepKind::Paged => "Put into a page",
        StepKind::Attempted => "Sent",
        StepKind::Delivered => "Taken",
        StepKind::Failed => "Became an error",
        StepKind::Replayed => "Put into a page once more",
    }
}
