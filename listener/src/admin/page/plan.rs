//! `POST /bulk/plan`: what a bulk act would do, before it does it; and the forms that ask for one.

use axum::Extension;
use maud::{Markup, html};

use super::acts::from_form;
use super::bulk::{act_words, selection_words};
use super::errors::{matching, sample};
use super::filter::Conditions;
use super::form::Form;
use super::parts::{empty, facts, select, text_field_as, time, time_field_as};
use super::records;
use super::trouble::Trouble;
use super::visit::Visit;
use crate::admin::api::query::{Asked, FILTER, RECORDS};
use crate::admin::problem::Problem;
use crate::desk::{Act, Counts, Plan, Selection};

/// Acts that can be done to many errors: name, what it is called.
const ACTS: [(&str, &str); 7] = [
    ("retry", "Retry"),
    ("resolve", "Resolve"),
    ("reopen", "Reopen"),
    ("wait", "Wait"),
    ("assign", "Assign"),
    ("tag", "Change tags"),
    ("note", "Add note"),
];

/// The form under a list of errors.
pub(super) fn for_errors(visit: &Visit, conditions: &Conditions, counts: &Counts) -> Markup {
    let acts = ACTS.map(|(name, label)| (name.to_owned(), label.to_owned()));
    html! {
        section.acts aria-labelledby="all" {
            h2 #all { "Act on all that match" }
            p {
                "The filter above matches " (matching(counts))
                (if counts.exact && counts.total == 1 { " error" } else { " errors" })
                ", on this page and all others. First you see what would happen; nothing is done before you start it."
            }
            form method="post" action={ (visit.base) "/bulk/plan" } {
                (visit.token())
                input type="hidden" name="selection" value="errors";
                input type="hidden" name="filter" value=(conditions.query());
                (select("act", "What to do", "retry", &acts))
                details {
                    summary { "For Wait, Assign, Change tags and Add note" }
                    div.fields {
                        (time_field_as("bulk-until", "until", "Wait until (UTC)", ""))
                        (text_field_as("bulk-to", "to", "Assign to", "", "Empty: nobody"))
                        (text_field_as("bulk-add", "add", "Add tags", "", "Parted by commas"))
                        (text_field_as("bulk-remove", "remove", "Remove tags", "", "Parted by commas"))
                        (text_field_as("bulk-text", "text", "Note", "", ""))
                    }
                }
                button { "Make a plan" }
            }
        }
    }
}

/// The form under a list of records.
pub(super) fn for_records(visit: &Visit, conditions: &Conditions) -> Markup {
    let live = visit.live();
    let names: Vec<_> = live
        .destinations
        .iter()
        .map(|destination| (destination.name.clone(), destination.name.clone()))
        .collect();
    html! {
        section.acts aria-labelledby="all" {
            h2 #all { "Replay all that match" }
            p {
                "Hands the records that the filter above matches, on this page and all others, to one destination once \
                 more. It must be able to take a record twice. First you see how many they are; nothing is sent before \
                 you start it."
            }
            form method="post" action={ (visit.base) "/bulk/plan" } {
                (visit.token())
                input type="hidden" name="selection" value="records";
                input type="hidden" name="filter" value=(conditions.query());
                input type="hidden" name="act" value="replay";
                (select("to", "To destination", "", &names))
                button { "Make a plan" }
            }
        }
    }
}

pub(super) async fn make(
    Extension(visit): Extension<Visit>,
    Extension(form): Extension<Form>,
) -> Result<Markup, Trouble> {
    let conditions = Conditions::read(Some(form.get("filter")))?;
    let (selection, act, back) = match form.get("selection") {
        "errors" => {
            let filter = Asked::read(Some(&conditions.whole()), FILTER)?.filter()?;
            (Selection::Errors(filter), from_form(form.get("act"), &form)?, "errors")
        }
        "records" => {
            let filter = Asked::read(Some(&conditions.whole()), RECORDS)?.records()?;
            (Selection::Records(filter), Act::Replay { to: form.get("to").to_owned() }, "records")
        }
        other => {
            let reason = format!("{other:?} is nothing that a plan can be about");
            return Err(Problem::invalid("selection", reason, "send the form of the page").into());
        }
    };
    if matches!(act, Act::Edit { .. }) {
        let remedy = "edit errors one by one";
        return Err(Problem::invalid("act", "one payload does not fit many errors", remedy).into());
    }
    let plan = visit.desk()?.plan(visit.actor.clone(), selection, act).await?;
    let back = format!("{}/{back}?{}", visit.base, conditions.query());
    Ok(visit.page("Plan", &body(&visit, &plan, &back)))
}

fn body(visit: &Visit, plan: &Plan, back: &str) -> Markup {
    let Plan { id, selection, act, effect, sample: errors, records, expires_at_ms } = plan;
    html! {
        (facts(&[
            ("What to do", html! { (act_words(act)) }),
            ("To", html! { (selection_words(selection)) }),
            ("Match", html! { (effect.matched) }),
            ("Would be changed", html! { strong { (effect.changed) } }),
            ("Would be left, because their state does not allow it", html! { (effect.left) }),
            ("Would be left, because their payload is not kept", html! { (effect.without_payload) }),
            ("This plan is kept until", time(*expires_at_ms)),
        ]))
        @if effect.changed == 0 {
            (empty("There is nothing to do: no start is offered."))
        } @else {
            @if !errors.is_empty() { (sample(visit, "The first that would be changed", errors)) }
            @if !records.is_empty() { (records::sample(visit, "The first that would be sent", records)) }
            p { "Nothing is done yet. What happens after you start it can be stopped, but what is done stays done." }
            form method="post" action={ (visit.base) "/bulk/" (id) "/start" } {
                (visit.token())
                button { "Start" }
            }
        }
        p { a href=(back) { "Back" } }
    }
}
