//! What helm makes of the charts, without a cluster.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args as _;
use serde_json::Value;
use tests::cluster::Cluster;

use crate::support::{VARIANTS, VERSION, chart, file_of, objects, of_kind, render, render_variant};

const CHARTS: [&str; 2] = ["hubspot-listener", "hubspot-listener-crds"];

#[test]
fn helm_lint_finds_nothing_with_any_values() {
    let Some(cluster) = Cluster::control_plane() else { return };
    cluster.helm(&["lint", "--strict", chart("hubspot-listener-crds").to_str().unwrap()]).ok();
    for (_, values) in VARIANTS {
        let chart = chart("hubspot-listener");
        let values = file_of(values);
        let mut all = vec!["lint", "--strict", chart.to_str().unwrap()];
        all.extend(values.iter().map(String::as_str));
        cluster.helm(&all).ok();
    }
}

#[test]
fn the_manifests_are_those_that_were_looked_at() {
    let Some(cluster) = Cluster::control_plane() else { return };
    for (name, values) in VARIANTS {
        let text = render_variant(cluster, values).replace(VERSION, "VERSION");
        // The dashboard is a file of its own.
        let (text, rest) = text.split_once("  hubspot-listeners.json: |\n").unwrap_or((&text, ""));
        let rest = rest.split_once("\n---\n").map_or("", |(_, rest)| rest);
        insta::assert_snapshot!(format!("operator_{name}"), format!("{text}---\n{rest}"));
    }
}

#[test]
fn charts_and_workspace_have_one_version() {
    for name in CHARTS {
        let text = std::fs::read_to_string(chart(name).join("Chart.yaml")).unwrap();
        let chart: Value = serde_yaml::from_str(&text).unwrap();
        for field in ["version", "appVersion"] {
            assert_eq!(chart[field], VERSION, "charts/{name}/Chart.yaml, {field}: set it to the workspace's");
        }
    }
}

#[test]
fn every_variable_of_the_operator_is_set_by_the_chart_and_no_other() {
    let Some(cluster) = Cluster::control_plane() else { return };
    let command = operator::options::Defaults::augment_args(clap::Command::new("operator"));
    let command = operator::options::Process::augment_args(command);
    let mut known: BTreeSet<String> = command
        .get_arguments()
        .map(|argument| argument.get_env().unwrap_or_else(|| panic!("{} has no variable", argument.get_id())))
        .map(|name| name.to_str().unwrap().to_owned())
        .collect();
    // Not an option of the operator's loop, but of its log.
    known.insert("OPERATOR_LOG".to_owned());
    let mut set = BTreeSet::new();
    for (_, values) in VARIANTS {
        set.extend(environment(&render_variant(cluster, values)).into_keys());
    }
    assert_eq!(set, known);
}

#[test]
fn empty_values_leave_their_variables_out() {
    let Some(cluster) = Cluster::control_plane() else { return };
    let environment = environment(&render_variant(cluster, None));
    for absent in ["DEFAULT_HOST", "DEFAULT_INGRESS_CLASS", "ALLOWED_ADDRESSES", "WATCH_NAMESPACE"] {
        assert!(!environment.contains_key(absent), "{absent}");
    }
    assert_eq!(environment["LISTENER_IMAGE"], format!("localhost/hubspot-listener:{VERSION}"));
}

#[test]
fn a_digest_wins_over_the_tag() {
    let Some(cluster) = Cluster::control_plane() else { return };
    let digest = format!("sha256:{}", "0a".repeat(32));
    let text = render(
        cluster,
        "hubspot-listener",
        &["--set", "image.tag=9.9.9", "--set", &format!("image.digest={digest}")],
    );
    assert_eq!(container(&text)["image"], format!("localhost/hubspot-listener-operator@{digest}"));
}

#[test]
fn with_watch_namespace_nothing_is_cluster_wide() {
    let Some(cluster) = Cluster::control_plane() else { return };
    let text = render_variant(cluster, Some("single-namespace.yaml"));
    for object in objects(&text) {
        let namespace = object["metadata"]["namespace"].as_str();
        assert!(namespace.is_some(), "{} {}", object["kind"], object["metadata"]["name"]);
    }
    let rules = |roles: &[Value], name: &str| {
        let role = roles.iter().find(|role| role["metadata"]["name"] == name);
        role.unwrap_or_else(|| panic!("no role {name}"))["rules"].clone()
    };
    let everywhere = render(cluster, "hubspot-listener", &["--set", "console.enabled=true"]);
    let (wide, narrow) = (of_kind(&everywhere, "ClusterRole"), of_kind(&text, "Role"));
    for name in
        ["hubspot-system-hubspot-listener-operator", "hubspot-system-hubspot-listener-operator-console"]
    {
        assert_eq!(rules(&narrow, name), rules(&wide, name), "{name}");
    }
}

#[test]
fn the_operator_may_not_create_what_would_give_it_more_rights() {
    let Some(cluster) = Cluster::control_plane() else { return };
    for (_, values) in VARIANTS {
        let text = render_variant(cluster, values);
        for role in of_kind(&text, "ClusterRole").iter().chain(&of_kind(&text, "Role")) {
            for rule in role["rules"].as_array().unwrap() {
                let rule = rule.to_string();
                for bad in [
                    "\"*\"",
                    "rbac.authorization.k8s.io",
                    "escalate",
                    "bind",
                    "impersonate",
                    "exec",
                    "/token",
                ] {
                    assert!(!rule.contains(bad), "{bad} in {rule}");
                }
            }
        }
    }
}

#[test]
fn labels_of_people_do_not_change_what_the_selector_finds() {
    let Some(cluster) = Cluster::control_plane() else { return };
    let text = render_variant(cluster, Some("full.yaml"));
    let deployment = &deployment(&text, "operator");
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    assert_eq!(labels["tier"], "control");
    for (name, value) in deployment["spec"]["selector"]["matchLabels"].as_object().unwrap() {
        assert_eq!(&labels[name], value, "{name}");
    }
}

#[test]
fn the_definition_stays_unless_it_is_told_not_to() {
    let Some(cluster) = Cluster::control_plane() else { return };
    let policy = |text: &str| of_kind(text, "CustomResourceDefinition")[0]["metadata"]["annotations"].clone();
    let kept = policy(&render(cluster, "hubspot-listener-crds", &["--set", "annotations.a=b"]));
    assert_eq!(kept, serde_json::json!({"helm.sh/resource-policy": "keep", "a": "b"}));
    assert_eq!(policy(&render(cluster, "hubspot-listener-crds", &["--set", "keep=false"])), Value::Null);
}

#[test]
fn helm_makes_the_definition_that_the_types_make() {
    let Some(cluster) = Cluster::control_plane() else { return };
    let mut rendered =
        of_kind(&render(cluster, "hubspot-listener-crds", &[]), "CustomResourceDefinition").remove(0);
    rendered["metadata"].as_object_mut().unwrap().remove("annotations");
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../crds/hubspotlisteners.yaml");
    let committed = objects(&std::fs::read_to_string(committed).unwrap()).remove(0);
    assert!(rendered == committed, "run `make crds`");
}

#[test]
fn saving_from_the_page_is_one_right_more_and_only_where_it_is_allowed() {
    let Some(cluster) = Cluster::control_plane() else { return };
    let rules = |text: &str| {
        let roles = of_kind(text, "ClusterRole");
        let role =
            roles.iter().find(|role| role["metadata"]["name"] == "hubspot-system-hubspot-listener-operator");
        role.unwrap()["rules"].as_array().unwrap().clone()
    };
    let without = rules(&render_variant(cluster, None));
    let text = render(cluster, "hubspot-listener", &["--set", "settings.allowFromPage=true"]);
    let with = rules(&text);
    let more: Vec<_> = with.iter().filter(|rule| !without.contains(rule)).collect();
    let expected = serde_json::json!({
        "apiGroups": ["hubspot-listener.dev"], "resources": ["hubspotlisteners"], "verbs": ["patch"],
    });
    assert_eq!((more, with.len()), (vec![&expected], without.len() + 1));
    assert_eq!(environment(&text)["SAVE_SETTINGS"], "true");
    assert_eq!(environment(&render_variant(cluster, None))["SAVE_SETTINGS"], "false");
}

#[test]
fn the_console_has_an_account_of_its_own_that_reads_listeners_alone() {
    let Some(cluster) = Cluster::control_plane() else { return };
    assert!(!render_variant(cluster, None).contains("console"), "it is off by itself");
    let text = render(
        cluster,
        "hubspot-listener",
        &["--set", "console.enabled=true", "--set", "networkPolicy.enabled=true"],
    );
    let (console, operator) = (deployment(&text, "console"), deployment(&text, "operator"));
    let account = console["spec"]["template"]["spec"]["serviceAccountName"].as_str().unwrap();
    assert_ne!(operator["spec"]["template"]["spec"]["serviceAccountName"], account);
    for (kind, found) in [("RoleBinding", 0), ("ClusterRoleBinding", 1)] {
        let bindings = of_kind(&text, kind);
        let of_console = bindings.iter().filter(|one| one["subjects"][0]["name"] == account).count();
        assert_eq!(of_console, found, "{kind}");
    }
    let roles = of_kind(&text, "ClusterRole");
    let role = roles
        .iter()
        .find(|role| role["metadata"]["name"] == "hubspot-system-hubspot-listener-operator-console");
    let expected = serde_json::json!([{
        "apiGroups": ["hubspot-listener.dev"], "resources": ["hubspotlisteners"], "verbs": ["list", "watch"],
    }]);
    assert_eq!(role.unwrap()["rules"], expected);
    // No selector of the operator finds it, and without `console.from` nobody in the cluster reaches it.
    let label = |object: &Value| object["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"].clone();
    assert_ne!(label(&console), label(&operator));
    let policies = of_kind(&text, "NetworkPolicy");
    let policy = policies.iter().find(|policy| {
        policy["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/name"] == label(&console)
    });
    assert_eq!(policy.unwrap()["spec"]["ingress"], serde_json::json!([]));
}

#[test]
fn every_variable_of_the_console_is_set_by_the_chart_and_no_other() {
    let Some(cluster) = Cluster::control_plane() else { return };
    let command = operator::console::Options::augment_args(clap::Command::new("console"));
    let variables =
        command.get_arguments().filter_map(|argument| argument.get_env()?.to_str().map(str::to_owned));
    let mut known: BTreeSet<String> = variables.collect();
    known.insert("OPERATOR_LOG".to_owned());
    let mut set = BTreeSet::new();
    for values in ["full.yaml", "single-namespace.yaml"] {
        set.extend(variables_of(&deployment(&render_variant(cluster, Some(values)), "console")).into_keys());
    }
    assert_eq!(set, known);
}

/// The Deployment of a component.
fn deployment(text: &str, component: &str) -> Value {
    let all = of_kind(text, "Deployment").into_iter();
    let mut of_it = all.filter(|one| one["metadata"]["labels"]["app.kubernetes.io/component"] == component);
    of_it.next().unwrap_or_else(|| panic!("no Deployment of {component}"))
}

/// The one container of the operator's pods.
fn container(text: &str) -> Value {
    deployment(text, "operator")["spec"]["template"]["spec"]["containers"][0].clone()
}

/// Its variables; null where the value comes from the pod.
fn environment(text: &str) -> BTreeMap<String, Value> {
    variables_of(&deployment(text, "operator"))
}

fn variables_of(deployment: &Value) -> BTreeMap<String, Value> {
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let variables = container["env"].as_array().unwrap().iter();
    variables.map(|one| (one["name"].as_str().unwrap().to_owned(), one["value"].clone())).collect()
}
