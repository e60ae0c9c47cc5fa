use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use language::clock::Clock;
use language::manifest::{Manifests, Source};

const HEAD: &str = "\
apiVersion: hubspot-listener.dev/v1alpha1
kind: HubSpotListener
metadata: {name: contacts, namespace: sales}
spec:
  displayName: Contacts
  clientSecrets: [{name: app, key: secret}]
";

fn previewed(spec: &str, events: &str) -> Preview {
    let text = format!("{HEAD}{spec}");
    let manifests = Manifests::parse(&[Source { file: "a.yaml".to_owned(), text }]);
    assert!(manifests.mistakes.is_empty(), "{:?}", manifests.mistakes);
    let ready = ready(&manifests.listeners[0], &manifests, None).unwrap();
    preview(&ready, &Bytes::copy_from_slice(events.as_bytes()), &Clock::manual(1_790_000_000_000))
}

fn as_json(preview: Preview) -> Value {
    let text = serde_json::to_string(&Report::new(vec![preview])).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["listeners"][0].clone()
}

fn pick<'a>(list: &'a Value, name: &str) -> Vec<&'a Value> {
    list.as_array().unwrap().iter().map(|item| &item[name]).collect()
}

const LOG: &str = "  destinations: [{name: audit, log: {}}]\n";

#[test]
fn each_event_is_a_record_a_duplicate_ignored_or_an_open_error() {
    let spec = format!("  filter: event.n > 0\n{LOG}");
    let seen = as_json(previewed(
        &spec,
        r#"[{"eventId":1,"n":1},{"eventId":2,"n":0},{"eventId":1,"n":1},5,{"eventId":3}]"#,
    ));
    let events = &seen["events"];
    assert_eq!(pick(events, "outcome"), ["record", "ignored", "duplicate", "error", "error"]);
    assert_eq!(events[1]["ignoredBy"], "listener");
    assert_eq!(events[2]["duplicateOf"], 0);
    assert_eq!(events[3]["error"]["code"], "not_an_object");
    assert_eq!(events[3]["event"], 5);
    assert_eq!(events[4]["error"]["class"], "value");
    assert_eq!(events[0]["destinations"][0]["page"], 1);
    assert_eq!(events[2]["destinations"], json!([]));
}

#[test]
fn a_body_that_is_not_json_is_the_open_error_that_it_would_become() {
    let seen = as_json(previewed(LOG, "nonsense"));
    assert_eq!(seen["events"][0]["error"]["code"], "not_json");
    assert_eq!(seen["events"][0]["event"], Value::Null);
    assert_eq!(seen["answer"]["status"], 204);
    assert_eq!(as_json(previewed(LOG, "[]"))["events"], json!([]));
}

#[test]
fn what_each_destination_leaves_out_is_ignored_by_the_destinations() {
    let spec = "  destinations: [{name: a, filter: event.n == 1, log: {}}, {name: b, filter: event.n == 2, log: {}}]\n";
    let seen = as_json(previewed(spec, r#"[{"n":1},{"n":3},{}]"#));
    assert_eq!(pick(&seen["events"], "outcome"), ["record", "ignored", "record"]);
    assert_eq!(pick(&seen["events"], "ignoredBy"), [&Value::Null, &json!("destinations"), &Value::Null]);
    assert_eq!(pick(&seen["events"][0]["destinations"], "outcome"), ["page", "skipped"]);
    assert_eq!(pick(&seen["events"][2]["destinations"], "outcome"), ["error", "error"]);
    assert_eq!(seen["events"][2]["destinations"][0]["error"]["code"], "filter_error");
}

#[test]
fn pages_end_by_size_by_bytes_and_by_time() {
    let spec = "  page: {size: 2}\n  destinations: [{name: a, http: {url: 'http://{{{settings.user}}}a.example/'}}]\n  settings: {user: 'u:geheim@'}\n";
    let seen = as_json(previewed(spec, r#"[{"n":1},{"n":2},{"n":3}]"#));
    let pages = &seen["destinations"][0]["pages"];
    assert_eq!(pick(pages, "closedBy"), ["size", "linger"]);
    assert_eq!(pick(pages, "bytes"), [17, 9]);
    assert_eq!(pick(pages, "events"), [&json!([0, 1]), &json!([2])]);
    assert_eq!(seen["destinations"][0]["url"], "http://a.example/", "a password is not shown");

    let large = format!(r#"{{"n":"{}"}}"#, "x".repeat(3 * 1024 * 1024));
    let pages = as_json(previewed(LOG, &format!("[{large},{{}},{}]", large.replace("\"n\"", "\"m\""))));
    assert_eq!(pick(&pages["destinations"][0]["pages"], "closedBy"), ["bytes", "linger"]);

    let huge = format!(r#"{{"n":"{}"}}"#, "x".repeat(6 * 1024 * 1024));
    let pages = as_json(previewed(LOG, &format!("[{{}},{huge},{{}}]")));
    assert_eq!(pick(&pages["destinations"][0]["pages"], "closedBy"), ["bytes", "oversized", "linger"]);
}

#[test]
fn events_and_records_keep_their_bytes() {
    let event = r#"{"big": 123456789012345678901234567890, "n":1.10, "n":2}"#;
    let text = serde_json::to_string(&Report::new(vec![previewed(LOG, &format!("[ {event} ]"))])).unwrap();
    assert_eq!(text.matches(event).count(), 2, "{text}");
}

#[test]
fn an_error_in_a_template_stands_beside_its_value() {
    let spec = format!(
        "  dataUriTemplate: '{{{{add a 1}}}}'\n  traceKeyTemplate: '{{{{add a 2}}}}'\n  response:\n    statusCode: 200\n    \
         body: '{{{{add \"x\" count}}}}'\n    headers: [{{name: x-a, value: '{{{{count}}}}'}}]\n{LOG}"
    );
    let seen = as_json(previewed(&spec, r#"[{"a":"x"},{"a":40}]"#));
    let [failed, good] = [&seen["events"][0], &seen["events"][1]];
    assert_eq!(good["dataUri"], json!({"value": "41", "error": null}));
    assert_eq!(good["traceKey"], json!({"value": "42", "error": null}));
    for name in ["dataUri", "traceKey"] {
        assert_eq!(failed[name]["value"], "");
        assert!(failed[name]["error"].as_str().unwrap().contains("add"), "{failed}");
    }
    let answer = &seen["answer"];
    assert_eq!((&answer["status"], &answer["body"]), (&json!(200), &json!("")));
    assert_eq!(answer["headers"], json!([{"name": "x-a", "value": "2"}]));
    assert_eq!(answer["errors"][0]["place"], "body");
}

#[test]
fn a_missing_config_map_is_said_and_its_scope_is_empty() {
    let spec = format!(
        "  settingsFrom: [{{scope: shared, configMapKeyRef: {{name: crm, key: settings.json}}}}]\n  \
         traceKeyTemplate: 'r={{{{settings.shared.region}}}}'\n{LOG}"
    );
    let seen = as_json(previewed(&spec, r#"[{"a":1}]"#));
    assert!(seen["notes"][0].as_str().unwrap().contains("settings.shared is empty here"), "{seen}");
    assert_eq!(seen["events"][0]["traceKey"]["value"], "r=");
}

#[test]
fn the_table_fits_120_columns_and_shows_no_control_character() {
    let spec = format!("  dataUriTemplate: 'https://x/{{{{{{a}}}}}}'\n{LOG}");
    let events = format!(
        r#"[{{"subscriptionType":"{}","a":"\u001b[31m{}"}},7,{{"portalId":1}}]"#,
        "t".repeat(300),
        "ü ".repeat(2000)
    );
    let shown = table(&previewed(&spec, &events), true);
    assert!(shown.lines().all(|line| line.chars().count() <= 120), "{shown}");
    assert!(!shown.contains('\u{1b}'), "{shown}");
    assert!(shown.contains("audit page 1"), "{shown}");
}

#[test]
fn two_previews_of_one_file_are_the_same() {
    let spec = format!("  response: {{statusCode: 200, body: '{{{{request.id}}}}'}}\n{LOG}");
    let events = include_str!("../sample/events.json");
    assert_eq!(as_json(previewed(&spec, events)), as_json(previewed(&spec, events)));
}
