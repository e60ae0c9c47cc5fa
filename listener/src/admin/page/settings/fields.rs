//! Fields of a form, from `settingsSchema`.
//!
//! A member of the types string, number, integer, boolean, of an enum of scalars, an object with members of its
//! own, or an array of scalars is drawn as what it is. Anything else (references, alternatives, arrays of
//! objects) is a field for JSON. Nothing is drawn deeper than [`DEEPEST`] or beyond [`MOST`] fields: what is
//! there is a field for JSON, or among the other settings. The schema itself is judged by the validator, never here.

use serde_json::{Map, Value};

/// Levels of objects within each other.
const DEEPEST: usize = 6;
/// Fields of a form.
const MOST: usize = 300;
/// What makes a schema more than a type.
const COMPOUND: [&str; 9] =
    ["$ref", "$dynamicRef", "oneOf", "anyOf", "allOf", "not", "if", "const", "patternProperties"];

/// One member of the settings, or of an object in them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    /// Names from the settings down to it.
    pub(super) path: Vec<String>,
    pub(super) label: String,
    pub(super) hint: String,
    pub(super) required: bool,
    pub(super) shape: Shape,
}

/// What a member holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    One(Scalar),
    /// One of these.
    Choice(Vec<Value>),
    /// Several, a line each.
    Many(Scalar),
    Group(Vec<Field>),
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    Text,
    Number,
    Whole,
    Truth,
}

impl Field {
    /// Its name in the form: `s/limits/max`, a JSON pointer.
    pub(super) fn name(&self) -> String {
        let tokens = self.path.iter().map(|name| format!("/{}", name.replace('~', "~0").replace('/', "~1")));
        format!("s{}", tokens.collect::<String>())
    }

    /// Its own name.
    pub(super) fn member(&self) -> &str {
        self.path.last().map(String::as_str).unwrap_or_default()
    }
}

/// The fields of a schema, in its order.
pub(super) fn fields(schema: Option<&Map<String, Value>>) -> Vec<Field> {
    let mut left = MOST;
    schema.map(|schema| members(schema, &[], &mut left)).unwrap_or_default()
}

fn members(schema: &Map<String, Value>, path: &[String], left: &mut usize) -> Vec<Field> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Vec::new() };
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let mut fields = Vec::new();
    for (name, member) in properties {
        if *left == 0 {
            break;
        }
        *left -= 1;
        let path = [path, &[name.clone()]].concat();
        let text = |key: &str| member.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
        let mut hints: Vec<String> = text("description").map(str::to_owned).into_iter().collect();
        if let Some(default) = member.get("default") {
            hints.push(format!("Where it is not set: {}.", plain(default)));
        }
        let shape = shape(member, &path, left);
        hints.extend(further(&shape).map(str::to_owned));
        fields.push(Field {
            label: text("title").unwrap_or(name).to_owned(),
            hint: hints.join(" "),
            required: required.contains(&name.as_str()) && member.get("default").is_none(),
            shape,
            path,
        });
    }
    fields
}

fn shape(member: &Value, path: &[String], left: &mut usize) -> Shape {
    let Some(schema) = member.as_object() else { return Shape::Json };
    if COMPOUND.iter().any(|key| schema.contains_key(*key)) {
        return Shape::Json;
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let is_plain = values.iter().all(|value| !value.is_object() && !value.is_array() && !value.is_null());
        return if is_plain { Shape::Choice(values.clone()) } else { Shape::Json };
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("object") if path.len() < DEEPEST && schema.contains_key("properties") => {
            Shape::Group(members(schema, path, left))
        }
        Some("array") => schema.get("items").and_then(items).map_or(Shape::Json, Shape::Many),
        Some(kind) => scalar(kind).map_or(Shape::Json, Shape::One),
        None => Shape::Json,
    }
}

fn items(items: &Value) -> Option<Scalar> {
    let items = items.as_object()?;
    if COMPOUND.iter().any(|key| items.contains_key(*key)) {
        return None;
    }
    scalar(items.get("type")?.as_str()?)
}

fn scalar(kind: &str) -> Option<Scalar> {
    Some(match kind {
        "string" => Scalar::Text,
        "number" => Scalar::Number,
        "integer" => Scalar::Whole,
        "boolean" => Scalar::Truth,
        _ => return None,
    })
}

/// What a form says beside the description.
fn further(shape: &Shape) -> Option<&'static str> {
    match shape {
        Shape::One(Scalar::Whole) => Some("A whole number."),
        Shape::One(Scalar::Number) => Some("A number."),
        Shape::Many(Scalar::Truth) => Some("One a line: true or false."),
        Shape::Many(_) => Some("One a line."),
        Shape::Json => Some("JSON."),
        _ => None,
    }
}

/// A value as people read it.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        other => other.to_string(),
    }
}
