//! The public address.

use serde_json::json;

use super::super::check_name;
use super::{accepted, pair, refusals, with};

#[test]
fn a_listener_has_one_way_in() {
    pair(
        "/url",
        json!({"ingress": {}, "gateway": {"parentRefs": [{"name": "public"}]}}),
        "spec.url: a listener has one way in; keep one of ingress, gateway and external",
        json!({"ingress": {}}),
    );
    pair(
        "/url",
        json!({"ingress": {}, "external": true}),
        "spec.url: a listener has one way in; keep one of ingress, gateway and external",
        json!({"ingress": {}, "external": false}),
    );
    pair(
        "/url",
        json!({"gateway": {"parentRefs": []}}),
        "spec.url.gateway.parentRefs: the route hangs on no Gateway; \
         name one, such as {name: public, namespace: gateways}",
        json!({"gateway": {"parentRefs": [{"name": "public"}]}}),
    );
}

#[test]
fn a_host_is_a_host() {
    let text = "spec.url.host: this is not a host; \
                write small letters, without scheme or path, such as hooks.example.com";
    for bad in
        ["https://hooks.example.com", "hooks.example.com/a", "Hooks.example.com", "hooks..com", "-a.b", "a b"]
    {
        pair("/url", json!({"host": bad}), text, json!({"host": "hooks.example.com"}));
    }
    pair(
        "/url",
        json!({"host": "hooks.example.com:70000"}),
        "spec.url.host: there is no such port; write a port from 1 to 65535, or none for 443",
        json!({"host": "hooks.example.com:8443"}),
    );
    pair(
        "/url",
        json!({"host": format!("{}.example.com", "a".repeat(64))}),
        "spec.url.host: DNS knows no host that is so long; write at most 63 characters between dots, and 253 in all",
        json!({"host": format!("{}.example.com", "a".repeat(63))}),
    );
    pair(
        "/url",
        json!({"host": "hooks.example.com:8443", "ingress": {}}),
        "spec.url.host: an Ingress or HTTPRoute has no port in its host; \
         remove the port, or set external: true instead of ingress or gateway",
        json!({"host": "hooks.example.com:8443", "external": true}),
    );
}

#[test]
fn a_path_is_a_path() {
    for (bad, text) in [
        ("sales", "a path begins with /; write it in front, such as /sales/contacts"),
        ("/a?b=c", "a path has no query and no fragment; remove what begins with ? or #"),
        ("/a#b", "a path has no query and no fragment; remove what begins with ? or #"),
        (
            "/a b",
            "a path has only letters, digits and a few signs; write other characters percent-encoded, a space as %20",
        ),
        (
            "/ä",
            "a path has only letters, digits and a few signs; write other characters percent-encoded, a space as %20",
        ),
        ("/100%", "% is not followed by two hexadecimal digits; write % itself as %25"),
        (
            "/%é",
            "a path has only letters, digits and a few signs; write other characters percent-encoded, a space as %20",
        ),
        (
            "/a/../b",
            "proxies rewrite /./ and /../, and the signature would not fit; write the path without them",
        ),
    ] {
        let found = refusals(&with("/url", json!({"path": bad})));
        assert!(found.contains(&format!("spec.url.path: {text}")), "{bad}: {found:?}");
    }
    accepted(&with("/url", json!({"path": "/a%20b/c.d~e:f@g,h"})));
}

#[test]
fn the_name_of_the_resource_fits_a_service() {
    for good in ["a", "contacts", "contacts-2", &"a".repeat(63)] {
        assert_eq!(check_name(good), None, "{good}");
    }
    for bad in ["", "2contacts", "Contacts", "contacts-", "a.b", "a_b", &"a".repeat(64)] {
        let refusal = check_name(bad).expect(bad);
        assert_eq!(refusal.field, "metadata.name");
        assert!(refusal.remedy.starts_with("write at most 63 small letters"), "{refusal}");
    }
}

#[test]
fn a_path_is_one_that_no_proxy_rewrites() {
    for bad in ["//a", "/a//b", "/a%2Fb", "/a%2fb"] {
        pair(
            "/url",
            json!({"path": bad}),
            "spec.url.path: proxies take // and %2F for /, and the signature would not fit; write single / only",
            json!({"path": "/a/b"}),
        );
    }
}
