//! `/bulk`: acts on many, how far they are, and their end.

use axum::Extension;
use axum::extract::RawQuery;
use axum::response::Redirect;
use maud::{Markup, html};

use super::filter::Conditions;
use super::parts::{empty, facts, older, table, time, time_or};
use super::trouble::Trouble;
use super::visit::Visit;
use crate::admin::api::query::{Asked, PAGING};
use crate::admin::tokens::Role;
use crate::desk::{Act, Bulk, BulkState, Cursor, Selection};

pub(super) async fn list(
    Extension(visit): Extension<Visit>,
    RawQuery(query): RawQuery,
) -> Result<Markup, Trouble> {
    let conditions = Conditions::read(query.as_deref())?;
    let query = Asked::read(Some(&conditions.whole()), PAGING)?.query(())?;
    let listing = visit.desk()?.bulks(query).await?;
    let row = |bulk: &Bulk| {
        vec![
            html! { a href={ (visit.base) "/bulk/" (bulk.id) } { (bulk.id) } },
            html! { (act_words(&bulk.act)) },
            html! { (state_words(bulk.state)) },
            html! { (bulk.done) " of " (bulk.total) },
            html! { (bulk.actor) },
            time(bulk.started_at_ms),
        ]
    };
    let columns = ["Number", "What", "State", "Done", "Who", "Started"];
    let base = format!("{}/bulk", visit.base);
    let body = html! {
        @if listing.items.is_empty() {
            (empty("There were none yet. Under a list of errors you can act on all that match its filter."))
            p { a href={ (visit.base) "/errors?state=open" } { "Open errors" } }
        } @else {
            (table("Bulk acts, newest first", &columns, &listing.items.iter().map(row).collect::<Vec<_>>()))
        }
        (older(&base, "", listing.next.as_ref().map(Cursor::as_str)))
    };
    Ok(visit.page("Bulk acts", &body))
}

pub(super) async fn show(Extension(visit): Extension<Visit>) -> Result<Markup, Trouble> {
    let bulk = visit.desk()?.bulk(visit.id()?).await?;
    let is_running = bulk.state == BulkState::Running;
    let here = format!("{}/bulk/{}", visit.base, bulk.id);
    let body = html! {
        // With script this part is looked at again by itself, while it says so.
        div #progress data-refresh[is_running] {
            p role="status" { (state_words(bulk.state)) ": " (bulk.done) " of " (bulk.total) " done, " (bulk.left) " left out." }
            p {
                label for="f-progress" { "Progress" } " "
                progress #f-progress max=(bulk.total.max(1)) value=(if bulk.total == 0 { 1 } else { bulk.done + bulk.left }) {
                    (bulk.done + bulk.left) " of " (bulk.total)
                }
            }
            @if is_running {
                p { a href=(here) { "Refresh" } }
                @if visit.may(Role::Operate) {
                    form method="post" action={ (here) "/cancel" } {
                        (visit.token())
                        button { "Cancel" }
                        p.hint { "What is done stays done." }
                    }
                }
            }
        }
        (facts(&[
            ("What", html! { (act_words(&bulk.act)) }),
            ("To", html! { (selection_words(&bulk.selection)) }),
            ("In all", html! { (bulk.total) }),
            ("Left out, because their state changed or does not allow it", html! { (bulk.left) }),
            ("Started by", html! { (bulk.actor) }),
            ("Started", time(bulk.started_at_ms)),
            ("Ended", time_or(bulk.ended_at_ms, "not yet")),
        ]))
        p { a href={ (visit.base) "/bulk" } { "All bulk acts" } }
    };
    Ok(visit.page(&format!("Bulk act {}", bulk.id), &body))
}

pub(super) async fn start(Extension(visit): Extension<Visit>) -> Result<Redirect, Trouble> {
    let bulk = visit.desk()?.start(visit.actor.clone(), visit.id()?).await?;
    Ok(to(&visit, bulk.id))
}

pub(super) async fn cancel(Extension(visit): Extension<Visit>) -> Result<Redirect, Trouble> {
    let bulk = visit.desk()?.cancel(visit.actor.clone(), visit.id()?).await?;
    Ok(to(&visit, bulk.id))
}

fn to(visit: &Visit, id: i64) -> Redirect {
    Redirect::to(&format!("{}/bulk/{id}", visit.base))
}

fn state_words(state: BulkState) -> &'static str {
    match state {
        BulkState::Running => "Running",
        BulkState::Done => "Done",
        BulkState::Cancelled => "Cancelled",
    }
}

/// An act in words.
pub(super) fn act_words(act: &Act) -> String {
    match act {
        Act::Retry => "Retry".to_owned(),
        Act::Resolve => "Resolve".to_owned(),
        Act::Reopen => "Reopen".to_owned(),
        Act::Wait { until_ms: None } => "Wait until somebody reopens them".to_owned(),
        Act::Wait { until_ms: Some(until) } => format!("Wait until {} UTC", plain_time(*until)),
        Act::Assign { to: Some(to) } => format!("Assign to {to}"),
        Act::Assign { to: None } => "Assign to nobody".to_owned(),
        Act::Tag { add, remove } => {
            let named = |what: &str, tags: &[String]| {
                if tags.is_empty() { String::new() } else { format!("{what} {}", tags.join(", ")) }
            };
            let parts = [named("add tags", add), named("remove tags", remove)];
            let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            super::parts::sentence(&parts.join("; ")).trim_end_matches('.').to_owned()
        }
        Act::Note { text } => format!("Add the note: {text}"),
        Act::Edit { .. } => "Edit".to_owned(),
        Act::Replay { to } => format!("Hand them to {to} once more"),
    }
}

/// What a bulk act is about, in words.
pub(super) fn selection_words(selection: &Selection) -> String {
    let (what, conditions) = match selection {
        Selection::Errors(filter) => ("errors", serde_json::to_value(filter)),
        Selection::Records(filter) => ("records", serde_json::to_value(filter)),
    };
    let Some(conditions) = conditions.ok().and_then(|value| value.as_object().cloned()) else {
        return what.to_owned();
    };
    if conditions.is_empty() {
        return format!("all {what}");
    }
    let shown = conditions.iter().map(|(name, value)| {
        let value = match value {
            serde_json::Value::String(text) if text.is_empty() => "none".to_owned(),
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Array(words) => {
                let words: Vec<_> = words.iter().filter_map(|word| word.as_str()).collect();
                words.join(" or ")
            }
            value => match value.as_i64().filter(|_| name.ends_with("Ms")) {
                Some(at_ms) => plain_time(at_ms),
                None => value.to_string(),
            },
        };
        format!("{} {value}", condition_words(name))
    });
    format!("{what} with {}", shown.collect::<Vec<_>>().join(", "))
}

fn condition_words(name: &str) -> &str {
    match name {
        "states" => "state",
        "traceKey" => "trace key",
        "traceKeyPrefix" => "trace key beginning with",
        "text" => "in the message",
        "fromMs" => "from",
        "untilMs" => "until",
        "objectId" => "object id",
        "deliveredTo" => "delivered to",
        other => other,
    }
}

fn plain_time(at_ms: i64) -> String {
    match jiff::Timestamp::from_millisecond(at_ms) {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => at_ms.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::{ErrorFilter, State};

    #[test]
    fn acts_and_selections_are_said_in_words() {
        let tags = Act::Tag { add: vec!["vip".to_owned()], remove: vec!["a".to_owned(), "b".to_owned()] };
        assert_eq!(act_words(&tags), "Add tags vip; remove tags a, b");
        assert_eq!(
            act_words(&Act::Wait { until_ms: Some(1_795_593_600_000) }),
            "Wait until 2026-11-25 08:00:00 UTC"
        );
        let filter = ErrorFilter {
            states: vec![State::Open, State::Waiting],
            destination: Some(String::new()),
            from_ms: Some(1_795_593_600_000),
            ..ErrorFilter::default()
        };
        let words = "errors with destination none, from 2026-11-25 08:00:00, state open or waiting";
        let said = selection_words(&Selection::Errors(filter));
        for part in words.trim_start_matches("errors with ").split(", ") {
            assert!(said.contains(part), "{said}");
        }
        assert_eq!(selection_words(&Selection::Errors(ErrorFilter::default())), "all errors");
    }
}
