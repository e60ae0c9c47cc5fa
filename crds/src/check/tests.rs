//! Pairs of manifests: what is refused, with its text, and its nearest neighbour that is accepted.

mod destination;
mod objects;
mod transform;
mod url;

use serde_json::{Value, json};

use super::*;

fn minimal() -> Value {
    json!({
        "displayName": "Contacts from HubSpot",
        "clientSecrets": [{"name": "hubspot-app", "key": "clientSecret"}],
        "destinations": [{"name": "audit", "log": {}}]
    })
}

fn http() -> Value {
    json!({"name": "warehouse", "http": {"url": "https://warehouse.example.com/hubspot"}})
}

/// `minimal` with `value` at `pointer`, parents made as they are needed.
fn with(pointer: &str, value: Value) -> Value {
    let mut spec = minimal();
    set(&mut spec, pointer, value);
    spec
}

fn set(spec: &mut Value, pointer: &str, value: Value) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let mut place = spec;
    for part in parent.split('/').skip(1) {
        place = match part.parse::<usize>() {
            Ok(index) => &mut place[index],
            Err(_) => &mut place[part],
        };
    }
    place[name] = value;
}

/// As `listener check` does: the value as written, then, if it can be read, its meaning.
fn refusals(spec: &Value) -> Vec<String> {
    let mut refusals = check_value(spec);
    let mut spec = spec.clone();
    drop_nulls(&mut spec);
    if let Ok(spec) = serde_json::from_value::<HubSpotListenerSpec>(spec) {
        refusals.extend(check_meaning(&spec));
    }
    refusals.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn accepted(spec: &Value) {
    assert_eq!(refusals(spec), Vec::<String>::new(), "{spec}");
    let typed: HubSpotListenerSpec = serde_json::from_value(spec.clone()).unwrap();
    assert_eq!(check(&typed), [], "typed: {spec}");
}

/// `bad` is refused with exactly `text`; `good` at the same place is accepted.
#[track_caller]
fn pair(pointer: &str, bad: Value, text: &str, good: Value) {
    assert_eq!(refusals(&with(pointer, bad)), [text]);
    accepted(&with(pointer, good));
}

#[test]
fn the_smallest_manifest_is_accepted() {
    accepted(&minimal());
}

#[test]
fn the_manifest_of_the_design_is_accepted() {
    accepted(&json!({
        "displayName": "Contacts from HubSpot",
        "description": "New and changed contacts, for the warehouse and the mailer",
        "clientSecrets": [{"name": "hubspot-app", "key": "clientSecret"}],
        "signature": {"versions": ["v3"], "maxAgeSeconds": 300, "futureSkewSeconds": 60},
        "url": {
            "host": "hooks.example.com", "path": "/sales/contacts",
            "ingress": {"className": "nginx", "annotations": {}, "tls": {"secretName": "hooks-tls"}}
        },
        "response": {
            "statusCode": 200, "mediaType": "json", "body": "{\"received\":{{count}}}",
            "headers": [{"name": "x-request-id", "value": "{{request.id}}"}]
        },
        "page": {"size": 20, "lingerMilliseconds": 500},
        "filter": "event.changeSource != \"INTEGRATION\"",
        "destinations": [
            {
                "name": "warehouse",
                "filter": "event.subscriptionType.startsWith(\"contact.\")",
                "http": {
                    "url": "https://warehouse.example.com/hubspot", "format": "json", "timeoutSeconds": 30,
                    "headers": [{"name": "authorization",
                                 "valueFrom": {"secretKeyRef": {"name": "warehouse", "key": "token"}}}]
                },
                "concurrency": 4,
                "rateLimit": {"requests": 50, "perSeconds": 1},
                "retry": {"maxAttempts": 10, "maxAgeSeconds": 86400}
            },
            {"name": "audit", "log": {}}
        ],
        "dataUriTemplate": "https://app.hubspot.com/contacts/{{{portalId}}}/record/0-1/{{{objectId}}}",
        "traceKeyTemplate": "{{join \"_\" portalId objectId}}",
        "doNotStoreRetryData": false,
        "settings": {"region": "eu", "owner": "crm-team", "deep": {"any": [1, null, "thing"]}},
        "settingsFrom": [{"scope": "integration",
                          "configMapKeyRef": {"name": "crm-integration", "key": "settings.json"}}],
        "settingsSchema": {},
        "storage": {"embedded": {"size": "5Gi"},
                    "retention": {"deliveredHours": 72, "errorDays": 30, "refusedHours": 72}},
        "paused": false,
        "replicas": 1,
        "resources": {"limits": {"cpu": "1", "memory": "512Mi"}},
        "podTemplate": {"labels": {"team": "crm"}, "tolerations": [{"key": "spot", "operator": "Exists"}]}
    }));
}

#[test]
fn an_answer_with_204_has_no_body() {
    pair(
        "/response",
        json!({"body": "ok"}),
        "spec.response.body: an answer with 204 or 205 has no body; remove body, or set statusCode to 200",
        json!({"statusCode": 200, "body": "ok"}),
    );
    accepted(&with("/response", json!({"statusCode": 204, "body": ""})));
}

#[test]
fn the_status_is_a_2xx() {
    for bad in [199, 300, 404, -1] {
        pair(
            "/response",
            json!({"statusCode": bad}),
            "spec.response.statusCode: HubSpot takes only 2xx as success and sends everything else again; \
             write a number from 200 to 299",
            json!({"statusCode": 299}),
        );
    }
}

#[test]
fn several_pods_need_postgres() {
    let text = "spec.replicas: an embedded store serves one pod; set replicas to 1, or set storage.postgres";
    assert_eq!(refusals(&with("/replicas", json!(2))), [text]);
    let mut spec = with("/replicas", json!(2));
    spec["storage"] = json!({"postgres": {"urlSecretRef": {"name": "db", "key": "url"}}});
    accepted(&spec);
}

#[test]
fn autoscaling_needs_postgres_a_cpu_request_and_no_replicas() {
    let scaled = |more: Value| {
        let mut spec = with("/autoscaling", json!({"maxReplicas": 4}));
        spec["storage"] = json!({"postgres": {"urlSecretRef": {"name": "db", "key": "url"}}});
        for (field, value) in more.as_object().into_iter().flatten() {
            spec[field.as_str()] = value.clone();
        }
        spec
    };
    accepted(&scaled(json!({})));
    accepted(&scaled(json!({"replicas": 1, "resources": {}})));
    accepted(&scaled(json!({"resources": {"requests": {"cpu": "250m"}}})));
    accepted(&scaled(json!({"resources": {"limits": {"cpu": 1}}})));
    let one = |spec: &Value, text: &str| assert_eq!(refusals(spec), [text]);
    one(
        &with("/autoscaling", json!({"maxReplicas": 4})),
        "spec.autoscaling: an embedded store serves one pod; remove autoscaling, or set storage.postgres",
    );
    one(
        &scaled(json!({"replicas": 3})),
        "spec.replicas: with autoscaling there are as many pods as the load asks for; remove replicas, or remove autoscaling",
    );
    one(
        &scaled(json!({"resources": {"requests": {"memory": "1Gi"}}})),
        "spec.resources: autoscaling goes by the CPU that the pods request, and they request none; \
         write resources.requests.cpu, such as 250m, or remove resources",
    );
    one(
        &scaled(json!({"autoscaling": {"minReplicas": 5, "maxReplicas": 4}})),
        "spec.autoscaling.minReplicas: there cannot be more pods at least than at most; \
         write a minReplicas that is not above maxReplicas",
    );
}

#[test]
fn a_listener_has_at_least_one_pod() {
    pair(
        "/replicas",
        json!(0),
        "spec.replicas: without a pod the URL does not answer; write 1 or more, or use paused: true to hold pages back",
        json!(1),
    );
}

#[test]
fn there_is_at_least_one_client_secret_and_at_most_8() {
    let many = |count: usize| -> Value {
        (0..count).map(|at| json!({"name": format!("s{at}"), "key": "k"})).collect()
    };
    pair(
        "/clientSecrets",
        json!([]),
        "spec.clientSecrets: without a client secret nothing can be proven; \
         name the Secret and key that hold the HubSpot app's client secret",
        many(1),
    );
    pair("/clientSecrets", many(9), "spec.clientSecrets: 9 items are too many; keep at most 8", many(8));
    pair(
        "/clientSecrets",
        json!([{"name": "a", "key": "k"}, {"name": "a", "key": "k"}]),
        "spec.clientSecrets: a client secret stands here twice; remove one",
        json!([{"name": "a", "key": "k"}, {"name": "a", "key": "l"}]),
    );
}

#[test]
fn a_page_holds_at_least_one_record() {
    pair(
        "/page",
        json!({"size": 0}),
        "spec.page.size: a page holds at least one record; write 1 or more, or remove size for 20",
        json!({"size": 2_147_483_647}),
    );
    pair(
        "/page",
        json!({"size": 2_147_483_648_i64}),
        "spec.page.size: 2147483648 is too large; write a number from 1 to 2147483647",
        json!({"size": 1}),
    );
}

#[test]
fn a_listener_has_one_store() {
    pair(
        "/storage",
        json!({"embedded": {}, "postgres": {"urlSecretRef": {"name": "db", "key": "url"}}}),
        "spec.storage: a listener has one store; keep either embedded or postgres",
        json!({"embedded": {}}),
    );
    pair(
        "/storage",
        json!({"embedded": {"size": "five"}}),
        "spec.storage.embedded.size: this is not a size; write a number and a unit, such as 5Gi",
        json!({"embedded": {"size": "1.5Ti"}}),
    );
}

#[test]
fn at_least_one_signature_version_is_taken() {
    pair(
        "/signature",
        json!({"versions": []}),
        "spec.signature.versions: no signature version is taken, so nobody could be proven; write [v3]",
        json!({"versions": ["v3", "v2", "v1"]}),
    );
    pair(
        "/signature",
        json!({"versions": ["v3", "v3"]}),
        "spec.signature.versions: a signature version stands here twice; remove one",
        json!({"versions": ["v3"]}),
    );
    pair(
        "/signature",
        json!({"versions": ["v4"]}),
        "spec.signature.versions[0]: `v4` is not known here; did you mean v1?",
        json!({"versions": ["v1"]}),
    );
}

#[test]
fn the_display_name_is_not_blank() {
    pair(
        "/displayName",
        json!("  "),
        "spec.displayName: people know the listener by this name; write a few words, such as Contacts from HubSpot",
        json!("C"),
    );
    pair(
        "/displayName",
        json!("c".repeat(129)),
        "spec.displayName: 129 characters are too many; write at most 128 characters",
        json!("ç".repeat(128)),
    );
}

#[test]
fn scopes_are_names_of_their_own() {
    let from = |scope: &str| json!([{"scope": scope, "configMapKeyRef": {"name": "m", "key": "k"}}]);
    pair(
        "/settingsFrom",
        from("crm-integration"),
        "spec.settingsFrom[0].scope: a scope is a name that templates can use; \
         write letters, digits and _ only, such as integration",
        from("integration"),
    );
    let mut twice = from("a");
    let again = twice[0].clone();
    twice.as_array_mut().unwrap().push(again);
    pair(
        "/settingsFrom",
        twice,
        "spec.settingsFrom: two sets of settings have one scope; rename one",
        from("a"),
    );
    let mut spec = with("/settingsFrom", from("region"));
    spec["settings"] = json!({"region": "eu"});
    assert_eq!(
        refusals(&spec),
        ["spec.settingsFrom[0].scope: settings has a member region of its own that is no object and would \
          hide it; rename the one or the other, or write an object, which is laid over the shared one"]
    );
    spec["settings"] = json!({"region": {"name": "eu"}});
    accepted(&spec);
}

#[test]
fn numbers_stay_in_their_ranges() {
    for (pointer, bad, good, text) in [
        (
            "/signature",
            json!({"maxAgeSeconds": 0}),
            json!({"maxAgeSeconds": 86_400}),
            "spec.signature.maxAgeSeconds: 0 is too small; write a number from 1 to 86400",
        ),
        (
            "/page",
            json!({"lingerMilliseconds": -1}),
            json!({"lingerMilliseconds": 0}),
            "spec.page.lingerMilliseconds: -1 is too small; write a number from 0 to 600000",
        ),
        (
            "/destinations/0/concurrency",
            json!(257),
            json!(256),
            "spec.destinations[0].concurrency: 257 is too large; write a number from 1 to 256",
        ),
        (
            "/destinations/0/rateLimit",
            json!({"requests": 0}),
            json!({"requests": 1}),
            "spec.destinations[0].rateLimit.requests: 0 is too small; write a number from 1 to 1000000",
        ),
        (
            "/destinations/0/retry",
            json!({"maxAttempts": 0}),
            json!({"maxAttempts": 1}),
            "spec.destinations[0].retry.maxAttempts: 0 is too small; write a number from 1 to 1000",
        ),
        (
            "/storage",
            json!({"retention": {"errorDays": 0}}),
            json!({"retention": {"errorDays": 1}}),
            "spec.storage.retention.errorDays: 0 is too small; write a number from 1 to 3650",
        ),
    ] {
        pair(pointer, bad, text, good);
    }
}

#[test]
fn every_mistake_of_shape_is_found_at_once() {
    let found = refusals(&json!({
        "displayname": "Contacts",
        "clientSecrets": {"name": "a", "key": "b"},
        "response": {"statusCode": "200", "mediaType": "jsn"},
        "paused": "true",
        "page": 20,
        "description": 7,
        "destinations": [{"name": "audit", "log": {"level": "info"}, "conccurency": 3}],
        "settings": null,
        "replicas": 1.5
    }));
    let expected = [
        "spec.displayName: this field is required; add it: Name shown to people wherever the listener is listed",
        "spec.displayname: there is no such field; did you mean displayName?",
        "spec.clientSecrets: a list is expected here, not a group of fields; begin each item on a line of its own with `- `",
        "spec.response.statusCode: a whole number is expected here, not a text; write it without quotes",
        "spec.response.mediaType: `jsn` is not known here; did you mean json?",
        "spec.paused: true or false is expected here, not a text; write it without quotes",
        "spec.page: a group of fields is expected here, not a number; write its fields indented below it",
        "spec.description: a text is expected here, not a number; put it in quotes",
        "spec.destinations[0].log.level: there is no such field; remove it, nothing can be set here; write {}",
        "spec.destinations[0].conccurency: there is no such field; did you mean concurrency?",
        "spec.replicas: a whole number is expected here, not a broken number; write a whole number",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_field_that_is_null_counts_as_left_out() {
    let mut spec = minimal();
    for name in ["description", "signature", "settings", "storage", "replicas", "podTemplate"] {
        spec[name] = Value::Null;
    }
    assert_eq!(refusals(&spec), Vec::<String>::new());
    drop_nulls(&mut spec);
    assert_eq!(spec, minimal());
    let mut free = with("/settings", json!({"kept": null}));
    drop_nulls(&mut free);
    assert_eq!(free["settings"], json!({"kept": null}));
}

#[test]
fn free_json_may_be_as_deep_as_it_likes() {
    let mut deep = json!(1);
    for _ in 0..60 {
        deep = json!({"more": deep});
    }
    accepted(&with("/settings", deep));
}

#[test]
fn quantities_may_be_numbers_as_in_the_api_server() {
    let mut spec = with("/resources", json!({"limits": {"cpu": 2, "memory": "1Gi"}}));
    assert_eq!(refusals(&spec), Vec::<String>::new());
    let typed: HubSpotListenerSpec = serde_json::from_value(spec.clone()).unwrap();
    spec["resources"]["limits"]["cpu"] = json!("2");
    assert_eq!(serde_json::to_value(&typed).unwrap()["resources"], spec["resources"]);
}
