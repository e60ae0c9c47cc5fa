use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use super::scene::{ADMIN, Scene, VIEW, wanted};
use crate::admin::api::openapi::document;
use crate::admin::api::routes::routes;

const COPY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");

#[test]
fn the_committed_description_is_the_one_that_is_served() {
    let text = format!("{}\n", serde_json::to_string_pretty(&document()).unwrap());
    let path = Path::new(COPY);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == text, "docs/openapi.json is not up to date: make docs");
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let document = document();
    let mut described: Vec<String> = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        described.extend(methods.as_object().unwrap().keys().map(|method| format!("{method} {path}")));
    }
    let routes = routes();
    let mut known: Vec<String> = routes
        .iter()
        .flat_map(|route| {
            route.paths().into_iter().map(|path| format!("{} {path}", route.method.as_str().to_lowercase()))
        })
        .collect();
    described.sort();
    known.sort();
    assert_eq!(described, known);
    let mut ids: Vec<_> = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|methods| {
            methods.as_object().unwrap().values().map(|operation| operation["operationId"].as_str().unwrap())
        })
        .collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "two operations have one name");
}

/// The schema of an answer, with what it refers to.
fn schema(document: &Value, path: &str, method: &str) -> jsonschema::Validator {
    let answers = &document["paths"][path][method]["responses"]["200"]["content"];
    let mut schema = answers["application/json"]["schema"].clone();
    schema["components"] = document["components"].clone();
    jsonschema::validator_for(&schema).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_of_the_shape_that_is_described() {
    let scene = Scene::start(&[r#"{"a":1}"#, r#"{"a":2}"#], &[]).await;
    let document = scene.get(VIEW, "/openapi.json").await.good();
    assert_eq!(document["openapi"], "3.1.0");
    scene.act(1, "edit", json!({"payload": "{\"a\":3}"})).await.good();
    scene.act(1, "note", json!({"text": "n"})).await.good();
    scene.act(2, "resolve", json!({})).await.good();
    let resolve = wanted(&json!({"states": ["open"]}), &json!({"act": "tag", "add": ["x"]}));
    let calls = [
        (Method::GET, "/errors", "/errors", None),
        (Method::GET, "/errors/count", "/errors/count", None),
        (Method::GET, "/errors/{id}", "/errors/1", None),
        (Method::GET, "/errors/{id}", "/errors/2", None),
        (Method::POST, "/errors/{id}/{act}", "/errors/1/wait", Some(json!({}))),
        (Method::POST, "/bulk-plans", "/bulk-plans", Some(resolve)),
        (Method::POST, "/bulk-plans/{id}/start", "/bulk-plans/1/start", Some(json!({}))),
        (Method::GET, "/bulk", "/bulk", None),
        (Method::GET, "/bulk/{id}", "/bulk/1", None),
        (Method::GET, "/audit", "/audit", None),
        (Method::GET, "/status", "/status", None),
        (Method::GET, "/refused", "/refused", None),
        (Method::GET, "/deliveries", "/deliveries", None),
        (Method::GET, "/deliveries/{id}", "/deliveries/1", None),
        (Method::GET, "/records", "/records", None),
        (Method::GET, "/records/{id}", "/records/1.0", None),
        (Method::GET, "/refusals", "/refusals", None),
        (Method::GET, "/series", "/series", None),
    ];
    for (method, path, url, body) in calls {
        let validator = schema(&document, &format!("/api/v1{path}"), &method.as_str().to_lowercase());
        let answer = scene.send(ADMIN, method, url, body).await.good();
        if let Err(error) = validator.validate(&answer) {
            panic!("{url}: {error} in {answer}");
        }
    }
    // And the schemas can refuse.
    assert!(schema(&document, "/api/v1/errors", "get").validate(&json!({"items": [{}]})).is_err());
}
