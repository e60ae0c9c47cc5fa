//! What is different between two JSON texts, value by value, named by JSON pointers.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::cli::remote::text::short;

/// Differences that are named at most.
const MOST: usize = 100;
/// Deeper values are compared as text.
const DEEPEST: usize = 32;
/// Characters of a value that are shown.
const WIDTH: usize = 60;

/// A line for each difference; empty: they say the same.
pub(super) fn diff(before: &str, after: &str) -> Result<Vec<String>, serde_json::Error> {
    let before: &RawValue = serde_json::from_str(before)?;
    let after: &RawValue = serde_json::from_str(after)?;
    let mut lines = Vec::new();
    compare("", Some(before), Some(after), 0, &mut lines);
    let more = lines.len().saturating_sub(MOST);
    lines.truncate(MOST);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    Ok(lines)
}

fn compare(
    pointer: &str,
    before: Option<&RawValue>,
    after: Option<&RawValue>,
    depth: usize,
    lines: &mut Vec<String>,
) {
    let (before, after) = match (before, after) {
        (Some(before), Some(after)) if before.get() == after.get() => return,
        (Some(before), Some(after)) => (before, after),
        (Some(before), None) => return lines.push(format!("- {pointer}: {}", short(before.get(), WIDTH))),
        (None, Some(after)) => return lines.push(format!("+ {pointer}: {}", short(after.get(), WIDTH))),
        (None, None) => return,
    };
    if depth < DEEPEST {
        if let (Some(before), Some(after)) = (members(before), members(after)) {
            let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
            names.sort_unstable();
            names.dedup();
            for name in names {
                let pointer =
                    format!("{pointer}/{}", short(&name.replace('~', "~0").replace('/', "~1"), WIDTH));
                compare(&pointer, before.get(name).copied(), after.get(name).copied(), depth + 1, lines);
            }
            return;
        }
        if let (Some(before), Some(after)) = (elements(before), elements(after)) {
            for at in 0..before.len().max(after.len()) {
                let pointer = format!("{pointer}/{at}");
                compare(&pointer, before.get(at).copied(), after.get(at).copied(), depth + 1, lines);
            }
            return;
        }
    }
    lines.push(format!("~ {pointer}: {} -> {}", short(before.get(), WIDTH), short(after.get(), WIDTH)));
}

fn members(value: &RawValue) -> Option<BTreeMap<String, &RawValue>> {
    value.get().starts_with('{').then(|| serde_json::from_str(value.get()).ok()).flatten()
}

fn elements(value: &RawValue) -> Option<Vec<&RawValue>> {
    value.get().starts_with('[').then(|| serde_json::from_str(value.get()).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_that_differs_is_named() {
        let before = r#"{"a":1,"b":{"c":"x","d":[1,2]},"gone":true,"big":90071992547409931}"#;
        let after = r#"{ "b":{"c":"y","d":[1,3,4]}, "a":1, "big":90071992547409932, "new":null}"#;
        let expected = [
            r#"~ /b/c: "x" -> "y""#,
            "~ /b/d/1: 2 -> 3",
            "+ /b/d/2: 4",
            "~ /big: 90071992547409931 -> 90071992547409932",
            "- /gone: true",
            "+ /new: null",
        ];
        assert_eq!(diff(before, after).unwrap(), expected);
        assert!(diff(before, &crate::cli::remote::text::pretty(before)).unwrap().is_empty());
        assert!(diff(before, "{").is_err());
    }
}
