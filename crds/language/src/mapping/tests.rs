//! Transforms as they are written, on records as they come.

use bytes::Bytes;
use crds::listener::Transform;
use serde_json::{Value, json};

use super::{Mapping, MappingError};
use crate::manifest::{Manifests, Source};

fn mapping(transform: &Value) -> Mapping {
    let transform: Transform = serde_json::from_value(transform.clone()).unwrap();
    Mapping::compile(&transform).unwrap_or_else(|wrong| panic!("{transform:?}: {wrong:?}"))
}

fn apply(transform: &Value, record: &str) -> Result<String, MappingError> {
    let record = Bytes::copy_from_slice(record.as_bytes());
    let mapped = mapping(transform).apply(
        &record,
        &json!({"region": "eu"}).into(),
        &json!({"name": "contacts"}).into(),
    )?;
    Ok(String::from_utf8(mapped.to_vec()).unwrap())
}

#[track_caller]
fn gives(rules: &Value, record: &str, expected: &str) {
    assert_eq!(apply(&json!({"rules": rules}), record).as_deref(), Ok(expected), "{rules} on {record}");
}

#[track_caller]
fn fails(rules: &Value, record: &str, code: &str, message: &str) {
    let error = apply(&json!({"rules": rules}), record).unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), (code, message));
}

/// The refusals of a transform: field, and text.
fn refusals(transform: &Value) -> Vec<String> {
    let transform: Transform = serde_json::from_value(transform.clone()).unwrap();
    crate::manifest::compile::transform_refusals("transform", &transform)
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn keep_leaves_what_it_names_in_the_records_order() {
    let record = r#"{"a":1, "b":{"c" : 2,"d":3,"e":{}},"f":[1,2,3],"g":null}"#;
    gives(&json!([{"keep": ["f", "a"]}]), record, r#"{"a":1,"f":[1,2,3]}"#);
    gives(&json!([{"keep": ["b.d", "record.g", "f.1"]}]), record, r#"{"b":{"d":3},"f":[2],"g":null}"#);
    gives(&json!([{"keep": ["b", "b.c"]}]), record, r#"{"b":{"c" : 2,"d":3,"e":{}}}"#);
    gives(&json!([{"keep": ["x", "a.y", "b.z"]}]), record, "{}");
}

#[test]
fn drop_takes_out_what_is_there() {
    let record = r#"{"a":1,"b":{"c":2,"d":[{"e":1},{"e":2}]}}"#;
    gives(&json!([{"drop": ["a", "x", "b.x.y", "a.z"]}]), record, r#"{"b":{"c":2,"d":[{"e":1},{"e":2}]}}"#);
    gives(&json!([{"drop": ["b.d.[0]", "b.d.0.e"]}]), record, r#"{"a":1,"b":{"c":2,"d":[{}]}}"#);
}

#[test]
fn rename_keeps_the_place_within_one_object_and_replaces_what_stands_there() {
    let record = r#"{"a":1,"b":2,"c":{"d":3}}"#;
    let rename = |from: &str, to: &str| json!([{"rename": {"from": from, "to": to}}]);
    gives(&rename("a", "z"), record, r#"{"z":1,"b":2,"c":{"d":3}}"#);
    gives(&rename("b", "a"), record, r#"{"a":2,"c":{"d":3}}"#);
    gives(&rename("a", "c.e"), record, r#"{"b":2,"c":{"d":3,"e":1}}"#);
    gives(&rename("c.d", "d"), record, r#"{"a":1,"b":2,"c":{},"d":3}"#);
    gives(&rename("c.d", "c"), record, r#"{"a":1,"b":2,"c":3}"#);
    gives(&rename("a", "a.b"), record, r#"{"b":2,"c":{"d":3},"a":{"b":1}}"#);
    gives(&rename("x", "y"), record, record);
    gives(&rename("a", "new.[odd \"name\"]"), record, r#"{"b":2,"c":{"d":3},"new":{"odd \"name\"":1}}"#);
    gives(&rename("a.0", "a.1"), r#"{"a":[1,2,3]}"#, r#"{"a":[2,1]}"#);
}

#[test]
fn set_replaces_in_place_and_adds_at_the_end() {
    let record = r#"{"a":1,"n":null,"l":[1]}"#;
    let set = |field: &str, json: &str| json!([{"set": {"field": field, "json": json}}]);
    gives(&set("a", "[1, 2]"), record, r#"{"a":[1, 2],"n":null,"l":[1]}"#);
    gives(&set("b.c", " true\n"), record, r#"{"a":1,"n":null,"l":[1],"b":{"c":true}}"#);
    gives(&set("n.x", "1"), record, r#"{"a":1,"n":{"x":1},"l":[1]}"#);
    gives(&set("l.1", "2"), record, r#"{"a":1,"n":null,"l":[1,2]}"#);
    gives(&set("l.0", "9"), record, r#"{"a":1,"n":null,"l":[9]}"#);
    gives(
        &json!([{"set": {"field": "t", "text": "{{a}} \"{{settings.region}}\"\n{{listener.name}}"}}]),
        record,
        r#"{"a":1,"n":null,"l":[1],"t":"1 \"eu\"\ncontacts"}"#,
    );
    gives(
        &json!([{"set": {"field": "t", "json": "{\"a\": {{a}}, \"s\": \"{{settings.region}}\"}"}}]),
        record,
        r#"{"a":1,"n":null,"l":[1],"t":{"a": 1, "s": "eu"}}"#,
    );
}

#[test]
fn rules_run_in_order_and_templates_see_the_record_as_it_came() {
    gives(
        &json!([
            {"keep": ["b"]},
            {"rename": {"from": "b", "to": "c"}},
            {"set": {"field": "d", "text": "{{a}}{{b}}{{c}}"}},
            {"set": {"field": "e", "json": "{\"x\":1,\"y\":2}"}},
            {"drop": ["e.x"]}
        ]),
        r#"{"a":1,"b":2}"#,
        r#"{"c":2,"d":"12","e":{"y":2}}"#,
    );
}

#[test]
fn what_no_rule_touches_stays_as_it_was_written() {
    let record = "{\"id\": 123456789012345678901234567890, \"f\":1.10e+2 ,\n \"s\":\"\\u00e9\\/é\", \"o\":{\"b\" :1,\"b\": 2}, \"x\":0}";
    gives(
        &json!([{"drop": ["x"]}]),
        record,
        "{\"id\":123456789012345678901234567890,\"f\":1.10e+2,\"s\":\"\\u00e9\\/é\",\"o\":{\"b\" :1,\"b\": 2}}",
    );
}

#[test]
fn names_are_compared_by_what_they_mean_and_the_last_of_a_repeated_name_counts() {
    gives(&json!([{"drop": ["id"]}]), r#"{"\u0069d":1,"a":1,"b":2,"a":3}"#, r#"{"b":2,"a":3}"#);
    gives(&json!([{"rename": {"from": "a", "to": "c"}}]), r#"{"a":1,"b":2,"a":3}"#, r#"{"b":2,"c":3}"#);
    gives(
        &json!([{"keep": ["record.record", "record.settings"]}]),
        r#"{"record":1,"settings":2,"a":3}"#,
        r#"{"record":1,"settings":2}"#,
    );
}

#[test]
fn a_rule_overwrites_nothing_that_it_was_not_told_to() {
    let set = |field: &str| json!([{"drop": ["x"]}, {"set": {"field": field, "json": "1"}}]);
    let record = r#"{"a":{"b":"text"},"l":[1]}"#;
    fails(
        &set("a.b.c"),
        record,
        "transform_in_the_way",
        "rule 2: `a.b` is text, and a field cannot be put into it",
    );
    fails(
        &set("l.2"),
        record,
        "transform_in_the_way",
        "rule 2: the list `l` has 1 elements, so that `2` cannot be set in it",
    );
    fails(
        &json!([{"rename": {"from": "a", "to": "l.0.x"}}]),
        record,
        "transform_in_the_way",
        "rule 1: `l.0` is a number, and a field cannot be put into it",
    );
}

#[test]
fn a_template_gives_one_document_and_escapes_within_strings() {
    let template = |template: &str, record: &str| apply(&json!({"template": template}), record);
    let record =
        r#"{"objectId":12345678901234567890123,"name":"O\"Neil \\ \n","tags":["a","b"],"o":{"x":1}}"#;
    assert_eq!(
        template(
            " {\"id\": {{objectId}}, \"name\": \"{{name}}\", \"o\": {{o}}, \"t\": {{jsonSerialize tags}}}\n",
            record
        )
        .as_deref(),
        Ok(r#"{"id": 12345678901234567890123, "name": "O\"Neil \\ \n", "o": {"x":1}, "t": ["a","b"]}"#)
    );
    assert_eq!(
        template(
            "{{#each tags}}{{#if @first}}[{{/if}}\"{{this}}\"{{#if @last}}]{{else}},{{/if}}{{/each}}",
            record
        )
        .as_deref(),
        Ok(r#"["a","b"]"#)
    );
    assert_eq!(template("{\"a\":1}", record).as_deref(), Ok("{\"a\":1}"));
}

#[test]
fn a_template_that_gives_no_json_is_an_error_of_the_record() {
    let error = |template: &str| apply(&json!({"template": template}), r#"{"a":"x\"y"}"#).unwrap_err();
    let seen = |error: MappingError| (error.code(), error.to_string());
    assert_eq!(
        seen(error("{{missing}} ")),
        (
            "transform_empty",
            "the template gave nothing for this record; JSON is expected, null at least".to_owned()
        )
    );
    assert_eq!(
        seen(error("{\n \"é\": {{missing}}}")),
        (
            "transform_not_json",
            "the template gave no JSON: a JSON value is expected, in line 2, column 7 of what it gave"
                .to_owned()
        )
    );
    assert_eq!(error("{\"a\": \"{{{a}}}\"}").code(), "transform_not_json");
    assert_eq!(error("{} {{a}}").code(), "transform_not_json");
    assert_eq!(error("{{{math}}}1{{divide 1 'x'}}").code(), "transform_error");
}

#[test]
fn mistakes_are_refused_with_their_field_place_and_remedy() {
    assert_eq!(
        refusals(&json!({"template": "{\"a\": {{#if x}}1}"})),
        [
            "transform.template: block if is not closed: `{{#if x}}` (line 1, column 7 of the template); close it with {{/if}}"
        ]
    );
    assert_eq!(
        refusals(&json!({"template": "{\"a\":\n  b}"})),
        [
            "transform.template: this is not JSON: a JSON value is expected: `b}` (line 2, column 3 of the JSON); \
          write JSON, with names and texts in double quotes"
        ]
    );
    assert_eq!(
        refusals(&json!({"rules": [
            {"keep": ["a", "a b"]},
            {"drop": ["../a", "settings.x", "record"]},
            {"rename": {"from": "a.", "to": "a.[b"}},
            {"set": {"field": "x", "json": " "}},
            {"set": {"field": "x", "text": "{{jion a}}"}}
        ]}))
        .len(),
        8
    );
    assert_eq!(
        refusals(&json!({"rules": [{"drop": ["settings.x"]}]})),
        [
            "transform.rules[0].drop[0]: rules change the record alone: `settings.x` (line 1, column 1 of the path); \
          write record.settings for a field of that name"
        ]
    );
    let long = vec!["a"; 17].join(".");
    assert_eq!(refusals(&json!({"rules": [{"drop": [long]}]})).len(), 1);
}

#[test]
fn a_mapping_ends_within_its_bounds() {
    // Too deep: by a literal, by a template, by rules.
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(refusals(&json!({"template": deep(129)})).len(), 1);
    assert!(refusals(&json!({"template": deep(128)})).is_empty());
    let record = format!("{{\"a\":{}}}", deep(100_000));
    assert_eq!(
        apply(&json!({"template": "{{jsonSerialize a}}"}), &record).unwrap_err().code(),
        "transform_too_deep"
    );
    gives(&json!([{"drop": ["x"]}]), &record, &record);
    let down = vec!["a"; 16].join(".");
    let rules: Vec<Value> = (0..64).map(|_| json!({"rename": {"from": "a", "to": down}})).collect();
    assert_eq!(apply(&json!({"rules": rules}), r#"{"a":1}"#).unwrap_err().code(), "transform_too_deep");
    // Too large: a record of 5 MiB, and a megabyte set again and again.
    let record = format!("{{\"a\":\"{}\"}}", "x".repeat(1_000_000));
    let rules: Vec<Value> =
        (0..10).map(|at| json!({"set": {"field": format!("b{at}"), "text": "{{a}}"}})).collect();
    assert_eq!(apply(&json!({"rules": rules}), &record).unwrap_err().code(), "transform_too_large");
    // Too many fields.
    let members: Vec<String> = (0..300_000).map(|at| format!("\"{at}\":1")).collect();
    let record = format!("{{{}}}", members.join(","));
    let rules: Vec<Value> = (0..64).map(|_| json!({"drop": ["a"]})).collect();
    assert_eq!(apply(&json!({"rules": rules}), &record).unwrap_err().code(), "transform_too_many_steps");
    // What is no record is an error, not a panic.
    for record in ["", "[1]", "{\"a\":", "7", "{\"a\" 1}"] {
        assert_eq!(
            apply(&json!({"rules": [{"drop": ["a"]}]}), record).unwrap_err().code(),
            "transform_no_object"
        );
    }
}

/// The fenced blocks of the page in one language.
fn blocks(language: &str) -> Vec<&'static str> {
    let page = include_str!("../../../../docs/mapping.md");
    let blocks = page.split("\n```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'));
    blocks.filter(|(known, _)| *known == language).map(|(_, block)| block).collect()
}

/// The transform in a piece of a manifest, which must be one without a mistake.
fn transform_of(piece: &str) -> Value {
    let text = format!(
        "apiVersion: hubspot-listener.dev/v1alpha1\nkind: HubSpotListener\nmetadata: {{name: contacts}}\n{piece}\n  \
         displayName: Contacts\n  clientSecrets: [{{name: a, key: b}}]\n"
    );
    let read = Manifests::parse(&[Source { file: "mapping.md".to_owned(), text }]);
    assert_eq!(read.mistakes, []);
    serde_json::to_value(&read.listeners[0].spec.destinations[0].transform).unwrap()
}

#[test]
fn the_examples_of_the_documentation_give_what_it_says() {
    let transforms: Vec<Value> = blocks("yaml").into_iter().map(transform_of).collect();
    let [rules, template] = transforms.as_slice() else { panic!("two examples") };
    let [record, sent] = blocks("json")[..] else { panic!("a record and what is sent") };
    assert_eq!(apply(rules, record).unwrap(), sent);
    let sent = apply(template, record).unwrap();
    let sent: Value = serde_json::from_str(&sent).unwrap();
    assert_eq!(sent["what"], "email is now a@example.com");
    assert_eq!(sent["raw"], serde_json::from_str::<Value>(record).unwrap());
}
