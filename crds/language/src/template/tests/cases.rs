//! Every case of the shared table.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::template::{Json, Place, Scope, Template};

#[derive(Deserialize)]
struct Table<'a> {
    #[serde(borrow)]
    cases: Vec<Case<'a>>,
}

#[derive(Deserialize)]
struct Case<'a> {
    name: String,
    template: String,
    #[serde(borrow)]
    context: &'a RawValue,
    context_text: Option<String>,
    expect: Option<String>,
    error: Option<String>,
    #[serde(default)]
    accept_error: bool,
    at: Option<String>,
    mode: String,
}

enum Got {
    Text(String),
    /// The message, and where.
    Load(String, String),
    Render(String),
}

fn run(case: &Case<'_>) -> Got {
    let record = case.context_text.as_deref().unwrap_or(case.context.get());
    let settings: Option<Json> = serde_json::from_str::<serde_json::Value>(record)
        .ok()
        .and_then(|record| record.get("settings").map(Json::from));
    let scope = Scope { record: Some(record.as_bytes()), settings: settings.as_ref(), ..Scope::default() };
    let place = if case.mode == "uri" { Place::Uri } else { Place::Raw };
    match Template::compile(&case.template, place) {
        Err(mistake) => Got::Load(mistake.to_string(), format!("{}:{}", mistake.line, mistake.column)),
        Ok(template) => match template.render(&scope) {
            Ok(text) => Got::Text(text),
            Err(error) => Got::Render(error.reason),
        },
    }
}

/// What of an expected reason must be in the message: its words up to the first mark.
fn gist(reason: &str) -> &str {
    reason.split([':', ';']).next().unwrap_or(reason).trim()
}

fn judge(case: &Case<'_>) -> Result<(), String> {
    let start = Instant::now();
    let got = run(case);
    if start.elapsed() > Duration::from_secs(2) {
        return Err(format!("took {:?}", start.elapsed()));
    }
    let shorten = |text: &str| text.chars().take(300).collect::<String>();
    match (got, &case.expect, &case.error) {
        (Got::Text(text), Some(expect), _) if text == *expect => Ok(()),
        (Got::Render(_), Some(_), _) if case.accept_error => Ok(()),
        (Got::Text(text), _, _) => Err(format!("gave {:?}, not {:?}", shorten(&text), case.expect)),
        (Got::Load(message, at), _, Some(error)) => {
            let (kind, reason) = error.split_once(": ").unwrap_or(("", error));
            if !matches!(kind, "load" | "render") || !message.contains(gist(reason)) {
                return Err(format!("was refused with {message:?}, not {error:?}"));
            }
            match &case.at {
                Some(expect) if *expect != at => Err(format!("was refused at {at}, not {expect}: {message}")),
                _ => Ok(()),
            }
        }
        (Got::Render(message), _, Some(error)) => match error.strip_prefix("render: ") {
            Some(reason) if message.contains(gist(reason)) => Ok(()),
            _ => Err(format!("failed with {message:?}, not {error:?}")),
        },
        (Got::Load(message, _) | Got::Render(message), ..) => Err(format!("failed with {message:?}")),
    }
}

#[test]
fn every_case_of_the_table_comes_out_as_expected() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/templates/cases.json");
    let text = std::fs::read_to_string(path).unwrap();
    let table: Table<'_> = serde_json::from_str(&text).unwrap();
    assert!(table.cases.len() >= 354, "the table has lost cases");
    let wrong: Vec<String> = table
        .cases
        .iter()
        .filter_map(|case| {
            judge(case).err().map(|reason| format!("{} {}: {reason}", case.name, shown(&case.template)))
        })
        .collect();
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

fn shown(template: &str) -> String {
    template.chars().take(120).collect()
}
