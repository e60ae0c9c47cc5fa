//! What a destination's answers do: down, slow, 500, 429, 400, per-record
//! failures, redirects. Real listener, real store, real sockets; the waits are
//! the product's own, of a second or two.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tests::{ListenerProcess, Page, Receiver, Reply, Setup, eventually, fixture_bytes, free_port};

fn start(url: &str, more: &str) -> ListenerProcess {
    Setup::listener(&format!(
        "  page: {{size: 20, lingerMilliseconds: 50}}\n  \
         dataUriTemplate: 'https://app.hubspot.com/contacts/{{{{{{portalId}}}}}}/record/0-1/{{{{{{objectId}}}}}}'\n  \
         destinations:\n  - name: warehouse\n    http: {{url: '{url}', timeoutSeconds: 1}}\n{more}"
    ))
    .start()
}

fn deliver_mixed(listener: &ListenerProcess) -> usize {
    let body = fixture_bytes("hubspot/batches/mixed-types.json");
    assert_eq!(listener.deliver(&body).expect("an answer").status, 204);
    8
}

fn open_errors(listener: &ListenerProcess) -> Vec<Value> {
    listener.errors()
}

fn settled(listener: &ListenerProcess) {
    eventually(30, "nothing is pending", || {
        (listener.count("unindexedBytes") == 0
            && listener.count("events") > 0
            && listener.count("pendingRecords") == 0)
            .then_some(())
    });
}

/// A receiver whose first answers come from `first`, and then 200.
fn receiver(first: Vec<Reply>) -> Receiver {
    let first = Mutex::new(first.into_iter());
    Receiver::with(move |_| first.lock().expect("no panic").next().unwrap_or_else(|| Reply::status(200)))
}

fn same_page_again(pages: &[Page]) {
    let id = pages[0].header("x-hubspot-listener-page-id").to_owned();
    assert!(!id.is_empty());
    for page in pages {
        assert_eq!(page.header("x-hubspot-listener-page-id"), id, "the id is the same for each attempt");
        assert_eq!(page.body, pages[0].body, "so are the bytes");
    }
}

#[test]
fn a_500_is_tried_again_with_the_same_page_id() {
    let receiver = receiver(vec![Reply::status(500), Reply::status(503)]);
    let listener = start(&receiver.url("/"), "");
    deliver_mixed(&listener);
    settled(&listener);
    assert_eq!(receiver.pages().len(), 3);
    same_page_again(&receiver.pages());
    assert!(open_errors(&listener).is_empty());
}

#[test]
fn a_429_is_tried_again_no_sooner_than_it_says() {
    let receiver = receiver(vec![Reply::status(429).header("retry-after", "2")]);
    let listener = start(&receiver.url("/"), "");
    deliver_mixed(&listener);
    settled(&listener);
    let pages = receiver.pages();
    assert_eq!(pages.len(), 2);
    same_page_again(&pages);
    let waited = pages[1].at - pages[0].at;
    assert!(waited >= Duration::from_millis(1950), "tried again after {waited:?}");
}

#[test]
fn a_429_holds_the_whole_destination_back() {
    let receiver = receiver(vec![Reply::status(429).header("retry-after", "2")]);
    let listener = start(&receiver.url("/"), "");
    deliver_mixed(&listener);
    // Its answer has to arrive before the next page can know of it.
    eventually(10, "the destination is paused", || {
        (listener.status()["destinations"][0]["paused"]["reason"] == "retryAfter").then_some(())
    });
    let body = fixture_bytes("hubspot/batches/unknown-fields.json");
    assert_eq!(listener.deliver(&body).expect("an answer").status, 204);
    settled(&listener);
    let pages = receiver.pages();
    assert_eq!(pages.len(), 3);
    for page in &pages[1..] {
        assert!(page.at - pages[0].at >= Duration::from_millis(1950), "another page went out in between");
    }
}

#[test]
fn a_400_becomes_open_errors_at_once_with_what_was_answered() {
    let receiver = receiver(vec![Reply::status(400).body("{\"error\":\"unknown field portalId\"}")]);
    let listener = start(&receiver.url("/"), "");
    let events = deliver_mixed(&listener);
    settled(&listener);
    assert_eq!(receiver.pages().len(), 1, "not tried again");
    let errors = open_errors(&listener);
    assert_eq!(errors.len(), events);
    for error in &errors {
        assert_eq!(error["class"], "value");
        assert_eq!(error["status"], 400);
        assert_eq!(error["destination"], "warehouse");
        assert!(
            error["response"].as_str().is_some_and(|text| text.contains("unknown field portalId")),
            "{error}"
        );
        assert!(
            error["dataUri"].as_str().is_some_and(|uri| uri.starts_with("https://app.hubspot.com/contacts/"))
        );
        assert!(error["traceKey"].as_str().is_some_and(|key| !key.is_empty()));
    }
    assert_eq!(listener.count("openErrors"), events as u64);
}

#[test]
fn only_the_records_that_a_destination_names_fail() {
    let answers = vec![Reply::status(207).body(
        r#"{"failed":[{"index":1,"code":"bad_phone","message":"no number","retryable":false},
                          {"index":3,"code":"locked","message":"later","retryable":true}]}"#,
    )];
    let receiver = receiver(answers);
    let listener = start(&receiver.url("/"), "");
    deliver_mixed(&listener);
    settled(&listener);
    let pages = receiver.pages();
    assert_eq!(pages.len(), 2);
    assert_eq!(
        pages[1].records(),
        vec![pages[0].records()[3].clone()],
        "only the record that may be tried again"
    );
    assert_ne!(pages[0].header("x-hubspot-listener-page-id"), pages[1].header("x-hubspot-listener-page-id"));
    let errors = open_errors(&listener);
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0]["code"], "bad_phone");
    assert_eq!(errors[0]["message"], "no number");
}

#[test]
fn a_slow_destination_is_given_up_after_its_timeout_and_tried_again() {
    let receiver = receiver(vec![Reply::status(200).after(Duration::from_secs(5))]);
    let listener = start(&receiver.url("/"), "");
    deliver_mixed(&listener);
    settled(&listener);
    let pages = receiver.pages();
    assert_eq!(pages.len(), 2);
    same_page_again(&pages);
    let waited = pages[1].at - pages[0].at;
    assert!(waited < Duration::from_secs(5), "it did not wait for the slow answer: {waited:?}");
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Receiver::start();
    let target = elsewhere.url("/stolen");
    let receiver = Receiver::with(move |_| Reply::status(307).header("location", &target));
    let listener = start(&receiver.url("/"), "");
    let events = deliver_mixed(&listener);
    settled(&listener);
    assert!(elsewhere.pages().is_empty());
    assert_eq!(open_errors(&listener).len(), events);
}

#[test]
fn a_destination_that_is_down_is_paused_and_probed_and_gets_all_when_it_is_back() {
    let port = free_port();
    let listener = start(&format!("http://127.0.0.1:{port}/"), "    concurrency: 1\n");
    for batch in ["mixed-types", "unknown-fields", "nested-data", "same-event-id"] {
        let body = fixture_bytes(&format!("hubspot/batches/{batch}.json"));
        assert_eq!(
            listener.deliver(&body).expect("an answer").status,
            204,
            "accepted while the destination is down"
        );
    }
    let reason = eventually(60, "the destination is paused", || {
        listener.status()["destinations"][0]["paused"]["reason"].as_str().map(str::to_owned)
    });
    assert!(!reason.is_empty());
    assert_eq!(listener.count("openErrors"), 0, "nothing is given up while it is down");
    let address = format!("127.0.0.1:{port}").parse().expect("an address");
    let receiver = Receiver::at(address, |_| Reply::status(200)).expect("the port is still free");
    eventually(60, "everything arrives", || (receiver.records().len() >= 8 + 4 + 4 + 6).then_some(()));
    settled(&listener);
    assert_eq!(receiver.records().len(), 22);
    assert!(listener.status()["destinations"][0]["paused"].is_null(), "resumed");
}

#[test]
fn a_page_that_fails_for_good_becomes_open_errors_after_its_attempts() {
    let receiver = Receiver::with(|_| Reply::status(500).body("out of order"));
    let listener = start(&receiver.url("/"), "    retry: {maxAttempts: 2, maxAgeSeconds: 3600}\n");
    let events = deliver_mixed(&listener);
    settled(&listener);
    assert_eq!(receiver.pages().len(), 2);
    let errors = open_errors(&listener);
    assert_eq!(errors.len(), events);
    assert!(
        errors.iter().all(|error| error["class"] == "intermittent" && error["attempts"] == 2),
        "{errors:?}"
    );
}

#[test]
fn no_more_pages_are_in_flight_than_the_manifest_allows() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counting, highest) = (now.clone(), most.clone());
    // The receiver's answer comes after the delay: whoever arrives meanwhile is in flight beside it.
    let receiver = Receiver::with(move |_| {
        highest.fetch_max(counting.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let leaving = counting.clone();
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(200));
            leaving.fetch_sub(1, Ordering::SeqCst);
        });
        Reply::status(200).after(Duration::from_millis(220))
    });
    let listener = Setup::listener(&format!(
        "  page: {{size: 5, lingerMilliseconds: 0}}\n  destinations:\n  - name: warehouse\n    concurrency: 2\n    \
         http: {{url: '{}'}}\n",
        receiver.url("/")
    ))
    .start();
    let body = fixture_bytes("hubspot/batches/hundred-events.json");
    assert_eq!(listener.deliver(&body).expect("an answer").status, 204);
    settled(&listener);
    assert_eq!(receiver.pages().len(), 20);
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[test]
fn the_rate_limit_holds() {
    let receiver = Receiver::start();
    let listener = Setup::listener(&format!(
        "  page: {{size: 10, lingerMilliseconds: 0}}\n  destinations:\n  - name: warehouse\n    \
         rateLimit: {{requests: 2, perSeconds: 1}}\n    http: {{url: '{}'}}\n",
        receiver.url("/")
    ))
    .start();
    let body = fixture_bytes("hubspot/batches/hundred-events.json");
    assert_eq!(listener.deliver(&body).expect("an answer").status, 204);
    settled(&listener);
    let pages = receiver.pages();
    assert_eq!(pages.len(), 10);
    let took = pages[9].at - pages[0].at;
    assert!(took >= Duration::from_millis(3500), "ten requests at two a second took {took:?}");
}

#[test]
fn paused_takes_and_holds_and_hands_on_when_it_ends() {
    let receiver = Receiver::start();
    let listener = start(&receiver.url("/"), "  paused: true\n");
    let events = deliver_mixed(&listener);
    eventually(10, "it is indexed", || (listener.count("pendingRecords") == events as u64).then_some(()));
    std::thread::sleep(Duration::from_millis(500));
    assert!(receiver.pages().is_empty());
    let manifest = listener.setup.manifest.replace("paused: true", "paused: false");
    std::fs::write(listener.manifest(), manifest).expect("a manifest");
    settled(&listener);
    assert_eq!(receiver.records().len(), events);
}

#[test]
fn each_destination_takes_what_its_filter_names() {
    let receiver = Receiver::start();
    let listener = Setup::listener(&format!(
        "  page: {{size: 100, lingerMilliseconds: 50}}\n  destinations:\n  \
         - name: contacts\n    filter: 'event.subscriptionType.startsWith(\"contact.\")'\n    http: {{url: '{0}'}}\n  \
         - name: rest\n    filter: '!event.subscriptionType.startsWith(\"contact.\")'\n    http: {{url: '{1}'}}\n",
        receiver.url("/contacts"),
        receiver.url("/rest")
    ))
    .start();
    deliver_mixed(&listener);
    settled(&listener);
    for page in receiver.pages() {
        for record in page.records() {
            let contact = record.contains("\"subscriptionType\":\"contact.");
            assert_eq!(contact, page.path == "/contacts", "{record} went to {}", page.path);
        }
    }
    assert_eq!(receiver.records().len(), 8);
}
