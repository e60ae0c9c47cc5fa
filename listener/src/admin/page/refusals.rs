//! `/refusals`: requests that were refused, why, and what to do about it.

use axum::Extension;
use axum::extract::RawQuery;
use maud::{Markup, html};

use super::filter::Conditions;
use super::parts::{empty, facts, older, or_none, text_field, time, time_field};
use super::record::text;
use super::trouble::Trouble;
use super::visit::Visit;
use crate::admin::api::query::{Asked, REFUSALS};
use crate::admin::api::refusals::{Whole, whole};
use crate::desk::{Cursor, Listing};
use crate::store::Refused;

pub(super) async fn list(
    Extension(visit): Extension<Visit>,
    RawQuery(query): RawQuery,
) -> Result<Markup, Trouble> {
    let conditions = Conditions::read(query.as_deref())?;
    let mut asked = Asked::read(Some(&conditions.whole()), REFUSALS)?;
    let filter = asked.refusals()?;
    let Listing { items, next } = visit.history()?.refusals(asked.query(filter)?).await?;
    let base = format!("{}/refusals", visit.base);
    let body = html! {
        p {
            "These requests did not prove that they come from HubSpot, or broke a limit. HubSpot was told to send \
             again; what it goes on to send wrongly is lost, so mend the cause soon."
        }
        (form(&base, &conditions))
        @if !items.is_empty() {
            @for refused in items { (one(&visit, refused)) }
        } @else if next.is_some() {
            (empty("None was found so far. Look further with \"Older\"."))
        } @else if conditions.is_empty() {
            (empty("No request was refused. That is how it should be."))
        } @else {
            (empty("No refused request matches this filter."))
        }
        (older(&base, &conditions.query(), next.as_ref().map(Cursor::as_str)))
    };
    Ok(visit.page("Refused requests", &body))
}

fn form(base: &str, conditions: &Conditions) -> Markup {
    let get = |name| conditions.get(name);
    html! {
        form.filter method="get" action=(base) role="search" aria-label="Filter refused requests" {
            div.fields {
                (text_field("cause", "Cause", get("cause"), "A code, such as bad_signature"))
                (text_field("diagnosis", "Diagnosis", get("diagnosis"), "A code, such as scheme"))
                (time_field("from", "Came from (UTC)", get("from")))
                (time_field("until", "Came before (UTC)", get("until")))
            }
            p.buttons { button { "Filter" } a href=(base) { "Clear filter" } }
        }
    }
}

fn one(visit: &Visit, refused: Refused) -> Markup {
    let Whole { refused, body: beginning, withheld } = whole(refused, visit.role, &visit.masks());
    let Refused {
        id,
        at_ms,
        status,
        cause,
        diagnosis,
        diagnosis_code,
        request_line,
        headers,
        body: _,
        body_bytes,
        peer,
    } = &refused;
    html! {
        article.note aria-labelledby={ "r-" (id) } {
            h2 id={ "r-" (id) } { (cause_words(cause)) }
            p.hint { (time(*at_ms)) ", answered " (status) }
            @match diagnosis {
                Some(text) => p { strong { (text) } },
                None => p { (advice(cause)) },
            }
            details {
                summary { "What came" span.hidden { " at " (time(*at_ms)) } }
                (facts(&[
                    ("Cause", html! { code { (cause) } }),
                    ("Diagnosis", or_none(*diagnosis_code)),
                    ("Request", html! { code { (request_line) } }),
                    ("From", or_none(peer.as_deref())),
                    ("Bytes of the body", html! { (body_bytes) }),
                    ("Headers", html! {
                        @for (name, value) in headers { div { code { (name) ": " (value) } } }
                    }),
                    ("Beginning of the body", match text(beginning.as_ref(), withheld) {
                        Ok(text) => html! { pre { (text) } },
                        Err(why) => html! { (why) },
                    }),
                ]))
            }
        }
    }
}

/// A cause in words.
fn cause_words(cause: &str) -> String {
    match cause {
        "missing_signature" => "There was no signature".to_owned(),
        "missing_timestamp" => "There was no timestamp".to_owned(),
        "bad_timestamp" => "The timestamp was no number".to_owned(),
        "stale_timestamp" => "The timestamp was too old".to_owned(),
        "future_timestamp" => "The timestamp was in the future".to_owned(),
        "bad_signature" => "The signature did not fit".to_owned(),
        other => other.replace('_', " "),
    }
}

/// What to look at where nothing more is known.
fn advice(cause: &str) -> &'static str {
    match cause {
        "missing_signature" => {
            "Somebody else may have sent it. If it was HubSpot, something on the way takes headers away."
        }
        "bad_signature" => {
            "Compare the app's client secret with the one that the listener has, and the target URL in HubSpot with \
             the address on the overview, letter by letter."
        }
        "stale_timestamp" | "future_timestamp" => {
            "Compare the clock of the listener's machine with the real time, or look for what holds requests back."
        }
        _ => "Look at what came: it may not have been HubSpot that sent it.",
    }
}
