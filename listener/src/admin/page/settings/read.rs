//! From a form's texts to settings, and back.
//!
//! # Invariants
//!
//! 1. An empty field is a member that is not set. A field that the form did not send leaves its member as it is.
//! 2. What stands in the settings and not in the form stays: members of an object that the schema does not know,
//!    and every value whose field was not touched.

use serde_json::{Map, Number, Value};

use super::fields::{Field, Scalar, Shape};
use crate::admin::page::form::Form;
use crate::admin::problem::Problem;
use crate::desk::pretty;

/// The field of what no other field is for.
pub(super) const OTHER: &str = "other";

/// The settings that a form wants, over those that are there.
pub(super) fn read(
    form: &Form,
    fields: &[Field],
    current: &Map<String, Value>,
) -> Result<Map<String, Value>, Vec<Problem>> {
    let mut wrong = Vec::new();
    let mut wanted = members(form, fields, current.clone(), &mut wrong);
    if let Some(text) = form.find(OTHER) {
        let is_own = |name: &String| fields.iter().any(|field| field.member() == name);
        wanted.retain(|name, _| is_own(name));
        match other(text) {
            Ok(others) => {
                for (name, value) in others {
                    if is_own(&name) {
                        let reason = format!("{name} has a field of its own");
                        wrong.push(Problem::invalid(
                            "Other settings",
                            reason,
                            "write it there, and remove it here",
                        ));
                    } else {
                        wanted.insert(name, value);
                    }
                }
            }
            Err(problem) => wrong.push(problem),
        }
    }
    if wrong.is_empty() { Ok(wanted) } else { Err(wrong) }
}

fn other(text: &str) -> Result<Map<String, Value>, Problem> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_str(text).map_err(|error| {
        let reason = format!("this is no JSON object: {error}");
        Problem::invalid("Other settings", reason, "correct it at that place")
    })
}

fn members(
    form: &Form,
    fields: &[Field],
    mut object: Map<String, Value>,
    wrong: &mut Vec<Problem>,
) -> Map<String, Value> {
    for field in fields {
        let name = field.member();
        if let Shape::Group(fields) = &field.shape {
            let inner = object.get(name).and_then(Value::as_object).cloned();
            let was_there = inner.is_some();
            let inner = members(form, fields, inner.unwrap_or_default(), wrong);
            if !inner.is_empty() || was_there {
                object.insert(name.to_owned(), Value::Object(inner));
            }
            continue;
        }
        // As it is shown: it was not touched.
        let Some(text) = form.find(&field.name()) else { continue };
        if unix(text) == unix(&show(field, object.get(name))) {
            continue;
        }
        match value(&field.shape, text) {
            Ok(Some(value)) => {
                object.insert(name.to_owned(), value);
            }
            Ok(None) => {
                object.shift_remove(name);
            }
            Err(reason) => {
                wrong.push(Problem::invalid(&field.label, reason, "correct it, or leave it empty"));
            }
        }
    }
    object
}

/// Browsers send line ends in their own way.
fn unix(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// What a text says; none: nothing.
fn value(shape: &Shape, text: &str) -> Result<Option<Value>, String> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    Ok(Some(match shape {
        Shape::One(kind) => scalar(*kind, text)?,
        Shape::Many(kind) => {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            Value::Array(lines.map(|line| scalar(*kind, line)).collect::<Result<_, _>>()?)
        }
        Shape::Choice(values) => {
            let chosen =
                values.iter().find(|value| serde_json::to_string(value).is_ok_and(|value| value == text));
            chosen.cloned().ok_or_else(|| "this is none of the choices".to_owned())?
        }
        Shape::Json => serde_json::from_str(text).map_err(|error| format!("this is not JSON: {error}"))?,
        Shape::Group(_) => return Err("this is no single value".to_owned()),
    }))
}

fn scalar(kind: Scalar, text: &str) -> Result<Value, String> {
    match kind {
        Scalar::Text => Ok(text.into()),
        Scalar::Truth => match text.trim() {
            "true" => Ok(true.into()),
            "false" => Ok(false.into()),
            other => Err(format!("{other:?} is neither true nor false")),
        },
        Scalar::Number => number(text).ok_or_else(|| format!("{:?} is no number", text.trim())),
        Scalar::Whole => {
            let number = number(text).filter(|value| value.is_i64() || value.is_u64());
            number.ok_or_else(|| format!("{:?} is no whole number of at most 64 bits", text.trim()))
        }
    }
}

fn number(text: &str) -> Option<Value> {
    serde_json::from_str::<Number>(text.trim()).ok().map(Value::Number)
}

/// The text of a field for a value.
pub(super) fn show(field: &Field, value: Option<&Value>) -> String {
    let Some(value) = value else { return String::new() };
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match (&field.shape, value) {
        (Shape::One(_), Value::String(text)) => text.clone(),
        (Shape::Many(_), Value::Array(values)) => values.iter().map(plain).collect::<Vec<_>>().join("\n"),
        (Shape::Json, value) => pretty(&value.to_string()),
        (_, value) => value.to_string(),
    }
}

/// What the field of all others shows.
pub(super) fn show_other(fields: &[Field], current: &Map<String, Value>) -> String {
    let others = current.iter().filter(|(name, _)| fields.iter().all(|field| field.member() != *name));
    let others: Map<String, Value> = others.map(|(name, value)| (name.clone(), value.clone())).collect();
    if others.is_empty() { String::new() } else { pretty(&Value::Object(others).to_string()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use url::form_urlencoded;

    use super::super::fields::fields;
    use super::*;

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    fn schema() -> Map<String, Value> {
        map(&json!({"type": "object", "required": ["region"], "properties": {
            "region": {"type": "string", "title": "Region", "description": "Where."},
            "max": {"type": "integer", "default": 5},
            "share": {"type": "number"},
            "live": {"type": "boolean"},
            "tier": {"enum": ["free", "paid", 3]},
            "owners": {"type": "array", "items": {"type": "string"}},
            "ports": {"type": "array", "items": {"type": "integer"}},
            "limits": {"type": "object", "properties": {"a/b": {"type": "integer"}}},
            "rules": {"type": "array", "items": {"type": "object"}},
            "either": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
        }}))
    }

    /// The form as a browser sends it back.
    fn sent(current: &Map<String, Value>, changes: &[(&str, &str)]) -> Form {
        fn fill(fields: &[Field], object: &Map<String, Value>, texts: &mut Vec<(String, String)>) {
            for field in fields {
                let value = object.get(field.member());
                match (&field.shape, value) {
                    (Shape::Group(fields), value) => {
                        fill(fields, &value.and_then(Value::as_object).cloned().unwrap_or_default(), texts);
                    }
                    _ => texts.push((field.name(), show(field, value))),
                }
            }
        }
        let fields = fields(Some(&schema()));
        let mut texts = Vec::new();
        fill(&fields, current, &mut texts);
        texts.push((OTHER.to_owned(), show_other(&fields, current)));
        for (name, text) in changes {
            texts.iter_mut().find(|(other, _)| other == name).unwrap().1 = (*text).to_owned();
        }
        let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(texts).finish();
        Form::read(text.replace("%0A", "%0D%0A").as_bytes()).unwrap()
    }

    fn wanted(current: &Value, changes: &[(&str, &str)]) -> Result<Value, Vec<Problem>> {
        let current = map(current);
        read(&sent(&current, changes), &fields(Some(&schema())), &current).map(Value::Object)
    }

    #[test]
    fn a_form_that_is_sent_back_untouched_changes_nothing() {
        for current in [
            json!({}),
            json!({"region": "eu", "max": 18_446_744_073_709_551_615_u64, "share": 0.1, "live": false, "tier": 3,
                   "owners": ["a", "b c"], "ports": [1, 2], "limits": {"a/b": 1, "unknown": [1]},
                   "rules": [{"x": "é"}], "either": 7, "extra": {"y": null}}),
            // What the schema would not take is not changed by looking at it.
            json!({"region": 5, "max": "x", "live": "maybe", "tier": {}, "owners": "a", "limits": {}, "share": []}),
            json!({"region": "", "owners": [], "rules": null}),
            json!({"region": "a\r\nb\nc"}),
        ] {
            assert_eq!(wanted(&current, &[]).unwrap(), current);
        }
    }

    #[test]
    fn each_field_sets_changes_and_removes_its_member() {
        let current = json!({"region": "eu", "max": 5, "extra": 1});
        let changes = [
            ("s/region", "us\nwest"),
            ("s/max", ""),
            ("s/share", " 0.25 "),
            ("s/live", "true"),
            ("s/tier", "\"paid\""),
            ("s/owners", "ann\n\n bob \n"),
            ("s/ports", "80\n443"),
            ("s/limits/a~1b", "9007199254740993"),
            ("s/rules", "[{\"x\": 1}]"),
            ("s/either", "\"x\""),
            ("other", "{\"more\": [true]}"),
        ];
        let expected = json!({"region": "us\nwest", "share": 0.25, "live": true, "tier": "paid",
            "owners": ["ann", "bob"], "ports": [80, 443], "limits": {"a/b": 9_007_199_254_740_993_i64},
            "rules": [{"x": 1}], "either": "x", "more": [true]});
        assert_eq!(wanted(&current, &changes).unwrap(), expected);
    }

    #[test]
    fn each_mistake_is_told_with_its_field() {
        for (name, text, field, reason) in [
            ("s/max", "1.5", "max", "whole number"),
            ("s/max", "99999999999999999999", "max", "64 bits"),
            ("s/share", "a lot", "share", "no number"),
            ("s/live", "maybe", "live", "neither"),
            ("s/tier", "\"gold\"", "tier", "choices"),
            ("s/ports", "80\nx", "ports", "whole number"),
            ("s/rules", "[{]", "rules", "not JSON"),
            ("other", "[1]", "Other settings", "no JSON object"),
            ("other", "{\"region\": 1}", "Other settings", "field of its own"),
        ] {
            let wrong = wanted(&json!({"region": "eu"}), &[(name, text)]).unwrap_err();
            assert_eq!((wrong.len(), wrong[0].field.as_deref()), (1, Some(field)), "{name} {text}");
            assert!(wrong[0].detail.contains(reason), "{}", wrong[0].detail);
        }
    }

    #[test]
    fn the_schema_says_what_is_drawn() {
        let fields = fields(Some(&schema()));
        let region = &fields[0];
        assert_eq!((&*region.label, &*region.hint, region.required), ("Region", "Where.", true));
        assert_eq!(
            (&*fields[1].hint, fields[1].required),
            ("Where it is not set: 5. A whole number.", false)
        );
        let shapes: Vec<_> =
            fields.iter().filter(|field| field.shape == Shape::Json).map(Field::member).collect();
        assert_eq!(shapes, ["rules", "either"]);
        assert!(super::super::fields::fields(None).is_empty());
    }

    #[test]
    fn a_deep_or_wide_schema_ends_in_bounds() {
        let mut deep = json!({"type": "string"});
        for _ in 0..100 {
            deep = json!({"type": "object", "properties": {"a": deep}});
        }
        assert_eq!(fields(deep.as_object()).len(), 1);
        let wide: Map<String, Value> =
            (0..5_000).map(|at| (at.to_string(), json!({"type": "string"}))).collect();
        assert_eq!(fields(json!({"properties": wide}).as_object()).len(), 300);
    }
}
