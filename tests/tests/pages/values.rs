//! The README of each chart: what people write, and a table of the values made from `values.yaml`.
//!
//! In `values.yaml` a comment stands right above the key that it explains. A key whose children have
//! comments is a group; any other key with a comment is a value, whatever is in it.

use std::fmt::Write as _;

use serde_json::Value as Json;

use crate::{cell, is_current, read};

/// A key with a comment.
struct Value {
    path: Vec<String>,
    comment: String,
}

impl Value {
    fn pointer(&self) -> String {
        format!("/{}", self.path.join("/"))
    }
}

fn values(text: &str) -> Vec<Value> {
    let mut values = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let mut comment: Vec<&str> = Vec::new();
    for line in text.lines() {
        let trimmed = line.trim_start();
        if let Some(text) = trimmed.strip_prefix('#') {
            comment.push(text.trim());
        } else if let Some((key, _)) = trimmed.split_once(':').filter(|_| !trimmed.starts_with("- ")) {
            path.truncate((line.len() - trimmed.len()) / 2);
            path.push(key.to_owned());
            if !comment.is_empty() {
                values.push(Value { path: path.clone(), comment: comment.join(" ") });
            }
            comment.clear();
        } else {
            comment.clear();
        }
    }
    values
}

fn is_group(value: &Value, all: &[Value]) -> bool {
    all.iter().any(|other| other.path.len() > value.path.len() && other.path.starts_with(&value.path))
}

/// Paths of everything in the file that is not an object with something in it.
fn leaves(json: &Json, path: &str, found: &mut Vec<String>) {
    match json.as_object() {
        Some(object) if !object.is_empty() => {
            for (key, below) in object {
                leaves(below, &format!("{path}/{key}"), found);
            }
        }
        _ => found.push(path.to_owned()),
    }
}

fn table(name: &str) -> String {
    let text = read(name);
    let json: Json = serde_yaml::from_str(&text).unwrap();
    let all = values(&text);
    let mut found = Vec::new();
    leaves(&json, "", &mut found);
    for leaf in found {
        let explained = all.iter().any(|value| {
            let pointer = value.pointer();
            !is_group(value, &all) && (leaf == pointer || leaf.starts_with(&format!("{pointer}/")))
        });
        assert!(explained, "{name}: {leaf} has no comment above it");
    }
    let mut table = String::from("## Values\n\n| Value | Default | Meaning |\n|---|---|---|\n");
    for value in &all {
        let default = if is_group(value, &all) {
            String::new()
        } else {
            let default = json.pointer(&value.pointer());
            format!("`{}`", default.unwrap_or_else(|| panic!("{name} has no {}", value.pointer())))
        };
        let _ =
            writeln!(table, "| `{}` | {} | {} |", value.path.join("."), cell(&default), cell(&value.comment));
    }
    table
}

#[test]
fn the_readme_of_the_operator_s_chart_is_current() {
    is_current("charts/hubspot-listener/README.md", &table("charts/hubspot-listener/values.yaml"));
}

#[test]
fn the_readme_of_the_resource_s_chart_is_current() {
    is_current("charts/hubspot-listener-crds/README.md", &table("charts/hubspot-listener-crds/values.yaml"));
}
