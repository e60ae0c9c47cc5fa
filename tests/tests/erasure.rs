//! `doNotStoreRetryData` from outside: after the last failure no file of the real process holds the payload.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tests::{ListenerProcess, Page, Receiver, Reply, Setup, eventually, get_json, post};

/// Stands in the payload that must be gone, and in nothing else.
const MARKER: &str = "ann.smith-4711@example.com";

fn marked(id: u64) -> String {
    format!(r#"{{"eventId":{id},"objectId":{id},"propertyValue":"{MARKER}", "odd" : 1.0}}"#)
}

fn plain(id: u64) -> String {
    format!(r#"{{"eventId":{id},"objectId":{id},"propertyValue":"x", "odd" : 1.0}}"#)
}

/// A destination that refuses what holds the marker.
fn picky() -> Receiver {
    Receiver::with(|page: &Page| {
        let refuse = page.records().iter().any(|record| record.contains(MARKER));
        if refuse { Reply::status(400).body("{\"error\":\"no\"}") } else { Reply::status(200) }
    })
}

fn start(picky: &Receiver, other: &Receiver) -> ListenerProcess {
    Setup::listener(&format!(
        "  page: {{size: 1, lingerMilliseconds: 0}}\n  traceKeyTemplate: 'contact_{{{{objectId}}}}'\n  \
         doNotStoreRetryData: true\n  destinations:\n  \
         - {{name: picky, http: {{url: '{}'}}}}\n  - {{name: other, http: {{url: '{}'}}}}\n",
        picky.url("/"),
        other.url("/")
    ))
    .start()
}

/// Files that hold the marker.
fn holding(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for file in std::fs::read_dir(directory).expect("a directory") {
        let path = file.expect("a file").path();
        if path.is_dir() {
            found.extend(holding(&path));
        } else {
            let bytes = std::fs::read(&path).unwrap_or_default();
            let held = bytes.windows(MARKER.len()).any(|window| window == MARKER.as_bytes());
            found.extend(held.then_some(path));
        }
    }
    found
}

fn nothing_holds_it(listener: &ListenerProcess) {
    eventually(30, "no file holds the payload", || holding(&listener.setup.data).is_empty().then_some(()));
}

fn body(records: &[String]) -> Vec<u8> {
    format!("[{}]", records.join(", ")).into_bytes()
}

#[test]
fn after_the_last_failure_no_file_holds_the_payload_and_the_desk_says_so() {
    let (picky, other) = (picky(), Receiver::start());
    let mut listener = start(&picky, &other);
    let records = [plain(1), marked(2), plain(3)];
    assert_eq!(listener.deliver(&body(&records)).expect("an answer").status, 204);
    // Not JSON at all, and a second copy of what failed.
    assert_eq!(listener.deliver(format!("{{\"{MARKER}").as_bytes()).expect("an answer").status, 204);
    assert_eq!(listener.deliver(&body(&[marked(2), plain(4)])).expect("an answer").status, 204);
    eventually(30, "two errors", || (listener.count("openErrors") == 2).then_some(()));
    nothing_holds_it(&listener);

    // The others came byte for byte, and everywhere.
    let mut expected = vec![plain(1), plain(3), plain(4)];
    let taken = || {
        let pages = picky.pages();
        let records = pages.iter().flat_map(Page::records);
        records.filter(|record| !record.contains(MARKER)).collect::<Vec<_>>()
    };
    eventually(30, "the rest is taken", || (taken().len() == 3).then_some(()));
    assert_eq!(taken(), expected);
    expected.insert(1, marked(2));
    eventually(30, "the other has all", || (other.records().len() == 4).then_some(()));
    assert_eq!(other.records(), expected);

    let errors: Vec<Value> = listener.errors();
    assert_eq!(errors.len(), 2);
    for error in &errors {
        assert_eq!((&error["hasPayload"], &error["payload"]), (&Value::Bool(false), &Value::Null), "{error}");
        let path = format!("/api/v1/errors/{}/retry", error["id"]);
        let kind = [("content-type".to_owned(), "application/json".to_owned())];
        let refused = post(listener.admin, &path, &kind, b"{}").expect("an answer");
        let said = refused.text();
        assert_eq!(refused.status, 409, "{said}");
        assert!(said.contains("payload is not kept") && !said.contains(MARKER), "{said}");
    }
    let known = get_json(listener.admin, "/api/v1/errors?traceKey=contact_2");
    assert_eq!(known["items"].as_array().map(Vec::len), Some(1));

    // It opens again, and goes on.
    listener.restart();
    listener.wait_ready();
    assert_eq!(listener.deliver(&body(&[plain(5)])).expect("an answer").status, 204);
    eventually(30, "it goes on", || (other.records().len() == 5).then_some(()));
    nothing_holds_it(&listener);
}

#[test]
fn a_kill_right_after_the_failure_only_puts_the_erasure_off() {
    let (picky, other) = (picky(), Receiver::start());
    let mut listener = start(&picky, &other);
    for round in 0..4 {
        let first = 10 * round;
        let records = [plain(first), marked(first + 1), plain(first + 2)];
        assert_eq!(listener.deliver(&body(&records)).expect("an answer").status, 204);
        let failed = || picky.pages().iter().filter(|page| page.records().join("").contains(MARKER)).count();
        let wanted = usize::try_from(round).expect("small") + 1;
        eventually(30, "it is refused", || (failed() >= wanted).then_some(()));
        // At other places of the two seconds after which it is looked for.
        std::thread::sleep(std::time::Duration::from_millis(650 * round));
        listener.restart();
        listener.wait_ready();
    }
    eventually(60, "four errors", || (listener.count("openErrors") == 4).then_some(()));
    eventually(60, "all is settled", || (listener.count("pendingRecords") == 0).then_some(()));
    nothing_holds_it(&listener);
    let mut plain: Vec<String> =
        picky.records().into_iter().filter(|record| !record.contains(MARKER)).collect();
    plain.sort();
    plain.dedup();
    assert_eq!(plain.len(), 8, "{plain:?}");
}
