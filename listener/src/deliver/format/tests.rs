use std::sync::Arc;

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;
use crate::store::RecordId;

const URL: &str = "https://hooks.example.com/sales/contacts";

fn record(element: u32, json: &str) -> Record {
    Record {
        id: RecordId { delivery: 1042, element },
        received_at_ms: 0,
        bytes: Bytes::copy_from_slice(json.as_bytes()),
    }
}

fn page(store: &str) -> PageId {
    PageId { store: Arc::from(store), number: 7 }
}

fn outgoing(records: &[Record]) -> Vec<Outgoing<'_>> {
    records.iter().map(|record| Outgoing { record, data: &record.bytes }).collect()
}

fn encode(format: Format, size: usize, records: &[Record]) -> String {
    let body = Encoder::new(format, size, URL).encode(&page("5f0c9a7be13d4c28"), &outgoing(records));
    String::from_utf8(body.to_vec()).unwrap()
}

#[test]
fn json_is_an_array_of_the_records_bytes() {
    let records = [record(0, "{\"id\": 12345678901234567890.10,\r\n \"id\":1}"), record(1, "{}")];
    assert_eq!(encode(Format::Json, 20, &records), "[{\"id\": 12345678901234567890.10,\r\n \"id\":1},{}]");
    assert_eq!(encode(Format::Json, 20, &records[1..]), "[{}]");
}

#[test]
fn ndjson_keeps_each_record_on_one_line() {
    let records = [record(0, "{\"a\":\r\n\"x\\n\"\n}"), record(1, "{}")];
    assert_eq!(encode(Format::Ndjson, 20, &records), "{\"a\":  \"x\\n\" }\n{}\n");
}

#[test]
fn a_cloudevent_carries_the_record_unchanged() {
    let json = "{\"subscriptionType\":\"contact.creation\", \"objectId\":138000000137,\n\"occurredAt\":1790000000001}";
    insta::assert_snapshot!(encode(Format::Cloudevents, 1, &[record(3, json)]), @r#"
    {"specversion":"1.0","id":"5f0c9a7be13d4c28-1042.3","source":"https://hooks.example.com/sales/contacts","type":"com.hubspot.contact.creation","subject":"138000000137","time":"2026-09-21T14:13:20.001Z","datacontenttype":"application/json","data":{"subscriptionType":"contact.creation", "objectId":138000000137,
    "occurredAt":1790000000001}}
    "#);
}

#[test]
fn what_is_sent_in_the_place_of_a_record_keeps_the_records_attributes() {
    let record = record(3, "{\"subscriptionType\":\"contact.creation\",\"objectId\":7}");
    let encoder = Encoder::new(Format::Cloudevents, 1, URL);
    let outgoing = [Outgoing { record: &record, data: b"[1]" }];
    let body = encoder.encode(&page("5f0c9a7be13d4c28"), &outgoing);
    let event: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((event["subject"].as_str(), &event["data"]), (Some("7"), &serde_json::json!([1])));
    assert_eq!(body.len(), encoder.envelope_bytes() + encoder.cost(&record, b"[1]"));
}

#[test]
fn a_batch_of_cloudevents_is_an_array() {
    let records = [record(0, r#"{"fromObjectId":1,"toObjectId":2,"occurredAt":"x"}"#), record(1, "{}")];
    insta::assert_snapshot!(encode(Format::Cloudevents, 20, &records), @r#"[{"specversion":"1.0","id":"5f0c9a7be13d4c28-1042.0","source":"https://hooks.example.com/sales/contacts","type":"com.hubspot.record","subject":"1/2","datacontenttype":"application/json","data":{"fromObjectId":1,"toObjectId":2,"occurredAt":"x"}},{"specversion":"1.0","id":"5f0c9a7be13d4c28-1042.1","source":"https://hooks.example.com/sales/contacts","type":"com.hubspot.record","datacontenttype":"application/json","data":{}}]"#);
}

#[test]
fn a_page_that_was_cut_before_the_size_became_one_goes_as_a_batch() {
    let structured = Encoder::new(Format::Cloudevents, 1, URL);
    assert_eq!(structured.for_page(1).content_type(), "application/cloudevents+json; charset=utf-8");
    assert_eq!(structured.for_page(2).content_type(), "application/cloudevents-batch+json; charset=utf-8");
}

/// Any JSON object, with white space where JSON allows it.
fn any_record() -> impl Strategy<Value = String> {
    let space = "[ \\n\\r\\t]{0,3}";
    let name = prop_oneof![
        Just("objectId".to_owned()),
        Just("subscriptionType".to_owned()),
        Just("occurredAt".to_owned()),
        Just("fromObjectId".to_owned()),
        Just("toObjectId".to_owned()),
        ".{0,8}",
    ];
    let value = prop_oneof![
        "-?[1-9][0-9]{0,30}",
        ".{0,12}".prop_map(|text| serde_json::Value::from(text).to_string()),
        Just("null".to_owned()),
        Just("[1,{\"a\":[]}]".to_owned()),
    ];
    proptest::collection::vec((space, name, space, value, space), 0..6).prop_map(|members| {
        let members: Vec<String> = members
            .into_iter()
            .map(|(a, name, b, value, c)| format!("{a}{}{b}:{value}{c}", serde_json::Value::from(name)))
            .collect();
        format!("{{{}}}", members.join(","))
    })
}

proptest! {
    #[test]
    fn the_cost_is_the_length_of_the_body_as_sent(
        jsons in proptest::collection::vec(any_record(), 1..6),
        format in prop_oneof![Just(Format::Json), Just(Format::Ndjson), Just(Format::Cloudevents)],
        size in prop_oneof![Just(1_usize), Just(20)],
        store in prop_oneof![Just("5f0c9a7be13d4c28".to_owned()), ".{0,40}"],
        url in prop_oneof![Just(URL.to_owned()), ".{0,40}"],
    ) {
        let count = if size == 1 { 1 } else { jsons.len() };
        let records: Vec<Record> =
            (0_u32..).zip(&jsons).take(count).map(|(element, json)| record(element, json)).collect();
        let encoder = Encoder::new(format, size, &url);
        let body = encoder.encode(&page(&store), &outgoing(&records));
        let cost: usize = records.iter().map(|record| encoder.cost(record, &record.bytes)).sum();
        prop_assert_eq!(body.len(), encoder.envelope_bytes() + cost);
    }

    #[test]
    fn every_record_comes_out_as_it_went_in(jsons in proptest::collection::vec(any_record(), 1..6)) {
        #[derive(serde::Deserialize)]
        struct Event<'a> {
            #[serde(borrow)]
            data: &'a RawValue,
        }
        let records: Vec<Record> = (0_u32..).zip(&jsons).map(|(element, json)| record(element, json)).collect();

        let body = encode(Format::Json, 20, &records);
        let back: Vec<&RawValue> = serde_json::from_str(&body).unwrap();
        prop_assert_eq!(back.iter().map(|raw| raw.get()).collect::<Vec<_>>(), jsons.iter().collect::<Vec<_>>());

        let body = encode(Format::Cloudevents, 20, &records);
        let back: Vec<Event<'_>> = serde_json::from_str(&body).unwrap();
        prop_assert_eq!(back.iter().map(|event| event.data.get()).collect::<Vec<_>>(), jsons.iter().collect::<Vec<_>>());

        let body = encode(Format::Ndjson, 20, &records);
        let lines: Vec<&str> = body.lines().collect();
        prop_assert_eq!(lines.len(), jsons.len());
        for (line, json) in lines.iter().zip(&jsons) {
            prop_assert_eq!(line.len(), json.len());
            prop_assert_eq!(
                serde_json::from_str::<serde_json::Value>(line).unwrap(),
                serde_json::from_str::<serde_json::Value>(json).unwrap()
            );
        }
    }
}
