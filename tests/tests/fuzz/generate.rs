//! Inputs by chance: texts that people wrote, changed, and texts that a grammar makes.

mod cel;
mod mutate;
mod rule;
mod template;

use serde_json::{Value, json};

use crate::corpus::Corpus;
use crate::input::{Input, Target};
use tests::Random;

/// Input `number` under `seed`: the same always.
pub(crate) fn input(corpus: &Corpus, seed: u64, number: u64) -> Input {
    let mut random = Random::of(seed, number);
    let random = &mut random;
    let target = *match random.below(16) {
        0..6 => &Target::Template,
        6..11 => &Target::Filter,
        11..14 => &Target::Mapping,
        _ => &Target::Manifest,
    };
    let text = match target {
        Target::Template if random.one_in(2) => mutate::mutate(random, &corpus.templates, DICTIONARY),
        Target::Template => template::template(random, &corpus.helpers),
        Target::Filter if random.one_in(3) => mutate::mutate(random, &corpus.filters, DICTIONARY),
        Target::Filter if random.one_in(2) => cel::cel(random),
        Target::Filter => rule::rule(random).to_string(),
        Target::Mapping if random.one_in(3) => mutate::mutate(random, &corpus.transforms, DICTIONARY),
        Target::Mapping => transform(random, corpus),
        _ => mutate::mutate(random, &corpus.manifests, YAML),
    };
    let record = match random.below(4) {
        0 => random.of_list(&corpus.records).clone(),
        1 => mutate::mutate(random, &corpus.records, DICTIONARY),
        _ => record(random),
    };
    Input { target, text, record }
}

/// Pieces that mean something in one of the languages.
const DICTIONARY: &[&str] = &[
    "{{",
    "}}",
    "{{{",
    "}}}",
    "{{#",
    "{{/",
    "{{^",
    "{{else}}",
    "{{~",
    "~}}",
    "{{!--",
    "--}}",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "\\",
    "|",
    "=",
    "..",
    "../",
    "@index",
    "@root",
    "this",
    "as |a b|",
    "null",
    "true",
    "event",
    "event.",
    "settings",
    "listener",
    "record",
    "has(",
    ".exists(x, ",
    ".map(x, ",
    "&&",
    "||",
    "!",
    "?",
    ":",
    ",",
    "0",
    "-1",
    "9223372036854775807",
    "18446744073709551616",
    "1e400",
    "1.5",
    "\\u0000",
    "\\ud800",
    "“",
    "”",
    "é",
    "😀",
    "\u{feff}",
    "\u{2028}",
    "\0",
    "\n",
    "\t",
    "(a+)+$",
    "[^",
    "(?=",
    "\\d{1000}",
    "%Y",
    "YYYY-MM-DD",
    "extract",
    "equals",
    "keep",
    "rename",
    "drop",
    "set",
    "json",
    "text",
    "field",
    "rules",
    "template",
];

/// The same for manifests.
const YAML: &[&str] = &[
    "\n",
    "  ",
    "- ",
    ": ",
    "---\n",
    "...\n",
    "&a ",
    "*a",
    "<<: ",
    "!!str ",
    "!!binary ",
    "? ",
    "| ",
    ">-\n",
    "{",
    "}",
    "[",
    "]",
    "'",
    "\"",
    "#",
    "%YAML 1.2\n",
    "\t",
    "null",
    "~",
    "0x10",
    "1e3",
    ".inf",
    "2026-11-25",
    "kind: List\n",
    "items:\n",
    "transform: {rules: [{drop: [a]}]}",
    "template: '{{x}}'",
    "filter: 'event.a'",
    "settings: {a: [1]}",
    "é",
    "\u{feff}",
    "\u{85}",
    "\0",
    "&a [*a, *a]",
    "stringData: {a: b}",
    "data: {a: '!'}",
];

/// A JSON value that may be a record.
pub(crate) fn record(random: &mut Random) -> String {
    let mut text = String::new();
    let members = random.count().min(400);
    text.push('{');
    for at in 0..members {
        if at > 0 {
            text.push(',');
        }
        text.push_str(&name(random));
        text.push(':');
        value(random, 0, &mut text);
    }
    text.push('}');
    text
}

fn name(random: &mut Random) -> String {
    let names =
        ["a", "b", "objectId", "subscriptionType", "propertyValue", "o d", "0", "record", "length", ""];
    match random.below(12) {
        0 => format!("\"n{}\"", random.below(1_000)),
        1 => "\"\\u0061\"".to_owned(),
        _ => Value::from(*random.of_list(&names)).to_string(),
    }
}

fn value(random: &mut Random, depth: usize, text: &mut String) {
    match random.below(if depth > 6 { 8 } else { 10 }) {
        0 => text.push_str("null"),
        1 => text.push_str("true"),
        2 => text.push_str(random.word(&[
            "0",
            "-0",
            "1",
            "1.50",
            "1e400",
            "123456789012345678901234567890",
            "-7",
        ])),
        3 => text.push_str("1790000000001"),
        4 => text.push_str(random.word(&[
            "\"\"",
            "\"\\ud800\"",
            "\"a\\\"b\\\\\"",
            "\"contact.creation\"",
            "\"é😀\"",
        ])),
        5 => text.push_str(&Value::from("ab, (x) ".repeat(random.count().min(2_000))).to_string()),
        6 => text.push_str("\"2026-02-29T23:05:09Z\""),
        7 if random.one_in(40) => {
            let levels = random.below(3_000);
            text.push_str(&"[".repeat(levels));
            text.push_str(&"]".repeat(levels));
            if levels == 0 {
                text.push('0');
            }
        }
        7 => text.push_str("[1,2,3]"),
        8 => {
            text.push('[');
            for at in 0..random.below(5) {
                if at > 0 {
                    text.push(',');
                }
                value(random, depth + 1, text);
            }
            text.push(']');
        }
        _ => {
            text.push('{');
            for at in 0..random.below(4) {
                if at > 0 {
                    text.push_str(" , ");
                }
                text.push_str(&name(random));
                text.push(':');
                value(random, depth + 1, text);
            }
            text.push('}');
        }
    }
}

fn path(random: &mut Random) -> String {
    let parts = ["a", "b", "objectId", "0", "1", "[o d]", "record", "x", "propertyValue", "[]", "n7"];
    let count = match random.below(30) {
        0 => random.below(20),
        _ => 1 + random.below(3),
    };
    (0..count).map(|_| *random.of_list(&parts)).collect::<Vec<_>>().join(".")
}

fn transform(random: &mut Random, corpus: &Corpus) -> String {
    if random.one_in(3) {
        let template = match random.below(3) {
            0 => random.of_list(&corpus.templates).clone(),
            _ => template::template(random, &corpus.helpers),
        };
        let around =
            random.of_list(&[("", ""), ("{\"a\": \"", "\"}"), ("[", "]"), ("{{jsonSerialize ", "}}")]);
        return json!({"template": format!("{}{template}{}", around.0, around.1)}).to_string();
    }
    let rules: Vec<Value> = (0..1 + random.count().min(40)).map(|_| transform_rule(random, corpus)).collect();
    json!({"rules": rules}).to_string()
}

fn transform_rule(random: &mut Random, corpus: &Corpus) -> Value {
    let paths = |random: &mut Random| (0..1 + random.below(4)).map(|_| path(random)).collect::<Vec<_>>();
    match random.below(6) {
        0 => json!({"keep": paths(random)}),
        1 => json!({"drop": paths(random)}),
        2 => json!({"rename": {"from": path(random), "to": path(random)}}),
        3 => json!({"set": {"field": path(random), "text": template::template(random, &corpus.helpers)}}),
        4 => {
            let json = record(random);
            json!({"set": {"field": path(random), "json": json}})
        }
        _ => json!({"set": {"field": path(random), "json": "[{{objectId}}, \"{{propertyValue}}\"]"}}),
    }
}
