//! Templates by a grammar: right mostly in their form, odd in what they ask for.

use tests::Random;

const VALUES: [&str; 27] = [
    "a",
    "b",
    "objectId",
    "propertyValue",
    "this",
    "..",
    "../a",
    "@root.b",
    "@index",
    "@key",
    "record.a.0",
    "[o d]",
    "settings.region",
    "settings.list",
    "listener.url",
    "a.length",
    "null",
    "true",
    "undefined",
    "0",
    "-17.25",
    "1790000000001",
    "\"2024-02-29T23:05:09Z\"",
    "\"YYYY-MM-DD HH:mm:ss.SSS Z\"",
    "\"g\"",
    "\"==\"",
    "\"sha256\"",
];

const BLOCKS: [&str; 12] =
    ["if", "each", "with", "unless", "compare", "filter", "contains", "a", "and", "or", "some", "not"];

const PATTERN: [&str; 18] = [
    "a", "b", ".", "(", ")", "|", "*", "+", "?", "[ab", "]", "\\\\d", "^", "$", "{2,9}", "(?:", "\\\\1",
    "{999}",
];

pub(crate) fn template(random: &mut Random, helpers: &[String]) -> String {
    let mut text = String::new();
    for _ in 0..1 + random.below(4) {
        part(random, helpers, 0, &mut text);
    }
    text
}

fn part(random: &mut Random, helpers: &[String], depth: usize, text: &mut String) {
    match random.below(if depth > 5 { 6 } else { 10 }) {
        0 => text.push_str(random.word(&["x", " ", "\n", "\\", "{", "}", "“", "\"", ", "])),
        1 => {
            text.push_str("{{");
            value(random, helpers, 0, text);
            text.push_str("}}");
        }
        2 => {
            text.push_str("{{{~");
            call(random, helpers, 0, text);
            text.push_str("~}}}");
        }
        3..6 => {
            text.push_str("{{");
            call(random, helpers, 0, text);
            text.push_str("}}");
        }
        _ => block(random, helpers, depth, text),
    }
}

fn block(random: &mut Random, helpers: &[String], depth: usize, text: &mut String) {
    let name = *random.of_list(&BLOCKS);
    text.push_str(if random.one_in(10) { "{{^" } else { "{{#" });
    text.push_str(name);
    for _ in 0..random.below(4) {
        text.push(' ');
        value(random, helpers, 0, text);
    }
    if random.one_in(6) {
        text.push_str(" as |v k|");
    }
    text.push_str("}}");
    for _ in 0..random.below(3) {
        part(random, helpers, depth + 1, text);
    }
    for _ in 0..random.below(2) {
        text.push_str(if random.one_in(3) { "{{else if a}}" } else { "{{else}}" });
        part(random, helpers, depth + 1, text);
    }
    text.push_str("{{/");
    text.push_str(name);
    text.push_str("}}");
}

fn call(random: &mut Random, helpers: &[String], depth: usize, text: &mut String) {
    text.push_str(random.of_list::<String>(helpers));
    for _ in 0..random.below(4) {
        text.push(' ');
        value(random, helpers, depth + 1, text);
    }
    if random.one_in(12) {
        text.push_str(random.word(&[" number=\"true\"", " reverse=\"true\"", " a=b"]));
    }
}

fn value(random: &mut Random, helpers: &[String], depth: usize, text: &mut String) {
    match random.below(if depth > 4 { 8 } else { 11 }) {
        0..6 => text.push_str(random.word(&VALUES)),
        6 => {
            text.push('"');
            for _ in 0..random.below(8) {
                text.push_str(random.word(&PATTERN));
            }
            text.push('"');
        }
        7 => text.push_str(&random.below(1_000_000).to_string()),
        _ => {
            text.push('(');
            call(random, helpers, depth + 1, text);
            text.push(')');
        }
    }
}
