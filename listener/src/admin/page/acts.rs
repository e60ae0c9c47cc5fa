//! `POST /errors/{id}/{act}`: the acts of the API, from a form.

use axum::Extension;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Map, Value, json};

use super::diff::laid_out;
use super::editor;
use super::error::{Said, render};
use super::form::{Form, names, time_ms};
use super::trouble::Trouble;
use super::visit::Visit;
use crate::admin::api::acts::{Fields, restore};
use crate::admin::api::errors::whole;
use crate::admin::problem::Problem;
use crate::desk::Act;

/// What is said when an act is done; none: it is no act.
pub(super) fn message(done: &str) -> Option<&'static str> {
    Some(match done {
        "retry" => "It is on its way again.",
        "resolve" => "It is resolved.",
        "reopen" => "It is open again.",
        "wait" => "It waits.",
        "assign" => "It is assigned.",
        "tag" => "The tags are changed.",
        "note" => "The note is added.",
        "edit" => "The payload is saved; a retry sends it.",
        "original" => "The payload is as it came again.",
        "same" => "Nothing was changed, so nothing was saved.",
        _ => return None,
    })
}

pub(super) async fn post(
    Extension(visit): Extension<Visit>,
    Extension(form): Extension<Form>,
) -> Result<Response, Trouble> {
    let id = visit.id()?;
    let draft = form.find("payload");
    match act(&visit, id, &form).await {
        Ok(Some(done)) => {
            let to = format!("{}/errors/{id}?done={done}", visit.base);
            Ok(Redirect::to(&to).into_response())
        }
        Ok(None) => render(&visit, Said { draft, ..Said::default() }).await,
        // The error as it is now, with what was written still in its field.
        Err(problem) if problem.code.is_client_error() => {
            render(&visit, Said { problem: Some(problem), draft, ..Said::default() }).await
        }
        Err(problem) => Err(Trouble(problem)),
    }
}

/// What was done; none: nothing was to be.
async fn act(visit: &Visit, id: i64, form: &Form) -> Result<Option<&'static str>, Problem> {
    let desk = visit.desk()?;
    let actor = || visit.actor.clone();
    let done = match visit.act() {
        "edit" => return edit(visit, id, form).await,
        "original" => {
            desk.act(actor(), id, Act::Edit { payload: None }).await?;
            "original"
        }
        name => {
            let act = from_form(name, form)?;
            let done = act.name();
            desk.act(actor(), id, act).await?;
            done
        }
    };
    Ok(Some(done))
}

/// The act of this name with what a form says about it.
pub(super) fn from_form(name: &str, form: &Form) -> Result<Act, Problem> {
    let mut fields = Map::new();
    match name {
        "wait" => {
            fields.insert("untilMs".to_owned(), json!(time_ms(form, "until")?));
        }
        "assign" => {
            fields.insert("to".to_owned(), json!(form.text("to")));
        }
        "tag" => {
            fields.insert("add".to_owned(), json!(names(form.get("add"))));
            fields.insert("remove".to_owned(), json!(names(form.get("remove"))));
        }
        "note" => {
            fields.insert("text".to_owned(), json!(form.get("text")));
        }
        _ => {}
    }
    let fields: Fields = serde_json::from_value(Value::Object(fields))
        .map_err(|error| Problem::invalid("form", error.to_string(), "send the form of the page"))?;
    fields.into_act(name)
}

/// Saves the payload and, where it is wanted, retries; or only compares.
async fn edit(visit: &Visit, id: i64, form: &Form) -> Result<Option<&'static str>, Problem> {
    let text = form.get("payload");
    let then = form.get("then");
    serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|error| {
        Problem::invalid(
            "Payload",
            format!("it is not JSON: {error}"),
            "correct it at that place, and save again",
        )
    })?;
    if then == "compare" {
        return Ok(None);
    }
    let desk = visit.desk()?;
    let shown = whole(desk.error(id).await?, visit.role, &visit.masks());
    // The editor lays the text out; that alone is no edit.
    let is_same = editor::current(&shown).is_some_and(|current| laid_out(current) == laid_out(text));
    if !is_same {
        let mut payload = text.to_owned();
        restore(&**desk, &visit.masks(), id, &mut payload).await?;
        desk.act(visit.actor.clone(), id, Act::Edit { payload: Some(payload) }).await?;
    }
    if then == "retry" {
        desk.act(visit.actor.clone(), id, Act::Retry).await?;
        return Ok(Some("retry"));
    }
    Ok(Some(if is_same { "same" } else { "edit" }))
}
