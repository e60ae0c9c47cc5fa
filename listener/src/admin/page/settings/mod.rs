//! `/settings`: a form drawn from `settingsSchema`, judged as a manifest is, and handed to the operator.

mod draw;
mod fields;
mod read;

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::RawQuery;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use maud::{Markup, html};
use serde_json::{Map, Value};

use self::fields::{Field, fields};
use super::diff::diff;
use super::form::Form;
use super::parts::{done, empty, refused, time};
use super::trouble::Trouble;
use super::visit::Visit;
use crate::admin::problem::Problem;
use crate::admin::saving::{self, LastSave, Progress};

/// What a form asked for, and what came of it.
#[derive(Default)]
struct Said<'a> {
    form: Option<&'a Form>,
    problems: Vec<Problem>,
    /// Settings that could be saved.
    wanted: Option<Map<String, Value>>,
    done: Option<&'static str>,
}

pub(super) async fn show(
    Extension(visit): Extension<Visit>,
    RawQuery(query): RawQuery,
) -> Result<Response, Trouble> {
    let asked = Form::read(query.unwrap_or_default().as_bytes())?;
    let done = asked.find("done").map(|_| "The change is handed to the operator.");
    Ok(render(&visit, &Said { done, ..Said::default() }))
}

pub(super) async fn post(
    Extension(visit): Extension<Visit>,
    Extension(form): Extension<Form>,
) -> Result<Response, Trouble> {
    let mut said = Said { form: Some(&form), ..Said::default() };
    match judge(&visit, &form).await {
        Ok(wanted) if form.get("then") == "save" => match save(&visit, &form, &wanted).await {
            Ok(()) => {
                return Ok(Redirect::to(&format!("{}/settings?done=1", visit.base)).into_response());
            }
            Err(problem) => {
                said.problems.push(problem);
                said.wanted = Some(wanted);
            }
        },
        Ok(wanted) => said.wanted = Some(wanted),
        Err(problems) => said.problems = problems,
    }
    Ok(render(&visit, &said))
}

/// The settings that the form wants, judged by the same code as a manifest.
async fn judge(visit: &Visit, form: &Form) -> Result<Map<String, Value>, Vec<Problem>> {
    let mut spec = visit.live().configuration.spec.clone();
    let fields = fields(spec.settings_schema.as_ref());
    spec.settings = read::read(form, &fields, &spec.settings)?;
    let wanted = spec.settings.clone();
    // What the shared settings hold is not known here: what they may still mend is left to the operator.
    let judged =
        tokio::task::spawn_blocking(move || language::settings::check(&spec, &BTreeMap::new())).await;
    let refusals = judged.map_err(|_| {
        vec![Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the settings could not be checked")]
    })?;
    if refusals.is_empty() {
        return Ok(wanted);
    }
    Err(refusals
        .into_iter()
        .map(|refusal| Problem::invalid(refusal.field, refusal.reason, refusal.remedy))
        .collect())
}

async fn save(visit: &Visit, form: &Form, wanted: &Map<String, Value>) -> Result<(), Problem> {
    let generation = form.get("generation").parse().map_err(|_| {
        Problem::invalid("generation", "the form does not say what it was made from", "load the page again")
    })?;
    let text = Value::Object(wanted.clone()).to_string();
    Ok(visit.shown.saving().request(visit.role, &visit.actor, generation, &text).await?)
}

fn render(visit: &Visit, said: &Said<'_>) -> Response {
    let live = visit.live();
    let spec = &live.configuration.spec;
    let fields = fields(spec.settings_schema.as_ref());
    let code = said.problems.first().map_or(StatusCode::OK, |problem| problem.code);
    let body = html! {
        @if let Some(message) = said.done { (done(message)) }
        (last(visit))
        @for problem in &said.problems { (refused(problem)) }
        p {
            "Settings are what templates, filters and hooks of this listener can use. A change goes into the resource "
            code { (live.full_name()) } ", and is taken as a whole or refused as a whole."
        }
        @if !spec.settings_from.is_empty() {
            p {
                "Beside them stand shared settings, which are changed in their ConfigMaps: "
                @for (at, from) in spec.settings_from.iter().enumerate() {
                    @if at > 0 { ", " }
                    code { (from.scope) } " (ConfigMap " (from.config_map_key_ref.name) ")"
                }
                "."
            }
        }
        @if let Some(wanted) = &said.wanted { (change(visit, &spec.settings, wanted)) }
        (form(visit, &fields, &spec.settings, said.form))
    };
    (code, visit.page("Settings", &body)).into_response()
}

/// What would be different, and the command that does it.
fn change(visit: &Visit, before: &Map<String, Value>, wanted: &Map<String, Value>) -> Markup {
    let text = |settings: &Map<String, Value>| Value::Object(settings.clone()).to_string();
    html! {
        section aria-labelledby="change" {
            h2 #change { "Change" }
            @if before == wanted {
                (empty("Nothing is different from what is there."))
            } @else {
                p role="status" { "These settings fit. Nothing is saved yet." }
                (diff(&text(before), &text(wanted)))
                @match visit.shown.saving().command(&text(wanted)) {
                    Ok(command) => {
                        p { "Whoever may change the resource can do it with this command:" }
                        pre tabindex="0" aria-label="Command" { code data-copy { (command) } }
                    }
                    Err(error) => (refused(&error.into())),
                }
            }
        }
    }
}

fn form(visit: &Visit, fields: &[Field], current: &Map<String, Value>, sent: Option<&Form>) -> Markup {
    let saving = visit.shown.saving();
    let may_save = saving.offered() && visit.may(saving::ROLE);
    let generation = sent.and_then(|form| form.find("generation")).map(str::to_owned);
    html! {
        form.settings method="post" action={ (visit.base) "/settings" } {
            (visit.token())
            input type="hidden" name="generation" value=(generation.unwrap_or_else(|| saving.generation().to_string()));
            (draw::fields(fields, current, sent))
            (draw::other(fields, current, sent))
            p.buttons {
                button.plain name="then" value="check" { "Check" }
                @if may_save { button name="then" value="save" { "Save" } }
            }
            @if !may_save {
                p.hint {
                    @if saving.offered() {
                        "To save needs the role " (saving::ROLE.as_str()) ". \"Check\" shows the command that changes them."
                    } @else {
                        "Nothing is saved from here: the operator does not offer it. \"Check\" shows the command that \
                         changes them, for whoever may change the resource."
                    }
                }
            }
        }
    }
}

/// How far the last change is.
fn last(visit: &Visit) -> Markup {
    let Some(LastSave { actor, asked_at_ms, progress }) = visit.shown.saving().last() else {
        return html! {};
    };
    let who = html! { "The change of " (actor) " at " (time(asked_at_ms)) };
    let waits = matches!(progress, Progress::Wanted | Progress::Applied { live: false, .. });
    html! {
        div #saving data-refresh[waits] {
            @match progress {
                Progress::Wanted => p role="status" { (who) " waits for the operator. That takes seconds." },
                Progress::Applied { live: false, .. } => p role="status" {
                    (who) " is in the resource. It takes up to two minutes until this listener runs by it."
                },
                Progress::Applied { live: true, .. } => p.done role="status" { (who) " is in force." },
                Progress::Refused { reason } => div.refused role="alert" { p { (who) " was refused." } p { (reason) } },
            }
            @if waits { p { a href={ (visit.base) "/settings" } { "Refresh" } } }
        }
    }
}
