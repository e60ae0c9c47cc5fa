use crds::HubSpotListener;
use proptest::prelude::*;
use rstest::rstest;
use serde::Serialize;
use serde_json::{Value, json};

use super::*;
use crate::scene::{FULL, SMALL, defaults, observed, with_host};
use crate::validate::validate;

fn children(yaml: &str, defaults: &Defaults) -> Children {
    build(&validate(&observed(yaml), defaults).unwrap(), defaults)
}

/// Each child that there is, with its name in snapshots.
fn each(children: &Children) -> Vec<(&'static str, Value)> {
    let Children {
        service_account,
        config_map,
        claim,
        service,
        deployment,
        ingress,
        http_route,
        disruption_budget,
        autoscaler,
        network_policy,
    } = children;
    let all = [
        ("service_account", value(Some(service_account))),
        ("config_map", value(Some(config_map))),
        ("claim", value(claim.as_ref())),
        ("service", value(Some(service))),
        ("deployment", value(Some(deployment))),
        ("ingress", value(ingress.as_ref())),
        ("http_route", value(http_route.as_ref())),
        ("disruption_budget", value(disruption_budget.as_ref())),
        ("autoscaler", value(autoscaler.as_ref())),
        ("network_policy", value(network_policy.as_ref())),
    ];
    all.into_iter().filter(|(_, value)| !value.is_null()).collect()
}

fn value<T: Serialize>(child: Option<&T>) -> Value {
    serde_json::to_value(child).unwrap()
}

const GATEWAY: &str = "  replicas: 3
  storage: {postgres: {urlSecretRef: {name: db, key: url}}}
  url: {gateway: {parentRefs: [{name: public, namespace: gateways, sectionName: https}]}}
";

const SCALED: &str = "  autoscaling: {maxReplicas: 8, targetCPUUtilizationPercentage: 60}
  storage: {postgres: {urlSecretRef: {name: db, key: url}}}
";

fn scene(name: &str) -> Children {
    match name {
        "scaled" => children(&format!("{SMALL}{SCALED}"), &with_host()),
        "small" => children(SMALL, &with_host()),
        "full" => children(
            FULL,
            &defaults(&["--keep-claims", "--network-policies", "--operator-namespace=hubspot-listener"]),
        ),
        _ => children(&format!("{SMALL}{GATEWAY}"), &with_host()),
    }
}

#[rstest]
#[case("small")]
#[case("full")]
#[case("gateway")]
fn every_child_is_as_it_was(#[case] name: &str) {
    for (child, value) in each(&scene(name)) {
        insta::assert_yaml_snapshot!(format!("{name}_{child}"), value);
    }
}

#[test]
fn with_autoscaling_the_number_of_pods_is_not_the_operators() {
    let scaled = scene("scaled");
    for (child, value) in each(&scaled).into_iter().filter(|(child, _)| *child != "service_account") {
        if ["autoscaler", "disruption_budget"].contains(&child) {
            insta::assert_yaml_snapshot!(format!("scaled_{child}"), value);
        }
    }
    let spec = scaled.deployment.spec.unwrap();
    assert_eq!(spec.replicas, None);
    let gateway = scene("gateway").deployment.spec.unwrap();
    assert_eq!(gateway.replicas, Some(3));
    assert_eq!(spec.template, gateway.template, "the pods do not start anew when a number is handed over");
    assert!(scene("gateway").autoscaler.is_none());
}

#[test]
fn the_pods_do_not_change_when_only_the_configuration_does() {
    let before = children(SMALL, &with_host());
    let changed = SMALL.replace("generation: 3", "generation: 4").replace("Contacts", "Contacts and more");
    let changed = format!("{changed}  paused: true\n  filter: 'true'\n  url: {{path: /elsewhere}}\n");
    let after = children(&changed, &with_host());
    assert_ne!(value(Some(&before.config_map)), value(Some(&after.config_map)));
    assert_eq!(value(Some(&before.deployment)), value(Some(&after.deployment)));
}

#[test]
fn a_new_key_of_the_same_secret_does_not_change_the_pods() {
    let rotated = SMALL.replace(
        "[{name: hubspot-app, key: clientSecret}]",
        "[{name: hubspot-app, key: clientSecret}, {name: hubspot-app, key: next}]",
    );
    let (before, after) = (children(SMALL, &with_host()), children(&rotated, &with_host()));
    assert_eq!(value(Some(&before.deployment)), value(Some(&after.deployment)));
}

#[test]
fn a_secret_that_is_read_whole_is_mounted_once() {
    for (secret, more) in [("desk-tokens", 1), ("hubspot-app", 0)] {
        let yaml = format!("{SMALL}  desk: {{tokens: {{secretName: {secret}}}}}\n");
        let mounts = |yaml: &str| {
            let pod = children(yaml, &with_host()).deployment.spec.unwrap().template.spec.unwrap();
            pod.containers[0].volume_mounts.clone().unwrap()
        };
        let mounts_with = mounts(&yaml);
        assert_eq!(mounts_with.len(), mounts(SMALL).len() + more);
        let path = format!("/etc/listener/secrets/{secret}");
        assert_eq!(mounts_with.iter().filter(|mount| mount.mount_path == path).count(), 1);
    }
}

#[test]
fn the_listener_reads_the_configuration_that_is_written() {
    let children = scene("full");
    let text = children.config_map.data.unwrap().remove(names::CONFIGURATION_KEY).unwrap();
    let read = crds::Configuration::parse(&text).unwrap();
    assert_eq!(read, validate(&observed(FULL), &defaults(&[])).unwrap().configuration);
}

#[test]
fn the_order_of_settings_does_not_matter() {
    let other = FULL.replace("{zone: b, region: eu}", "{region: eu, zone: b}");
    let (one, two) = (children(FULL, &defaults(&[])), children(&other, &defaults(&[])));
    assert_eq!(one.config_map, two.config_map);
}

#[test]
fn no_way_in_is_made_where_somebody_else_makes_it() {
    let children = children(&format!("{SMALL}  url: {{external: true}}\n"), &with_host());
    assert!(children.ingress.is_none() && children.http_route.is_none());
}

#[test]
fn the_operators_class_and_certificate_serve_where_the_manifest_is_silent() {
    let flags =
        ["--default-host=h.example.com", "--default-ingress-class=traefik", "--default-tls-secret=wild"];
    let spec = children(SMALL, &defaults(&flags)).ingress.unwrap().spec.unwrap();
    assert_eq!(spec.ingress_class_name.as_deref(), Some("traefik"));
    assert_eq!(spec.tls.unwrap()[0].secret_name.as_deref(), Some("wild"));
    let spec = children(FULL, &defaults(&flags)).ingress.unwrap().spec.unwrap();
    assert_eq!(spec.ingress_class_name.as_deref(), Some("nginx"));
    assert_eq!(spec.tls.unwrap()[0].secret_name.as_deref(), Some("hooks-tls"));
}

#[test]
fn a_kept_claim_has_no_owner_and_everything_else_has_one() {
    for (child, value) in each(&scene("full")) {
        let owner = value.pointer("/metadata/ownerReferences/0");
        assert_eq!(owner.is_none(), child == "claim", "{child}");
        if let Some(owner) = owner {
            assert_eq!(owner["controller"], true);
            assert_eq!(owner["blockOwnerDeletion"], false);
        }
    }
    let small = scene("small").claim.unwrap();
    assert!(small.metadata.owner_references.is_some());
}

/// Manifests that are nearly always accepted, and that go to the bounds of what is.
fn manifests() -> impl Strategy<Value = Value> {
    let object = "[a-z0-9]{1,40}([-.][a-z0-9]{1,40}){0,4}";
    (
        "[a-z]([-a-z0-9]{0,61}[a-z0-9])?",
        proptest::collection::btree_set((object, "[-_a-zA-Z0-9][-._a-zA-Z0-9]{0,40}"), 1..9),
        proptest::collection::btree_map("[A-Za-z_][A-Za-z0-9_]{0,20}", object, 0..4),
        proptest::option::of("[a-z]([-a-z0-9]{0,61}[a-z0-9])?([.][a-z0-9]{1,63}){0,2}"),
        proptest::option::of("(/[-a-zA-Z0-9_~!$&'()*+,;=:@]{1,40}){1,4}"),
        proptest::option::of(1_i32..65),
        0..4_usize,
    )
        .prop_map(|(name, secrets, maps, host, path, replicas, way_in)| {
            let secrets: Vec<Value> =
                secrets.into_iter().map(|(name, key)| json!({"name": name, "key": key})).collect();
            let from = maps.into_iter();
            let from: Vec<Value> = from
                .map(|(scope, name)| json!({"scope": scope, "configMapKeyRef": {"name": name, "key": "k"}}))
                .collect();
            let mut url = match way_in {
                0 => json!({}),
                1 => json!({"ingress": {"tls": {"secretName": "tls"}}}),
                2 => json!({"gateway": {"parentRefs": [{"name": "public"}]}}),
                _ => json!({"external": true}),
            };
            url["host"] = host.into();
            url["path"] = path.into();
            let storage = replicas.map_or(json!({}), |_| json!({"postgres": {"urlSecretRef": secrets[0]}}));
            json!({
                "apiVersion": "hubspot-listener.dev/v1alpha1",
                "kind": "HubSpotListener",
                "metadata": {"name": name, "namespace": "sales", "uid": "u"},
                "spec": {
                    "displayName": "x", "clientSecrets": secrets, "settingsFrom": from, "url": url,
                    "destinations": [{"name": "audit", "log": {}}], "replicas": replicas.unwrap_or(1),
                    "storage": storage,
                },
            })
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn children_of_any_manifest_that_is_accepted_have_names_that_kubernetes_takes(manifest in manifests()) {
        let yaml = serde_yaml::to_string(&manifest).unwrap();
        let defaults = defaults(&["--default-host=h.example.com", "--network-policies"]);
        let validated = validate(&observed(&yaml), &defaults);
        prop_assume!(validated.is_ok());
        if let Ok(validated) = validated {
            let children = build(&validated, &defaults);
            let listener: &HubSpotListener = &validated.listener;
            for (child, value) in each(&children) {
                let name = value["metadata"]["name"].as_str().unwrap();
                let most = if child == "claim" { 253 } else { 63 };
                prop_assert!(is_label(name) && name.len() <= most, "{child}: {name}");
                for (label, value) in value["metadata"]["labels"].as_object().unwrap() {
                    prop_assert!(value.as_str().unwrap().len() <= 63, "{label}");
                }
            }
            let pod = children.deployment.spec.unwrap().template.spec.unwrap();
            let volumes: Vec<String> = pod.volumes.unwrap().into_iter().map(|volume| volume.name).collect();
            let unique: std::collections::BTreeSet<&String> = volumes.iter().collect();
            prop_assert_eq!(unique.len(), volumes.len());
            for volume in &volumes {
                prop_assert!(is_label(volume) && volume.len() <= 63, "{}", volume);
            }
            let paths: std::collections::BTreeSet<String> =
                pod.containers[0].volume_mounts.iter().flatten().map(|mount| mount.mount_path.clone()).collect();
            prop_assert_eq!(paths.len(), volumes.len());
            for (_, reference) in listener.spec.secret_references() {
                let path = format!("/etc/listener/secrets/{}", reference.name);
                prop_assert!(paths.contains(&path), "{}", path);
            }
        }
    }
}

fn is_label(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}
