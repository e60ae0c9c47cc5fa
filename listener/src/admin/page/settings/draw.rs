//! Fields as they stand in the form.

use maud::{Markup, html};
use serde_json::{Map, Value};

use super::fields::{Field, Scalar, Shape, plain};
use super::read::{OTHER, show, show_other};
use crate::admin::page::form::Form;

/// Every field, with what was sent, or what is there.
pub(super) fn fields(fields: &[Field], current: &Map<String, Value>, sent: Option<&Form>) -> Markup {
    html! {
        @for field in fields {
            @let value = current.get(field.member());
            @if let Shape::Group(inner) = &field.shape {
                fieldset {
                    legend { (field.label) }
                    @if !field.hint.is_empty() { p.hint { (field.hint) } }
                    @let empty = Map::new();
                    (self::fields(inner, value.and_then(Value::as_object).unwrap_or(&empty), sent))
                }
            } @else {
                @let name = field.name();
                @let text = sent.and_then(|form| form.find(&name)).map_or_else(|| show(field, value), str::to_owned);
                (one(field, &name, &text))
            }
        }
    }
}

/// The field of what no other field is for.
pub(super) fn other(fields: &[Field], current: &Map<String, Value>, sent: Option<&Form>) -> Markup {
    let text = sent.and_then(|form| form.find(OTHER));
    let text = text.map_or_else(|| show_other(fields, current), str::to_owned);
    html! {
        details open[fields.is_empty() || !text.is_empty()] {
            summary { "Settings that no field above is for" }
            div.field {
                label for="f-other" { "Other settings (JSON)" }
                (json("f-other", OTHER, &text))
                p.hint #f-other-hint { "One JSON object. Empty: none." }
            }
        }
    }
}

fn one(field: &Field, name: &str, text: &str) -> Markup {
    let id = format!("f-{name}");
    let hint = (!field.hint.is_empty()).then(|| format!("{id}-hint"));
    html! {
        div.field {
            label for=(id) { (field.label) @if field.required { " (required)" } }
            @match &field.shape {
                Shape::One(Scalar::Truth) => {
                    (choice(&id, name, text, hint.as_deref(), &[("true".to_owned(), "Yes".to_owned()), ("false".to_owned(), "No".to_owned())]))
                }
                Shape::Choice(values) => {
                    @let options: Vec<_> = values.iter().map(|value| (value.to_string(), plain(value))).collect();
                    (choice(&id, name, text, hint.as_deref(), &options))
                }
                Shape::One(Scalar::Text) if !text.contains('\n') => {
                    input id=(id) name=(name) type="text" value=(text) autocomplete="off" aria-describedby=[hint.as_deref()];
                }
                Shape::One(Scalar::Number | Scalar::Whole) => {
                    input id=(id) name=(name) type="text" inputmode="decimal" value=(text) autocomplete="off" aria-describedby=[hint.as_deref()];
                }
                Shape::Json => (json(&id, name, text)),
                _ => {
                    textarea id=(id) name=(name) rows=(text.lines().count().clamp(2, 12)) aria-describedby=[hint.as_deref()] { "\n" (text) }
                }
            }
            @if !field.hint.is_empty() { p.hint id={ (id) "-hint" } { (field.hint) } }
        }
    }
}

fn choice(id: &str, name: &str, chosen: &str, hint: Option<&str>, options: &[(String, String)]) -> Markup {
    let is_known = chosen.is_empty() || options.iter().any(|(value, _)| value == chosen);
    html! {
        select id=(id) name=(name) aria-describedby=[hint] {
            option value="" { "Not set" }
            @for (value, shown) in options {
                option value=(value) selected[value == chosen] { (shown) }
            }
            // What is there and should not be stays until somebody chooses another.
            @if !is_known { option value=(chosen) selected { (chosen) } }
        }
    }
}

fn json(id: &str, name: &str, text: &str) -> Markup {
    html! {
        textarea id=(id) name=(name) rows=(text.lines().count().clamp(3, 16)) spellcheck="false" data-json data-optional
            aria-describedby={ (id) "-check " (id) "-hint" } { "\n" (text) }
        p id={ (id) "-check" } role="status" {}
    }
}
