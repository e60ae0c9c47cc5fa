//! The payload of an error: shown, edited, compared.

use maud::{Markup, html};

use super::diff::{diff, laid_out};
use super::parts::time;
use super::visit::Visit;
use crate::admin::api::errors::Whole;
use crate::admin::api::payload::Payload;
use crate::admin::tokens::Role;
use crate::desk::State;

/// Bytes of a payload that is shown; larger ones are for the command.
pub(super) const MAX_SHOWN: usize = 1024 * 1024;

/// The payload that the editor begins with.
pub(super) fn current(whole: &Whole) -> Option<&str> {
    let edited = whole.edited_payload.as_ref().and_then(|edited| edited.payload.text.as_deref());
    edited.or_else(|| original(whole))
}

fn original(whole: &Whole) -> Option<&str> {
    whole.payload.as_ref().and_then(|payload| payload.text.as_deref())
}

/// The section of the payload. `draft` is what somebody wrote and did not save.
pub(super) fn section(visit: &Visit, whole: &Whole, draft: Option<&str>) -> Markup {
    html! {
        section aria-labelledby="payload" {
            h2 #payload { "Payload" }
            @if let Some(why) = reason(visit, whole) {
                p { (why) }
            } @else if let Some(text) = current(whole) {
                @if let Some(edited) = &whole.edited_payload {
                    p { "Edited by " (edited.by) " at " (time(edited.at_ms)) "; a retry sends this." }
                }
                @let may_edit = matches!(whole.shown.state, State::Open | State::Waiting);
                @if may_edit && visit.may(Role::Operate) {
                    (form(visit, whole, draft.unwrap_or(&laid_out(text))))
                } @else {
                    div.scroll role="region" aria-label="Payload" tabindex="0" { pre { (laid_out(text)) } }
                    @if whole.shown.state == State::Resolved { p { "To edit it, reopen the error first." } }
                    @if whole.shown.state == State::Retrying { p { "It is on its way again, and cannot be edited now." } }
                }
                @if let Some((original, after)) = original(whole).zip(changed(whole, draft)) {
                    h3 { "Difference to the original" }
                    (diff(original, after))
                }
            }
        }
    }
}

/// What differs from the original.
fn changed<'a>(whole: &'a Whole, draft: Option<&'a str>) -> Option<&'a str> {
    draft.or_else(|| whole.edited_payload.as_ref().and_then(|edited| edited.payload.text.as_deref()))
}

/// Why there is no payload to see.
fn reason(visit: &Visit, whole: &Whole) -> Option<String> {
    if !visit.may(Role::Operate) {
        return Some("Payloads are shown to the roles operate and admin. Your role is view.".to_owned());
    }
    if !whole.shown.has_payload {
        return Some(
            "The payload is not kept: this listener does not store retry data. The error can be resolved, but \
             neither edited nor retried; to send the change again, change the record in HubSpot again."
                .to_owned(),
        );
    }
    match (&whole.payload, current(whole)) {
        (_, Some(text)) if text.len() > MAX_SHOWN => Some(format!(
            "The payload has {} bytes, which is too much for a page. Edit it with the command: listener errors edit {}",
            text.len(),
            whole.shown.id
        )),
        (_, Some(_)) => None,
        (Some(Payload { base64: Some(_), .. }), None) => {
            Some("The payload is no text, so it cannot be shown or edited. It can be retried as it is.".to_owned())
        }
        _ => Some(
            "Fields of this listener are masked, and in a payload that is no JSON object they cannot be found; so \
             nobody is shown it. It can be retried as it is."
                .to_owned(),
        ),
    }
}

fn form(visit: &Visit, whole: &Whole, text: &str) -> Markup {
    let id = whole.shown.id;
    let rows = text.lines().count().clamp(8, 30);
    html! {
        form method="post" action={ (visit.base) "/errors/" (id) "/edit" } {
            (visit.token())
            label.hidden for="f-payload" { "Payload" }
            // A line break right behind the tag is not part of the text, so one is put there.
            textarea #f-payload name="payload" rows=(rows) spellcheck="false" autocapitalize="off"
                aria-describedby="payload-check payload-hint" data-json { "\n" (text) }
            p #payload-check role="status" {}
            p.hint #payload-hint {
                "One JSON object. What stands as \"[masked]\" keeps the value behind it. "
                "The original stays beside what you save."
            }
            p.buttons {
                button name="then" value="save" { "Save" }
                button name="then" value="retry" { "Save and retry" }
                button.plain name="then" value="compare" { "Compare" }
            }
        }
        @if whole.edited_payload.is_some() {
            form method="post" action={ (visit.base) "/errors/" (id) "/original" } {
                (visit.token())
                button.plain { "Back to the original" }
            }
        }
    }
}
