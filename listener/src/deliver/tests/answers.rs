//! What each kind of answer does, over a real socket.

use std::time::Duration;

use http::Method;

use super::scene::{Scene, http, http_as, live, one_by_one, timing};
use super::server::{Server, say};
use super::store::FakeStore;
use crate::config::{LiveDestination, Target};
use crate::deliver::{PauseReason, standard_output};
use crate::store::{ErrorClass, RecordId};

#[tokio::test]
async fn a_page_arrives_byte_for_byte_with_its_headers() {
    let server = Server::start(|_, _| say(204)).await;
    let scene = Scene::start(http(&server.url("/hubspot?x=1"))).await;
    scene.store.put(&["{\"objectId\": 123456789012345678901,\n \"n\":1.10}", "{\"a\":\"\\u00e9é\"}"]);
    scene.delivered(2).await;
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].body, "[{\"objectId\": 123456789012345678901,\n \"n\":1.10},{\"a\":\"\\u00e9é\"}]");
    assert_eq!((&seen[0].method, seen[0].path.as_str()), (&Method::POST, "/hubspot?x=1"));
    assert_eq!(seen[0].header("content-type"), "application/json");
    assert_eq!(seen[0].header("user-agent"), concat!("hubspot-listener/", env!("CARGO_PKG_VERSION")));
    assert_eq!(seen[0].header("x-hubspot-listener-page-id"), "5f0c9a7be13d4c28-1");
    assert_eq!(seen[0].header("x-hubspot-listener-attempt"), "1");
    assert_eq!(seen[0].header("x-hubspot-listener-records"), "2");
    assert_eq!(seen[0].header("authorization"), "Bearer t0ken");
    let printed = scene.printed();
    let labels = "namespace=\"sales\",listener=\"contacts\",destination=\"warehouse\"";
    assert!(printed.contains(&format!("delivered_records_total{{{labels}}} 2")), "{printed}");
    assert!(printed.contains(&format!("attempts_total{{{labels},outcome=\"delivered\"}} 1")), "{printed}");
}

#[tokio::test]
async fn each_format_says_its_media_type() {
    use crds::listener::Format;
    let cases = [
        (Format::Ndjson, 20, "application/x-ndjson", "{\"objectId\":1}\n"),
        (Format::Cloudevents, 20, "application/cloudevents-batch+json; charset=utf-8", "[{\"specversion\""),
        (Format::Cloudevents, 1, "application/cloudevents+json; charset=utf-8", "{\"specversion\""),
    ];
    for (format, page_size, content_type, begins) in cases {
        let server = Server::start(|_, _| say(200)).await;
        let scene = Scene::start(LiveDestination { page_size, ..http_as(&server.url("/"), format) }).await;
        scene.store.put(&["{\"objectId\":1}"]);
        scene.delivered(1).await;
        let seen = server.seen().remove(0);
        assert_eq!(seen.header("content-type"), content_type);
        assert!(seen.body.starts_with(begins), "{}", seen.body);
    }
}

#[tokio::test]
async fn a_500_is_retried_under_the_same_page_id_until_the_last_attempt() {
    let server = Server::start(|_, _| say(500).body("<h1>broken</h1>")).await;
    let scene = Scene::start(http(&server.url("/"))).await;
    scene.store.put(&["{\"portalId\":1,\"subscriptionType\":\"contact.creation\",\"objectId\":7}"]);
    scene.errors(1).await;
    let seen = server.seen();
    let ids: Vec<&str> = seen.iter().map(|seen| seen.header("x-hubspot-listener-page-id")).collect();
    assert_eq!(ids, ["5f0c9a7be13d4c28-1"; 3]);
    let attempts: Vec<&str> = seen.iter().map(|seen| seen.header("x-hubspot-listener-attempt")).collect();
    assert_eq!(attempts, ["1", "2", "3"]);
    let state = scene.store.state();
    let error = &state.errors[0];
    assert_eq!((error.failure.class, error.failure.status), (ErrorClass::Intermittent, Some(500)));
    assert_eq!(error.failure.response.as_deref(), Some("<h1>broken</h1>"));
    assert_eq!(error.trace_key, "1/contact/7");
    assert!(error.payload.is_some());
}

#[tokio::test]
async fn a_slow_destination_is_retried_after_the_timeout() {
    let server = Server::start(|number, _| say(200).after(if number == 0 { 5_000 } else { 0 })).await;
    let mut destination = http(&server.url("/"));
    if let Target::Http { timeout, .. } = &mut destination.target {
        *timeout = Duration::from_millis(150);
    }
    let scene = Scene::start(destination).await;
    scene.store.put(&["{}"]);
    scene.delivered(1).await;
    assert_eq!(server.seen()[1].header("x-hubspot-listener-attempt"), "2");
    assert!(scene.printed().contains("outcome=\"connection\"} 1"));
}

#[tokio::test]
async fn a_destination_that_is_down_gives_open_errors_after_the_last_attempt() {
    let url = {
        let server = Server::start(|_, _| say(200)).await;
        server.url("/secret-path?token=t0psecret")
    };
    let scene = Scene::start(http(&url)).await;
    scene.store.put(&["{}", "{}"]);
    scene.errors(2).await;
    let state = scene.store.state();
    let failure = &state.errors[0].failure;
    assert_eq!((failure.class, failure.code.as_str()), (ErrorClass::Connection, "no_connection"));
    assert_eq!(failure.status, None);
    assert!(!failure.message.contains("t0psecret"), "{}", failure.message);
    assert!(failure.message.contains("refused"), "{}", failure.message);
}

#[tokio::test]
async fn a_400_makes_open_errors_of_the_whole_page_at_once() {
    let server = Server::start(|_, _| say(400).body("no such field")).await;
    let scene = Scene::start(http(&server.url("/"))).await;
    scene.store.put(&["{\"objectId\":1}", "{\"objectId\":2}"]);
    scene.errors(2).await;
    assert_eq!(server.seen().len(), 1);
    let state = scene.store.state();
    for error in &state.errors {
        assert_eq!((error.failure.class, error.failure.code.as_str()), (ErrorClass::Value, "http_400"));
        assert_eq!(error.failure.response.as_deref(), Some("no such field"));
    }
    assert_eq!(state.errors[1].payload.as_deref(), Some(&b"{\"objectId\":2}"[..]));
}

#[tokio::test]
async fn the_payload_is_not_kept_where_retry_data_is_not_to_be_stored() {
    let server = Server::start(|_, _| say(422)).await;
    let mut live = live(vec![http(&server.url("/"))]);
    live.configuration.spec.do_not_store_retry_data = true;
    let scene = Scene::start_with(live, timing(), FakeStore::new(), standard_output()).await;
    scene.store.put(&["{}"]);
    scene.errors(1).await;
    assert_eq!(scene.store.state().errors[0].payload, None);
}

#[tokio::test]
async fn only_the_records_that_failed_fail_and_the_retryable_go_again_alone() {
    let server = Server::start(|number, _| match number {
        0 => say(207).body(
            r#"{"failed":[{"index":1,"code":"busy","retryable":true},{"index":2,"code":"bad","message":"no @"}]}"#,
        ),
        _ => say(200).body("{}"),
    })
    .await;
    let scene = Scene::start(http(&server.url("/"))).await;
    scene.store.put(&["{\"n\":0}", "{\"n\":1}", "{\"n\":2}", "{\"n\":3}"]);
    scene.delivered(3).await;
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[1].body, "[{\"n\":1}]");
    assert_eq!(seen[1].header("x-hubspot-listener-attempt"), "2");
    let state = scene.store.state();
    assert_eq!(state.errors.len(), 1);
    assert_eq!(state.errors[0].record, RecordId { delivery: 1, element: 2 });
    assert_eq!(state.errors[0].failure.message, "no @");
    drop(state);
    assert!(scene.printed().contains("outcome=\"partly\"} 1"));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::start(|_, _| say(200)).await;
    let to = elsewhere.url("/inside");
    let location = to.clone();
    let server = Server::start(move |_, _| say(307).header("location", &location)).await;
    let scene = Scene::start(http(&server.url("/"))).await;
    scene.store.put(&["{}"]);
    scene.errors(1).await;
    assert_eq!(elsewhere.seen().len(), 0);
    let state = scene.store.state();
    assert_eq!(state.errors[0].failure.code, "http_3xx");
    assert!(state.errors[0].failure.message.contains(&to));
}

#[tokio::test]
async fn a_429_with_retry_after_holds_every_page_of_the_destination_back() {
    let server = Server::start(|number, _| match number {
        0 => say(429).header("retry-after", "1"),
        _ => say(200),
    })
    .await;
    let scene = Scene::start(LiveDestination { concurrency: 1, ..one_by_one(&server.url("/")) }).await;
    scene.store.put_many(3);
    super::scene::until("it is paused", || scene.paused().is_some()).await;
    assert_eq!(scene.paused().unwrap().reason, PauseReason::RetryAfter);
    scene.delivered(3).await;
    let seen = server.seen();
    assert_eq!(seen.len(), 4);
    let waited = seen[1].at - seen[0].at;
    assert!(waited >= Duration::from_millis(990), "{waited:?}");
    assert_eq!(scene.paused(), None);
}

#[tokio::test]
async fn a_429_counts_from_its_answer_on_though_the_store_cannot_settle_its_page() {
    let server = Server::start(|number, _| match number {
        0 => say(429).header("retry-after", "1"),
        _ => say(200),
    })
    .await;
    let scene = Scene::start(one_by_one(&server.url("/"))).await;
    scene.store.state().failing_settlements = u32::MAX;
    scene.store.put(&["{}"]);
    super::scene::until("it is paused", || scene.paused().is_some()).await;
    scene.store.put(&["{}"]);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(server.seen().len(), 1, "the other page waits too");
    scene.store.state().failing_settlements = 0;
    scene.delivered(2).await;
    let seen = server.seen();
    assert!(seen[1].at - seen[0].at >= Duration::from_millis(990));
}

#[tokio::test]
async fn an_endless_answer_is_read_up_to_a_bound() {
    let server = Server::start(|_, _| {
        let mut say = say(200);
        say.endless = true;
        say
    })
    .await;
    let scene = Scene::start(http(&server.url("/"))).await;
    scene.store.put(&["{}"]);
    scene.delivered(1).await;
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_barred_address_is_an_open_error_and_nothing_is_sent() {
    let server = Server::start(|_, _| say(200)).await;
    for host in ["127.0.0.1", "localhost", "0x7f.1"] {
        let url = format!("http://{host}:{}/", server.address.port());
        let mut live = live(vec![http(&url)]);
        live.configuration.allowed_addresses.clear();
        let scene = Scene::start_with(live, timing(), FakeStore::new(), standard_output()).await;
        scene.store.put(&["{}"]);
        scene.errors(1).await;
        let state = scene.store.state();
        let failure = &state.errors[0].failure;
        assert_eq!(
            (failure.class, failure.code.as_str()),
            (ErrorClass::Connection, "address_barred"),
            "{host}"
        );
        assert!(failure.message.contains("loopback"), "{}", failure.message);
    }
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test]
async fn a_name_in_the_hosts_file_is_reached_where_its_address_is_allowed() {
    let server = Server::start(|_, _| say(200)).await;
    let scene = Scene::start(http(&format!("http://localhost:{}/", server.address.port()))).await;
    scene.store.put(&["{}"]);
    scene.delivered(1).await;
}
