//! Random templates on random records: no panic, no hang, bounded output.
//!
//! `PROPTEST_CASES=1000000 cargo test -p listener --lib template::tests::fuzz` for longer.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use crate::template::{Place, Scope, Template, helpers, limits};

fn value() -> impl Strategy<Value = String> {
    let plain = prop_oneof![
        Just("a".to_owned()),
        Just("this".to_owned()),
        Just("..".to_owned()),
        Just("../a".to_owned()),
        Just("@root.b".to_owned()),
        Just("@index".to_owned()),
        Just("record.a.0".to_owned()),
        Just("[o d]".to_owned()),
        Just("null".to_owned()),
        Just("a.length".to_owned()),
        (-1_000_000_i64..1_000_000_000_000).prop_map(|number| number.to_string()),
        (-1e3..1e3_f64).prop_map(|number| format!("{number:.3}")),
        "\"[a-z0-9é😀 %./:-]{0,12}\"".prop_map(|text| text),
        "\"[()|*+?a\\[\\]\\\\d$^{},:=<!-]{0,10}\"".prop_map(|text| text),
        Just("\"YYYY-MM-DD HH:mm:ss.SSS Z\"".to_owned()),
        Just("\"2024-02-29T23:05:09Z\"".to_owned()),
        Just("\"hex\"".to_owned()),
        Just("\"sha256\"".to_owned()),
        Just("\"==\"".to_owned()),
        Just("\"g\"".to_owned()),
        Just("number=\"true\"".to_owned()),
    ];
    plain.prop_recursive(3, 8, 4, |inner| {
        (helper(), prop::collection::vec(inner, 0..4))
            .prop_map(|(name, args)| format!("({name} {})", args.join(" ")))
    })
}

fn helper() -> impl Strategy<Value = String> {
    let names: Vec<&'static str> = helpers::names().collect();
    prop::sample::select(names).prop_map(str::to_owned)
}

fn template() -> impl Strategy<Value = String> {
    let args = || prop::collection::vec(value(), 0..4).prop_map(|args| args.join(" "));
    let tag = prop_oneof![
        "[ \\n\\\\{}a-zé“]{0,8}".prop_map(|text| text),
        value().prop_map(|value| format!("{{{{{value}}}}}")),
        (helper(), args()).prop_map(|(name, args)| format!("{{{{{name} {args}}}}}")),
        (helper(), args()).prop_map(|(name, args)| format!("{{{{{{~{name} {args}~}}}}}}")),
        Just("{{else}}".to_owned()),
        Just("{{!-- c --}}".to_owned()),
        Just("{{{{raw}}}}{{x{{{{/raw}}}}".to_owned()),
    ];
    tag.prop_recursive(4, 24, 4, move |inner| {
        let names: Vec<&'static str> =
            vec!["if", "each", "with", "unless", "compare", "filter", "contains", "a", "and", "some", "not"];
        (prop::sample::select(names), value(), value(), prop::collection::vec(inner, 0..4), any::<bool>())
            .prop_map(|(name, first, second, body, two)| {
                let second = if two { second } else { String::new() };
                format!("{{{{#{name} {first} {second}}}}}{}{{{{/{name}}}}}", body.join(""))
            })
    })
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,4})?(e-?[0-9]{1,3})?".prop_map(|number| number),
        "[a-zé😀<>&;%=\"\\\\\\n0-9 ]{0,12}".prop_map(|text| serde_json::to_string(&text).unwrap_or_default()),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        let key = prop::sample::select(vec!["a", "b", "o d", "length", "record", "0"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(" , "))),
            prop::collection::vec((key, inner), 0..5).prop_map(|members| {
                let members: Vec<String> =
                    members.iter().map(|(key, value)| format!("\"{key}\" :{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

fn run(template: &str, record: &[u8]) {
    let start = Instant::now();
    for place in [Place::Raw, Place::Uri] {
        let Ok(template) = Template::compile(template, place) else { continue };
        let settings = serde_json::json!({"region": "eu", "list": [1, {"a": 2}]}).into();
        let scope = Scope { record: Some(record), settings: Some(&settings), ..Scope::default() };
        if let Ok(text) = template.render(&scope) {
            assert!(text.len() <= limits::OUTPUT);
        }
    }
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn templates_made_of_parts_neither_panic_nor_hang(template in prop::collection::vec(template(), 1..6), record in json()) {
        run(&template.join(""), record.as_bytes());
    }

    #[test]
    fn any_text_is_a_template_or_a_mistake(text in "\\PC{0,60}", marks in "[{}#/^&!~()|\"'\\[\\]. a-z@=]{0,40}") {
        run(&text, b"{}");
        run(&format!("{{{{{marks}}}}}"), br#"{"a":[1]}"#);
    }

    #[test]
    fn json_prints_as_serde_json_prints_it(record in json()) {
        let Ok(parsed) = serde_json::from_str::<serde_json::Value>(&record) else { return Ok(()) };
        let scope = Scope { record: Some(record.as_bytes()), ..Scope::default() };
        let printed = Template::compile("{{{jsonSerialize record}}}", Place::Raw).unwrap().render(&scope).unwrap();
        let again: serde_json::Value = serde_json::from_str(&printed).unwrap();
        // Keys that stand twice are printed twice; the last one counts for both.
        prop_assert!(same(&again, &parsed), "{} became {}", record, printed);
    }

    #[test]
    fn any_bytes_are_a_record_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..64), text in "[\\[\\]{}:,\"\\\\0-9eE.+a-z -]{0,40}") {
        run("{{record}}{{a}}", &bytes);
        run("{{record}}{{a}}", text.as_bytes());
        run("{{a}}", text.as_bytes());
    }

    #[test]
    fn patterns_find_what_another_engine_finds(pattern in "([ab.]|\\\\[dwsb]|\\[[ab^-]{1,3}\\]|\\((\\?:|\\?=|\\?!|\\?<=|\\?<!)?[ab|]{1,4}\\)|[ab][*+?]\\??|\\(a\\|b\\)[*+?]|\\\\1|\\^|\\$|[ab]\\{1,2\\}){1,6}", text in "[ab1 \\n]{0,12}", flags in "i?m?s?") {
        use crate::template::pattern::{Matcher, Pattern};
        let ours = Pattern::new(&pattern, &flags);
        let theirs = regress::Regex::with_flags(&pattern, flags.as_str());
        prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "/{}/{}", pattern, flags);
        if let (Ok(ours), Ok(theirs)) = (ours, theirs) {
            let ours = Matcher::new(&ours, &text).find(0).unwrap();
            let theirs = theirs.find(&text);
            let ours = ours.map(|found| (0..found.groups()).map(|number| found.group(number)).collect::<Vec<_>>());
            let theirs = theirs.map(|found| found.groups().collect::<Vec<_>>());
            prop_assert_eq!(ours, theirs, "/{}/{} on {:?}", pattern, flags, text);
        }
    }
}

/// Equal, numbers as doubles: `0e0` prints as `0`.
fn same(one: &serde_json::Value, two: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Number, Object};
    match (one, two) {
        (Number(one), Number(two)) => one.as_f64() == two.as_f64(),
        (Array(one), Array(two)) => {
            one.len() == two.len() && one.iter().zip(two).all(|(one, two)| same(one, two))
        }
        (Object(one), Object(two)) => {
            let keys =
                || one.iter().zip(two).all(|((name, one), (other, two))| name == other && same(one, two));
            one.len() == two.len() && keys()
        }
        _ => one == two,
    }
}

/// Few by default: the suite runs often.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(400)
}
