//! `/errors/{id}`: one error, and what can be done with it.

use axum::Extension;
use axum::extract::RawQuery;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use maud::{Markup, html};

use super::editor;
use super::errors::{badge, class, destination, how};
use super::form::Form;
use super::parts::{data_uri, done, empty, facts, or_none, refused, table, text_field, time, time_field};
use super::trouble::Trouble;
use super::visit::Visit;
use super::{acts, audit};
use crate::admin::api::errors::{Whole, whole};
use crate::admin::problem::Problem;
use crate::admin::tokens::Role;
use crate::desk::{ErrorShown, State};

/// What a page of an error says beside the error.
#[derive(Debug, Default)]
pub(super) struct Said<'a> {
    /// What was just done.
    pub(super) done: Option<&'static str>,
    /// What was not.
    pub(super) problem: Option<Problem>,
    /// The payload that somebody wrote and did not save.
    pub(super) draft: Option<&'a str>,
}

pub(super) async fn show(
    Extension(visit): Extension<Visit>,
    RawQuery(query): RawQuery,
) -> Result<Response, Trouble> {
    let asked = Form::read(query.unwrap_or_default().as_bytes())?;
    let done = acts::message(asked.get("done"));
    render(&visit, Said { done, ..Said::default() }).await
}

/// The page of the error that the path names.
pub(super) async fn render(visit: &Visit, said: Said<'_>) -> Result<Response, Trouble> {
    let detail = visit.desk()?.error(visit.id()?).await?;
    let whole = whole(detail, visit.role, &visit.masks());
    let code = said.problem.as_ref().map_or(StatusCode::OK, |problem| problem.code);
    let body = html! {
        @if let Some(message) = said.done { (done(message)) }
        @if let Some(problem) = &said.problem { (refused(problem)) }
        (about(visit, &whole))
        @if visit.may(Role::Operate) { (quick(visit, &whole.shown)) }
        (editor::section(visit, &whole, said.draft))
        @if visit.may(Role::Operate) { (forms(visit, &whole.shown)) }
        (notes(&whole))
        (history(visit, &whole))
    };
    Ok((code, visit.page(&format!("Error {}", whole.shown.id), &body)).into_response())
}

fn about(visit: &Visit, whole: &Whole) -> Markup {
    let shown = &whole.shown;
    let state = html! {
        (badge(shown.state))
        @if let Some(until) = shown.waits_until_ms { " until " (time(until)) }
        @if let Some(resolution) = &shown.resolution {
            " " (how(resolution.how))
            @if let Some(by) = &resolution.by { " (" (by) ")" }
            " at " (time(resolution.at_ms))
            @if let Some(newer) = resolution.newer_error { ": " (link(visit, newer)) }
        }
    };
    let answer = match (&whole.response, &whole.withheld) {
        (Some(text), _) => html! { pre { (text) } },
        (None, Some(why)) => html! { span.none { "not shown: " (why) } },
        (None, None) => or_none(None),
    };
    facts(&[
        ("State", state),
        ("Trace key", or_none(Some(&shown.trace_key))),
        ("Data URI", data_uri(&shown.data_uri)),
        ("Destination", destination(shown.destination.as_deref())),
        ("Class", html! { (class(shown.class)) " (" (shown.class.as_str()) ")" }),
        ("Code", html! { (shown.code) }),
        ("Message", html! { (shown.message) }),
        ("First failed", time(shown.first_at_ms)),
        ("Last failed", time(shown.last_at_ms)),
        ("Attempts", html! { (shown.attempts) }),
        ("Assigned to", or_none(shown.assignee.as_deref())),
        (
            "Tags",
            html! { @if shown.tags.is_empty() { (or_none(None)) } @for tag in &shown.tags { span.tag { (tag) } " " } },
        ),
        ("Record", html! { a href={ (visit.base) "/records/" (whole.record) } { (whole.record) } }),
        ("Page", or_none(whole.page.as_deref())),
        ("Status of the answer", whole.status.map_or_else(|| or_none(None), |status| html! { (status) })),
        ("Answer", answer),
        (
            "Closed older errors",
            html! {
                @if whole.folded.is_empty() { (or_none(None)) }
                @for id in &whole.folded { (link(visit, *id)) " " }
            },
        ),
    ])
}

fn link(visit: &Visit, id: i64) -> Markup {
    html! { a href={ (visit.base) "/errors/" (id) } { "error " (id) } }
}

/// Acts that need no word.
fn quick(visit: &Visit, shown: &ErrorShown) -> Markup {
    let live = matches!(shown.state, State::Open | State::Waiting);
    let acts = [
        ("retry", "Retry", live && shown.has_payload),
        ("resolve", "Resolve", live),
        ("reopen", "Reopen", matches!(shown.state, State::Waiting | State::Resolved)),
    ];
    html! {
        div.buttons {
            @for (act, label, _) in acts.iter().filter(|(_, _, fits)| *fits) {
                (form(visit, shown.id, act, &html! { button { (label) } }))
            }
            @if shown.state == State::Retrying {
                p { "It is on its way again. " a href={ (visit.base) "/errors/" (shown.id) } { "Look again" } }
            }
        }
    }
}

/// Acts that need a word.
fn forms(visit: &Visit, shown: &ErrorShown) -> Markup {
    let live = matches!(shown.state, State::Open | State::Waiting);
    let assignee = shown.assignee.as_deref().unwrap_or_default();
    html! {
        section.acts aria-labelledby="acts" {
            h2 #acts { "Hand on and remember" }
            @if live {
                (form(visit, shown.id, "wait", &html! {
                    (time_field("until", "Wait until (UTC)", ""))
                    p.hint { "Empty: until somebody reopens it." }
                    button { "Wait" }
                }))
            }
            (form(visit, shown.id, "assign", &html! {
                (text_field("to", "Assign to", assignee, "A name; empty: nobody"))
                button { "Assign" }
            }))
            (form(visit, shown.id, "tag", &html! {
                (text_field("add", "Add tags", "", "Parted by commas"))
                (text_field("remove", "Remove tags", "", "Parted by commas"))
                button { "Change tags" }
            }))
            (form(visit, shown.id, "note", &html! {
                div.field {
                    label for="f-text" { "Note" }
                    textarea #f-text name="text" rows="3" required {}
                }
                button { "Add note" }
            }))
        }
    }
}

fn form(visit: &Visit, id: i64, act: &str, fields: &Markup) -> Markup {
    html! {
        form method="post" action={ (visit.base) "/errors/" (id) "/" (act) } { (visit.token()) (fields) }
    }
}

fn notes(whole: &Whole) -> Markup {
    html! {
        section aria-labelledby="notes" {
            h2 #notes { "Notes" }
            @if whole.notes.is_empty() { (empty("Nobody wrote a note yet.")) }
            @for note in &whole.notes {
                article.note {
                    p.hint { (note.by) ", " (time(note.at_ms)) }
                    p.text { (note.text) }
                }
            }
        }
    }
}

fn history(visit: &Visit, whole: &Whole) -> Markup {
    html! {
        section aria-labelledby="history" {
            h2 #history { "History" }
            @if whole.audit.is_empty() {
                (empty("Nobody did anything with it yet."))
            } @else {
                (table("What was done, newest first", &audit::COLUMNS, &whole.audit.iter().map(|entry| audit::row(visit, entry)).collect::<Vec<_>>()))
            }
        }
    }
}
