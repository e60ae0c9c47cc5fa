//! A value against a structural schema: types, required and unknown fields, enums,
//! lengths, ranges. Finds all mistakes, not only the first.
//!
//! Null counts as absent, as in the API server, where the schema has no `nullable`
//! (ours never has). The depth of the walk is that of the schema: free JSON is not entered.

use serde_json::{Map, Value};

use super::{Refusal, nearest};

/// A refusal, and whether rules cannot be run with it.
#[derive(Debug)]
pub(super) struct Finding {
    /// What is wrong.
    pub(super) refusal: Refusal,
    /// true: the API server runs no rule on such an object.
    pub(super) blocking: bool,
}

/// What is wrong with the shape of `value`, which stands at `field`.
pub(super) fn check(schema: &Value, value: &Value, field: &str) -> Vec<Finding> {
    let mut walk = Walk { findings: Vec::new() };
    walk.value(schema, value, field);
    walk.findings
}

/// Takes out the members that are null, where the schema knows them.
pub(super) fn drop_nulls(schema: &Value, value: &mut Value) {
    match value {
        Value::Object(members) => {
            let properties = schema.get("properties").and_then(Value::as_object);
            if let Some(properties) = properties {
                members.retain(|name, member| !(member.is_null() && properties.contains_key(name)));
            }
            for (name, member) in members {
                let below = properties
                    .and_then(|known| known.get(name))
                    .or_else(|| schema.get("additionalProperties"));
                if let Some(below) = below {
                    drop_nulls(below, member);
                }
            }
        }
        Value::Array(items) => {
            if let Some(below) = schema.get("items") {
                for item in items {
                    drop_nulls(below, item);
                }
            }
        }
        _ => {}
    }
}

struct Walk {
    findings: Vec<Finding>,
}

impl Walk {
    fn block(&mut self, field: &str, reason: String, remedy: String) {
        self.findings.push(Finding { refusal: Refusal::new(field, reason, remedy), blocking: true });
    }

    fn range(&mut self, field: &str, reason: String, remedy: String) {
        self.findings.push(Finding { refusal: Refusal::new(field, reason, remedy), blocking: false });
    }

    fn value(&mut self, schema: &Value, value: &Value, field: &str) {
        if flag(schema, "x-kubernetes-int-or-string") {
            if !(value.is_string() || value.is_i64() || value.is_u64()) {
                self.wrong_type(field, value, "a whole number or a text");
            }
            return;
        }
        match (schema.get("type").and_then(Value::as_str).unwrap_or_default(), value) {
            ("object", Value::Object(members)) => self.object(schema, members, field),
            ("array", Value::Array(items)) => self.array(schema, items, field),
            ("string", Value::String(text)) => self.text(schema, text, field),
            ("integer", Value::Number(number)) if number.is_i64() || number.is_u64() => {
                self.number(schema, number, field);
            }
            ("number", Value::Number(number)) => self.number(schema, number, field),
            ("boolean", Value::Bool(_)) | ("", _) => {}
            (wanted, _) => self.wrong_type(field, value, named(wanted)),
        }
    }

    fn wrong_type(&mut self, field: &str, value: &Value, wanted: &str) {
        let remedy = match (wanted, value) {
            ("a text", Value::Number(_) | Value::Bool(_)) => "put it in quotes".to_owned(),
            ("a whole number" | "true or false", Value::String(text))
                if text.parse::<i64>().is_ok() || text == "true" || text == "false" =>
            {
                "write it without quotes".to_owned()
            }
            ("a list", _) => "begin each item on a line of its own with `- `".to_owned(),
            ("a group of fields", _) => "write its fields indented below it".to_owned(),
            _ => format!("write {wanted}"),
        };
        self.block(field, format!("{wanted} is expected here, not {}", kind_of(value)), remedy);
    }

    fn object(&mut self, schema: &Value, members: &Map<String, Value>, field: &str) {
        let properties = schema.get("properties").and_then(Value::as_object);
        if let Some(Value::Array(required)) = schema.get("required") {
            for name in required.iter().filter_map(Value::as_str) {
                if members.get(name).is_none_or(Value::is_null) {
                    let what = properties.and_then(|known| known.get(name)).and_then(first_sentence);
                    let remedy = what.map_or_else(|| "add it".to_owned(), |what| format!("add it: {what}"));
                    self.block(&format!("{field}.{name}"), "this field is required".to_owned(), remedy);
                }
            }
        }
        let free = flag(schema, "x-kubernetes-preserve-unknown-fields");
        for (name, member) in members {
            let below = format!("{field}.{name}");
            match (properties.and_then(|known| known.get(name)), schema.get("additionalProperties")) {
                (Some(_), _) if member.is_null() => {}
                (Some(schema), _) | (None, Some(schema)) => self.value(schema, member, &below),
                (None, None) if free => {}
                (None, None) => {
                    let known: Vec<&str> =
                        properties.into_iter().flat_map(Map::keys).map(String::as_str).collect();
                    self.unknown(&below, name, &known);
                }
            }
        }
    }

    fn unknown(&mut self, field: &str, name: &str, known: &[&str]) {
        let remedy = match nearest(name, known.iter().copied()) {
            Some(meant) => format!("did you mean {meant}?"),
            None if known.is_empty() => "remove it, nothing can be set here; write {}".to_owned(),
            None => format!("remove it; known here: {}", known.join(", ")),
        };
        self.block(field, "there is no such field".to_owned(), remedy);
    }

    fn array(&mut self, schema: &Value, items: &[Value], field: &str) {
        let length = items.len() as u64;
        if let Some(most) = limit(schema, "maxItems").filter(|most| length > *most) {
            self.block(field, format!("{length} items are too many"), format!("keep at most {most}"));
            return;
        }
        if let Some(least) = limit(schema, "minItems").filter(|least| length < *least) {
            self.range(field, format!("{length} items are too few"), format!("write at least {least}"));
        }
        if let Some(below) = schema.get("items") {
            for (index, item) in items.iter().enumerate() {
                self.value(below, item, &format!("{field}[{index}]"));
            }
        }
    }

    fn text(&mut self, schema: &Value, text: &str, field: &str) {
        let length = text.chars().count() as u64;
        if let Some(most) = limit(schema, "maxLength").filter(|most| length > *most) {
            self.block(
                field,
                format!("{length} characters are too many"),
                format!("write at most {most} characters"),
            );
        }
        if limit(schema, "minLength").is_some_and(|least| length < least) {
            self.range(field, "this is empty".to_owned(), "write a value, or remove the field".to_owned());
        }
        if let Some(Value::Array(known)) = schema.get("enum")
            && !known.iter().any(|one| one.as_str() == Some(text))
        {
            let known: Vec<&str> = known.iter().filter_map(Value::as_str).collect();
            let short: String = text.chars().take(80).collect();
            let remedy = match nearest(text, known.iter().copied()) {
                Some(meant) => format!("did you mean {meant}?"),
                None => format!("write one of {}", known.join(", ")),
            };
            self.block(field, format!("`{short}` is not known here"), remedy);
        }
    }

    fn number(&mut self, schema: &Value, number: &serde_json::Number, field: &str) {
        let Some(value) = number.as_f64() else { return };
        let least = schema.get("minimum").and_then(Value::as_f64);
        let most = schema.get("maximum").and_then(Value::as_f64);
        let whole = schema.get("format").and_then(Value::as_str) == Some("int32");
        let most = most.or(whole.then(|| f64::from(i32::MAX)));
        let least = least.or(whole.then(|| f64::from(i32::MIN)));
        let remedy = match (least, most) {
            (Some(least), Some(most)) => format!("write a number from {least} to {most}"),
            (Some(least), None) => format!("write {least} or more"),
            (None, Some(most)) => format!("write {most} or less"),
            (None, None) => return,
        };
        if least.is_some_and(|least| value < least) {
            self.range(field, format!("{number} is too small"), remedy);
        } else if most.is_some_and(|most| value > most) {
            self.range(field, format!("{number} is too large"), remedy);
        }
    }
}

fn flag(schema: &Value, name: &str) -> bool {
    schema.get(name).and_then(Value::as_bool) == Some(true)
}

fn limit(schema: &Value, name: &str) -> Option<u64> {
    schema.get(name).and_then(Value::as_u64)
}

/// The first sentence of a field's description.
fn first_sentence(schema: &Value) -> Option<String> {
    let description = schema.get("description")?.as_str()?;
    let end = description.find(". ").unwrap_or(description.len());
    Some(description.get(..end)?.trim_end_matches('.').replace('\n', " "))
}

fn named(schema_type: &str) -> &'static str {
    match schema_type {
        "object" => "a group of fields",
        "array" => "a list",
        "string" => "a text",
        "integer" => "a whole number",
        "number" => "a number",
        _ => "true or false",
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_f64() => "a broken number",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a group of fields",
    }
}
