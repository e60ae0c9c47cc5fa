//! Transforms of a destination, over a real socket.

use std::sync::Arc;

use crds::limits::MAX_PAGE_BYTES;
use language::mapping::Mapping;
use serde_json::{Value, json};

use super::scene::{Scene, http, http_as, live, timing};
use super::server::{Server, say};
use super::store::FakeStore;
use crate::config::LiveDestination;
use crate::deliver::standard_output;
use crate::store::{ErrorClass, RecordId};

fn mapping(transform: Value) -> Mapping {
    Mapping::compile(&serde_json::from_value(transform).unwrap()).unwrap()
}

fn mapped(url: &str, transform: Value) -> LiveDestination {
    LiveDestination { mapping: Some(mapping(transform)), ..http(url) }
}

#[tokio::test]
async fn each_format_carries_the_mapped_document() {
    use crds::listener::Format;
    let cases = [
        (Format::Json, "[{\"id\":1},{\"id\":2}]"),
        (Format::Ndjson, "{\"id\":1}\n{\"id\":2}\n"),
        (Format::Cloudevents, "\"data\":{\"id\":1}},{"),
    ];
    for (format, body) in cases {
        let server = Server::start(|_, _| say(200)).await;
        let transform = json!({"rules": [{"rename": {"from": "objectId", "to": "id"}}]});
        let destination =
            LiveDestination { mapping: Some(mapping(transform)), ..http_as(&server.url("/"), format) };
        let scene = Scene::start(destination).await;
        scene.store.put(&["{\"objectId\":1}", "{\"objectId\":2}"]);
        scene.delivered(2).await;
        assert!(server.seen()[0].body.contains(body), "{}", server.seen()[0].body);
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_mapped_is_an_open_error_and_the_others_go() {
    let server = Server::start(|_, _| {
        say(207).body(r#"{"failed":[{"index":1,"code":"bad","message":"no","retryable":false}]}"#)
    })
    .await;
    let scene = Scene::start(mapped(&server.url("/"), json!({"template": "{\"id\": {{objectId}}}"}))).await;
    scene.store.put(&["{\"objectId\":1}", "{\"name\":\"x\"}", "{\"objectId\":3}", "{\"objectId\":4}"]);
    scene.errors(2).await;
    scene.delivered(2).await;
    assert_eq!(server.seen()[0].body, "[{\"id\": 1},{\"id\": 3},{\"id\": 4}]");
    let state = scene.store.state();
    let error = |code: &str| state.errors.iter().find(|error| error.failure.code == code).unwrap();
    let unfit = error("transform_not_json");
    assert_eq!((unfit.record.element, unfit.failure.class), (1, ErrorClass::Value));
    assert_eq!(unfit.payload.as_deref(), Some(&b"{\"name\":\"x\"}"[..]), "as it came");
    let bad = error("bad");
    assert_eq!(bad.record, RecordId { delivery: 1, element: 2 }, "the second that was sent");
    assert_eq!(bad.payload.as_deref(), Some(&b"{\"objectId\":3}"[..]), "as it came");
    drop(state);
    assert!(scene.printed().contains("transform_errors_total{"), "{}", scene.printed());
}

#[tokio::test]
async fn a_page_counts_the_bytes_that_are_sent() {
    let server = Server::start(|_, _| say(200)).await;
    // Three records of 3 MB each, of which little is sent; and the other way about.
    let large = |number: u32| format!("{{\"n\":{number},\"x\":\"{}\"}}", "x".repeat(3_000_000));
    let small = mapped(&server.url("/"), json!({"rules": [{"keep": ["n"]}]}));
    let scene = Scene::start(small).await;
    scene.store.put(&[&large(1), &large(2), &large(3)]);
    scene.delivered(3).await;
    assert_eq!(server.seen()[0].body, "[{\"n\":1},{\"n\":2},{\"n\":3}]");

    let server = Server::start(|_, _| say(200)).await;
    let text = "x".repeat(30_000);
    let grown: Vec<Value> =
        (0..50).map(|at| json!({"set": {"field": format!("f{at}"), "text": text}})).collect();
    let scene = Scene::start(mapped(&server.url("/"), json!({"rules": grown}))).await;
    scene.store.put(&["{\"n\":1}", "{\"n\":2}", "{\"n\":3}", "{\"n\":4}"]);
    scene.delivered(4).await;
    let seen = server.seen();
    assert_eq!(seen.len(), 2, "1.5 MB each: three in a page, then one");
    assert!(seen.iter().all(|seen| seen.body.len() <= MAX_PAGE_BYTES));
}

/// A page of these records that was answered 500 and waits to be sent again, without a transform so far.
async fn tried_once(records: &[&str]) -> (Server, Scene) {
    let server = Server::start(|number, _| say(if number == 0 { 500 } else { 200 })).await;
    let mut timing = timing();
    timing.base_wait = std::time::Duration::from_millis(300);
    timing.longest_wait = timing.base_wait;
    let scene =
        Scene::start_with(live(vec![http(&server.url("/"))]), timing, FakeStore::new(), standard_output())
            .await;
    scene.store.put(records);
    super::scene::until("it was tried", || server.seen().len() == 1).await;
    (server, scene)
}

#[tokio::test]
async fn a_page_that_waits_is_sent_with_the_newest_transform() {
    let (server, scene) = tried_once(&["{\"n\":1}", "{\"m\":2}", "{\"n\":3}"]).await;
    let url = server.url("/");
    let template = mapped(&url, json!({"template": "{\"was\": {{n}}}"}));
    scene.live.send_replace(Arc::new(live(vec![template])));
    scene.delivered(2).await;
    scene.errors(1).await;
    let seen = server.seen();
    assert_eq!(seen[1].body, "[{\"was\": 1},{\"was\": 3}]");
    assert_eq!(seen[1].header("x-hubspot-listener-records"), "2");
    assert_eq!(seen[1].header("x-hubspot-listener-page-id"), seen[0].header("x-hubspot-listener-page-id"));
    assert_eq!(scene.store.state().errors[0].record.element, 1);
}

#[tokio::test]
async fn a_page_that_a_new_transform_makes_too_large_is_sent_in_parts() {
    let (server, scene) = tried_once(&["{\"n\":1}", "{\"n\":2}", "{\"n\":3}"]).await;
    let url = server.url("/");
    let grown: Vec<Value> =
        (0..64).map(|at| json!({"set": {"field": format!("f{at}"), "text": "x".repeat(40_000)}})).collect();
    scene.live.send_replace(Arc::new(live(vec![mapped(&url, json!({"rules": grown}))])));
    scene.delivered(3).await;
    let sent: Vec<String> =
        server.seen()[1..].iter().map(|seen| seen.header("x-hubspot-listener-records").to_owned()).collect();
    assert_eq!(sent, ["2", "1"]);
    assert!(server.seen().iter().all(|seen| seen.body.len() <= MAX_PAGE_BYTES));
}

#[tokio::test]
async fn a_page_of_which_nothing_can_be_mapped_any_more_is_over_and_sends_nothing() {
    let server = Server::start(|_, _| say(500)).await;
    let url = server.url("/");
    let mut timing = timing();
    timing.base_wait = std::time::Duration::from_millis(300);
    timing.longest_wait = timing.base_wait;
    let scene = Scene::start_with(live(vec![http(&url)]), timing, FakeStore::new(), standard_output()).await;
    scene.store.put(&["{\"n\":1}", "{\"n\":2}"]);
    super::scene::until("it was tried", || server.seen().len() == 1).await;
    let transform = json!({"template": "{{missing}}"});
    scene.live.send_replace(Arc::new(live(vec![mapped(&url, transform)])));
    scene.errors(2).await;
    assert_eq!(server.seen().len(), 1, "nothing more was sent");
    let state = scene.store.state();
    assert!(state.errors.iter().all(|error| error.failure.code == "transform_empty"));
}
