//! Settings as a whole: layers, defaults, the schema, and what does not run away.

use std::time::{Duration, Instant};

use crds::HubSpotListenerSpec;
use crds::condition::Reason;
use rstest::rstest;
use serde_json::{Value, json};

use super::{ConfigMaps, check, merge};

#[expect(clippy::needless_pass_by_value, reason = "a test writes them where it calls")]
fn spec(settings: Value, schema: Value) -> HubSpotListenerSpec {
    serde_json::from_value(json!({
        "displayName": "Contacts",
        "clientSecrets": [{"name": "app", "key": "secret"}],
        "destinations": [{"name": "audit", "log": {}}],
        "settings": settings,
        "settingsFrom": [{"scope": "integration", "configMapKeyRef": {"name": "crm", "key": "settings.json"}}],
        "settingsSchema": schema,
    }))
    .unwrap()
}

fn maps(text: &str) -> ConfigMaps {
    ConfigMaps::from([(("crm".to_owned(), "settings.json".to_owned()), text.to_owned())])
}

fn merged(settings: Value, schema: Value, shared: &str) -> Result<String, Vec<String>> {
    match merge(&spec(settings, schema), &maps(shared)) {
        Ok(settings) => Ok(settings.text().to_owned()),
        Err(refusals) => Err(refusals.iter().map(ToString::to_string).collect()),
    }
}

fn accepted(settings: Value, schema: Value, shared: &str) -> String {
    merged(settings, schema, shared).unwrap()
}

fn refused(settings: Value, schema: Value, shared: &str) -> Vec<String> {
    merged(settings, schema, shared).unwrap_err()
}

#[test]
fn own_settings_win_over_shared_ones_member_by_member() {
    let own = json!({"integration": {"region": "us"}, "a": 1, "list": [1]});
    assert_eq!(
        accepted(own, json!({}), r#"{"region":"eu","owner":"crm","list":[2,3]}"#),
        r#"{"integration":{"region":"us","owner":"crm","list":[2,3]},"a":1,"list":[1]}"#
    );
}

#[test]
fn numbers_of_a_config_map_keep_their_digits() {
    let shared =
        r#"{"big": 123456789012345678901234567890, "neat": 1.10, "far": 1e300, "e":[9007199254740993]}"#;
    assert_eq!(
        accepted(json!({}), Value::Null, shared),
        r#"{"integration":{"big":123456789012345678901234567890,"neat":1.10,"far":1e300,"e":[9007199254740993]}}"#
    );
}

#[test]
fn odd_names_and_texts_come_through() {
    let shared = r#"{"a\"b\n":"\u00e9\"","a":1,"a":2,"":{}}"#;
    let settings: Value = serde_json::from_str(&accepted(json!({}), Value::Null, shared)).unwrap();
    assert_eq!(settings, json!({"integration": {"a\"b\n": "é\"", "a": 2, "": {}}}));
}

#[test]
fn a_config_map_that_is_missing_or_no_object_is_refused() {
    let missing = merge(&spec(json!({}), Value::Null), &ConfigMaps::new()).unwrap_err();
    assert_eq!(
        missing[0].to_string(),
        "spec.settingsFrom[0].configMapKeyRef: ConfigMap crm has no key settings.json, or is not there; \
         make the ConfigMap with that key, or correct the reference"
    );
    for text in ["[1]", "{", "", "{\"a\":1} x", &"[".repeat(100_000)] {
        let refusals = refused(json!({}), Value::Null, text);
        assert!(refusals[0].contains("ConfigMap crm key settings.json is no JSON object"), "{refusals:?}");
    }
}

#[test]
fn a_violation_names_its_path_and_where_to_mend_it() {
    let schema = json!({
        "properties": {
            "integration": {
                "properties": {"region": {"enum": ["eu", "us"]}, "port": {"type": "integer"}},
                "required": ["owner"],
                "additionalProperties": false,
            },
            "limit": {"maximum": 10},
        },
    });
    let shared = r#"{"region":"mars","port":"secret-port","regoin":1}"#;
    let refusals = refused(json!({"limit": 11}), schema, shared);
    assert!(
        refusals.iter().any(|refusal| refusal
            == "settings.integration.port: the value is not of type \"integer\"; \
                correct it in key settings.json of ConfigMap crm, or change spec.settingsSchema"),
        "{refusals:#?}"
    );
    for start in [
        "settings.integration.region: the value is not one of \"eu\" or \"us\"; correct it in key",
        "settings.integration.owner: settingsSchema requires this member; add it in key settings.json of ConfigMap crm",
        "settings.integration: settingsSchema has no member regoin, owner; remove it",
        "settings.limit: the value is greater than the maximum of 10; correct it in spec.settings,",
    ] {
        let start = start.replace("regoin, owner", "regoin");
        assert!(refusals.iter().any(|refusal| refusal.starts_with(&start)), "{start}\n{refusals:#?}");
    }
    assert!(!refusals.concat().contains("secret-port"), "a refusal never shows a value");
}

#[test]
fn defaults_are_filled_where_a_member_of_an_object_is_absent() {
    let schema = json!({
        "properties": {
            "region": {"default": "eu"},
            "kept": {"default": 1},
            "null": {"default": 1},
            "made": {"default": {}, "properties": {"deep": {"default": {"a": [1]}}}},
            "absent": {"properties": {"never": {"default": 1}}},
            "list": {"items": {"properties": {"n": {"default": 7}}}},
            "by": {"$ref": "#/$defs/by"},
            "map": {"additionalProperties": {"properties": {"m": {"default": true}}}},
            "integration": {"allOf": [{"properties": {"owner": {"default": "crm"}}}]},
        },
        "$defs": {"by": {"default": "ref"}},
    });
    let own = json!({"kept": 2, "null": null, "list": [{}, {"n": 1}, 5], "map": {"x": {}}});
    let settings: Value = serde_json::from_str(&accepted(own, schema, "{}")).unwrap();
    assert_eq!(
        settings,
        json!({
            "region": "eu", "kept": 2, "null": null, "made": {"deep": {"a": [1]}},
            "list": [{"n": 7}, {"n": 1}, 5], "by": "ref", "map": {"x": {"m": true}},
            "integration": {"owner": "crm"},
        })
    );
}

#[test]
fn defaults_are_judged_too_and_meet_required() {
    let schema = json!({"properties": {"n": {"type": "string", "default": 5}}, "required": ["n"]});
    assert_eq!(
        refused(json!({}), schema, "{}"),
        [
            "settings.n: the value is not of type \"string\"; correct it in spec.settings, or change spec.settingsSchema"
        ]
    );
    accepted(json!({}), json!({"properties": {"n": {"default": 5}}, "required": ["n"]}), "{}");
}

#[rstest]
#[case(json!({"type": "strin"}), "spec.settingsSchema.type: this is no JSON Schema: ")]
#[case(json!({"properties": {"a": {"pattern": "("}}}), "spec.settingsSchema.properties.a.pattern: ")]
#[case(json!({"properties": {"a": {"pattern": "(?=x)"}}}), "spec.settingsSchema.properties.a.pattern: ")]
#[case(json!({"properties": {"a": {"pattern": "(a{1000}){1000}"}}}), "spec.settingsSchema.properties.a.pattern: ")]
#[case(json!({"$ref": "https://example.com/schema.json"}), "spec.settingsSchema.$ref: a schema refers only to its own parts: nothing is fetched; put")]
#[case(json!({"properties": {"a": {"$ref": "file:///etc/passwd"}}}), "spec.settingsSchema.properties.a.$ref: a schema refers only")]
#[case(json!({"items": [{"$ref": "other.json"}]}), "spec.settingsSchema.items[0].$ref: ")]
#[case(json!({"$dynamicRef": "#x"}), "spec.settingsSchema.$dynamicRef: this keyword is not offered")]
#[case(json!({"$defs": {"a": {"$id": "https://example.com/"}}}), "spec.settingsSchema.$defs.a.$id: only the schema as a whole")]
#[case(json!({"$ref": "#/$defs/none"}), "spec.settingsSchema")]
#[case(json!({"$schema": "https://example.com/own"}), "spec.settingsSchema")]
#[case(json!({"allOf": [{"$ref": "#"}]}), "spec.settingsSchema: to fill its defaults in has no end")]
#[case(json!({"not": {"$ref": "#"}}), "spec.settingsSchema: it refers to itself without end")]
#[case(json!({"$ref": "#/$defs/a", "$defs": {"a": {"not": {"$ref": "#/$defs/a"}}}}), "spec.settingsSchema: it refers to itself")]
#[case(json!({"properties": {"a": {"$ref": "#", "default": {}}}}), "spec.settingsSchema: to fill its defaults in has no end")]
fn a_schema_that_is_wrong_is_refused_with_its_place(#[case] schema: Value, #[case] start: &str) {
    let refusals = refused(json!({}), schema.clone(), "{}");
    assert!(refusals[0].starts_with(start), "{refusals:?}");
    assert_eq!(check(&spec(json!({}), schema), &ConfigMaps::new())[0].to_string(), refusals[0]);
}

#[test]
fn work_that_doubles_at_each_level_is_refused_before_it_is_done() {
    let start = Instant::now();
    let doubling = |part: &str, below: fn(Value) -> Value| {
        let names = (0..40).map(|at| {
            let next = json!({"$ref": format!("#/$defs/d{}", at + 1)});
            (format!("d{at}"), json!({part: [below(next.clone()), below(next)]}))
        });
        let mut schema = json!({"$ref": "#/$defs/d0", "$defs": {"d40": {"type": "object"}}});
        schema["$defs"].as_object_mut().unwrap().extend(names);
        schema
    };
    let deep = |depth: usize| (0..depth).fold(json!({}), |value, _| json!({"x": value}));
    for (schema, own) in [
        (doubling("allOf", |next| next), json!({})),
        (doubling("anyOf", |next| next), json!({})),
        (doubling("oneOf", |next| json!({"properties": {"x": next}})), deep(60)),
        (doubling("allOf", |next| json!({"additionalProperties": next})), deep(60)),
    ] {
        let refusals = refused(own, schema, "{}");
        assert!(refusals[0].contains("takes more than "), "{refusals:?}");
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn a_schema_for_a_tree_works_and_the_deepest_does_not_overflow() {
    let tree = json!({
        "$defs": {"node": {"properties": {"below": {"items": {"$ref": "#/$defs/node"}}, "n": {"type": "integer"}}}},
        "properties": {"tree": {"$ref": "#/$defs/node"}},
    });
    accepted(json!({"tree": {"n": 1, "below": [{"n": 2, "below": []}]}}), tree.clone(), "{}");
    let refusals = refused(json!({"tree": {"below": [{"n": "x"}]}}), tree, "{}");
    assert!(refusals[0].starts_with("settings.tree.below[0].n: "), "{refusals:?}");

    // A chain of references as long as a schema may be.
    let chain = |length: usize| {
        let mut schema = json!({"properties": {"never": {"$ref": "#/$defs/c0"}}, "$defs": {}});
        for at in 0..length {
            let next = json!({"properties": {"x": {"$ref": format!("#/$defs/c{}", at + 1)}}});
            schema["$defs"][format!("c{at}")] = next;
        }
        schema["$defs"][format!("c{length}")] = json!({});
        schema
    };
    accepted(json!({"a": 1}), chain(1_300), "{}");
    let refusals = refused(json!({}), chain(2_000), "{}");
    assert!(refusals[0].contains("more than 4000 objects and lists"), "{refusals:?}");
    let nested = (0..100).fold(json!({}), |schema, _| json!({"not": schema}));
    let _ = merged(json!({}), nested, "{}");
}

#[test]
fn many_violations_are_told_up_to_a_number() {
    let own: serde_json::Map<_, _> = (0..1_000).map(|at| (format!("m{at}"), json!("x"))).collect();
    let refusals = refused(own.into(), json!({"additionalProperties": {"type": "integer"}}), "{}");
    assert_eq!(refusals.len(), 17);
}

#[test]
fn what_a_missing_config_map_may_still_mend_is_no_mistake() {
    let schema = json!({
        "required": ["integration"],
        "properties": {
            "integration": {"required": ["region"], "properties": {"port": {"type": "integer"}}, "additionalProperties": false},
            "own": {"type": "integer"},
        },
        "minProperties": 3,
        "additionalProperties": false,
    });
    let unknown = |settings: Value| -> Vec<String> {
        check(&spec(settings, schema.clone()), &ConfigMaps::new())
            .into_iter()
            .map(|refusal| refusal.field)
            .collect()
    };
    assert_eq!(unknown(json!({})), [""; 0]);
    assert_eq!(unknown(json!({"integration": {"port": 1}})), [""; 0]);
    assert_eq!(unknown(json!({"own": "x"})), ["settings.own"]);
    assert_eq!(unknown(json!({"integration": {"port": "x"}})), ["settings.integration.port"]);
    assert_eq!(unknown(json!({"integration": {"prot": 1}})), ["settings.integration"]);
    assert_eq!(unknown(json!({"onw": 1})), ["settings"]);
    let known = check(&spec(json!({"own": 1}), schema.clone()), &maps(r#"{"port":1}"#));
    let fields: Vec<&str> = known.iter().map(|refusal| refusal.field.as_str()).collect();
    assert!(fields.contains(&"settings.integration.region") && fields.contains(&"settings"), "{fields:?}");
}

#[test]
fn each_refusal_has_the_reason_of_its_condition() {
    let reason = |schema: Value, shared: &str| {
        super::reason(&merge(&spec(json!({"n": 1}), schema), &maps(shared)).unwrap_err()[0])
    };
    assert_eq!(reason(json!({}), "[]"), Reason::SettingsInvalid);
    assert_eq!(reason(json!({"type": 5}), "{}"), Reason::InvalidSettingsSchema);
    assert_eq!(reason(json!({"properties": {"n": false}}), "{}"), Reason::SettingsAgainstSchema);
}
