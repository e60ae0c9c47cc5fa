//! Transforms of destinations: real listener, real store, real sockets.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use tests::{ListenerProcess, Receiver, Reply, Setup, eventually, fixture_bytes, get};

/// Events with what the tests need of them.
fn events(count: u32) -> Vec<u8> {
    let events: Vec<Value> = (0..count)
        .map(|number| {
            json!({
                "eventId": 9_007_199_254_740_993_u64 + u64::from(number), "subscriptionId": 5, "portalId": 62515,
                "appId": 1, "occurredAt": 1_790_000_000_000_u64 + u64::from(number),
                "subscriptionType": "contact.propertyChange", "objectId": 138_000_000_000_u64 + u64::from(number),
                "propertyName": "name", "propertyValue": format!("O\"Neil {number}"),
            })
        })
        .collect();
    serde_json::to_vec(&events).expect("JSON")
}

fn settled(listener: &ListenerProcess) {
    eventually(30, "nothing is pending", || {
        (listener.count("unindexedBytes") == 0
            && listener.count("events") > 0
            && listener.count("pendingRecords") == 0)
            .then_some(())
    });
}

fn open_errors(listener: &ListenerProcess) -> Vec<Value> {
    listener.errors()
}

fn deliver(listener: &ListenerProcess, body: &[u8]) {
    assert_eq!(listener.deliver(body).expect("an answer").status, 204);
}

#[test]
fn each_destination_gets_what_its_own_transform_makes() {
    let receiver = Receiver::start();
    let listener = Setup::listener(&format!(
        "  page: {{size: 20, lingerMilliseconds: 50}}\n  settings: {{region: eu}}\n  destinations:\n  \
         - name: rules\n    http: {{url: '{0}/rules'}}\n    transform:\n      rules:\n      \
         - keep: [eventId, objectId]\n      - rename: {{from: objectId, to: contact.id}}\n      \
         - set: {{field: region, text: '{{{{settings.region}}}}'}}\n  \
         - name: template\n    http: {{url: '{0}/template', format: ndjson}}\n    transform:\n      \
         template: '{{\"id\": {{{{eventId}}}}, \"value\": \"{{{{propertyValue}}}}\"}}'\n  \
         - name: events\n    http: {{url: '{0}/events', format: cloudevents}}\n    transform: {{rules: [{{keep: [objectId]}}]}}\n  \
         - name: plain\n    http: {{url: '{0}/plain'}}\n  \
         - name: audit\n    log: {{}}\n    transform: {{rules: [{{keep: [eventId]}}]}}\n",
        receiver.url("")
    ))
    .start();
    let body = events(2);
    deliver(&listener, &body);
    settled(&listener);
    let pages = receiver.pages();
    let page = |path: &str| {
        let page = pages.iter().find(|page| page.path == path).unwrap_or_else(|| panic!("nothing at {path}"));
        String::from_utf8(page.body.to_vec()).expect("text")
    };
    assert_eq!(
        page("/rules"),
        "[{\"eventId\":9007199254740993,\"contact\":{\"id\":138000000000},\"region\":\"eu\"},\
         {\"eventId\":9007199254740994,\"contact\":{\"id\":138000000001},\"region\":\"eu\"}]"
    );
    assert_eq!(
        page("/template"),
        "{\"id\": 9007199254740993, \"value\": \"O\\\"Neil 0\"}\n{\"id\": 9007199254740994, \"value\": \"O\\\"Neil 1\"}\n"
    );
    let cloud: Value = serde_json::from_str(&page("/events")).expect("JSON");
    assert_eq!(cloud[1]["data"], json!({"objectId": 138_000_000_001_u64}));
    assert_eq!(
        (&cloud[1]["subject"], &cloud[1]["type"]),
        (&json!("138000000001"), &json!("com.hubspot.contact.propertyChange"))
    );
    assert_eq!(page("/plain").as_bytes(), body, "without a transform it goes as it came");
    assert!(listener.out().contains("\"records\":[{\"eventId\":9007199254740993},"), "{}", listener.out());
}

#[test]
fn a_record_that_cannot_be_mapped_is_an_open_error_and_answers_name_the_right_record() {
    let first = Mutex::new(true);
    let receiver = Receiver::with(move |_| {
        let failed = r#"{"failed":[{"index":2,"code":"bad_value","message":"no","retryable":false}]}"#;
        let first = std::mem::take(&mut *first.lock().expect("no panic"));
        if first { Reply::status(207).body(failed) } else { Reply::status(200) }
    });
    let listener = Setup::listener(&format!(
        "  page: {{size: 20, lingerMilliseconds: 50}}\n  traceKeyTemplate: '{{{{eventId}}}}'\n  destinations:\n  \
         - name: warehouse\n    http: {{url: '{}'}}\n    transform: {{template: '{{\"id\": {{{{objectId}}}}}}'}}\n",
        receiver.url("/")
    ))
    .start();
    let mut events: Vec<Value> = serde_json::from_slice(&events(5)).expect("JSON");
    events[1].as_object_mut().expect("an event").remove("objectId");
    deliver(&listener, &serde_json::to_vec(&events).expect("JSON"));
    settled(&listener);
    let pages = receiver.pages();
    assert_eq!(pages.len(), 1);
    assert_eq!(pages[0].header("x-hubspot-listener-records"), "4");
    assert_eq!(pages[0].records().len(), 4);
    let errors = open_errors(&listener);
    let mut seen: Vec<(String, String, String)> = errors
        .iter()
        .map(|error| {
            let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
            (text("traceKey"), text("class"), text("code"))
        })
        .collect();
    seen.sort();
    let expected = |key: &str, code: &str| (key.to_owned(), "value".to_owned(), code.to_owned());
    // The third that was sent is the fourth that came.
    assert_eq!(
        seen,
        [expected("9007199254740994", "transform_not_json"), expected("9007199254740996", "bad_value")],
        "{errors:?}"
    );
    let printed = get(listener.admin, "/metrics").expect("metrics").text();
    assert!(printed.contains("hubspot_listener_transform_errors_total{"), "{printed}");
}

#[test]
fn a_page_that_waits_is_mapped_by_the_newest_manifest() {
    let first = Mutex::new(true);
    let receiver = Receiver::with(move |_| {
        let first = std::mem::take(&mut *first.lock().expect("no panic"));
        if first { Reply::status(503).header("retry-after", "3") } else { Reply::status(200) }
    });
    let listener = Setup::listener(&format!(
        "  page: {{size: 20, lingerMilliseconds: 50}}\n  destinations:\n  \
         - name: warehouse\n    http: {{url: '{}'}}\n    transform: {{rules: [{{keep: [objectId]}}]}}\n",
        receiver.url("/")
    ))
    .start();
    deliver(&listener, &events(1));
    eventually(10, "it was tried", || (receiver.pages().len() == 1).then_some(()));
    let manifest = listener.setup.manifest.replace("keep: [objectId]", "keep: [portalId]");
    std::fs::write(listener.manifest(), manifest).expect("a manifest");
    settled(&listener);
    let pages = receiver.pages();
    assert_eq!(pages[0].records(), ["{\"objectId\":138000000000}"]);
    let last = pages.last().expect("a page");
    assert_eq!(last.records(), ["{\"portalId\":62515}"]);
    assert_eq!(
        last.header("x-hubspot-listener-page-id"),
        pages[0].header("x-hubspot-listener-page-id"),
        "the same page"
    );
    assert!(last.at - pages[0].at >= Duration::from_millis(400));
}

#[test]
fn a_delivery_of_a_hundred_goes_through_a_transform_whole() {
    let receiver = Receiver::start();
    let listener = Setup::listener(&format!(
        "  page: {{size: 30, lingerMilliseconds: 50}}\n  destinations:\n  \
         - name: warehouse\n    http: {{url: '{}'}}\n    transform: {{rules: [{{keep: [eventId]}}]}}\n",
        receiver.url("/")
    ))
    .start();
    deliver(&listener, &fixture_bytes("hubspot/batches/hundred-events.json"));
    settled(&listener);
    let records = receiver.records();
    assert_eq!(records.len(), 100);
    assert!(records.iter().all(|record| record.starts_with("{\"eventId\":") && !record.contains(',')));
    assert!(open_errors(&listener).is_empty());
}
