//! What `build` makes, held against a real API server: every child is taken as it is, field by
//! field, the pods meet the restricted Pod Security Standard, and a second look changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crds::HubSpotListener;
use operator::apply::{Desired, desired};
use operator::build::{Children, build};
use operator::observed::Observed;
use operator::options::Defaults;
use operator::validate::validate;
use serde_json::{Value, json};
use tests::cluster::{Cluster, Options};

/// A listener of each kind of store and way in.
const SPECS: [(&str, &str); 3] = [
    ("small", "{}"),
    (
        "full",
        r#"{
            "url": {"host": "hooks.example.com", "path": "/a-b_c~d/%41", "ingress": {
                "className": "nginx", "annotations": {"example.com/size": "8m"}, "tls": {"secretName": "hooks-tls"}}},
            "settings": {"zone": "b", "region": "eu"},
            "settingsFrom": [{"scope": "crm", "configMapKeyRef": {"name": "crm.integration", "key": "settings.json"}}],
            "storage": {"embedded": {"size": "20Gi", "storageClassName": "fast"}},
            "resources": {"requests": {"cpu": 1, "memory": "256Mi"}, "limits": {"memory": "512Mi"}},
            "podTemplate": {
                "labels": {"team": "sales"}, "annotations": {"example.com/a": "b"}, "nodeSelector": {"disk": "ssd"},
                "tolerations": [{"key": "hooks", "operator": "Exists"}], "imagePullSecrets": [{"name": "registry"}],
                "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}]}
        }"#,
    ),
    (
        "gateway",
        r#"{
            "replicas": 3, "storage": {"postgres": {"urlSecretRef": {"name": "db", "key": "url"}}},
            "url": {"gateway": {"parentRefs": [{"name": "public", "namespace": "gateways", "sectionName": "https"}]}}
        }"#,
    ),
];

fn children(cluster: &Cluster, namespace: &str, name: &str, more: &str) -> Children {
    let mut spec = json!({
        "displayName": name,
        "clientSecrets": [{"name": "hubspot-app", "key": "clientSecret"}],
        "destinations": [{"name": "audit", "log": {}}],
    });
    let more: Value = serde_json::from_str(more).unwrap();
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let manifest = json!({
        "apiVersion": "hubspot-listener.dev/v1alpha1",
        "kind": "HubSpotListener",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    });
    cluster.apply(&manifest.to_string());
    let listener: HubSpotListener =
        serde_json::from_value(cluster.get(namespace, "hsl", name).unwrap()).unwrap();
    let secrets = listener.spec.secret_references().into_iter().map(|(_, reference)| {
        let keys = BTreeSet::from(["clientSecret".to_owned(), "url".to_owned()]);
        (reference.name.clone(), Some(keys))
    });
    let config_maps = listener.spec.config_map_references().into_iter().map(|(_, reference)| {
        (reference.name.clone(), Some(BTreeMap::from([(reference.key.clone(), "{}".to_owned())])))
    });
    let observed = Observed {
        secrets: secrets.collect(),
        config_maps: config_maps.collect(),
        url_holder: None,
        claim: None,
        deployment: None,
        foreign: Vec::new(),
        pods: Vec::new(),
        listener: Arc::new(listener),
    };
    let defaults = Defaults {
        listener_image: "localhost/listener:1".to_owned(),
        listener_image_pull_policy: "IfNotPresent".to_owned(),
        default_host: Some("hooks.example.com".to_owned()),
        default_ingress_class: None,
        default_tls_secret: None,
        default_storage_class: None,
        keep_claims: false,
        network_policies: true,
        allowed_addresses: Vec::new(),
        save_settings: false,
        operator_namespace: "hubspot-listener".to_owned(),
    };
    build(&validate(&observed, &defaults).unwrap(), &defaults)
}

/// Where `wanted` is not in `has`: the server adds, and must not leave out or change.
fn missing(wanted: &Value, has: &Value, path: &str, found: &mut Vec<String>) {
    match (wanted, has) {
        (Value::Object(wanted), Value::Object(_)) => {
            for (name, below) in wanted {
                missing(below, &has[name], &format!("{path}.{name}"), found);
            }
        }
        (Value::Array(wanted), Value::Array(items)) if wanted.len() == items.len() => {
            for (at, below) in wanted.iter().enumerate() {
                missing(below, &has[at], &format!("{path}[{at}]"), found);
            }
        }
        _ if wanted == has => {}
        _ => found.push(format!("{path}: wanted {wanted}, has {has}")),
    }
}

#[test]
fn the_api_server_takes_every_child_as_it_is_and_a_second_time_changes_nothing() {
    let definition = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../crds/hubspotlisteners.yaml");
    let options = Options { gateway_api: true, crds: vec![definition], ..Options::default() };
    let Some(cluster) = Cluster::start(&options) else { return };
    let namespace = cluster.namespace(&[
        ("pod-security.kubernetes.io/enforce", "restricted"),
        ("pod-security.kubernetes.io/warn", "restricted"),
    ]);
    for (name, spec) in SPECS {
        let children = children(&cluster, &namespace, name, spec);
        for Desired { manifest: child, .. } in desired(&children) {
            let (kind, named) =
                (child["kind"].as_str().unwrap(), child["metadata"]["name"].as_str().unwrap());
            let apply = || {
                let arguments = [
                    "apply",
                    "--server-side",
                    "--validate=strict",
                    "--field-manager=hubspot-listener-operator",
                    "-o",
                    "json",
                    "-f",
                    "-",
                ];
                let output = cluster.kubectl_with(&arguments, &child.to_string());
                assert!(output.success, "{name} {kind}: {}", output.stderr);
                assert_eq!(output.stderr, "", "{name} {kind}: a warning, such as one of Pod Security");
                serde_json::from_str::<Value>(&output.stdout).unwrap()
            };
            let made = apply();
            let mut found = Vec::new();
            missing(&child, &made, kind, &mut found);
            assert!(found.is_empty(), "{name} {kind} {named}: {found:#?}");
            // What the controllers write stands in the status and its own version; the spec stays.
            let again = apply();
            assert_eq!(made["metadata"]["generation"], again["metadata"]["generation"], "{name} {kind}");
            assert_eq!(made["spec"], again["spec"], "{name} {kind}");
        }
        // A Deployment is only warned of; the pod itself is refused where it does not conform.
        let template = serde_json::to_value(&children.deployment.spec.as_ref().unwrap().template).unwrap();
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "spec": template["spec"],
            "metadata": {"name": format!("{name}-pod"), "namespace": namespace, "labels": template["metadata"]["labels"]},
        });
        let output = cluster.kubectl_with(&["create", "--dry-run=server", "-f", "-"], &pod.to_string());
        assert!(output.success, "{name}: {}", output.stderr);
    }
}
