//! From a signed request to a delivered page, on real input: every event and
//! every batch of the fixtures arrives byte for byte, and the answer is what the
//! manifest says.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;
use tests::{ListenerProcess, Receiver, Setup, eventually, fixture, fixture_bytes};

fn start(receiver: &Receiver, format: &str) -> ListenerProcess {
    Setup::listener(&format!(
        "  page: {{size: 7, lingerMilliseconds: 0}}\n  destinations:\n  - name: warehouse\n    concurrency: 1\n    \
         http: {{url: '{}', format: {format}}}\n",
        receiver.url("/")
    ))
    .start()
}

/// Elements of a body as raw text; serde_json's own RawValue, not the listener's splitter.
fn elements(body: &[u8]) -> Vec<String> {
    if let Ok(list) = serde_json::from_slice::<Vec<&RawValue>>(body) {
        return list.into_iter().map(|raw| raw.get().to_owned()).collect();
    }
    vec![serde_json::from_slice::<&RawValue>(body).expect("one element").get().to_owned()]
}

fn batches() -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(fixture("hubspot/batches"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    assert_eq!(files.len(), 14);
    files
        .into_iter()
        .map(|path| {
            (
                path.file_stem().expect("a name").to_string_lossy().into_owned(),
                std::fs::read(&path).expect("a file"),
            )
        })
        .collect()
}

/// Distinct elements, in order; by the shape of the fixtures only an exact or an `attemptNumber` twin repeats.
fn distinct(elements: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    let key = |text: &String| {
        let mut value: Value = serde_json::from_str(text).expect("JSON");
        let has_id = value.get("eventId").is_some();
        value.as_object_mut().map(|object| object.remove("attemptNumber"));
        (has_id, value.to_string())
    };
    elements
        .into_iter()
        .filter(|text| {
            let (has_id, key) = key(text);
            !has_id || seen.insert(key)
        })
        .collect()
}

fn all_arrived(listener: &ListenerProcess) {
    eventually(20, "all is handed on", || {
        let done = listener.count("unindexedBytes") == 0 && listener.count("pendingRecords") == 0;
        done.then_some(())
    });
}

#[test]
fn every_batch_arrives_byte_for_byte_in_order_and_once() {
    for (name, body) in batches() {
        let receiver = Receiver::start();
        let listener = start(&receiver, "json");
        let answer = listener.deliver(&body).expect("an answer");
        assert_eq!(answer.status, 204, "{name}");
        let expected = distinct(elements(&body));
        let all = elements(&body).len();
        eventually(10, "it is indexed", || {
            (listener.count("events") == all as u64 && listener.count("unindexedBytes") == 0).then_some(())
        });
        all_arrived(&listener);
        assert_eq!(receiver.records(), expected, "{name}");
        assert_eq!(listener.count("duplicates"), (all - expected.len()) as u64, "{name}");
        for page in receiver.pages() {
            assert!(page.records().len() <= 7, "{name}: pages of at most seven");
            assert_eq!(page.header("content-type"), "application/json");
        }
    }
}

#[test]
fn one_event_of_each_of_the_48_types_arrives_byte_for_byte() {
    let file: Value = serde_json::from_slice(&fixture_bytes("hubspot/events.json")).expect("JSON");
    let list = file.as_array().or_else(|| file["events"].as_array()).expect("a list").clone();
    assert_eq!(list.len(), 48);
    let receiver = Receiver::start();
    let listener = start(&receiver, "json");
    let mut sent = Vec::new();
    for entry in &list {
        let event = entry.get("event").unwrap_or(entry);
        let text = serde_json::to_string(event).expect("JSON");
        assert_eq!(listener.deliver(format!("[{text}]").as_bytes()).expect("an answer").status, 204);
        sent.push(text);
    }
    eventually(20, "all are handed on", || (receiver.records().len() >= sent.len()).then_some(()));
    assert_eq!(receiver.records(), sent);
}

#[test]
fn ndjson_and_cloudevents_carry_the_same_bytes() {
    let body = fixture_bytes("hubspot/batches/nested-data.json");
    let expected = elements(&body);

    let receiver = Receiver::start();
    let listener = start(&receiver, "ndjson");
    assert_eq!(listener.deliver(&body).expect("an answer").status, 204);
    eventually(10, "a page", || (!receiver.pages().is_empty()).then_some(()));
    let page = receiver.pages().remove(0);
    assert_eq!(page.header("content-type"), "application/x-ndjson");
    let text = String::from_utf8(page.body.to_vec()).expect("UTF-8");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines, expected,
        "the fixture has no line breaks between tokens, so the lines are the records"
    );

    let receiver = Receiver::start();
    let listener = start(&receiver, "cloudevents");
    assert_eq!(listener.deliver(&body).expect("an answer").status, 204);
    eventually(10, "a page", || (!receiver.pages().is_empty()).then_some(()));
    let page = receiver.pages().remove(0);
    assert!(page.header("content-type").starts_with("application/cloudevents-batch+json"));
    let events: Vec<BTreeMap<String, &RawValue>> = serde_json::from_slice(&page.body).expect("a batch");
    let data: Vec<&str> = events.iter().map(|event| event["data"].get()).collect();
    assert_eq!(data, expected);
    for event in events {
        assert_eq!(event["specversion"].get(), "\"1.0\"");
        assert!(event.contains_key("id") && event.contains_key("source") && event.contains_key("type"));
    }
}

#[test]
fn the_answer_is_what_the_manifest_says() {
    let receiver = Receiver::start();
    let listener = Setup::listener(&format!(
        "  response:\n    statusCode: 202\n    mediaType: xml\n    \
         body: '<received count=\"{{{{count}}}}\" region=\"{{{{settings.region}}}}\" by=\"{{{{listener.displayName}}}}\" first=\"{{{{records.[0].eventId}}}}\"/>'\n    \
         headers: [{{name: x-request-id, value: '{{{{request.id}}}}'}}]\n  settings: {{region: eu}}\n  \
         destinations: [{{name: w, http: {{url: '{}'}}}}]\n",
        receiver.url("/")
    ))
    .start();
    let body = fixture_bytes("hubspot/batches/mixed-types.json");
    let first: Value = serde_json::from_slice(&body).expect("JSON");
    let one = listener.deliver(&body).expect("an answer");
    let two = listener.deliver(&body).expect("an answer");
    for answer in [&one, &two] {
        assert_eq!(answer.status, 202);
        assert_eq!(answer.header("content-type"), Some("application/xml"));
        let id = &first[0]["eventId"];
        assert_eq!(
            answer.text(),
            format!("<received count=\"8\" region=\"eu\" by=\"Contacts\" first=\"{id}\"/>"),
            "a duplicate is answered like the first"
        );
    }
    let ids = [one.header("x-request-id"), two.header("x-request-id")];
    assert!(ids[0].is_some_and(|id| id.len() >= 16) && ids[0] != ids[1]);

    let listener = Setup::listener("  destinations: [{name: audit, log: {}}]\n").start();
    let answer = listener.deliver(&body).expect("an answer");
    assert_eq!((answer.status, answer.body.len(), answer.header("content-length")), (204, 0, None));
}
