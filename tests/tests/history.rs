//! What was accepted and what became of it, from outside: the real commands against a real listener
//! with a destination on a socket.

use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tests::{ListenerProcess, Receiver, Setup, bad, binary, eventually, good, post};

const VIEW: &str = "view-token-of-vera-0001";
const OPERATE: &str = "operate-token-of-olaf-0001";

fn start(receiver: &Receiver) -> ListenerProcess {
    let tokens = format!("view.vera: {VIEW}, operate.olaf: {OPERATE}");
    Setup::desk(&tokens, 4, &receiver.url("/"), "").start()
}

fn command(listener: &ListenerProcess, token: &str, arguments: &[&str]) -> Output {
    Command::new(binary())
        .args(arguments)
        .args(["--url", &format!("http://{}", listener.admin)])
        .env("LISTENER_TOKEN", token)
        .stdin(Stdio::null())
        .output()
        .expect("the command runs")
}

fn shown(listener: &ListenerProcess, arguments: &[&str]) -> Value {
    let arguments = [arguments, &["--output", "json"]].concat();
    serde_json::from_str(&good(&command(listener, VIEW, &arguments))).expect("JSON")
}

#[test]
fn a_record_is_found_its_way_is_told_and_it_is_replayed() {
    let receiver = Receiver::start();
    let listener = start(&receiver);
    for delivery in 0..3_u64 {
        let records: Vec<Value> = (0..4_u64)
            .map(|at| json!({"eventId": delivery * 4 + at, "objectId": at, "email": "mail@example.com"}))
            .collect();
        let body = serde_json::to_vec(&records).expect("JSON");
        assert_eq!(listener.deliver(&body).expect("an answer").status, 204);
    }
    eventually(30, "all is delivered", || (receiver.records().len() == 12).then_some(()));
    let taken = ["records", "list", "--delivered-to", "warehouse", "--limit", "1000"];
    eventually(30, "it is settled", || {
        (shown(&listener, &taken)["items"].as_array().map(Vec::len) == Some(12)).then_some(())
    });

    let table = good(&command(&listener, VIEW, &["deliveries", "list"]));
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(good(&command(&listener, VIEW, &["deliveries", "show", "2"])).contains("2 "));
    let list =
        good(&command(&listener, VIEW, &["records", "list", "--trace-key", "contact_2", "--delivery", "2"]));
    assert!(list.lines().count() == 2 && list.contains("2.2") && list.contains("contact_2"), "{list}");

    let card = good(&command(&listener, VIEW, &["records", "show", "2.2"]));
    for word in ["received", "paged", "attempted", "delivered", "warehouse", "status 200", "not shown"] {
        assert!(card.contains(word), "{word}: {card}");
    }
    let card = good(&command(&listener, OPERATE, &["records", "show", "2.2"]));
    assert!(card.contains("\"eventId\": 6") && card.contains("[masked]"), "{card}");
    assert!(!card.contains("mail@example.com"), "{card}");
    assert!(bad(&command(&listener, VIEW, &["records", "show", "9.0"])).contains("record 9.0 is not there"));
    let csv = good(&command(&listener, VIEW, &["records", "export", "--object-id", "3"]));
    assert_eq!(csv.lines().count(), 4, "{csv}");

    let replay = ["replay", "--to", "warehouse", "--delivered-to", "warehouse", "--delivery", "3"];
    let refused = bad(&command(&listener, VIEW, &replay));
    assert!(refused.contains("this needs the role operate"), "{refused}");
    let refused = bad(&command(&listener, OPERATE, &["replay", "--to", "warehouse"]));
    assert!(refused.contains("which records?"), "{refused}");
    let refused = bad(&command(&listener, OPERATE, &["replay", "--to", "nowhere", "--all"]));
    assert!(refused.contains("to: there is no destination"), "{refused}");
    let refused = bad(&command(&listener, OPERATE, &replay));
    assert!(refused.contains("replay 4 of the 4 records") && refused.contains("--yes"), "{refused}");
    assert_eq!(receiver.records().len(), 12, "a plan sends nothing");
    let done = good(&command(&listener, OPERATE, &[&replay[..], &["--yes"]].concat()));
    assert!(done.contains("4 done, 0 left, of 4 (done)"), "{done}");
    eventually(20, "they come again", || (receiver.records().len() == 16).then_some(()));
    // The third delivery's, found in what came: pages go out side by side.
    let mut records = receiver.records();
    let again = records.split_off(12);
    let is_third = |record: &String| (8..12).any(|id| record.contains(&format!("\"eventId\":{id},")));
    records.retain(is_third);
    assert_eq!(again, records, "byte for byte");
    let card = good(&command(&listener, VIEW, &["records", "show", "3.0"]));
    assert!(card.contains("replayed") && card.contains("bulk act"), "{card}");
}

#[test]
fn a_refused_request_is_found_with_its_diagnosis() {
    let receiver = Receiver::start();
    let listener = start(&receiver);
    let target = "/sales/contacts";
    assert_eq!(post(listener.public, target, &[], b"[]").expect("an answer").status, 401);
    let list = eventually(20, "it is kept", || {
        let list = shown(&listener, &["refusals", "list"]);
        (!list["items"].as_array()?.is_empty()).then_some(list)
    });
    let item = &list["items"][0];
    let (id, cause) = (item["id"].as_str().expect("an id"), item["cause"].as_str().expect("a cause"));
    let same = shown(&listener, &["refusals", "list", "--cause", cause]);
    assert_eq!(same["items"][0]["id"], id);
    assert!(
        shown(&listener, &["refusals", "list", "--cause", "other"])["items"]
            .as_array()
            .expect("a list")
            .is_empty()
    );
    let card = good(&command(&listener, OPERATE, &["refusals", "show", id]));
    assert!(card.contains(cause) && card.contains("POST /sales/contacts"), "{card}");
    // The listener masks fields, and where there is no object there is nothing to mask them in.
    assert!(card.contains("not shown: fields are masked"), "{card}");
}
