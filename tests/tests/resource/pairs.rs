//! What is refused, and beside it what is accepted: one pair or more for each rule.

use serde_json::{Value, json};

/// A value at a place of the spec that is refused, and its nearest neighbour that is accepted.
pub struct Pair {
    pub name: &'static str,
    /// JSON pointer in the spec; `/` for several members of it.
    pub at: &'static str,
    pub bad: fn() -> Value,
    pub good: fn() -> Value,
}

macro_rules! pairs {
    ($($name:literal, $at:literal, $bad:tt, $good:tt;)*) => {
        &[$(Pair { name: $name, at: $at, bad: || json!($bad), good: || json!($good) }),*]
    };
}

/// Rules first, then what the schema says without a rule.
pub const PAIRS: &[Pair] = pairs! {
    "a name of spaces", "/displayName", "  ", "Contacts";
    "no client secret", "/clientSecrets", [], [{"name": "app", "key": "a"}];
    "a client secret twice", "/clientSecrets",
        [{"name": "app", "key": "a"}, {"name": "app", "key": "a"}], [{"name": "app", "key": "a"}, {"name": "app", "key": "b"}];
    "no destination", "/destinations", [], [{"name": "a", "log": {}}];
    "two destinations of one name", "/destinations",
        [{"name": "a", "log": {}}, {"name": "a", "log": {}}], [{"name": "a", "log": {}}, {"name": "b", "log": {}}];
    "two kinds of destination", "/destinations",
        [{"name": "a", "log": {}, "http": {"url": "https://a.example.com"}}], [{"name": "a", "http": {"url": "https://a.example.com"}}];
    "no kind of destination", "/destinations", [{"name": "a"}], [{"name": "a", "log": {}}];
    "a destination with capitals", "/destinations", [{"name": "Audit", "log": {}}], [{"name": "audit", "log": {}}];
    "a destination over ftp", "/destinations",
        [{"name": "a", "http": {"url": "ftp.example.com"}}], [{"name": "a", "http": {"url": "{{settings.url}}"}}];
    "a header of a destination twice", "/destinations",
        [{"name": "a", "http": {"url": "https://a", "headers": [{"name": "X-A", "value": "1"}, {"name": "x-a", "value": "2"}]}}],
        [{"name": "a", "http": {"url": "https://a", "headers": [{"name": "X-A", "value": "1"}, {"name": "x-b", "value": "2"}]}}];
    "a header of a destination from nowhere", "/destinations",
        [{"name": "a", "http": {"url": "https://a", "headers": [{"name": "x-a"}]}}],
        [{"name": "a", "http": {"url": "https://a", "headers": [{"name": "x-a", "value": ""}]}}];
    "a header of a destination from two places", "/destinations",
        [{"name": "a", "http": {"url": "https://a", "headers": [{"name": "x-a", "value": "1", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}}],
        [{"name": "a", "http": {"url": "https://a", "headers": [{"name": "x-a", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}}];
    "a header of a destination with a space", "/destinations",
        [{"name": "a", "http": {"url": "https://a", "headers": [{"name": "x a", "value": "1"}]}}],
        [{"name": "a", "http": {"url": "https://a", "headers": [{"name": "x_a", "value": "1"}]}}];
    "a header of a destination that frames", "/destinations",
        [{"name": "a", "http": {"url": "https://a", "headers": [{"name": "Content-Length", "value": "1"}]}}],
        [{"name": "a", "http": {"url": "https://a", "headers": [{"name": "Content-Language", "value": "1"}]}}];
    "autoscaling of an embedded store", "/",
        {"autoscaling": {"minReplicas": 2, "maxReplicas": 4}},
        {"autoscaling": {"minReplicas": 2, "maxReplicas": 4}, "storage": {"postgres": {"urlSecretRef": {"name": "db", "key": "url"}}}};
    "more pods at least than at most", "/",
        {"autoscaling": {"minReplicas": 5, "maxReplicas": 4}, "storage": {"postgres": {"urlSecretRef": {"name": "db", "key": "url"}}}},
        {"autoscaling": {"minReplicas": 2, "maxReplicas": 4}, "storage": {"postgres": {"urlSecretRef": {"name": "db", "key": "url"}}}};
    "replicas beside autoscaling", "/",
        {"replicas": 3, "autoscaling": {"minReplicas": 2, "maxReplicas": 4}, "storage": {"postgres": {"urlSecretRef": {"name": "db", "key": "url"}}}},
        {"replicas": 3, "storage": {"postgres": {"urlSecretRef": {"name": "db", "key": "url"}}}};
    "autoscaling without a request of CPU", "/",
        {"resources": {"requests": {"memory": "64Mi"}}, "autoscaling": {"minReplicas": 2, "maxReplicas": 4}, "storage": {"postgres": {"urlSecretRef": {"name": "db", "key": "url"}}}},
        {"resources": {"requests": {"cpu": "250m"}}, "autoscaling": {"minReplicas": 2, "maxReplicas": 4}, "storage": {"postgres": {"urlSecretRef": {"name": "db", "key": "url"}}}};
    "two notices of one name", "/desk",
        {"notices": [{"name": "a", "webhook": {"url": "https://a"}}, {"name": "a", "webhook": {"url": "https://a"}}]},
        {"notices": [{"name": "a", "webhook": {"url": "https://a"}}, {"name": "b", "webhook": {"url": "https://a"}}]};
    "a notice to nowhere", "/desk",
        {"notices": [{"name": "a"}]},
        {"notices": [{"name": "a", "webhook": {"url": "https://a"}}]};
    "a notice with capitals", "/desk",
        {"notices": [{"name": "A", "webhook": {"url": "https://a"}}]},
        {"notices": [{"name": "a", "webhook": {"url": "https://a"}}]};
    "a kind of notice twice", "/desk",
        {"notices": [{"name": "a", "webhook": {"url": "https://a"}, "kinds": ["refusals", "refusals"]}]},
        {"notices": [{"name": "a", "webhook": {"url": "https://a"}, "kinds": ["refusals"]}]};
    "a desk over ftp", "/desk",
        {"url": "ftp://a"},
        {"url": "https://a"};
    "a notice over ftp, webhook", "/desk",
        {"notices": [{"name": "a", "webhook": {"url": "ftp://a"}}]},
        {"notices": [{"name": "a", "webhook": {"url": "http://a"}}]};
    "a header of a notice twice, webhook", "/desk",
        {"notices": [{"name": "a", "webhook": {"url": "https://a", "headers": [{"name": "X-A", "value": "1"}, {"name": "x-a", "value": "2"}]}}]},
        {"notices": [{"name": "a", "webhook": {"url": "https://a", "headers": [{"name": "X-A", "value": "1"}]}}]};
    "a header of a notice from nowhere, webhook", "/desk",
        {"notices": [{"name": "a", "webhook": {"url": "https://a", "headers": [{"name": "x-a"}]}}]},
        {"notices": [{"name": "a", "webhook": {"url": "https://a", "headers": [{"name": "x-a", "value": ""}]}}]};
    "a header of a notice that frames, webhook", "/desk",
        {"notices": [{"name": "a", "webhook": {"url": "https://a", "headers": [{"name": "Content-Length", "value": "1"}]}}]},
        {"notices": [{"name": "a", "webhook": {"url": "https://a", "headers": [{"name": "Content-Language", "value": "1"}]}}]};
    "a header of a notice with a space, webhook", "/desk",
        {"notices": [{"name": "a", "webhook": {"url": "https://a", "headers": [{"name": "x a", "value": "1"}]}}]},
        {"notices": [{"name": "a", "webhook": {"url": "https://a", "headers": [{"name": "x_a", "value": "1"}]}}]};
    "a notice over ftp, alertmanager", "/desk",
        {"notices": [{"name": "a", "alertmanager": {"url": "ftp://a"}}]},
        {"notices": [{"name": "a", "alertmanager": {"url": "http://a"}}]};
    "a header of a notice twice, alertmanager", "/desk",
        {"notices": [{"name": "a", "alertmanager": {"url": "https://a", "headers": [{"name": "X-A", "value": "1"}, {"name": "x-a", "value": "2"}]}}]},
        {"notices": [{"name": "a", "alertmanager": {"url": "https://a", "headers": [{"name": "X-A", "value": "1"}]}}]};
    "a header of a notice from nowhere, alertmanager", "/desk",
        {"notices": [{"name": "a", "alertmanager": {"url": "https://a", "headers": [{"name": "x-a"}]}}]},
        {"notices": [{"name": "a", "alertmanager": {"url": "https://a", "headers": [{"name": "x-a", "value": ""}]}}]};
    "a header of a notice that frames, alertmanager", "/desk",
        {"notices": [{"name": "a", "alertmanager": {"url": "https://a", "headers": [{"name": "Content-Length", "value": "1"}]}}]},
        {"notices": [{"name": "a", "alertmanager": {"url": "https://a", "headers": [{"name": "Content-Language", "value": "1"}]}}]};
    "a header of a notice with a space, alertmanager", "/desk",
        {"notices": [{"name": "a", "alertmanager": {"url": "https://a", "headers": [{"name": "x a", "value": "1"}]}}]},
        {"notices": [{"name": "a", "alertmanager": {"url": "https://a", "headers": [{"name": "x_a", "value": "1"}]}}]};
    "two kinds of transform", "/destinations",
        [{"name": "a", "log": {}, "transform": {"template": "{}", "rules": [{"drop": ["a"]}]}}], [{"name": "a", "log": {}, "transform": {"template": "{}"}}];
    "a transform without a rule", "/destinations",
        [{"name": "a", "log": {}, "transform": {"rules": []}}], [{"name": "a", "log": {}, "transform": {"rules": [{"drop": ["a"]}]}}];
    "a rule that does two things", "/destinations",
        [{"name": "a", "log": {}, "transform": {"rules": [{"keep": ["a"], "drop": ["b"]}]}}], [{"name": "a", "log": {}, "transform": {"rules": [{"keep": ["a"]}, {"drop": ["b"]}]}}];
    "a rule that drops nothing", "/destinations",
        [{"name": "a", "log": {}, "transform": {"rules": [{"drop": []}]}}], [{"name": "a", "log": {}, "transform": {"rules": [{"drop": ["a"]}]}}];
    "a rule that keeps nothing", "/destinations",
        [{"name": "a", "log": {}, "transform": {"rules": [{"keep": []}]}}], [{"name": "a", "log": {}, "transform": {"rules": [{"keep": ["a"]}]}}];
    "a field renamed to itself", "/destinations",
        [{"name": "a", "log": {}, "transform": {"rules": [{"rename": {"from": "a", "to": "a"}}]}}], [{"name": "a", "log": {}, "transform": {"rules": [{"rename": {"from": "a", "to": "b"}}]}}];
    "a field set to two things", "/destinations",
        [{"name": "a", "log": {}, "transform": {"rules": [{"set": {"field": "a", "text": "x", "json": "1"}}]}}], [{"name": "a", "log": {}, "transform": {"rules": [{"set": {"field": "a", "json": "1"}}]}}];
    "a hook over ftp", "/prePage",
        {"http": {"url": "ftp.example.com"}}, {"http": {"url": "{{settings.url}}"}};
    "a header of the hook twice", "/prePage",
        {"http": {"url": "https://a", "headers": [{"name": "X-A", "value": "1"}, {"name": "x-a", "value": "2"}]}}, {"http": {"url": "https://a", "headers": [{"name": "X-A", "value": "1"}, {"name": "x-b", "value": "2"}]}};
    "a header of the hook from nowhere", "/prePage",
        {"http": {"url": "https://a", "headers": [{"name": "x-a"}]}}, {"http": {"url": "https://a", "headers": [{"name": "x-a", "value": ""}]}};
    "a header of the hook with a space", "/prePage",
        {"http": {"url": "https://a", "headers": [{"name": "x a", "value": "1"}]}}, {"http": {"url": "https://a", "headers": [{"name": "x_a", "value": "1"}]}};
    "a header of the hook that frames", "/prePage",
        {"http": {"url": "https://a", "headers": [{"name": "Content-Length", "value": "1"}]}}, {"http": {"url": "https://a", "headers": [{"name": "Content-Language", "value": "1"}]}};
    "a masked field that is no pointer", "/desk",
        {"maskedFields": ["email"]}, {"maskedFields": ["/email"]};
    "one scope twice", "/settingsFrom",
        [{"scope": "a", "configMapKeyRef": {"name": "m", "key": "k"}}, {"scope": "a", "configMapKeyRef": {"name": "n", "key": "k"}}],
        [{"scope": "a", "configMapKeyRef": {"name": "m", "key": "k"}}, {"scope": "b", "configMapKeyRef": {"name": "m", "key": "k"}}];
    "a scope that no template can name", "/settingsFrom",
        [{"scope": "crm-team", "configMapKeyRef": {"name": "m", "key": "k"}}], [{"scope": "crm_team", "configMapKeyRef": {"name": "m", "key": "k"}}];
    "no pod", "/replicas", 0, 1;
    "two pods with an embedded store", "/replicas", 2, 1;
    "two stores", "/storage",
        {"embedded": {"size": "5Gi"}, "postgres": {"urlSecretRef": {"name": "db", "key": "url"}}}, {"postgres": {"urlSecretRef": {"name": "db", "key": "url"}}};
    "a size in words", "/storage", {"embedded": {"size": "five"}}, {"embedded": {"size": "1.5Ti"}};
    "two ways in", "/url",
        {"ingress": {}, "gateway": {"parentRefs": [{"name": "public"}]}}, {"gateway": {"parentRefs": [{"name": "public"}]}};
    "a port on an Ingress", "/url", {"host": "a.example.com:8443", "ingress": {}}, {"host": "a.example.com:8443", "external": true};
    "a host with a scheme", "/url", {"host": "https//a.example.com"}, {"host": "a.example.com"};
    "a path without a begin", "/url", {"path": "sales"}, {"path": "/sales"};
    "a path with a query", "/url", {"path": "/sales?a=1"}, {"path": "/sales"};
    "a route without a Gateway", "/url", {"gateway": {"parentRefs": []}}, {"gateway": {"parentRefs": [{"name": "public"}]}};
    "no signature version", "/signature", {"versions": []}, {"versions": ["v3"]};
    "a signature version twice", "/signature", {"versions": ["v3", "v3"]}, {"versions": ["v3", "v2"]};
    "an empty page", "/page", {"size": 0}, {"size": 1};
    "a body with 204", "/response", {"body": "x"}, {"statusCode": 200, "body": "x"};
    "an answer that is no success", "/response", {"statusCode": 302}, {"statusCode": 299};
    "a header of the answer twice", "/response",
        {"headers": [{"name": "X-A", "value": "1"}, {"name": "x-a", "value": "2"}]}, {"headers": [{"name": "X-A", "value": "1"}]};
    "a header of the answer with a colon", "/response",
        {"headers": [{"name": "x-a:", "value": "1"}]}, {"headers": [{"name": "x-a", "value": "1"}]};
    "a header of the answer that frames", "/response",
        {"headers": [{"name": "transfer-encoding", "value": "1"}]}, {"headers": [{"name": "content-type", "value": "text/css"}]};

    "a media type that is not known", "/response", {"mediaType": "html"}, {"mediaType": "xml"};
    "a time that is too long", "/destinations",
        [{"name": "a", "http": {"url": "https://a", "timeoutSeconds": 601}}], [{"name": "a", "http": {"url": "https://a", "timeoutSeconds": 600}}];
    "a field that is missing", "/clientSecrets", [{"name": "app"}], [{"name": "app", "key": "a"}];
    "a number for a text", "/displayName", 5, "5";
};

/// The least that a spec has.
pub fn minimal() -> Value {
    json!({
        "displayName": "Contacts from HubSpot",
        "clientSecrets": [{"name": "hubspot-app", "key": "clientSecret"}],
        "destinations": [{"name": "audit", "log": {}}],
    })
}

/// Everything that has defaults below it, and none of them.
pub fn bare() -> Value {
    json!({
        "displayName": "Contacts from HubSpot",
        "clientSecrets": [{"name": "hubspot-app", "key": "clientSecret"}],
        "destinations": [
            {"name": "warehouse", "http": {"url": "https://a.example.com"}, "rateLimit": {"requests": 5}, "retry": {}},
        ],
        "signature": {}, "url": {"ingress": {}}, "response": {}, "page": {}, "settings": {},
        "storage": {"embedded": {}, "retention": {}}, "podTemplate": {},
    })
}

/// [`minimal`] with `value` at a member of the spec; at `/` with its members.
pub fn with(at: &str, value: Value) -> Value {
    let mut spec = minimal();
    match (at, value) {
        ("/", Value::Object(members)) => {
            for (name, value) in members {
                spec[name] = value;
            }
        }
        (_, value) => spec[at.trim_start_matches('/')] = value,
    }
    spec
}

/// A listener of this spec.
pub fn manifest(spec: Value) -> Value {
    json!({
        "apiVersion": "hubspot-listener.dev/v1alpha1",
        "kind": "HubSpotListener",
        "metadata": {"name": "contacts"},
        "spec": spec,
    })
}
