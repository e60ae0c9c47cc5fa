//! Transforms: a template or rules, and each rule one thing.

use serde_json::{Value, json};

use super::{accepted, pair, with};

fn transform(transform: &Value) -> Value {
    json!([{"name": "audit", "log": {}, "transform": transform}])
}

fn rules(rules: &Value) -> Value {
    transform(&json!({"rules": rules}))
}

#[test]
fn a_transform_is_a_template_or_rules() {
    let text = "spec.destinations[0].transform: a transform is of exactly one kind; \
                write either template, or rules with at least one rule";
    let good = transform(&json!({"template": "{\"id\": {{objectId}}}"}));
    pair("/destinations", transform(&json!({})), text, good.clone());
    let both = json!({"template": "{}", "rules": [{"drop": ["a"]}]});
    pair("/destinations", transform(&both), text, good.clone());
    let empty = "spec.destinations[0].transform.rules: there is no rule here; \
                 write at least one, or remove the transform";
    pair("/destinations", rules(&json!([])), empty, good);
}

#[test]
fn a_rule_does_exactly_one_thing() {
    let text = "spec.destinations[0].transform.rules[1]: a rule does exactly one thing; \
                write one of keep, rename, drop and set, and a rule for each further step";
    let first = json!({"keep": ["objectId"]});
    for bad in [json!({}), json!({"keep": ["a"], "drop": ["b"]})] {
        pair("/destinations", rules(&json!([first, bad])), text, rules(&json!([first, {"drop": ["b"]}])));
    }
    accepted(&with(
        "/destinations",
        rules(&json!([
            {"keep": ["objectId", "properties.email"]},
            {"rename": {"from": "objectId", "to": "id"}},
            {"drop": ["a.[0]"]},
            {"set": {"field": "source", "text": "hubspot"}},
            {"set": {"field": "tags", "json": "[1]"}},
        ])),
    ));
}

#[test]
fn a_field_is_set_to_one_thing_and_renamed_to_another_name() {
    let field = "spec.destinations[0].transform.rules[0]";
    let text = format!(
        "{field}.set: a field is set to exactly one thing; \
         write either text, which becomes a JSON string, or json, which is JSON"
    );
    let good = rules(&json!([{"set": {"field": "a", "text": ""}}]));
    for bad in [json!({"field": "a"}), json!({"field": "a", "text": "b", "json": "1"})] {
        pair("/destinations", rules(&json!([{"set": bad}])), &text, good.clone());
    }
    pair(
        "/destinations",
        rules(&json!([{"rename": {"from": "a", "to": "a"}}])),
        &format!("{field}.rename: from and to are one field; write the field's new name into to"),
        rules(&json!([{"rename": {"from": "a", "to": "b"}}])),
    );
    pair(
        "/destinations",
        rules(&json!([{"keep": []}])),
        &format!("{field}.keep: no field would stay; name the fields that are to stay"),
        rules(&json!([{"keep": ["a"]}])),
    );
    pair(
        "/destinations",
        rules(&json!([{"drop": []}])),
        &format!("{field}.drop: no field would go; name the fields that are to go, or remove the rule"),
        rules(&json!([{"drop": ["a"]}])),
    );
}

#[test]
fn a_transform_has_bounds() {
    let many = |count: usize| rules(&(0..count).map(|_| json!({"drop": ["a"]})).collect());
    let text = "spec.destinations[0].transform.rules: 65 items are too many; keep at most 64";
    pair("/destinations", many(65), text, many(64));
    let long = |count: usize| rules(&json!([{"drop": ["a".repeat(count)]}]));
    let text = "spec.destinations[0].transform.rules[0].drop[0]: 257 characters are too many; \
                write at most 256 characters";
    pair("/destinations", long(257), text, long(256));
}
