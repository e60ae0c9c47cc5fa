//! The charts on a real API server: every manifest is accepted in a namespace that enforces the
//! restricted Pod Security standard, and what is installed goes and stays as it should.

use std::process::{Command, Output};
use std::sync::LazyLock;

use serde_json::Value;

use crate::support::{NAMESPACE, VARIANTS, VERSION, chart, objects, plane, printed, render};

/// The resources of the Prometheus operator, by Go's module proxy, and what the module must hash to.
const PROMETHEUS: [&str; 2] = [
    "github.com/prometheus-operator/prometheus-operator@v0.85.0",
    "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
];

/// Namespaces with restricted Pod Security, and the resources that the charts use. Made once.
static PREPARED: LazyLock<()> = LazyLock::new(|| {
    let [module, sum] = PROMETHEUS;
    let folder = printed(
        Command::new("go")
            .args(["mod", "download", "-json", module])
            .env("GOFLAGS", "-mod=mod")
            .current_dir(std::env::temp_dir())
            .output()
            .expect("the charts' tests need Go 1.26 or newer: https://go.dev/dl"),
    );
    let module: Value = serde_json::from_str(&folder).unwrap();
    assert_eq!(module["Sum"], sum, "{module}");
    let crd = "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml";
    let crd = format!("{}/{crd}", module["Dir"].as_str().unwrap());
    printed(kubectl(&["apply", "--server-side", "-f", &crd]));
    for namespace in [NAMESPACE, "sales"] {
        printed(kubectl(&["create", "namespace", namespace]));
        let label = "pod-security.kubernetes.io/enforce=restricted";
        printed(kubectl(&["label", "namespace", namespace, label]));
    }
    printed(kubectl(&[
        "apply",
        "--server-side",
        "-f",
        concat!(env!("CARGO_MANIFEST_DIR"), "/../crds/hubspotlisteners.yaml"),
    ]));
    served("servicemonitors.monitoring.coreos.com");
    served("hubspotlisteners.hubspot-listener.dev");
});

fn prepared() {
    LazyLock::force(&PREPARED);
}

fn kubectl(arguments: &[&str]) -> Output {
    plane().kubectl(arguments)
}

fn served(definition: &str) {
    let name = format!("crd/{definition}");
    printed(kubectl(&["wait", "--for=condition=Established", &name, "--timeout=30s"]));
}

/// Server-side dry run of a text.
fn accepted(text: &str) -> Output {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let path = file.path().to_str().unwrap();
    kubectl(&["apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", path])
}

#[test]
fn the_api_server_takes_every_manifest_and_warns_of_nothing() {
    prepared();
    for (name, arguments) in VARIANTS {
        let text = render("hubspot-listener", arguments);
        let output = accepted(&text);
        // A Deployment that breaks Pod Security is taken, with a warning.
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{name}");
        let lines = printed(output);
        assert_eq!(lines.lines().count(), objects(&text).len(), "{name}: {lines}");
    }
    printed(accepted(&render("hubspot-listener-crds", &["--set", "annotations.a=b,labels.a=b"])));
}

#[test]
fn a_field_that_kubernetes_does_not_know_would_be_seen() {
    prepared();
    let text = render("hubspot-listener", &[]).replace("enableServiceLinks", "enableServiceLynx");
    let output = accepted(&text);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("enableServiceLynx"), "{output:?}");
}

#[test]
fn the_pods_of_the_operator_are_let_in_under_restricted_pod_security() {
    prepared();
    for (name, arguments) in VARIANTS {
        let text = render("hubspot-listener", arguments);
        let deployment = objects(&text).into_iter().find(|object| object["kind"] == "Deployment").unwrap();
        let mut pod = deployment["spec"]["template"].clone();
        pod["apiVersion"] = "v1".into();
        pod["kind"] = "Pod".into();
        pod["metadata"]["name"] = "a-pod".into();
        pod["metadata"]["namespace"] = NAMESPACE.into();
        // Its account is not there in a dry run, and a priority class is for system namespaces.
        let spec = pod["spec"].as_object_mut().unwrap();
        spec.remove("serviceAccountName");
        spec.remove("priorityClassName");
        let output = accepted(&pod.to_string());
        assert!(output.status.success(), "{name}: {output:?}");
        pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = true.into();
        let output = accepted(&pod.to_string());
        let refused = String::from_utf8_lossy(&output.stderr).contains("violates PodSecurity \"restricted");
        assert!(refused, "{name}: the namespace enforces nothing: {output:?}");
    }
}

/// Whether the ServiceAccount of the release in [`NAMESPACE`] may. A subresource is `resource:sub`.
fn may(account: &str, verb: &str, resource: &str, namespace: &str) -> bool {
    let account = format!("--as=system:serviceaccount:{NAMESPACE}:{account}");
    let (resource, sub) = resource.split_once(':').unwrap_or((resource, ""));
    let sub = format!("--subresource={sub}");
    let output = kubectl(&["auth", "can-i", verb, resource, &sub, "--namespace", namespace, &account]);
    match String::from_utf8_lossy(&output.stdout).trim() {
        "yes" => true,
        "no" => false,
        _ => panic!("{verb} {resource}: {output:?}"),
    }
}

fn helm(arguments: &[&str]) -> String {
    let mut all = arguments.to_vec();
    all.extend(["--namespace", NAMESPACE]);
    printed(plane().helm(&all))
}

#[test]
fn the_operator_gets_its_rights_and_no_others_and_all_goes_at_uninstall() {
    prepared();
    let path = chart("hubspot-listener");
    let path = path.to_str().unwrap();
    let one = "only-sales-hubspot-listener-operator";
    helm(&["install", "only-sales", path, "--set", "watchNamespace=sales"]);
    assert!(may(one, "list", "secrets", "sales"));
    assert!(may(one, "patch", "hubspotlisteners.hubspot-listener.dev:status", "sales"));
    assert!(!may(one, "list", "secrets", "default"));
    assert!(!may(one, "list", "secrets", NAMESPACE));
    assert!(may(one, "create", "leases.coordination.k8s.io", NAMESPACE));
    assert!(may(one, "update", &format!("leases.coordination.k8s.io/{one}"), NAMESPACE));
    assert!(!may(one, "update", "leases.coordination.k8s.io/another", NAMESPACE));
    helm(&["uninstall", "only-sales"]);

    let wide = "hubspot-listener-operator";
    let notes = helm(&["install", "hubspot-listener", path, "--set", "listeners.defaultHost=a.example.com"]);
    assert!(
        notes.contains(&format!("The operator {wide} {VERSION} is in the namespace {NAMESPACE}")),
        "{notes}"
    );
    for (verb, resource) in [
        ("list", "secrets"),
        ("create", "deployments.apps"),
        ("patch", "hubspotlisteners.hubspot-listener.dev:status"),
        ("create", "events.events.k8s.io"),
        ("delete", "poddisruptionbudgets.policy"),
    ] {
        assert!(may(wide, verb, resource, "default"), "{verb} {resource}");
    }
    for (verb, resource) in [
        ("patch", "hubspotlisteners.hubspot-listener.dev"),
        ("create", "secrets"),
        ("create", "pods"),
        ("create", "pods:exec"),
        ("create", "serviceaccounts:token"),
        ("create", "leases.coordination.k8s.io"),
        ("create", "rolebindings.rbac.authorization.k8s.io"),
    ] {
        assert!(!may(wide, verb, resource, "default"), "{verb} {resource}");
    }
    // The pod is made: the namespace enforces the restricted standard.
    let selector = "app.kubernetes.io/instance=hubspot-listener";
    tests::eventually(30, "a pod of the operator", || {
        let pods = kubectl(&["get", "pods", "-n", NAMESPACE, "-l", selector, "-o", "name"]);
        Some(printed(pods)).filter(|pods| !pods.is_empty())
    });
    helm(&["uninstall", "hubspot-listener"]);
    let kinds = "deployments,services,roles,rolebindings,clusterroles,clusterrolebindings,serviceaccounts";
    let left = printed(kubectl(&["get", kinds, "-n", NAMESPACE, "-l", selector, "-o", "name"]));
    assert_eq!(left, "");
}

#[test]
fn the_listener_in_the_notes_is_one_that_the_api_server_takes() {
    prepared();
    let path = chart("hubspot-listener");
    for host in [&[][..], &["--set", "listeners.defaultHost=a.example.com"]] {
        let mut arguments = vec!["install", "notes", path.to_str().unwrap(), "--dry-run=server"];
        arguments.extend(host);
        let notes = helm(&arguments);
        assert!(!notes.contains("has no HubSpotListener resource"), "{notes}");
        let (_, rest) = notes.split_once("<<'END'\n").unwrap();
        let (manifest, _) = rest.split_once("\n  END").unwrap();
        let manifest: String = manifest.lines().map(|line| format!("{}\n", &line[2..])).collect();
        let lines = printed(accepted(&manifest));
        assert!(lines.contains("hubspotlistener.hubspot-listener.dev/contacts"), "{lines}");
    }
}

#[test]
fn uninstalling_the_resource_s_chart_leaves_the_listeners_and_it_can_be_installed_again() {
    prepared();
    let path = chart("hubspot-listener-crds");
    let name = "hubspotlisteners.hubspot-listener.dev";
    // It is there already, from the file; helm takes it over.
    let install = [
        "upgrade",
        "--install",
        "hubspot-listener-crds",
        path.to_str().unwrap(),
        "--take-ownership",
        "--force-conflicts",
    ];
    helm(&install);
    served(name);
    let listener = "
apiVersion: hubspot-listener.dev/v1alpha1
kind: HubSpotListener
metadata: {name: kept, namespace: sales}
spec:
  displayName: Kept
  clientSecrets: [{name: app, key: secret}]
  destinations: [{name: audit, log: {}}]
";
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), listener).unwrap();
    printed(kubectl(&["apply", "-f", file.path().to_str().unwrap()]));
    for _ in 0..2 {
        helm(&["uninstall", "hubspot-listener-crds"]);
        printed(kubectl(&["get", "crd", name]));
        printed(kubectl(&["get", "hubspotlisteners", "-n", "sales", "kept"]));
        helm(&install[..4]);
    }
}
