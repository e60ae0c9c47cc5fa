//! `/records/{id}`: one record and its way.

use axum::Extension;
use http::StatusCode;
use maud::{Markup, html};

use super::diff::{diff, laid_out};
use super::editor::MAX_SHOWN;
use super::parts::{data_uri, empty, facts, or_none, sentence, table, time, time_or};
use super::trouble::Trouble;
use super::visit::Visit;
use crate::admin::api::payload::Payload;
use crate::admin::api::records::{Whole, whole};
use crate::admin::problem::Problem;
use crate::desk::{Step, StepKind};
use crate::store::RecordId;

pub(super) async fn show(Extension(visit): Extension<Visit>) -> Result<Markup, Trouble> {
    let detail = visit.history()?.record(id(&visit)?).await?;
    let Whole { shown, payload, changed, withheld, way } = whole(detail, visit.role, &visit.masks());
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
            @match text(payload.as_ref(), withheld) {
                Err(why) => p { (why) },
                Ok(came) => {
                    div.scroll role="region" aria-label="Payload as it came" tabindex="0" { pre { (laid_out(came)) } }
                    @if let Some(Ok(after)) = changed.as_ref().map(|changed| text(Some(changed), withheld)) {
                        h3 { "What the hook made of it" }
                        (diff(came, after))
                    }
                }
            }
        }
    };
    Ok(visit.page(&format!("Record {}", shown.record), &body))
}

/// `1042.3`
fn id(visit: &Visit) -> Result<RecordId, Problem> {
    visit.id_text().parse().map_err(|_| {
        let detail = format!("{:?} is no record", visit.id_text());
        Problem::new(StatusCode::NOT_FOUND, "not found", detail).remedy("its number looks like 1042.3")
    })
}

/// The text of a payload as this person may see it, or why they may not.
pub(super) fn text<'a>(payload: Option<&'a Payload>, withheld: Option<&str>) -> Result<&'a str, String> {
    match payload {
        Some(Payload { text: Some(text), .. }) if text.len() <= MAX_SHOWN => Ok(text),
        Some(Payload { text: Some(text), .. }) => {
            Err(format!("It has {} bytes, which is too much for a page.", text.len()))
        }
        Some(_) => Err("It is no text.".to_owned()),
        None => Err(withheld.map_or_else(|| "It is not kept any more.".to_owned(), sentence)),
    }
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
