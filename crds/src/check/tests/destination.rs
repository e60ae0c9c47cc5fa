//! Destinations and their headers.

use serde_json::{Value, json};

use super::{accepted, http, pair, refusals, with};

#[test]
fn destinations_have_names_of_their_own() {
    pair(
        "/destinations",
        json!([{"name": "audit", "log": {}}, {"name": "audit", "log": {}}]),
        "spec.destinations: two destinations have one name; rename one, errors and metrics are told apart by it",
        json!([{"name": "audit", "log": {}}, {"name": "audit-2", "log": {}}]),
    );
}

#[test]
fn there_is_at_least_one_destination_and_at_most_32() {
    let many = |count: usize| -> Value {
        (0..count).map(|at| json!({"name": format!("d{at}"), "log": {}})).collect()
    };
    pair(
        "/destinations",
        json!([]),
        "spec.destinations: pages go nowhere; write at least one destination, such as {name: audit, log: {}}",
        many(1),
    );
    pair("/destinations", many(33), "spec.destinations: 33 items are too many; keep at most 32", many(32));
}

#[test]
fn a_destination_has_one_kind() {
    let text = "spec.destinations[0]: a destination is of exactly one kind; \
                write either http with a url, or log: {}";
    let mut both = http();
    both["log"] = json!({});
    pair("/destinations", json!([both]), text, json!([http()]));
    pair("/destinations", json!([{"name": "none"}]), text, json!([{"name": "one", "log": {}}]));
    // `log:` without `{}` is null, and null is nothing, in the API server too.
    assert_eq!(refusals(&with("/destinations", json!([{"name": "none", "log": null}]))), [text]);
}

#[test]
fn a_destination_is_named_as_a_label() {
    pair(
        "/destinations/0/name",
        json!("My warehouse"),
        "spec.destinations[0].name: a destination's name is a label of metrics; \
         write small letters, digits and - only, such as warehouse",
        json!("my-warehouse"),
    );
}

#[test]
fn a_header_has_one_source_and_a_name_that_is_one() {
    let headers = |headers: Value| {
        let mut destination = http();
        destination["http"]["headers"] = headers;
        json!([destination])
    };
    let good = headers(json!([{"name": "authorization", "value": "Bearer {{settings.token}}"}]));
    let from = json!({"secretKeyRef": {"name": "s", "key": "k"}});
    let field = "spec.destinations[0].http.headers";
    for (bad, text) in [
        (
            json!([{"name": "a", "value": "b", "valueFrom": from}]),
            "[0]: a header has exactly one source; write either value, or valueFrom with a secretKeyRef",
        ),
        (
            json!([{"name": "a"}]),
            "[0]: a header has exactly one source; write either value, or valueFrom with a secretKeyRef",
        ),
        (
            json!([{"name": "a b", "value": "c"}]),
            "[0].name: this is not a header's name; write letters, digits and - only, such as x-request-id",
        ),
        (
            json!([{"name": "Content-Length", "value": "3"}]),
            "[0].name: this header belongs to the connection and is set by the listener; remove it",
        ),
        (
            json!([{"name": "X-A", "value": "1"}, {"name": "x-a", "value": "2"}]),
            ": a header stands here twice; keep one of each name (small and capital letters are the same)",
        ),
        (
            json!([{"name": "a", "value": "b\n"}]),
            "[0].value: a header's value is one line; \
             remove the line break; `|` in YAML leaves one at the end, `|-` does not",
        ),
        (
            json!([{"name": "a", "value": "Zoë"}]),
            "[0].value: a header's value has only ASCII; write ASCII, or encode the value",
        ),
    ] {
        pair("/destinations", headers(bad), &format!("{field}{text}"), good.clone());
    }
    pair(
        "/response",
        json!({"headers": [{"name": "transfer-encoding", "value": "chunked"}]}),
        "spec.response.headers[0].name: this header belongs to the connection and is set by the listener; remove it",
        json!({"headers": [{"name": "x-request-id", "value": "{{request.id}}"}]}),
    );
    pair(
        "/response",
        json!({"headers": [{"name": "a", "value": "b\rc"}]}),
        "spec.response.headers[0].value: a header's value is one line; \
         remove the line break; `|` in YAML leaves one at the end, `|-` does not",
        json!({"headers": [{"name": "a", "value": "b"}]}),
    );
}

#[test]
fn a_destination_url_is_one_that_can_be_posted_to() {
    let at = |url: &str| json!([{"name": "warehouse", "http": {"url": url}}]);
    for (bad, text) in [
        (
            "ftp://a.example.com",
            "pages are posted over HTTP only; write a URL that begins with https:// or http://",
        ),
        ("warehouse", "pages are posted over HTTP only; write a URL that begins with https:// or http://"),
        (
            "https://",
            "this is not a URL: empty host; write one such as https://warehouse.example.com/hubspot",
        ),
        (
            "http://a:99999/",
            "this is not a URL: invalid port number; write one such as https://warehouse.example.com/hubspot",
        ),
        (
            "https://user:word@a.example.com",
            "a name or password in a URL is seen by everybody who sees the manifest; \
             take it out and send it as a header with valueFrom.secretKeyRef",
        ),
        ("https://a.example.com/#b", "what follows # is never sent; remove it, or write # as %23"),
    ] {
        let text = format!("spec.destinations[0].http.url: {text}");
        pair("/destinations", at(bad), &text, at("https://a.example.com/b?c=d"));
    }
    accepted(&with("/destinations", at("{{settings.base}}/hook")));
    accepted(&with("/destinations", at("https://{{settings.host}}/hook")));
}

#[test]
fn a_hook_is_judged_as_a_destination() {
    let hook = |http: Value| json!({"http": http});
    pair(
        "/prePage",
        hook(json!({"url": "ftp://hooks.example.com"})),
        "spec.prePage.http.url: a hook is called over HTTP only; write a URL that begins with https:// or http://",
        hook(json!({"url": "https://hooks.example.com"})),
    );
    pair(
        "/prePage",
        hook(json!({"url": "https://user@hooks.example.com"})),
        "spec.prePage.http.url: a name or password in a URL is seen by everybody who sees the manifest; \
         take it out and send it as a header with valueFrom.secretKeyRef",
        hook(json!({"url": "https://{{settings.host}}/"})),
    );
    let headers = |headers: Value| hook(json!({"url": "https://hooks.example.com", "headers": headers}));
    pair(
        "/prePage",
        headers(json!([{"name": "x-a", "value": "ä"}])),
        "spec.prePage.http.headers[0].value: a header's value has only ASCII; write ASCII, or encode the value",
        headers(json!([{"name": "x-a", "value": "a"}])),
    );
}

#[test]
fn a_destination_cannot_have_the_hooks_name() {
    assert_eq!(refusals(&with("/destinations/0/name", json!("prePage"))).len(), 1);
}

#[test]
fn a_hooks_secrets_are_references_of_the_listener() {
    let from = json!({"secretKeyRef": {"name": "hook", "key": "token"}});
    let spec = with(
        "/prePage",
        json!({"http": {"url": "https://hooks.example.com", "headers": [{"name": "authorization", "valueFrom": from}]}}),
    );
    let spec: crate::HubSpotListenerSpec = serde_json::from_value(spec).unwrap();
    let fields: Vec<String> = spec.secret_references().into_iter().map(|(field, _)| field).collect();
    assert!(fields.contains(&"spec.prePage.http.headers[0].valueFrom.secretKeyRef".to_owned()), "{fields:?}");
}
