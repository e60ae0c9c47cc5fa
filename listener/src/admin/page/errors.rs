//! `/errors`: the list, its filter, and acts on all that match.

use axum::Extension;
use axum::extract::RawQuery;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::filter::{Conditions, NONE};
use super::parts::{
    data_uri, empty, facts, older, or_none, refused, select, short, table, text_field, time, time_field,
};
use super::plan;
use super::trouble::Trouble;
use super::visit::Visit;
use crate::admin::api::errors;
use crate::admin::api::query::{Asked, ERRORS};
use crate::admin::problem::Problem;
use crate::admin::tokens::Role;
use crate::desk::{Counting, Counts, ErrorShown, Listing, State};
use crate::store::ErrorClass;

pub(super) async fn list(
    Extension(visit): Extension<Visit>,
    RawQuery(query): RawQuery,
) -> Result<Response, Trouble> {
    let conditions = Conditions::read(query.as_deref())?;
    let found = match find(&visit, &conditions).await {
        Ok(found) => found,
        // The form stays, so that a mistake in it can be corrected.
        Err(problem) if problem.code.is_client_error() => {
            let body = html! { (refused(&problem)) (form(&visit, &conditions)) };
            return Ok((problem.code, visit.page("Errors", &body)).into_response());
        }
        Err(problem) => return Err(Trouble(problem)),
    };
    let (counts, listing) = found;
    let base = format!("{}/errors", visit.base);
    let body = html! {
        (form(&visit, &conditions))
        @if counts.total == 0 {
            (empty(if conditions.is_empty() {
                "There are no errors. When a destination does not take a record, it is listed here."
            } else {
                "No error matches this filter."
            }))
        } @else {
            (numbers(&counts))
            (table("Errors, newest first", &COLUMNS, &listing.items.iter().map(|error| row(&visit, error)).collect::<Vec<_>>()))
            (older(&base, &conditions.query(), listing.next.as_ref().map(crate::desk::Cursor::as_str)))
            (files(&visit, &conditions))
            @if visit.may(Role::Operate) { (plan::for_errors(&visit, &conditions, &counts)) }
        }
    };
    Ok(visit.page("Errors", &body).into_response())
}

async fn find(visit: &Visit, conditions: &Conditions) -> Result<(Counts, Listing<ErrorShown>), Problem> {
    let mut asked = Asked::read(Some(&conditions.whole()), ERRORS)?;
    let filter = asked.filter()?;
    let query = asked.query(filter.clone())?;
    let desk = visit.desk()?;
    let (mut counts, listing) = (desk.count(filter, Counting::BOUNDED).await?, desk.errors(query).await?);
    // What a bounded count did not come to may stand in the list.
    if !counts.exact {
        counts.total = counts.total.max(listing.items.len() as u64);
    }
    Ok((counts, listing))
}

const COLUMNS: [&str; 9] = [
    "Trace key",
    "State",
    "Destination",
    "Class",
    "Message",
    "Last failed",
    "Attempts",
    "Assigned to",
    "Record in HubSpot",
];

/// An error in a table, as [`COLUMNS`] names its cells.
pub(super) fn row(visit: &Visit, error: &ErrorShown) -> Vec<Markup> {
    let name =
        if error.trace_key.is_empty() { format!("Error {}", error.id) } else { short(&error.trace_key) };
    vec![
        html! { a href={ (visit.base) "/errors/" (error.id) } { (name) } },
        html! {
            (badge(error.state))
            @if let Some(resolution) = &error.resolution { " " (how(resolution.how)) }
            @if error.edited { " edited" }
            @for tag in &error.tags { " " span.tag { (tag) } }
        },
        destination(error.destination.as_deref()),
        html! { (class(error.class)) },
        html! { (short(&error.message)) },
        time(error.last_at_ms),
        html! { (error.attempts) },
        or_none(error.assignee.as_deref()),
        data_uri(&error.data_uri),
    ]
}

/// A sample of errors.
pub(super) fn sample(visit: &Visit, caption: &str, errors: &[ErrorShown]) -> Markup {
    table(caption, &COLUMNS, &errors.iter().map(|error| row(visit, error)).collect::<Vec<_>>())
}

pub(super) fn destination(name: Option<&str>) -> Markup {
    html! { @if let Some(name) = name { (name) } @else { span.none { "before any" } } }
}

pub(super) fn badge(state: State) -> Markup {
    html! { span class={ "badge " (state.as_str()) } { (state_name(state)) } }
}

pub(super) fn state_name(state: State) -> &'static str {
    match state {
        State::Open => "Open",
        State::Waiting => "Waiting",
        State::Retrying => "Retrying",
        State::Resolved => "Resolved",
    }
}

/// How an error was closed, in words.
pub(super) fn how(how: &str) -> &'static str {
    match how {
        "by_hand" => "by hand",
        "retried" => "by a retry",
        "newer_error" => "by a newer error of the same record",
        "later_success" => "by a later success of the same record",
        _ => "otherwise",
    }
}

/// A class in words.
pub(super) fn class(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Connection => "No connection",
        ErrorClass::RateLimit => "Too many requests",
        ErrorClass::Intermittent => "Destination unwell",
        ErrorClass::Value => "Content refused",
        ErrorClass::Missing => "Not found there",
        ErrorClass::Duplicate => "There already",
        ErrorClass::TooLarge => "Too large",
        ErrorClass::Parse => "No valid JSON",
    }
}

/// How many match, as far as they were counted.
pub(super) fn matching(counts: &Counts) -> String {
    if counts.exact { counts.total.to_string() } else { format!("at least {}", counts.total) }
}

fn numbers(counts: &Counts) -> Markup {
    let list = |names: Vec<(String, u64)>| {
        let shown: Vec<_> = names.iter().map(|(name, count)| format!("{name}: {count}")).collect();
        html! { (shown.join(", ")) }
    };
    let states = counts.by_state.iter().map(|(state, count)| (state_name(*state).to_owned(), *count));
    let classes = counts.by_class.iter().map(|(kind, count)| (class(*kind).to_owned(), *count));
    let destinations = counts
        .by_destination
        .iter()
        .map(|(name, count)| (name.clone().unwrap_or_else(|| "before any".to_owned()), *count));
    if !counts.exact {
        return facts(&[("Match", html! { (matching(counts)) })]);
    }
    facts(&[
        ("Match", html! { (matching(counts)) }),
        ("By state", list(states.collect())),
        ("By class", list(classes.collect())),
        ("By destination", list(destinations.collect())),
    ])
}

/// Options of a choice of destination.
pub(super) fn destinations(visit: &Visit, any: &str, chosen: &str) -> Vec<(String, String)> {
    let live = visit.live();
    let mut options = vec![(String::new(), any.to_owned())];
    options.extend(live.stages().map(|stage| (stage.name.clone(), stage.name.clone())));
    if chosen != NONE && options.iter().all(|(value, _)| value != chosen) {
        options.push((chosen.to_owned(), format!("{chosen} (not in the manifest)")));
    }
    options
}

fn form(visit: &Visit, conditions: &Conditions) -> Markup {
    let get = |name| conditions.get(name);
    let mut destinations = destinations(visit, "Any", get("destination"));
    destinations.insert(1, (NONE.to_owned(), "Before any destination".to_owned()));
    let mut classes = vec![(String::new(), "Any".to_owned())];
    classes.extend(ErrorClass::ALL.map(|kind| (kind.as_str().to_owned(), class(kind).to_owned())));
    let action = format!("{}/errors", visit.base);
    html! {
        form.filter method="get" action=(action) role="search" aria-label="Filter errors" {
            fieldset {
                legend { "State" }
                @for state in State::ALL {
                    label {
                        input type="checkbox" name="state" value=(state.as_str())
                            checked[conditions.has("state", state.as_str())];
                        (state_name(state))
                    }
                }
            }
            div.fields {
                (text_field("traceKey", "Trace key", get("traceKey"), ""))
                (select("destination", "Destination", get("destination"), &destinations))
                (select("class", "Class", get("class"), &classes))
                (text_field("text", "Text in the message", get("text"), ""))
            }
            @let further = ["traceKeyPrefix", "tag", "assignee", "from", "until"];
            details open[further.iter().any(|name| !get(name).is_empty())] {
                summary { "More conditions" }
                div.fields {
                    (text_field("traceKeyPrefix", "Trace key begins with", get("traceKeyPrefix"), ""))
                    (text_field("tag", "Tag", get("tag"), ""))
                    (text_field("assignee", "Assigned to", get("assignee"), "A name, or (none) for nobody"))
                    (time_field("from", "Last failed from (UTC)", get("from")))
                    (time_field("until", "Last failed before (UTC)", get("until")))
                }
            }
            p.buttons {
                button { "Filter" }
                a href=(action) { "Clear filter" }
            }
        }
    }
}

/// The same list as a file.
fn files(visit: &Visit, conditions: &Conditions) -> Markup {
    let query = conditions.query();
    html! {
        p.buttons {
            "All that match as a file:"
            @for (format, label) in [("csv", "CSV"), ("jsonl", "JSON lines")] {
                a href={ (visit.base) "/errors/export?format=" (format) "&" (query) } download { (label) }
            }
        }
    }
}

pub(super) async fn export(
    Extension(visit): Extension<Visit>,
    RawQuery(query): RawQuery,
) -> Result<Response, Trouble> {
    let conditions = Conditions::read(query.as_deref())?;
    Ok(errors::file(visit.desk()?, Some(&conditions.without_place())).await?)
}
