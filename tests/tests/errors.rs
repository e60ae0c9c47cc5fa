//! The error desk from outside: the real `listener errors` against a real listener whose destination
//! refuses, over real sockets and files.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tests::{ListenerProcess, Receiver, Reply, Setup, bad, binary, eventually, good};

const VIEW: &str = "view-token-of-vera-0001";
const OPERATE: &str = "operate-token-of-olaf-0001";
const ADMIN: &str = "admin-token-of-ada-00001";

/// A destination that answers 400 until it is told to take what comes.
fn destination() -> (Receiver, Arc<AtomicBool>) {
    let takes = Arc::new(AtomicBool::new(false));
    let is_taken = Arc::clone(&takes);
    let answer = move |_: &tests::Page| {
        if is_taken.load(Ordering::SeqCst) {
            Reply::status(200)
        } else {
            Reply::status(400).body("{\"error\":\"mail@example.com is no address\"}")
        }
    };
    (Receiver::with(answer), takes)
}

fn start(receiver: &Receiver) -> ListenerProcess {
    let tokens =
        format!("view.vera: {VIEW}, operate.olaf: {OPERATE}, admin.ada: {ADMIN}, operate.short: abc");
    Setup::desk(&tokens, 1, &receiver.url("/"), "").start()
}

/// Delivers contacts that become errors.
fn fail(listener: &ListenerProcess, ids: std::ops::Range<u64>) {
    let records: Vec<Value> = ids
        .clone()
        .map(|id| json!({"eventId": id, "objectId": id, "email": "mail@example.com", "name": "Ann"}))
        .collect();
    let body = serde_json::to_vec(&records).expect("JSON");
    assert_eq!(listener.deliver(&body).expect("an answer").status, 204);
    let expected = ids.end - ids.start;
    eventually(30, "they are at the desk", || {
        let counts = json(listener, VIEW, &["count", "--state", "all", "--trace-key-prefix", "contact_"]);
        (counts["total"].as_u64() >= Some(expected)).then_some(())
    });
}

fn errors(listener: &ListenerProcess, token: &str, arguments: &[&str]) -> Output {
    with_editor(listener, token, arguments, "false")
}

fn with_editor(listener: &ListenerProcess, token: &str, arguments: &[&str], editor: &str) -> Output {
    Command::new(binary())
        .args(["errors", "--url", &format!("http://{}", listener.admin)])
        .args(arguments)
        .env("LISTENER_TOKEN", token)
        .env("EDITOR", editor)
        .env_remove("VISUAL")
        .stdin(Stdio::null())
        .output()
        .expect("the command runs")
}

fn json(listener: &ListenerProcess, token: &str, arguments: &[&str]) -> Value {
    let arguments = [arguments, &["--output", "json"]].concat();
    serde_json::from_str(&good(&errors(listener, token, &arguments))).expect("JSON")
}

fn state(listener: &ListenerProcess, id: &str) -> Value {
    json(listener, VIEW, &["show", id])["state"].clone()
}

#[test]
fn an_error_is_found_by_its_trace_key_mended_and_sent_again() {
    let (receiver, takes) = destination();
    let listener = start(&receiver);
    fail(&listener, 1..4);

    let table = good(&errors(&listener, VIEW, &["list", "--trace-key", "contact_2"]));
    assert_eq!(table.lines().count(), 2, "{table}");
    let row: Vec<&str> = table.lines().nth(1).expect("a row").split_whitespace().collect();
    let id = row[0];
    assert_eq!(row[1..5], ["open", "warehouse", "value", "contact_2"], "{table}");

    // Who may only look sees no payload; what is masked nobody sees.
    let seen = good(&errors(&listener, VIEW, &["show", id]));
    assert!(seen.contains("not shown") && !seen.contains("Ann"), "{seen}");
    let seen = good(&errors(&listener, OPERATE, &["show", id]));
    assert!(seen.contains("\"name\": \"Ann\"") && seen.contains("\"email\": \"[masked]\""), "{seen}");
    assert!(!seen.contains("mail@example.com"), "the answer repeats it: {seen}");
    let refused = bad(&errors(&listener, VIEW, &["retry", id]));
    assert!(refused.contains("this needs the role operate"), "{refused}");

    // An editor that changes the name, and says nothing about the address.
    let edited = with_editor(&listener, OPERATE, &["edit", id, "--yes"], "sed -i s/Ann/Bob/");
    good(&edited);
    let difference = String::from_utf8_lossy(&edited.stderr).into_owned();
    assert!(
        difference.contains("~ /name: \"Ann\" -> \"Bob\"") && difference.lines().count() == 1,
        "{difference}"
    );
    let unchanged = with_editor(&listener, OPERATE, &["edit", id, "--yes"], "true");
    assert!(String::from_utf8_lossy(&unchanged.stderr).contains("nothing was changed"));

    good(&errors(&listener, OPERATE, &["note", id, "--text", "asked the warehouse"]));
    good(&errors(&listener, OPERATE, &["assign", id, "--to", "olaf"]));
    takes.store(true, Ordering::SeqCst);
    let before = receiver.pages().len();
    good(&errors(&listener, OPERATE, &["retry", id]));
    eventually(20, "it is resolved", || (state(&listener, id) == "resolved").then_some(()));
    let pages = receiver.pages();
    assert_eq!(pages.len(), before + 1);
    let sent: Value = serde_json::from_str(&pages[before].records()[0]).expect("JSON");
    let expected = json!({"eventId": 2, "objectId": 2, "email": "mail@example.com", "name": "Bob"});
    assert_eq!(sent, expected, "the edit, with the value that was masked");
    let whole = json(&listener, VIEW, &["show", id]);
    assert_eq!((&whole["resolution"]["how"], &whole["assignee"]), (&json!("retried"), &json!("olaf")));
    let acts: Vec<_> =
        whole["audit"].as_array().expect("a list").iter().map(|line| line["act"].clone()).collect();
    for act in ["edit", "note", "assign", "retry"] {
        assert!(acts.contains(&json!(act)), "{acts:?}");
    }
    // By their trace keys: pages go out side by side, and what fails first has the first id.
    for other in ["contact_1", "contact_3"] {
        let list = json(&listener, VIEW, &["list", "--state", "all", "--trace-key", other]);
        assert_eq!(list["items"][0]["state"], "open", "{other} waits: {list}");
    }
}

#[test]
fn a_bulk_retry_shows_its_plan_obeys_its_filter_and_is_asked_for() {
    let (receiver, takes) = destination();
    let listener = start(&receiver);
    fail(&listener, 1..31);
    good(&errors(&listener, OPERATE, &["tag", "3", "4", "--add", "later"]));
    good(&errors(&listener, OPERATE, &["resolve", "5"]));
    takes.store(true, Ordering::SeqCst);
    let before = receiver.pages().len();

    let refused = bad(&errors(&listener, OPERATE, &["retry"]));
    assert!(refused.contains("which errors?"), "{refused}");
    let refused = bad(&errors(&listener, OPERATE, &["retry", "--tagged", "later"]));
    assert!(refused.contains("retry 2 of the 2") && refused.contains("--yes"), "{refused}");
    assert_eq!(receiver.pages().len(), before, "a plan sends nothing");

    let done = good(&errors(&listener, OPERATE, &["retry", "--tagged", "later", "--yes"]));
    assert!(done.contains("2 done, 0 left, of 2 (done)"), "{done}");
    eventually(20, "both are resolved", || {
        (state(&listener, "3") == "resolved" && state(&listener, "4") == "resolved").then_some(())
    });
    assert_eq!(receiver.pages().len(), before + 2, "and nothing else was sent");

    let bulk = json(&listener, OPERATE, &["retry", "--destination", "warehouse", "--yes"]);
    assert_eq!((&bulk["total"], &bulk["actor"]), (&json!(27), &json!("olaf")));
    eventually(20, "all are resolved", || {
        (json(&listener, VIEW, &["count", "--state", "resolved"])["total"] == 30).then_some(())
    });
    assert_eq!(receiver.pages().len(), before + 29);
    let table = good(&errors(&listener, VIEW, &["bulk", "list"]));
    assert!(table.contains("27/27") && table.contains("2/2"), "{table}");
    let csv = good(&errors(&listener, VIEW, &["export", "--state", "all"]));
    assert_eq!(csv.lines().count(), 31, "{csv}");
}

#[test]
fn a_rotated_token_counts_without_a_restart() {
    let (receiver, _) = destination();
    let listener = start(&receiver);
    assert!(listener.log().contains("operate.short: its token"), "a bad key is told: {}", listener.log());
    good(&errors(&listener, VIEW, &["list"]));
    let new = "view-token-of-vera-0002";
    let changed = Setup::desk(&format!("view.vera: {new}"), 1, &receiver.url("/"), "").manifest;
    write(&listener.manifest(), &changed);
    eventually(10, "the new token counts", || {
        errors(&listener, new, &["list"]).status.success().then_some(())
    });
    let refused = bad(&errors(&listener, VIEW, &["list"]));
    assert!(refused.contains("a token of this listener"), "{refused}");
    assert!(!listener.log().contains(new) && !listener.log().contains(VIEW));
    let listening = bad(&errors(&listener, "", &["list"]));
    assert!(listening.contains("Authorization: Bearer"), "{listening}");
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a manifest");
}
