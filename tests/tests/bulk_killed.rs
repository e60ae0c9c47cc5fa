//! A bulk retry of 100,000 errors whose process is killed halfway, twice, and started again: each error
//! is retried, none is lost, and the destination sees a record twice only in a page that it sees twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::{ListenerProcess, Page, Receiver, Reply, Setup, eventually, get_json, post};

/// Errors that are retried.
const ERRORS: u64 = 100_000;
/// Events in a delivery, and records in a page.
const AT_ONCE: u64 = 1_000;

#[test]
fn a_bulk_retry_of_100_000_errors_that_is_killed_halfway_retries_each_and_loses_none() {
    let takes = Arc::new(AtomicBool::new(false));
    let is_taken = Arc::clone(&takes);
    let destination =
        Receiver::with(
            move |_| {
                if is_taken.load(Ordering::SeqCst) { Reply::status(200) } else { Reply::status(400) }
            },
        );
    let mut listener = start(&destination);
    fail(&listener);
    let refused = destination.pages().len();
    takes.store(true, Ordering::SeqCst);

    let wanted = json!({"selection": {"errors": {"states": ["open"]}}, "act": {"act": "retry"}});
    let plan = ask(&listener, "/bulk-plans", &wanted);
    assert_eq!(plan["effect"]["changed"], ERRORS, "{plan}");
    let id = plan["id"].as_i64().expect("a number");
    ask(&listener, &format!("/bulk-plans/{id}/start"), &json!({}));

    // The first kill is in the act itself, the second while what it set in motion is on its way.
    let done = halfway(&listener, id, |done| done >= ERRORS / 3);
    assert!(done < ERRORS, "it was over before it could be killed");
    listener.kill();
    listener.restart();
    listener.wait_ready();
    let again = bulk(&listener, id)["done"].as_u64().expect("a number");
    assert!(again >= done, "{again} of the {done} that were done");
    halfway(&listener, id, |done| done > ERRORS / 2);
    listener.kill();
    let taken = records(&destination.pages()[refused..]).len() as u64;
    assert!((1..ERRORS).contains(&taken), "the second kill was not halfway: {taken} were taken");
    listener.restart();
    listener.wait_ready();

    let ended = eventually(120, "the bulk act is over", || {
        let bulk = bulk(&listener, id);
        (bulk["state"] == "done").then_some(bulk)
    });
    assert_eq!((&ended["done"], &ended["left"]), (&json!(ERRORS), &json!(0)), "{ended}");
    eventually(120, "each error is resolved", || {
        let count = get_json(listener.admin, "/api/v1/errors/count");
        (count["byState"] == json!([["resolved", ERRORS]])).then_some(())
    });
    let pages = &destination.pages()[refused..];
    let seen = records(pages);
    assert_eq!(seen.len() as u64, ERRORS, "some never came");
    assert!(seen.keys().copied().eq(0..ERRORS));
    for (event, pages) in &seen {
        assert_eq!(pages.len(), 1, "event {event} came in different pages: {pages:?}");
    }
    assert_eq!((listener.count("openErrors"), listener.count("pendingRecords")), (0, 0));
}

fn start(destination: &Receiver) -> ListenerProcess {
    let spec = format!(
        "  desk: {{foldErrors: false}}\n  page: {{size: {AT_ONCE}, lingerMilliseconds: 0}}\n  \
         destinations: [{{name: warehouse, http: {{url: '{}'}}}}]\n",
        destination.url("/")
    );
    Setup::listener(&spec).arguments(&["--log", "warn"]).start()
}

fn fail(listener: &ListenerProcess) {
    for first in (0..ERRORS).step_by(usize::try_from(AT_ONCE).expect("64 bits")) {
        let events: Vec<String> = (first..first + AT_ONCE)
            .map(|id| {
                format!("{{\"eventId\":{id},\"subscriptionType\":\"contact.creation\",\"objectId\":{id}}}")
            })
            .collect();
        let body = format!("[{}]", events.join(","));
        assert_eq!(listener.deliver(body.as_bytes()).expect("an answer").status, 204);
    }
    eventually(120, "all are at the desk", || {
        let count = get_json(listener.admin, "/api/v1/errors/count?state=open");
        (count["total"] == ERRORS).then_some(())
    });
}

/// Looks until `enough` of the act is done, and says how much that is.
fn halfway(listener: &ListenerProcess, id: i64, enough: impl Fn(u64) -> bool) -> u64 {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let done = bulk(listener, id)["done"].as_u64().expect("a number");
        if enough(done) {
            return done;
        }
        assert!(Instant::now() < deadline, "{done} are done after a minute");
    }
}

fn bulk(listener: &ListenerProcess, id: i64) -> Value {
    get_json(listener.admin, &format!("/api/v1/bulk/{id}"))
}

fn ask(listener: &ListenerProcess, path: &str, body: &Value) -> Value {
    let headers = [("content-type".to_owned(), "application/json".to_owned())];
    let answer = post(listener.admin, &format!("/api/v1{path}"), &headers, body.to_string().as_bytes());
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// Events by number, each with the ids of the pages in which it came.
fn records(pages: &[Page]) -> BTreeMap<u64, BTreeSet<String>> {
    let mut seen: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
    for page in pages {
        let events: Vec<Value> = serde_json::from_slice(&page.body).expect("a page");
        for event in events {
            let id = event["eventId"].as_u64().expect("a number");
            seen.entry(id).or_default().insert(page.header("x-hubspot-listener-page-id").to_owned());
        }
    }
    seen
}
