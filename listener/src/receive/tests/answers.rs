//! The success answer: status, media type, body, headers.

use crds::listener::MediaType;

use super::support::*;

async fn answer(reply: Reply) -> (Port, Came) {
    let port = Port::with(PATH, &reply, quick()).await;
    let came = port.send(signed(&format!("{PATH}?x=1"), EVENTS)).await;
    (port, came)
}

#[tokio::test]
async fn a_body_has_the_media_type_of_the_manifest() {
    for (media_type, expected) in [
        (MediaType::Json, "application/json"),
        (MediaType::Xml, "application/xml"),
        (MediaType::Plaintext, "text/plain; charset=utf-8"),
    ] {
        let (_port, came) =
            answer(Reply { status: 200, media_type, body: Some("ok"), ..Reply::default() }).await;
        assert_eq!((came.status, came.body.as_str()), (200, "ok"));
        assert_eq!(came.header("content-type"), Some(expected));
    }
}

#[tokio::test]
async fn without_a_body_there_is_no_media_type() {
    let (_port, came) = answer(Reply { status: 202, ..Reply::default() }).await;
    assert_eq!(
        (came.status, came.header("content-type"), came.header("content-length")),
        (202, None, Some("0"))
    );
}

#[tokio::test]
async fn a_204_has_no_body_whatever_the_manifest_says() {
    let (_port, came) = answer(Reply { body: Some("ok"), ..Reply::default() }).await;
    assert_eq!((came.status, came.header("content-type"), came.header("content-length")), (204, None, None));
}

#[tokio::test]
async fn the_manifests_headers_win_but_never_frame_the_answer() {
    let headers = vec![("content-type", "text/csv"), ("x-a", "1"), ("x-a", "2"), ("content-length", "99")];
    let (port, came) = answer(Reply { status: 200, body: Some("a,b"), headers, ..Reply::default() }).await;
    assert_eq!((came.body.as_str(), came.header("content-type")), ("a,b", Some("text/csv")));
    assert_eq!(came.header("content-length"), Some("3"));
    assert_eq!(came.headers.iter().filter(|(name, _)| name == "x-a").count(), 2);
    assert_eq!(port.template_errors("header"), 1);
}

#[tokio::test]
async fn a_header_value_that_cannot_be_sent_is_left_out_and_counted() {
    let headers = vec![("x-bad", "a\r\nx-injected: 1"), ("x-good", "1")];
    let (port, came) = answer(Reply { headers, ..Reply::default() }).await;
    assert_eq!(
        (came.header("x-bad"), came.header("x-injected"), came.header("x-good")),
        (None, None, Some("1"))
    );
    assert_eq!(port.template_errors("header"), 1);
}

#[tokio::test]
async fn templates_see_the_delivery_the_settings_and_the_listener() {
    let body = "{{count}} {{records.1.eventId}} {{settings.region}} {{listener.name}} {{request.path}}?{{request.query}}";
    let headers = vec![("x-request-id", "{{request.id}}")];
    let (port, came) = answer(Reply { status: 200, body: Some(body), headers, ..Reply::default() }).await;
    assert_eq!(came.body, "2 2 eu contacts /sales/contacts?x=1");
    let id = port.store.appended.lock().unwrap()[0].id.to_string();
    assert_eq!(came.header("x-request-id"), Some(id.as_str()));
}

#[tokio::test]
async fn a_rendered_header_value_cannot_break_out() {
    let headers = vec![("x-echo", "{{records.0.name}}"), ("x-count", "{{count}}")];
    let port = Port::with(PATH, &Reply { headers, ..Reply::default() }, quick()).await;
    let body = r#"{"name":"a\r\nx-injected: 1"}"#;
    let came = port.send(signed(PATH, body)).await;
    assert_eq!((came.status, came.header("x-injected"), came.header("x-echo")), (204, None, None));
    assert_eq!((came.header("x-count"), port.template_errors("header")), (Some("1"), 1));
}

#[tokio::test]
async fn a_body_that_is_not_json_counts_as_nothing() {
    let port = Port::with(
        PATH,
        &Reply { status: 200, body: Some("{{count}}:{{records.0.x}}"), ..Reply::default() },
        quick(),
    )
    .await;
    assert_eq!(port.send(signed(PATH, "not json")).await.body, "0:");
    assert_eq!(port.store.stored(), 1);
}
