//! Names of objects and keys.

use serde_json::json;

use super::pair;

const NAME: &str =
    "no object in a cluster has such a name; write small letters, digits, - and . only, such as hubspot-app";
const KEY: &str =
    "no Secret or ConfigMap has such a key; write letters, digits, -, _ and . only, such as clientSecret";

#[test]
fn a_secret_has_a_name_that_an_object_can_have() {
    for bad in ["App", "app/other", "-app", "app.", "..", "ä"] {
        pair(
            "/clientSecrets",
            json!([{"name": bad, "key": "k"}]),
            &format!("spec.clientSecrets[0].name: {NAME}"),
            json!([{"name": "app.example.com", "key": "k"}]),
        );
    }
}

#[test]
fn a_key_is_one_that_a_secret_can_have() {
    for bad in ["a/b", "..", "..data", ".", "a b"] {
        pair(
            "/clientSecrets",
            json!([{"name": "app", "key": bad}]),
            &format!("spec.clientSecrets[0].key: {KEY}"),
            json!([{"name": "app", "key": ".client_Secret-1"}]),
        );
    }
}

#[test]
fn classes_and_gateways_have_names_too() {
    pair(
        "/url",
        json!({"ingress": {"className": "Nginx"}}),
        &format!("spec.url.ingress.className: {NAME}"),
        json!({"ingress": {"className": "nginx"}}),
    );
    pair(
        "/url",
        json!({"gateway": {"parentRefs": [{"name": "public", "namespace": "Gate Ways"}]}}),
        &format!("spec.url.gateway.parentRefs[0].namespace: {NAME}"),
        json!({"gateway": {"parentRefs": [{"name": "public", "namespace": "gateways"}]}}),
    );
    pair(
        "/storage",
        json!({"embedded": {"storageClassName": "Fast"}}),
        &format!("spec.storage.embedded.storageClassName: {NAME}"),
        json!({"embedded": {"storageClassName": ""}}),
    );
}
