//! The hook before pages are cut: the real binary, a real service, a real destination.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use serde_json::value::RawValue;
use tests::{ListenerProcess, Page, Receiver, Reply, Setup, eventually, free_port, get, get_json};

const PAGE_ID: &str = "x-hubspot-listener-page-id";

/// A hook at `hook`, a destination at `warehouse`.
fn spec(hook: &str, warehouse: &str, more: &str) -> String {
    format!(
        "  page: {{size: 20, lingerMilliseconds: 50}}\n  settings: {{region: eu}}\n  \
         prePage:\n    http: {{url: '{hook}', timeoutSeconds: 2}}\n{more}  \
         destinations:\n  - name: warehouse\n    concurrency: 1\n    http: {{url: '{warehouse}'}}\n"
    )
}

fn event(id: u64) -> String {
    format!(
        "{{\"eventId\":{id},\"portalId\":62515,\"occurredAt\":1790000000000,\
         \"subscriptionType\":\"contact.creation\",\"objectId\":12345678901234567890}}"
    )
}

fn deliver(listener: &ListenerProcess, ids: std::ops::Range<u64>) {
    let body = format!("[{}]", ids.map(event).collect::<Vec<_>>().join(","));
    assert_eq!(listener.deliver(body.as_bytes()).expect("an answer").status, 204);
}

/// The records of a call, byte for byte.
fn called_with(call: &Page) -> Vec<String> {
    let call: BTreeMap<String, &RawValue> = serde_json::from_slice(&call.body).expect("a call");
    let records: Vec<&RawValue> = serde_json::from_str(call["records"].get()).expect("records");
    records.into_iter().map(|record| record.get().to_owned()).collect()
}

fn id_of(record: &str) -> u64 {
    let record: Value = serde_json::from_str(record).expect("a record");
    record["eventId"].as_u64().expect("an id")
}

/// Marks every record; the rest of its bytes stays.
fn mark_all(call: &Page) -> Reply {
    let entries: Vec<String> = called_with(call)
        .iter()
        .enumerate()
        .map(|(index, record)| format!(r#"{{"index":{index},"record":{{"marked": true,{}}}"#, &record[1..]))
        .collect();
    Reply::status(200).body(&format!("{{\"records\":[{}]}}", entries.join(",")))
}

fn marked(id: u64) -> String {
    format!("{{\"marked\": true,{}", &event(id)[1..])
}

fn settled(listener: &ListenerProcess) {
    eventually(40, "nothing is pending", || {
        (listener.count("unindexedBytes") == 0
            && listener.count("events") > 0
            && listener.count("pendingRecords") == 0)
            .then_some(())
    });
}

fn errors(listener: &ListenerProcess) -> Vec<Value> {
    listener.errors()
}

fn metrics(listener: &ListenerProcess) -> String {
    get(listener.admin, "/metrics").expect("metrics").text()
}

#[test]
fn records_are_changed_dropped_and_failed_one_by_one() {
    let hook = Receiver::with(|_| {
        Reply::status(200).body(
            r#"{"records":[
            {"index":0,"record":{"eventId":0, "objectId":98765432109876543210987654321, "x":1.10}},
            {"index":2,"drop":true},
            {"index":3,"error":{"code":"no_owner","message":"nobody owns it"}}]}"#,
        )
    });
    let warehouse = Receiver::start();
    let listener = Setup::listener(&spec(&hook.url("/hook"), &warehouse.url("/"), "")).start();
    deliver(&listener, 0..5);
    settled(&listener);
    let calls = hook.pages();
    assert_eq!(
        (calls.len(), calls[0].path.as_str(), calls[0].header("content-type")),
        (1, "/hook", "application/json")
    );
    assert_eq!(called_with(&calls[0]), (0..5).map(event).collect::<Vec<_>>(), "the bytes that came");
    let call: Value = serde_json::from_slice(&calls[0].body).expect("a call");
    assert_eq!(call["settings"], serde_json::json!({"region": "eu"}));
    assert_eq!(
        (&call["listener"]["namespace"], &call["listener"]["name"]),
        (&"sales".into(), &"contacts".into())
    );
    assert!(!calls[0].header(PAGE_ID).is_empty());
    assert_eq!(calls[0].header("x-hubspot-listener-attempt"), "1");
    let changed = r#"{"eventId":0, "objectId":98765432109876543210987654321, "x":1.10}"#.to_owned();
    assert_eq!(warehouse.records(), [changed, event(1), event(4)]);

    let errors = errors(&listener);
    assert_eq!(errors.len(), 1);
    assert_eq!((&errors[0]["destination"], &errors[0]["code"]), (&"prePage".into(), &"no_owner".into()));
    assert_eq!(errors[0]["traceKey"], "62515/contact/12345678901234567890");
    let status = listener.status();
    let stage = &status["prePage"];
    let counts = ["passedRecords", "changedRecords", "droppedRecords", "openErrors", "pendingRecords"];
    assert_eq!(counts.map(|name| stage[name].as_u64()), [3, 1, 1, 1, 0].map(Some), "{status}");
    assert_eq!(status["destinations"].as_array().map(Vec::len), Some(1), "{status}");
    assert_eq!(status["destinations"][0]["withheldRecords"], 2);
    let metrics = metrics(&listener);
    for line in [
        r#"hubspot_listener_hook_records_total{namespace="sales",listener="contacts",outcome="unchanged"} 2"#,
        r#"hubspot_listener_hook_records_total{namespace="sales",listener="contacts",outcome="failed"} 1"#,
        r#"hubspot_listener_hook_dropped_records_total{namespace="sales",listener="contacts"} 1"#,
        r#"hubspot_listener_attempt_seconds_count{namespace="sales",listener="contacts",destination="prePage"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
}

#[test]
fn a_500_and_a_malformed_answer_are_asked_again_with_the_same_page_id() {
    let answers = Mutex::new(
        [
            Reply::status(500),
            Reply::status(200).body("<html>"),
            Reply::status(200).body("{\"records\":[{\"index\":9,\"drop\":true}]}"),
        ]
        .into_iter(),
    );
    let hook = Receiver::with(move |call| {
        answers.lock().expect("no panic").next().unwrap_or_else(|| mark_all(call))
    });
    let warehouse = Receiver::start();
    let listener = Setup::listener(&spec(&hook.url("/"), &warehouse.url("/"), "")).start();
    deliver(&listener, 0..3);
    settled(&listener);
    let calls = hook.pages();
    let ids: BTreeSet<&str> = calls.iter().map(|call| call.header(PAGE_ID)).collect();
    assert_eq!((calls.len(), ids.len()), (4, 1));
    assert!(calls.iter().all(|call| call.body == calls[0].body));
    assert_eq!(warehouse.records(), (0..3).map(marked).collect::<Vec<_>>());
    assert!(errors(&listener).is_empty());
}

#[test]
fn a_hook_that_goes_on_answering_nonsense_fails_the_records_in_the_end() {
    let hook = Receiver::with(|_| Reply::status(200).body("{}"));
    let warehouse = Receiver::start();
    let more = "    retry: {maxAttempts: 2}\n";
    let listener = Setup::listener(&spec(&hook.url("/"), &warehouse.url("/"), more)).start();
    deliver(&listener, 0..2);
    settled(&listener);
    let errors = errors(&listener);
    assert_eq!(errors.len(), 2);
    for error in &errors {
        assert_eq!((&error["class"], &error["code"]), (&"parse".into(), &"hook_answer_invalid".into()));
        assert_eq!(error["attempts"], 2);
    }
    assert!(warehouse.pages().is_empty(), "a record that failed at the hook goes to no destination");
}

#[test]
fn while_the_hook_is_down_deliveries_are_acknowledged_and_go_on_in_order_later() {
    let port = free_port();
    let warehouse = Receiver::start();
    let url = format!("http://127.0.0.1:{port}/");
    let listener =
        Setup::listener(&spec(&url, &warehouse.url("/"), "    size: 4\n    concurrency: 3\n")).start();
    for part in 0..10 {
        deliver(&listener, part * 5..part * 5 + 5);
    }
    eventually(20, "the hook is called", || {
        metrics(&listener).contains(r#"destination="prePage",outcome="connection""#).then_some(())
    });
    assert!(warehouse.pages().is_empty());
    eventually(20, "everything waits", || {
        (listener.status()["destinations"][0]["pendingRecords"] == 50).then_some(())
    });
    let _hook = Receiver::at(([127, 0, 0, 1], port).into(), mark_all).expect("the port is free");
    settled(&listener);
    assert_eq!(warehouse.records(), (0..50).map(marked).collect::<Vec<_>>());
}

#[test]
fn the_order_of_arrival_holds_whatever_the_order_of_the_answers() {
    let count = AtomicUsize::new(0);
    let hook = Receiver::with(move |call| match count.fetch_add(1, Ordering::SeqCst) % 5 {
        0 => Reply::status(503),
        1 => mark_all(call).after(Duration::from_millis(120)),
        2 => mark_all(call).after(Duration::from_millis(10)),
        _ => mark_all(call),
    });
    let warehouse = Receiver::start();
    let listener =
        Setup::listener(&spec(&hook.url("/"), &warehouse.url("/"), "    size: 3\n    concurrency: 4\n"))
            .start();
    for part in 0..20 {
        deliver(&listener, part * 3..part * 3 + 3);
    }
    settled(&listener);
    assert_eq!(warehouse.records(), (0..60).map(marked).collect::<Vec<_>>());
}

#[test]
fn paused_holds_the_hook_too() {
    let hook = Receiver::with(mark_all);
    let warehouse = Receiver::start();
    let spec = spec(&hook.url("/"), &warehouse.url("/"), "") + "  paused: true\n";
    let listener = Setup::listener(&spec).start();
    deliver(&listener, 0..2);
    std::thread::sleep(Duration::from_millis(500));
    assert!(hook.pages().is_empty());
    assert_eq!(listener.status()["prePage"]["paused"]["reason"], "manifest");
    let manifest = listener.setup.manifest.replace("paused: true", "paused: false");
    std::fs::write(listener.manifest(), manifest).expect("a manifest");
    eventually(20, "the hook is called", || (!warehouse.pages().is_empty()).then_some(()));
    assert_eq!(warehouse.records(), [marked(0), marked(1)]);
}

#[test]
fn a_hook_that_is_removed_while_it_runs_lets_what_waits_go_on() {
    let hook = Receiver::with(|_| Reply::status(503));
    let warehouse = Receiver::start();
    let listener = Setup::listener(&spec(&hook.url("/"), &warehouse.url("/"), "")).start();
    deliver(&listener, 0..3);
    eventually(20, "the hook is called", || (!hook.pages().is_empty()).then_some(()));
    let without = listener
        .setup
        .manifest
        .split("  prePage:\n")
        .collect::<Vec<_>>()
        .join("")
        .replace(&format!("    http: {{url: '{}', timeoutSeconds: 2}}\n", hook.url("/")), "");
    std::fs::write(listener.manifest(), without).expect("a manifest");
    settled(&listener);
    assert_eq!(warehouse.records(), (0..3).map(event).collect::<Vec<_>>());
    assert_eq!(listener.status()["prePage"], Value::Null);
    // And one that is added begins with what comes then.
    std::fs::write(
        listener.manifest(),
        listener.setup.manifest.replace(&hook.url("/"), &warehouse.url("/hook")),
    )
    .expect("a manifest");
    eventually(20, "the hook is there", || (!listener.status()["prePage"].is_null()).then_some(()));
    assert_eq!(listener.status()["prePage"]["pendingRecords"], 0);
}

#[test]
fn a_kill_during_calls_loses_nothing_and_repeats_only_whole_calls() {
    let hook = Receiver::with(|call| mark_all(call).after(Duration::from_millis(3)));
    let warehouse = Receiver::start();
    let more = "    size: 5\n    concurrency: 4\n";
    let mut listener = Setup::listener(&spec(&hook.url("/"), &warehouse.url("/"), more)).start();
    let mut next = 0;
    for round in 0..12_u64 {
        for _ in 0..6 {
            deliver(&listener, next..next + 7);
            next += 7;
        }
        // Sometimes on a call's answer, sometimes in between.
        let before = hook.pages().len();
        if round % 2 == 0 {
            eventually(10, "a call", || (hook.pages().len() > before + 1).then_some(()));
        }
        std::thread::sleep(Duration::from_millis(round * 7 % 20));
        listener.restart();
        listener.wait_ready();
    }
    settled(&listener);
    for (receiver, records) in [
        (&hook, called_with as fn(&Page) -> Vec<String>),
        (&warehouse, Page::records as fn(&Page) -> Vec<String>),
    ] {
        let mut pages: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for page in receiver.pages() {
            let records = records(&page);
            let first = pages.entry(page.header(PAGE_ID).to_owned()).or_insert_with(|| records.clone());
            assert_eq!(*first, records, "a page id stands for the same records");
        }
        let mut ids: Vec<u64> = pages.values().flatten().map(|record| id_of(record)).collect();
        ids.sort_unstable();
        assert_eq!(ids, (0..next).collect::<Vec<_>>(), "each record is in one page, whatever was repeated");
    }
    assert!(hook.pages().iter().any(|call| call.header("x-hubspot-listener-attempt") == "1"));
    let unmarked = warehouse.records().into_iter().filter(|record| !record.contains("\"marked\": true"));
    assert_eq!(unmarked.count(), 0, "nothing went around the hook");
    assert_eq!(listener.count("openErrors"), 0);
    println!("{} records, {} calls, {} pages", next, hook.pages().len(), warehouse.pages().len());
}

#[test]
fn a_failed_hooks_records_keep_nothing_where_retry_data_is_not_stored() {
    let hook = Receiver::with(|call| {
        Reply::status(400).body(&format!("no: {}", String::from_utf8_lossy(&call.body)))
    });
    let warehouse = Receiver::start();
    let spec = spec(&hook.url("/"), &warehouse.url("/"), "") + "  doNotStoreRetryData: true\n";
    let mut listener = Setup::listener(&spec).start();
    deliver(&listener, 424_242..424_243);
    settled(&listener);
    let found = errors(&listener);
    assert_eq!((found.len(), &found[0]["status"], &found[0]["response"]), (1, &400.into(), &Value::Null));
    assert!(listener.stop().success());
    let database = std::fs::read(listener.setup.data.join("sales/contacts/store.db")).expect("the index");
    assert!(!database.windows(6).any(|bytes| bytes == b"424242"), "the record is in the index");
}

#[test]
fn errors_that_the_store_makes_have_a_trace_key_and_a_data_uri() {
    let warehouse = Receiver::with(|_| Reply::status(503));
    let spec = format!(
        "  page: {{size: 2, lingerMilliseconds: 0}}\n  desk: {{foldErrors: false}}\n  dataUriTemplate: 'https://x.example/{{{{{{eventId}}}}}}'\n  \
         destinations:\n  - name: warehouse\n    filter: 'event.eventId < 1000'\n    http: {{url: '{}'}}\n  \
         - name: audit\n    log: {{}}\n",
        warehouse.url("/")
    );
    let listener = Setup::listener(&spec).start();
    // More than may wait for a retry: some are not cut when the destination goes.
    for part in 0..40 {
        let ids = (part * 5..part * 5 + 5).chain([1_000 + part]);
        let body = format!("[{},7]", ids.map(event).collect::<Vec<_>>().join(","));
        assert_eq!(listener.deliver(body.as_bytes()).expect("an answer").status, 204);
    }
    eventually(20, "pages wait", || (warehouse.pages().len() >= 4).then_some(()));
    let from = listener.setup.manifest.find("  - name: warehouse").expect("a destination");
    let to = listener.setup.manifest.find("  - name: audit").expect("a destination");
    let mut manifest = listener.setup.manifest.clone();
    manifest.replace_range(from..to, "");
    std::fs::write(listener.manifest(), manifest).expect("a manifest");
    eventually(40, "all of it is an open error", || (listener.count("openErrors") >= 240).then_some(()));
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(listener.count("openErrors"), 240, "200 that its filter took, 40 that are no object");
    let found = get_json(listener.admin, "/api/v1/errors?limit=500");
    let mut removed = BTreeSet::new();
    for error in found["items"].as_array().expect("a list") {
        assert!(error["traceKey"].as_str().is_some_and(|key| !key.is_empty()), "{error}");
        if error["code"] == "destination_removed" {
            let uri = error["dataUri"].as_str().expect("a link").trim_start_matches("https://x.example/");
            removed.insert(uri.parse::<u64>().expect("an id"));
        }
    }
    assert_eq!(removed, (0..200).collect::<BTreeSet<_>>());
}
