//! Properties of every filter, whatever its language.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::json;

use super::*;

const EVENT: &[u8] = br#"{"a":1,"b":"text","c":[1,2,{"a":null}],"d":{"a":{"b":[]}},"e":1.5,"f":true}"#;

/// Compiles and evaluates; within a second.
fn run(text: &str) {
    let begin = Instant::now();
    if let Ok(filter) = Filter::compile(text) {
        let surroundings = Surroundings::new(&json!({"a": 1, "list": ["x"]}), &json!({"name": "n"}));
        let first = filter.matches(EVENT, &surroundings);
        assert_eq!(first, filter.matches(EVENT, &surroundings), "{text}");
    }
    assert!(begin.elapsed() < Duration::from_secs(5), "{text}");
}

/// CEL that parses more often than not.
fn cel() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "event(\\.[a-f]){0,2}",
        "settings\\.(a|list)",
        "[x-z]",
        "-?[0-9]{1,3}",
        "[0-9]\\.[0-9]",
        "'[a-z(*\\[]{0,3}'",
        Just("true".to_owned()),
        Just("null".to_owned()),
        Just("listener.name".to_owned()),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let operator =
            prop::sample::select(vec!["==", "!=", "<", ">=", "&&", "||", "+", "-", "*", "/", "%", "in"]);
        let method =
            prop::sample::select(vec!["startsWith", "contains", "matches", "endsWith", "size", "nothing"]);
        let function = prop::sample::select(vec!["size", "string", "int", "uint", "double", "bool", "has"]);
        let each = prop::sample::select(vec!["all", "exists", "exists_one", "map", "filter"]);
        prop_oneof![
            (inner.clone(), operator, inner.clone()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            (inner.clone(), method, inner.clone()).prop_map(|(a, name, b)| format!("({a}).{name}({b})")),
            (function, inner.clone()).prop_map(|(name, a)| format!("{name}({a})")),
            (inner.clone(), each, "[x-z]", inner.clone())
                .prop_map(|(a, name, x, b)| format!("{a}.{name}({x}, {b})")),
            prop::collection::vec(inner.clone(), 0..4).prop_map(|list| format!("[{}]", list.join(", "))),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a}[{b}]")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
            inner.prop_map(|a| format!("!({a})")),
        ]
    })
}

fn rules() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "\\[\"extract\",\"[a-f](\\.[a-f0-2]){0,2}\"\\]",
        Just(r#"["settings","list[0]"]"#.to_owned()),
        "\"[a-z0-9(]{0,3}\"",
        "-?[1-9][0-9]{0,2}(\\.5)?",
        Just("true".to_owned()),
    ];
    leaf.prop_recursive(5, 40, 3, |inner| {
        let operator: Vec<&str> = "and or not equals notequals greaterthan greaterthanequals lessthan lessthanequals \
            contains doesnotcontain startswith endswith matches empty notempty string number boolean epochtime \
            lowercase uppercase floor ceiling abs"
            .split_whitespace()
            .collect();
        (prop::sample::select(operator), prop::collection::vec(inner, 1..3))
            .prop_map(|(name, given)| format!("[\"{name}\",{}]", given.join(",")))
    })
}

/// The lines of each fenced block of `language` in the page about filters.
fn examples(language: &str) -> Vec<String> {
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/filters.md")).unwrap();
    let blocks = page.split("```").skip(1).step_by(2);
    blocks.filter_map(|block| block.strip_prefix(language)).flat_map(str::lines).map(str::to_owned).collect()
}

#[test]
fn every_example_of_the_page_compiles() {
    let examples: Vec<String> =
        [examples("cel"), examples("json")].concat().into_iter().filter(|line| !line.is_empty()).collect();
    assert_eq!(examples.len(), 13);
    for example in examples {
        Filter::compile(&example).unwrap_or_else(|mistake| panic!("{example}: {mistake}"));
    }
}

#[test]
fn each_event_of_the_reference_is_judged_by_the_examples_that_ask_first() {
    const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/hubspot/events.json");
    let events: serde_json::Value = serde_json::from_slice(&std::fs::read(EVENTS).unwrap()).unwrap();
    let list = events.as_array().or_else(|| events["events"].as_array()).unwrap();
    let took = |filter: &str| {
        let filter = Filter::compile(filter).unwrap();
        let surroundings = Surroundings::default();
        let event = |entry: &serde_json::Value| entry.get("event").unwrap_or(entry).to_string();
        list.iter().filter(|entry| filter.matches(event(entry).as_bytes(), &surroundings).unwrap()).count()
    };
    assert_eq!(took(r#"event.subscriptionType.startsWith("contact.")"#), 7);
    assert_eq!(took(r#"["startswith",["extract","subscriptionType"],"contact."]"#), 7);
    assert_eq!(took(r#"has(event.messageType) && event.messageType == "MESSAGE""#), 1);
    assert_eq!(took("has(event.mergedObjectIds) && event.mergedObjectIds.exists(id, id == 138000000138)"), 1);
    assert_eq!(took(r#"["contains",["extract","mergedObjectIds"],138000000138]"#), 1);
}

proptest! {
    #[test]
    fn no_cel_panics_or_hangs(text in cel()) {
        run(&text);
    }

    #[test]
    fn no_rule_panics_or_hangs(text in rules()) {
        run(&text);
    }

    #[test]
    fn no_text_panics_or_hangs(text in any::<String>()) {
        run(&text);
        run(&format!("[{text}"));
    }

    #[test]
    fn no_signs_panic_or_hang(text in "[a-cx0-9 .,:?!&|=<>+\\-*/%()\\[\\]{}'\"\\\\\n“é]{0,60}") {
        run(&text);
    }

    #[test]
    fn no_event_makes_a_filter_panic(event in prop::collection::vec(any::<u8>(), 0..100)) {
        for text in ["event.a == event.b || event.c.all(x, x > 1)", r#"["equals",["extract","a.b"],["extract","c"]]"#] {
            let filter = Filter::compile(text).unwrap();
            let _ = filter.matches(&event, &Surroundings::default());
            let framed = [b"{\"a\":", &event[..], b"}"].concat();
            let _ = filter.matches(&framed, &Surroundings::default());
        }
    }
}
