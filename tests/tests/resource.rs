//! The resource on a real API server: what it refuses, in which words, what it fills in, and how
//! it shows. What is refused there is refused offline with the same words, and nothing else is.

#[path = "resource/pairs.rs"]
mod pairs;
#[path = "resource/server.rs"]
mod server;

use std::collections::BTreeSet;

use crds::HubSpotListenerSpec;
use language::manifest::{Manifests, Source};
use serde_json::{Value, json};

use pairs::{PAIRS, bare, manifest, minimal, with};
use server::{Said, Server};

/// A rule of the definition: the field that it speaks of, `[]` for any item, and its message.
type Rule = (String, String);

/// Every rule of the definition, from the definition itself.
fn rules() -> BTreeSet<Rule> {
    let definition = serde_json::to_value(crds::definition::custom_resource_definition()).unwrap();
    let schema = definition.pointer("/spec/versions/0/schema/openAPIV3Schema").unwrap();
    let mut rules = BTreeSet::new();
    collect(schema, "", &mut rules);
    rules
}

fn collect(schema: &Value, path: &str, rules: &mut BTreeSet<Rule>) {
    for rule in schema.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten() {
        let within = rule.get("fieldPath").and_then(Value::as_str).unwrap_or_default();
        rules.insert((format!("{path}{within}"), rule["message"].as_str().unwrap().to_owned()));
    }
    if let Some(items) = schema.get("items") {
        collect(items, &format!("{path}[]"), rules);
    }
    for (name, below) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let dot = if path.is_empty() { "" } else { "." };
        collect(below, &format!("{path}{dot}{name}"), rules);
    }
}

/// `spec.destinations[3].name` as a rule's path has it.
fn any_item(field: &str) -> String {
    let mut path = String::new();
    let mut within = false;
    for c in field.chars() {
        within = (within || c == '[') && c != ']';
        if !within || c == '[' {
            path.push(c);
        }
    }
    path
}

/// What is said offline of the same manifest: what `operator check` prints, field by field.
fn offline(manifest: &Value) -> Vec<Said> {
    let text = serde_json::to_string(manifest).unwrap();
    let source = Source { file: "listener.yaml".to_owned(), text };
    let mistakes = Manifests::parse(&[source]).mistakes.into_iter();
    mistakes
        .map(|mistake| Said {
            field: mistake.field,
            message: format!("{}; {}", mistake.reason, mistake.remedy),
        })
        .collect()
}

/// What is said by a rule of the definition. The server writes `Invalid value: <the value>: `
/// before a rule's message, and nothing after it.
fn by_rule(said: &[Said], rules: &BTreeSet<Rule>) -> BTreeSet<Rule> {
    let of_rules = said.iter().filter_map(|one| {
        let (_, message) = rules.iter().find(|(_, message)| {
            let before = one.message.strip_suffix(message.as_str());
            before.is_some_and(|before| before.is_empty() || before.ends_with(": "))
        })?;
        Some((one.field.clone(), message.clone()))
    });
    of_rules.collect()
}

fn fields(said: &[Said]) -> BTreeSet<&str> {
    said.iter().map(|one| one.field.as_str()).collect()
}

#[test]
fn each_rule_refuses_on_the_server_what_the_check_refuses_and_in_the_same_words() {
    let Some(server) = Server::start() else { return };
    let rules = rules();
    let mut hit: BTreeSet<Rule> = BTreeSet::new();
    let mut wrong: Vec<String> = Vec::new();
    for pair in PAIRS {
        let (bad, good) = (manifest(with(pair.at, (pair.bad)())), manifest(with(pair.at, (pair.good)())));
        let (said, here) = (server.create(&bad).expect_err(pair.name), offline(&bad));
        // The same fields, whoever words it: of ranges and enums the server has words of its own.
        if fields(&said) != fields(&here) || by_rule(&said, &rules) != by_rule(&here, &rules) {
            wrong.push(format!("{}: the server says {said:?}, the check {here:?}", pair.name));
        }
        hit.extend(by_rule(&said, &rules).into_iter().map(|(field, rule)| (any_item(&field), rule)));
        if let Err(said) = server.create(&good) {
            wrong.push(format!("{}: the server refuses the good one: {said:?}", pair.name));
        }
        if !offline(&good).is_empty() {
            wrong.push(format!("{}: the check refuses the good one: {:?}", pair.name, offline(&good)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // The rule on the name is on the whole object, of which the server names no field.
    let mut bad = manifest(minimal());
    bad["metadata"]["name"] = "con.tacts".into();
    let (said, here) = (server.create(&bad).unwrap_err(), offline(&bad));
    assert_eq!(fields(&here), BTreeSet::from(["metadata.name"]));
    let message = |said: &[Said]| by_rule(said, &rules).into_iter().map(|(_, rule)| rule).collect::<Vec<_>>();
    assert_eq!(message(&said), message(&here), "{said:?}");
    hit.extend(message(&said).into_iter().map(|rule| (String::new(), rule)));

    let missed: Vec<&Rule> = rules.difference(&hit).collect();
    assert!(missed.is_empty(), "no pair hits {missed:#?}");
    assert!(rules.len() > 30, "{} rules", rules.len());
}

#[test]
fn defaults_that_the_server_fills_in_are_those_of_the_types() {
    let Some(server) = Server::start() else { return };
    for spec in [minimal(), bare()] {
        let typed: HubSpotListenerSpec = serde_json::from_value(spec.clone()).unwrap();
        let made = server.create(&manifest(spec)).unwrap();
        assert_eq!(made["spec"], serde_json::to_value(&typed).unwrap());
    }
}

#[test]
fn a_value_that_is_left_empty_gets_its_default_on_both_sides() {
    let Some(server) = Server::start() else { return };
    let spec = with("/page", json!({"size": null, "lingerMilliseconds": 0}));
    assert_eq!(offline(&manifest(spec.clone())).len(), 0);
    let made = server.create(&manifest(spec)).unwrap();
    assert_eq!(made["spec"]["page"], json!({"size": 20, "lingerMilliseconds": 0}));
}

#[test]
fn an_unknown_field_is_refused_by_kubectl_and_by_the_check() {
    let Some(server) = Server::start() else { return };
    let mut bad = manifest(with("/destinations", json!([{"name": "audit", "log": {}, "concurency": 4}])));
    bad["metadata"]["namespace"] = server.namespace.as_str().into();
    let said = server
        .cluster
        .kubectl_with(&["create", "--dry-run=server", "--validate=strict", "-f", "-"], &bad.to_string())
        .refused();
    assert!(said.contains("spec.destinations[0].concurency"), "{said}");
    assert_eq!(offline(&bad)[0].field, "spec.destinations[0].concurency");
}

#[test]
fn kubectl_explains_every_field() {
    let Some(server) = Server::start() else { return };
    let explain = |field: &str| server.cluster.kubectl(&["explain", field]).ok();
    for (field, words) in [
        ("hsl", "An address that HubSpot can post webhooks to, and where their events go."),
        ("hsl.spec.clientSecrets", "any of them may have signed a request"),
        ("hsl.spec.page.size", "no upper limit, but a page is also cut at 5 MB"),
        ("hsl.spec.destinations.http.format", "Shape of the body."),
        ("hsl.status.openErrors", "Records that a destination did not take."),
    ] {
        let text = explain(field).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(words), "{field}: {text}");
        assert!(!text.contains("<no description>") && !text.contains("<empty>"), "{field}: {text}");
    }
}

#[test]
fn kubectl_get_shows_what_one_looks_for() {
    let Some(server) = Server::start() else { return };
    let mut listener = manifest(minimal());
    listener["metadata"]["namespace"] = server.namespace.as_str().into();
    server.cluster.apply(&listener.to_string());
    let status = json!({"status": {
        "url": "https://hooks.example.com/sales/contacts", "pendingRecords": 12, "openErrors": 2,
        "conditions": [{
            "type": "Ready", "status": "True", "reason": "Ready", "message": "1 of 1 pods ready",
            "lastTransitionTime": "2026-11-25T08:00:00Z", "observedGeneration": 1,
        }],
    }});
    let patch = status.to_string();
    let namespace = server.namespace.as_str();
    server
        .cluster
        .kubectl(&[
            "patch",
            "hsl",
            "contacts",
            "-n",
            namespace,
            "--subresource=status",
            "--type=merge",
            "-p",
            &patch,
        ])
        .ok();
    let rows = |arguments: &[&str]| {
        let printed = server.cluster.kubectl(&[&["get", "-n", namespace], arguments].concat()).ok();
        printed
            .lines()
            .map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
            .collect::<Vec<_>>()
    };
    let short = rows(&["hsl"]);
    assert_eq!(short[0], ["NAME", "READY", "URL", "PENDING", "ERRORS", "AGE"]);
    assert_eq!(short[1][..5], ["contacts", "True", "https://hooks.example.com/sales/contacts", "12", "2"]);
    let wide = rows(&["hubspot", "-o", "wide"]);
    assert_eq!(wide[0][6..], ["REASON", "MESSAGE"]);
    assert_eq!(wide[1][6..].join(" "), "Ready 1 of 1 pods ready");
}
