//! `listener render`: every case of the shared table through the real binary.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use serde_json::value::RawValue;
use tests::{binary, fixture_bytes};

/// Longer arguments do not fit into one; they go through a file.
const LONGEST_ARGUMENT: usize = 100_000;

fn render(arguments: &[&str]) -> Output {
    Command::new(binary())
        .arg("render")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the listener runs")
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("written");
    path.to_str().expect("a path").to_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What of an expected reason must be said: its words up to the first mark.
fn gist(reason: &str) -> &str {
    reason.split([':', ';']).next().unwrap_or(reason).trim()
}

/// Runs one case and says how it differs from what is expected.
fn judge(folder: &Path, case: &HashMap<String, &RawValue>) -> Result<(), String> {
    let text = |name: &str| {
        case.get(name)
            .and_then(|raw| serde_json::from_str::<Option<String>>(raw.get()).expect("text or null"))
    };
    let record = text("context_text").unwrap_or_else(|| case["context"].get().to_owned());
    let settings =
        serde_json::from_str::<Value>(&record).ok().and_then(|record| record.get("settings").cloned());
    let template = text("template").expect("a template");
    let template = if template.len() > LONGEST_ARGUMENT {
        format!("@{}", write(folder, "template", &format!("{template}\n")))
    } else {
        template
    };
    let record = write(folder, "record", &record);
    let mut arguments = vec!["--record", &record];
    let settings =
        settings.filter(Value::is_object).map(|settings| write(folder, "settings", &settings.to_string()));
    if let Some(settings) = &settings {
        arguments.extend(["--settings", settings]);
    }
    if text("mode").as_deref() == Some("uri") {
        arguments.push("--uri");
    }
    arguments.extend(["--", &template]);
    let output = render(&arguments);
    let (expect, error) = (text("expect"), text("error"));
    let said = err(&output);
    match (output.status.code(), expect, error) {
        (Some(0), Some(expect), _) if output.stdout == expect.as_bytes() => Ok(()),
        (Some(0), expect, _) => {
            let got: String = String::from_utf8_lossy(&output.stdout).chars().take(300).collect();
            Err(format!("gave {got:?}, not {expect:?}"))
        }
        (Some(1), Some(_), _) if case.get("accept_error").is_some_and(|raw| raw.get() == "true") => Ok(()),
        (Some(1), _, Some(error)) => {
            let (kind, reason) = error.split_once(": ").unwrap_or(("", &error));
            let at_load = said.starts_with("error: the template is refused: line ");
            let at_render = said.starts_with("error: the template failed on this record");
            // What fails on each record may be found at load.
            let told = at_load || (at_render && kind == "render");
            if !told || !said.contains(gist(reason)) || !output.stdout.is_empty() {
                return Err(format!("said {said:?}, not {error:?}"));
            }
            match text("at") {
                Some(at) if at_load => {
                    let (line, column) = at.split_once(':').expect("line:column");
                    let place = format!("line {line}, column {column}: ");
                    if said.contains(&place) { Ok(()) } else { Err(format!("said {said:?}, not at {at}")) }
                }
                _ => Ok(()),
            }
        }
        (code, ..) => Err(format!("ended with {code:?}: {said:?}")),
    }
}

#[test]
fn every_case_of_the_table_comes_out_of_the_binary_as_expected() {
    let text = String::from_utf8(fixture_bytes("templates/cases.json")).expect("UTF-8");
    let table: HashMap<String, &RawValue> = serde_json::from_str(&text).expect("JSON");
    let cases: Vec<HashMap<String, &RawValue>> = serde_json::from_str(table["cases"].get()).expect("cases");
    assert!(cases.len() >= 354, "the table has lost cases");
    let folder = tempfile::tempdir().expect("a directory");
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            judge(folder.path(), case).err().map(|reason| format!("{}: {reason}", case["name"].get()))
        })
        .collect();
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn trace_keys_are_bounded_as_the_table_says() {
    let table: Value = serde_json::from_slice(&fixture_bytes("templates/cases.json")).expect("JSON");
    let folder = tempfile::tempdir().expect("a directory");
    for case in table["trace_keys"].as_array().expect("trace keys") {
        let record = write(folder.path(), "record", &serde_json::json!({"key": case["text"]}).to_string());
        let output = render(&["{{key}}", "--record", &record, "--trace-key"]);
        assert!(output.status.success(), "{}", err(&output));
        assert_eq!(String::from_utf8(output.stdout).expect("UTF-8"), case["expect"], "{}", case["name"]);
    }
}

#[test]
fn every_root_of_a_context_can_be_given() {
    let folder = tempfile::tempdir().expect("a directory");
    let context = r#"{"settings":{"a":"s"},"listener":{"name":"x","url":"u"},"count":2,"records":[{"n":1},{"n":2}],
        "request":{"id":"r"},"response":{"status":400},"error":{"code":"c"}}"#;
    let context = write(folder.path(), "context", context);
    let template = "{{settings.a}} {{listener.namespace}}/{{listener.name}} {{listener.url}} {{count}} \
                    {{#each records}}{{n}}{{/each}} {{request.id}} {{response.status}} {{error.code}}";
    let output = render(&[template, "--context", &context, "--listener-name", "sales/contacts"]);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "s sales/contacts u 2 12 r 400 c",
        "{}",
        err(&output)
    );

    let own = write(folder.path(), "settings", r#"{"a":"own"}"#);
    let output = render(&["{{settings.a}}", "--context", &context, "--settings", &own]);
    assert_eq!(output.stdout, b"own");
    let wrong = write(folder.path(), "wrong", r#"{"recrods":[]}"#);
    let output = render(&["x", "--context", &wrong]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("there is no `recrods`"), "{}", err(&output));
    let output = render(&["-", "--record", "-"]);
    assert!(err(&output).contains("standard input can be only one"), "{}", err(&output));
}
