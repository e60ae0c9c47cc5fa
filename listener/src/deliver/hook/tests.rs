use serde_json::json;

use super::*;
use crate::store::RecordId;

fn answer(status: u16, body: &str) -> Reply {
    Reply::Answer(Answer { status, body: body.as_bytes().to_vec(), ..Answer::default() })
}

fn failure(judged: &Judged) -> (&'static str, String, bool) {
    match &judged.verdict {
        Verdict::Again { failure, .. } => (failure.class.as_str(), failure.code.clone(), true),
        Verdict::Refused(failure) => (failure.class.as_str(), failure.code.clone(), false),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_carries_the_records_bytes_and_costs_what_it_says() {
    let records: Vec<Record> = ["{\"id\": 12345678901234567890.10,\n \"id\":1}", "{}"]
        .into_iter()
        .zip(0..)
        .map(|(json, element)| Record {
            id: RecordId { delivery: 1, element },
            received_at_ms: 0,
            bytes: Bytes::from_static(json.as_bytes()),
        })
        .collect();
    let envelope = Envelope::new(&json!({"region": "eu"}).into(), &json!({"name": "contacts"}).into());
    for count in 1..=2 {
        let body = envelope.body(&records[..count]);
        let cost: usize = records[..count].iter().map(Envelope::cost).sum();
        assert_eq!(body.len(), envelope.bytes() + cost);
    }
    assert_eq!(
        String::from_utf8(envelope.body(&records).to_vec()).unwrap(),
        "{\"records\":[{\"id\": 12345678901234567890.10,\n \"id\":1},{}],\
         \"settings\":{\"region\":\"eu\"},\"listener\":{\"name\":\"contacts\"}}"
    );
}

#[test]
fn an_answer_changes_drops_and_fails_records_one_by_one() {
    let body = r#"{"records":[
        {"index":3,"error":{"code":"no_owner","message":"nobody","retryable":true}},
        {"index":0,"record":{"id": 12345678901234567890, "x":1.10}, "note":"ignored"},
        {"index":2,"drop":true}]}"#;
    let judged = judge(&answer(200, body), 5);
    assert_eq!(judged.changed, [(0, Bytes::from_static(br#"{"id": 12345678901234567890, "x":1.10}"#))]);
    assert_eq!(judged.dropped, [2]);
    let Verdict::Partly(failed) = &judged.verdict else { panic!("{judged:?}") };
    assert_eq!((failed.len(), failed[0].index, failed[0].retryable), (1, 3, true));
    assert_eq!((failed[0].failure.class, failed[0].failure.code.as_str()), (ErrorClass::Value, "no_owner"));
}

#[test]
fn what_is_not_named_goes_on_unchanged() {
    for reply in [answer(204, ""), answer(200, r#"{"records":[]}"#)] {
        assert_eq!(judge(&reply, 3), Verdict::Delivered.into());
    }
}

#[test]
fn an_answer_that_is_not_understood_whole_is_not_used_at_all() {
    let cases = [
        ("", "hook_answer_not_json"),
        ("<html>", "hook_answer_not_json"),
        (r#"{"records":[{"index":0"#, "hook_answer_not_json"),
        ("{}", "hook_answer_invalid"),
        ("[]", "hook_answer_invalid"),
        (r#"{"records":{}}"#, "hook_answer_invalid"),
        (r#"{"records":[{"index":2,"drop":true}]}"#, "hook_answer_invalid"),
        (r#"{"records":[{"index":-1,"drop":true}]}"#, "hook_answer_invalid"),
        (r#"{"records":[{"drop":true}]}"#, "hook_answer_invalid"),
        (r#"{"records":[{"index":0,"drop":true},{"index":0,"drop":true}]}"#, "hook_answer_invalid"),
        (r#"{"records":[{"index":0}]}"#, "hook_answer_invalid"),
        (r#"{"records":[{"index":0,"drop":false}]}"#, "hook_answer_invalid"),
        (r#"{"records":[{"index":0,"record":null}]}"#, "hook_answer_invalid"),
        (r#"{"records":[{"index":0,"record":[1]}]}"#, "hook_answer_invalid"),
        (r#"{"records":[{"index":0,"error":"no"}]}"#, "hook_answer_invalid"),
        (r#"{"records":[{"index":0,"drop":true,"record":{}}]}"#, "hook_answer_invalid"),
    ];
    for (body, code) in cases {
        let judged = judge(&answer(200, body), 2);
        assert_eq!(failure(&judged), ("parse", code.to_owned(), true), "{body}");
        assert!(judged.changed.is_empty() && judged.dropped.is_empty());
    }
    assert_eq!(failure(&judge(&answer(202, ""), 2)), ("parse", "hook_answer_invalid".to_owned(), true));
}

#[test]
fn more_entries_than_a_call_can_have_are_not_read() {
    let body = format!(r#"{{"records":[{}{{}}]}}"#, r#"{"index":0,"drop":true},"#.repeat(10_001));
    let judged = judge(&answer(200, &body), 10_000);
    let Verdict::Again { failure, .. } = judged.verdict else { panic!("used") };
    assert!(failure.message.contains("more than 10000 entries"), "{}", failure.message);
}

#[test]
fn a_longer_answer_than_is_read_is_not_asked_for_again() {
    let long = Answer { status: 200, end: BodyEnd::TooLong, ..Answer::default() };
    let judged = judge(&Reply::Answer(long), 2);
    assert_eq!(failure(&judged), ("value", "hook_answer_too_long".to_owned(), false));
}

#[test]
fn everything_else_is_as_of_a_destination_and_names_the_hook() {
    assert_eq!(failure(&judge(&answer(503, ""), 1)), ("intermittent", "http_503".to_owned(), true));
    let refused = judge(&answer(400, "no"), 1);
    assert_eq!(failure(&refused), ("value", "http_400".to_owned(), false));
    let Verdict::Refused(failure) = refused.verdict else { panic!("not refused") };
    assert_eq!(failure.message, "the hook answered 400 Bad Request");
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_judged_without_a_panic(
        body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
        records in 0_usize..5,
    ) {
        let _ = judge(&Reply::Answer(Answer { status: 200, body, ..Answer::default() }), records);
    }
}
