//! The schema of the values: what it refuses and how, and that it knows each value and no other.

use std::collections::BTreeSet;

use serde_json::Value;
use tests::cluster::Cluster;

use crate::support::chart;

/// Why helm refuses the values.
fn refusal(cluster: &Cluster, name: &str, set: &str) -> String {
    cluster.helm(&["template", "x", chart(name).to_str().unwrap(), "--set", set]).refused()
}

#[test]
fn bad_values_are_refused_with_their_place_and_the_reason() {
    let Some(cluster) = Cluster::control_plane() else { return };
    for (set, expected) in [
        ("replicaz=2", "additional properties 'replicaz' not allowed"),
        ("listeners.host=a.example.com", "at '/listeners': additional properties 'host' not allowed"),
        ("replicas=two", "at '/replicas': got string, want integer"),
        ("leaseSeconds=1", "at '/leaseSeconds': minimum: got 1, want 5"),
        ("image.digest=latest", "at '/image/digest': 'latest' does not match pattern"),
        (
            "image.pullPolicy=Sometimes",
            "at '/image/pullPolicy': value must be one of 'Always', 'IfNotPresent', 'Never'",
        ),
        (
            "listeners.defaultHost=https://a.example.com",
            "at '/listeners/defaultHost': 'https://a.example.com' does not match pattern",
        ),
        (
            "listeners.allowedAddresses={10.0.0.0}",
            "at '/listeners/allowedAddresses/0': '10.0.0.0' does not match pattern",
        ),
        ("settings.allowFromPage=yes", "at '/settings/allowFromPage': got string, want boolean"),
        (
            "console.deskUrlTemplate=https://desk.example.com/",
            "at '/console/deskUrlTemplate': 'https://desk.example.com/' does not match pattern",
        ),
        (
            "console.hosts={https://a.example.com}",
            "at '/console/hosts/0': 'https://a.example.com' does not match pattern",
        ),
        ("serviceMonitor.interval=30", "at '/serviceMonitor/interval': got number, want string"),
        ("watchNamespace=a b", "at '/watchNamespace': 'a b' does not match pattern"),
        (
            r"commonLabels.app\.kubernetes\.io/name=x",
            "at '/commonLabels/app.kubernetes.io~1name': false schema",
        ),
    ] {
        let said = refusal(cluster, "hubspot-listener", set);
        assert!(said.contains(expected), "--set {set}: {said}");
    }
    let said = refusal(cluster, "hubspot-listener-crds", "keep=yes");
    assert!(said.contains("at '/keep': got string, want boolean"), "{said}");
}

/// Paths of the objects' members in a schema; `global` is helm's.
fn known(schema: &Value, whole: &Value, path: &str, found: &mut BTreeSet<String>) {
    let reference = schema.get("$ref").and_then(Value::as_str);
    let schema = reference.map_or(schema, |reference| whole.pointer(&reference[1..]).unwrap());
    for (name, below) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let path = format!("{path}/{name}");
        if path != "/global" {
            known(below, whole, &path, found);
            found.insert(path);
        }
    }
}

#[test]
fn the_schema_is_strict_and_knows_every_value_and_no_other() {
    for name in ["hubspot-listener", "hubspot-listener-crds"] {
        let read = |file: &str| std::fs::read_to_string(chart(name).join(file)).unwrap();
        let schema: Value = serde_json::from_str(&read("values.schema.json")).unwrap();
        let values: Value = serde_yaml::from_str(&read("values.yaml")).unwrap();
        let mut paths = BTreeSet::new();
        known(&schema, &schema, "", &mut paths);
        for path in &paths {
            // What may be left empty has no members in values.yaml.
            let (parent, _) = path.rsplit_once('/').unwrap();
            let empty =
                values.pointer(parent).and_then(Value::as_object).is_some_and(serde_json::Map::is_empty);
            let kubernetes = parent.ends_with("/resources");
            assert!(empty || kubernetes || values.pointer(path).is_some(), "charts/{name}: no value {path}");
        }
        for path in members(&values, "") {
            let below = ["/dashboard/labels", "/resources/requests", "/resources/limits"];
            let free = below.iter().any(|parent| path.contains(&format!("{parent}/")));
            assert!(free || paths.contains(&path), "charts/{name}/values.schema.json does not know {path}");
        }
    }
}

/// Paths of all members of all objects.
fn members(value: &Value, path: &str) -> Vec<String> {
    let own = value.as_object().into_iter().flatten();
    own.flat_map(|(name, below)| {
        let path = format!("{path}/{name}");
        let mut all = members(below, &path);
        all.push(path);
        all
    })
    .collect()
}
