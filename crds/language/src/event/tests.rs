use std::fs;

use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use super::*;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/hubspot");

fn spans(body: &[u8]) -> Vec<&[u8]> {
    match split(body) {
        Split::Elements(elements) => elements.into_iter().map(|element| &body[element.span]).collect(),
        Split::Unusable { reason } => panic!("{reason}"),
    }
}

fn reason(body: &[u8]) -> String {
    match split(body) {
        Split::Elements(elements) => panic!("{} elements", elements.len()),
        Split::Unusable { reason } => reason,
    }
}

fn key(element: &str) -> Option<DedupeKey> {
    dedupe_key(element.as_bytes())
}

#[test]
fn each_batch_has_the_elements_and_the_distinct_events_of_the_table() {
    let table = fs::read_to_string(format!("{FIXTURES}/README.md")).unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `")).filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let elements: usize = cells.get(2)?.parse().ok()?;
        let distinct: usize = cells.get(3)?.parse().ok()?;
        Some((cells[1].trim_matches('`').to_owned(), elements, distinct))
    });
    let mut batches = 0;
    for (name, elements, distinct) in rows {
        let body = fs::read(format!("{FIXTURES}/batches/{name}.json")).unwrap();
        let spans = spans(&body);
        assert_eq!(spans.len(), elements, "{name}");
        let mut keys: Vec<_> = spans.iter().filter_map(|span| dedupe_key(span)).collect();
        let without_key = spans.len() - keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len() + without_key, distinct, "{name}");
        batches += 1;
    }
    assert_eq!(batches, 14);
}

#[test]
fn a_workflows_record_has_no_key() {
    let body = fs::read(format!("{FIXTURES}/batches/workflow-record.json")).unwrap();
    assert_eq!(dedupe_key(spans(&body)[0]), None);
}

#[test]
fn every_event_of_the_reference_is_distinct() {
    let events = fs::read(format!("{FIXTURES}/events.json")).unwrap();
    let events: Value = serde_json::from_slice(&events).unwrap();
    let list = events.as_array().or_else(|| events["events"].as_array()).unwrap();
    let mut keys: Vec<_> = list
        .iter()
        .map(|entry| dedupe_key(entry.get("event").unwrap_or(entry).to_string().as_bytes()).unwrap())
        .collect();
    assert_eq!(keys.len(), 48);
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 48);
    assert!(keys.iter().all(|key| key.occurred_at > 1_700_000_000_000));
}

#[test]
fn white_space_and_a_byte_order_mark_belong_to_no_element() {
    let body = b"\xef\xbb\xbf \r\n\t[ {\"a\" : 1} ,\n[ ] , 2 ]\n";
    assert_eq!(spans(body), [&b"{\"a\" : 1}"[..], b"[ ]", b"2"]);
    let Split::Elements(elements) = split(body) else { panic!() };
    assert_eq!(elements.iter().map(|element| element.is_object).collect::<Vec<_>>(), [true, false, false]);
}

#[test]
fn what_cannot_be_used_says_where() {
    for (body, expected) in [
        (&b""[..], "the body is empty at byte 0"),
        (b"  \n", "the body is empty at byte 3"),
        (b"12", "neither a JSON array nor a JSON object at byte 0"),
        (b"\"text\"", "neither a JSON array nor a JSON object at byte 0"),
        (b"[1,]", "a JSON value is expected at byte 3"),
        (b"[1 2]", "`,` or `]` is expected at byte 3"),
        (b"{\"a\":1,}", "a name in double quotes is expected at byte 7"),
        (b"{\"a\" 1}", "`:` is expected at byte 5"),
        (b"{} {}", "something follows the JSON at byte 3"),
        (b"[{}]x", "something follows the JSON at byte 4"),
        (b"[01]", "`,` or `]` is expected at byte 2"),
        (b"[-]", "a digit is expected at byte 2"),
        (b"[1.]", "a digit is expected at byte 3"),
        (b"[tru]", "a JSON value is expected at byte 1"),
        (b"[{\"a\":1]", "`,` or `}` is expected at byte 7"),
        (b"[\"\\x\"]", "no escape of JSON at byte 2"),
        (b"[\"\\u12g4\"]", "four hexadecimal digits are expected after `\\u` at byte 2"),
        (b"[\"a\x01\"]", "a control character must be escaped at byte 3"),
        (b"[\"a", "the text ends within a string at byte 3"),
        (b"[{", "a name in double quotes is expected at byte 2"),
        (b"[\"\xff\"]", "not UTF-8 at byte 2"),
    ] {
        assert_eq!(reason(body), expected, "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn depth_costs_neither_stack_nor_time() {
    const HALF: usize = 4 << 20;
    let open = vec![b'['; 2 * HALF];
    assert_eq!(reason(&open), format!("the text ends where a JSON value is expected at byte {}", 2 * HALF));
    let mut closed = vec![b'['; HALF];
    closed.resize(2 * HALF, b']');
    assert_eq!(spans(&closed), [&closed[1..2 * HALF - 1]]);
    let objects = format!("{}1{}", "{\"a\":[".repeat(300_000), "]}".repeat(300_000));
    assert_eq!(spans(objects.as_bytes()), [objects.as_bytes()]);
    let crossed = objects.replace("1]}]}", "1]]}}");
    assert!(reason(crossed.as_bytes()).starts_with("`,` or `}` is expected"));
}

#[test]
fn the_number_of_elements_is_bounded() {
    let body = |elements: usize| format!("[{}0]", "0,".repeat(elements - 1));
    assert_eq!(spans(body(MAX_ELEMENTS).as_bytes()).len(), MAX_ELEMENTS);
    assert!(reason(body(MAX_ELEMENTS + 1).as_bytes()).starts_with("more than 100000 elements at byte"));
}

#[test]
fn absent_null_and_empty_are_three_different_things() {
    let keys = [
        key(r#"{"eventId":1}"#),
        key(r#"{"eventId":1,"propertyValue":null}"#),
        key(r#"{"eventId":1,"propertyValue":""}"#),
        key(r#"{"eventId":1,"propertyValue":"null"}"#),
        key(r#"{"eventId":1,"messageId":""}"#),
        key(r#"{"eventId":"1"}"#),
    ];
    for (place, one) in keys.iter().enumerate() {
        assert!(one.is_some());
        assert!(keys[..place].iter().all(|other| other != one), "{place}");
    }
    assert_eq!(key(r#"{"portalId":1}"#), None);
    assert_eq!(key(r#"{"eventId":null,"portalId":1}"#), None);
    assert_eq!(key(r#"[{"eventId":1}]"#), None);
}

#[test]
fn the_attempt_and_the_order_of_members_change_no_key() {
    let one = key(r#"{"eventId":7,"portalId":62515,"attemptNumber":0}"#);
    assert_eq!(one, key(r#"{ "attemptNumber": 3, "portalId": 62515, "sourceId": "x", "eventId": 7 }"#));
    assert_ne!(one, key(r#"{"eventId":7,"portalId":62516,"attemptNumber":0}"#));
}

#[test]
fn strings_are_compared_by_their_characters_and_numbers_as_written() {
    assert_eq!(
        key(r#"{"eventId":1,"propertyValue":"A\/é\n😀"}"#),
        key(r#"{"event\u0049d":1,"propertyValue":"\u0041/\u00e9\u000a\uD83D\ude00"}"#),
    );
    assert_ne!(key(r#"{"eventId":1,"objectId":12345}"#), key(r#"{"eventId":1,"objectId":12345.0}"#));
    assert_ne!(
        key(r#"{"eventId":1,"objectId":9007199254740993}"#),
        key(r#"{"eventId":1,"objectId":9007199254740992}"#),
    );
    assert_ne!(
        key(r#"{"eventId":1,"propertyValue":"\ud800"}"#),
        key(r#"{"eventId":1,"propertyValue":"\ud801"}"#),
    );
}

#[test]
fn the_last_of_repeated_names_counts_and_nested_ones_do_not() {
    assert_eq!(key(r#"{"eventId":1,"eventId":2}"#), key(r#"{"eventId":2,"x":{"eventId":3}}"#));
}

#[test]
fn the_older_name_of_the_type_stands_in_for_the_newer() {
    assert_eq!(
        key(r#"{"eventId":1,"eventType":"contact.creation"}"#),
        key(r#"{"eventId":1,"subscriptionType":"contact.creation"}"#),
    );
    assert_ne!(
        key(r#"{"eventId":1,"eventType":"contact.creation"}"#),
        key(r#"{"eventId":1,"eventType":"contact.deletion"}"#),
    );
}

#[test]
fn a_time_that_is_no_integer_still_tells_events_apart() {
    let (text, later) = (
        key(r#"{"eventId":1,"occurredAt":"5"}"#).unwrap(),
        key(r#"{"eventId":1,"occurredAt":"6"}"#).unwrap(),
    );
    assert_eq!((text.occurred_at, later.occurred_at), (0, 0));
    assert_ne!(text.hash, later.hash);
    assert_eq!(key(r#"{"eventId":1,"occurredAt":1790000000003}"#).unwrap().occurred_at, 1_790_000_000_003);
    assert_eq!(key(r#"{"eventId":1,"occurredAt":99999999999999999999}"#).unwrap().occurred_at, 0);
}

#[test]
fn fields_are_given_as_written_and_as_text() {
    let fields = fields(
        br#"{"portalId":62515,"objectId":null,"propertyName":"a\u0062\ud800","propertyValue":{"x":[1]}}"#,
    );
    assert_eq!(fields.written(Field::PortalId), Some(&b"62515"[..]));
    assert_eq!(fields.written(Field::ObjectId), Some(&b"null"[..]));
    assert_eq!(fields.present(Field::ObjectId), None);
    assert_eq!(fields.text(Field::PropertyName).unwrap(), "ab\u{fffd}");
    assert_eq!(fields.text(Field::PropertyValue).unwrap(), r#"{"x":[1]}"#);
    assert_eq!(fields.text(Field::MessageId), None);
    assert_eq!(Field::MessageId.name(), "messageId");
}

/// JSON as somebody might write it, with odd spacing, numbers and escapes; depth below 100.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?",
        any::<String>().prop_map(|text| Value::String(text).to_string()),
        "\"([a-z é]|\\\\[\"\\\\/bfnrt]|\\\\u[0-9a-fA-F]{4}){0,12}\"",
    ];
    leaf.prop_recursive(6, 64, 5, |inner| {
        let space = "[ \\t\\n]{0,2}";
        prop_oneof![
            (space, prop::collection::vec(inner.clone(), 0..5), space).prop_map(
                |(before, list, after)| format!("[{before}{}{after}]", list.join(&format!("{after},")))
            ),
            (space, prop::collection::vec(("[a-c]{0,2}", inner), 0..5)).prop_map(|(space, members)| {
                let members: Vec<_> = members
                    .into_iter()
                    .map(|(name, value)| format!("{space}\"{name}\"{space}:{value}"))
                    .collect();
                format!("{{{space}{}}}", members.join(","))
            }),
        ]
    })
}

/// Text that is nearly JSON.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    (json(), any::<prop::sample::Index>(), prop::option::of(any::<u8>()), any::<bool>()).prop_map(
        |(text, place, byte, insert)| {
            let mut bytes = text.into_bytes();
            let place = place.index(bytes.len());
            match byte {
                Some(byte) if insert => bytes.insert(place, byte),
                Some(byte) => bytes[place] = byte,
                None => bytes.truncate(place),
            }
            bytes
        },
    )
}

fn serde_takes(body: &[u8]) -> bool {
    std::str::from_utf8(body).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
        && matches!(body.trim_ascii_start().first(), Some(b'[' | b'{'))
}

proptest! {
    #[test]
    fn elements_are_what_serde_json_finds(list in prop::collection::vec(json(), 0..6)) {
        let body = format!("[{}]", list.join(" , "));
        let expected: Vec<&RawValue> = serde_json::from_str(&body).unwrap();
        let expected: Vec<&[u8]> = expected.into_iter().map(|raw| raw.get().as_bytes()).collect();
        prop_assert_eq!(spans(body.as_bytes()), expected);
    }

    #[test]
    fn the_verdict_is_that_of_serde_json(body in nearly()) {
        prop_assert_eq!(matches!(split(&body), Split::Elements(_)), serde_takes(&body));
    }

    #[test]
    fn the_verdict_on_json_like_bytes_is_that_of_serde_json(body in "[\\[\\]{},:\"\\\\0-9.eE+\\-a-u \n]{0,24}") {
        prop_assert_eq!(matches!(split(body.as_bytes()), Split::Elements(_)), serde_takes(body.as_bytes()));
    }

    #[test]
    fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = split(&body);
        let _ = dedupe_key(&body);
        let _ = lossy(&body);
    }

    #[test]
    fn decoding_gives_what_serde_json_gives(text in any::<String>()) {
        let written = Value::String(text.clone()).to_string();
        prop_assert_eq!(lossy(&written.as_bytes()[1..written.len() - 1]), text);
    }
}
