//! `POST /errors/{id}/{act}`

use axum::body::Body;
use axum::{Extension, Json};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

use super::body;
use super::target::Target;
use crate::admin::mask::Masks;
use crate::admin::problem::Problem;
use crate::desk::{Act, Acted, Desk};

/// A payload in JSON, in which each byte may be written as six.
pub(in crate::admin) const MAX_EDIT: usize = 8 * 1024 * 1024;
/// Everything else is small.
const MAX_BODY: usize = 64 * 1024;

/// What an act may be told, each act its own: `wait` takes `untilMs`; `assign` takes `to`; `tag` takes
/// `add` and `remove`; `note` takes `text`; `edit` takes `payload`; `retry`, `resolve` and `reopen`
/// take nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::admin) struct Fields {
    /// Epoch milliseconds when it opens by itself; left out or null: when somebody opens it.
    until_ms: Option<i64>,
    /// A name; null: nobody. Must be there.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<String>")]
    to: Option<OrNull>,
    /// Tags to add.
    add: Option<Vec<String>>,
    /// Tags to remove.
    remove: Option<Vec<String>>,
    /// A note.
    text: Option<String>,
    /// The text of a JSON object; null: back to the original. Must be there.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<String>")]
    payload: Option<OrNull>,
}

/// Text, or null.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct OrNull(Option<String>);

/// Tells null from what is not there.
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<OrNull>, D::Error> {
    OrNull::deserialize(deserializer).map(Some)
}

pub(super) async fn post(
    Extension(target): Extension<Target>,
    request: Body,
) -> Result<Json<Acted>, Problem> {
    let id = target.id()?;
    let limit = if target.act() == "edit" { MAX_EDIT } else { MAX_BODY };
    let text = body::read(request, limit).await?;
    let fields: Fields = body::parse(if text.trim_ascii().is_empty() { b"{}" } else { &text })?;
    let mut act = fields.into_act(target.act())?;
    if let Act::Edit { payload: Some(edited) } = &mut act {
        restore(&**target.desk(), &target.masks(), id, edited).await?;
    }
    Ok(Json(target.desk().act(target.actor.clone(), id, act).await?))
}

/// Puts the values of masked fields back where the edit left their masks.
pub(in crate::admin) async fn restore(
    desk: &dyn Desk,
    masks: &Masks,
    id: i64,
    edited: &mut String,
) -> Result<(), Problem> {
    if masks.is_empty() {
        return Ok(());
    }
    let detail = desk.error(id).await?;
    let shown = detail.edited.map(|(payload, _, _)| payload).or(detail.payload).unwrap_or_default();
    *edited = masks.restore(edited, &shown).map_err(|pointer| {
        Problem::invalid(
            "payload",
            format!("{pointer} holds a mask, and there is no value behind it"),
            "leave masked fields where they were, or write values of your own",
        )
    })?;
    Ok(())
}

impl Fields {
    /// The act of this name.
    pub(in crate::admin) fn into_act(self, name: &str) -> Result<Act, Problem> {
        let Self { until_ms, to, add, remove, text, payload } = self;
        let given = [
            ("untilMs", until_ms.is_some(), "wait"),
            ("to", to.is_some(), "assign"),
            ("add", add.is_some(), "tag"),
            ("remove", remove.is_some(), "tag"),
            ("text", text.is_some(), "note"),
            ("payload", payload.is_some(), "edit"),
        ];
        if let Some((field, _, of)) = given.into_iter().find(|(_, is_given, of)| *is_given && *of != name) {
            return Err(Problem::invalid(
                field,
                format!("{name} does not take it"),
                format!("remove it, or {of}"),
            ));
        }
        Ok(match name {
            "retry" => Act::Retry,
            "resolve" => Act::Resolve,
            "reopen" => Act::Reopen,
            "wait" => Act::Wait { until_ms },
            "assign" => Act::Assign { to: to.ok_or_else(|| missing("to", "a name, or null for nobody"))?.0 },
            "tag" => Act::Tag { add: add.unwrap_or_default(), remove: remove.unwrap_or_default() },
            "note" => Act::Note { text: text.ok_or_else(|| missing("text", "the note"))? },
            "edit" => Act::Edit {
                payload: payload
                    .ok_or_else(|| missing("payload", "the text of a JSON object, or null for the original"))?
                    .0,
            },
            _ => {
                return Err(Problem::new(
                    StatusCode::NOT_FOUND,
                    "not found",
                    format!("there is no act {name:?}"),
                )
                .field("act")
                .remedy("retry, resolve, reopen, wait, assign, tag, note and edit are there"));
            }
        })
    }
}

fn missing(field: &'static str, what: &str) -> Problem {
    Problem::invalid(field, "it is missing", format!("give {what}"))
}
