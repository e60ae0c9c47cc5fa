//! The charts on a real API server: every manifest is accepted in a namespace that enforces the
//! restricted Pod Security standard, and what is installed goes and stays as it should.

use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;
use tests::cluster::{Cluster, Output};

use crate::support::{NAMESPACE, VARIANTS, VERSION, chart, objects, render, render_variant};

/// The resources of the Prometheus operator, by Go's module proxy, and what the module must hash to.
const PROMETHEUS: [&str; 2] = [
    "github.com/prometheus-operator/prometheus-operator@v0.85.0",
    "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
];

/// The shared cluster with namespaces under restricted Pod Security and the resources that the
/// charts use; none where it cannot be had.
fn prepared() -> Option<&'static Cluster> {
    static PREPARED: OnceLock<Option<&Cluster>> = OnceLock::new();
    *PREPARED.get_or_init(|| {
        let cluster = Cluster::control_plane()?;
        let service_monitors = match service_monitors() {
            Ok(file) => file,
            Err(reason) if std::env::var_os("CI").is_some() => panic!("{reason}"),
            Err(reason) => {
                eprintln!("\n!!! SKIPPED, no definition of the ServiceMonitor: {reason}\n");
                return None;
            }
        };
        for namespace in [NAMESPACE, "sales"] {
            cluster.apply(&format!(
                "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {namespace}\n  \
                 labels: {{pod-security.kubernetes.io/enforce: restricted}}\n"
            ));
        }
        let own = concat!(env!("CARGO_MANIFEST_DIR"), "/../crds/hubspotlisteners.yaml");
        for file in [own, &service_monitors] {
            cluster.apply(&std::fs::read_to_string(file).unwrap());
        }
        for resource in ["servicemonitors.monitoring.coreos.com", "hubspotlisteners.hubspot-listener.dev"] {
            served(cluster, resource);
        }
        Some(cluster)
    })
}

/// The file of the `ServiceMonitor`'s definition, fetched once by Go.
fn service_monitors() -> Result<String, String> {
    let [module, sum] = PROMETHEUS;
    let output = Command::new("go")
        .args(["mod", "download", "-json", module])
        .env("GOFLAGS", "-mod=mod")
        .current_dir(std::env::temp_dir())
        .output()
        .map_err(|error| format!("go, which is at https://go.dev/dl: {error}"))?;
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let Some(folder) = answer["Dir"].as_str() else {
        return Err(format!("go mod download {module}: {}{answer}", String::from_utf8_lossy(&output.stderr)));
    };
    assert_eq!(answer["Sum"], sum, "{module} is not what it was");
    Ok(format!("{folder}/example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml"))
}

fn served(cluster: &Cluster, definition: &str) {
    let name = format!("crd/{definition}");
    cluster.kubectl(&["wait", "--for=condition=Established", &name, "--timeout=30s"]).ok();
}

/// Server-side dry run of a text.
fn tried(cluster: &Cluster, text: &str) -> Output {
    let arguments = ["apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-"];
    cluster.kubectl_with(&arguments, text)
}

#[test]
fn the_api_server_takes_every_manifest_and_warns_of_nothing() {
    let Some(cluster) = prepared() else { return };
    for (name, values) in VARIANTS {
        let text = render_variant(cluster, values);
        let output = tried(cluster, &text);
        // A Deployment that breaks Pod Security is taken, with a warning.
        assert_eq!(output.stderr, "", "{name}");
        let lines = output.ok();
        assert_eq!(lines.lines().count(), objects(&text).len(), "{name}: {lines}");
    }
    tried(cluster, &render(cluster, "hubspot-listener-crds", &["--set", "annotations.a=b,labels.a=b"])).ok();
}

#[test]
fn a_field_that_kubernetes_does_not_know_would_be_seen() {
    let Some(cluster) = prepared() else { return };
    let text = render_variant(cluster, None).replace("enableServiceLinks", "enableServiceLynx");
    let refused = tried(cluster, &text).refused();
    assert!(refused.contains("enableServiceLynx"), "{refused}");
}

#[test]
fn the_pods_of_the_operator_are_let_in_under_restricted_pod_security() {
    let Some(cluster) = prepared() else { return };
    for (name, values) in VARIANTS {
        let text = render_variant(cluster, values);
        for deployment in objects(&text).into_iter().filter(|object| object["kind"] == "Deployment") {
            let mut pod = deployment["spec"]["template"].clone();
            pod["apiVersion"] = "v1".into();
            pod["kind"] = "Pod".into();
            pod["metadata"]["name"] = "a-pod".into();
            pod["metadata"]["namespace"] = NAMESPACE.into();
            // Its account is not there in a dry run, and a priority class is for system namespaces.
            let spec = pod["spec"].as_object_mut().unwrap();
            spec.remove("serviceAccountName");
            spec.remove("priorityClassName");
            let output = tried(cluster, &pod.to_string());
            assert!(output.success, "{name}: {output:?}");
            pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = true.into();
            let refused = tried(cluster, &pod.to_string()).refused();
            assert!(refused.contains("violates PodSecurity \"restricted"), "{name}: {refused}");
        }
    }
}

/// Whether the ServiceAccount of the release in [`NAMESPACE`] may. A subresource is `resource:sub`.
fn may(cluster: &Cluster, account: &str, verb: &str, resource: &str, namespace: &str) -> bool {
    let account = format!("--as=system:serviceaccount:{NAMESPACE}:{account}");
    let (resource, sub) = resource.split_once(':').unwrap_or((resource, ""));
    let sub = format!("--subresource={sub}");
    let output =
        cluster.kubectl(&["auth", "can-i", verb, resource, &sub, "--namespace", namespace, &account]);
    match output.stdout.trim() {
        "yes" => true,
        "no" => false,
        _ => panic!("{verb} {resource}: {output:?}"),
    }
}

fn helm(cluster: &Cluster, arguments: &[&str]) -> String {
    let mut all = arguments.to_vec();
    all.extend(["--namespace", NAMESPACE]);
    cluster.helm(&all).ok()
}

#[test]
fn the_operator_gets_its_rights_and_no_others_and_all_goes_at_uninstall() {
    let Some(cluster) = prepared() else { return };
    let path = chart("hubspot-listener");
    let path = path.to_str().unwrap();
    let one = "only-sales-hubspot-listener-operator";
    helm(cluster, &["install", "only-sales", path, "--set", "watchNamespace=sales"]);
    assert!(may(cluster, one, "list", "secrets", "sales"));
    assert!(may(cluster, one, "patch", "hubspotlisteners.hubspot-listener.dev:status", "sales"));
    assert!(!may(cluster, one, "list", "secrets", "default"));
    assert!(!may(cluster, one, "list", "secrets", NAMESPACE));
    assert!(may(cluster, one, "create", "leases.coordination.k8s.io", NAMESPACE));
    assert!(may(cluster, one, "update", &format!("leases.coordination.k8s.io/{one}"), NAMESPACE));
    assert!(!may(cluster, one, "update", "leases.coordination.k8s.io/another", NAMESPACE));
    helm(cluster, &["uninstall", "only-sales"]);

    let wide = "hubspot-listener-operator";
    let notes =
        helm(cluster, &["install", "hubspot-listener", path, "--set", "listeners.defaultHost=a.example.com"]);
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
        ("delete", "horizontalpodautoscalers.autoscaling"),
    ] {
        assert!(may(cluster, wide, verb, resource, "default"), "{verb} {resource}");
    }
    for (verb, resource) in [
        ("patch", "hubspotlisteners.hubspot-listener.dev"),
        ("create", "secrets"),
        ("delete", "deployments.apps"),
        ("delete", "configmaps"),
        ("create", "pods"),
        ("create", "pods:exec"),
        ("create", "serviceaccounts:token"),
        ("create", "leases.coordination.k8s.io"),
        ("create", "rolebindings.rbac.authorization.k8s.io"),
    ] {
        assert!(!may(cluster, wide, verb, resource, "default"), "{verb} {resource}");
    }
    // The pod is made: the namespace enforces the restricted standard.
    let selector = "app.kubernetes.io/instance=hubspot-listener";
    cluster.wait_until(30, "a pod of the operator", || {
        let pods = cluster.kubectl(&["get", "pods", "-n", NAMESPACE, "-l", selector, "-o", "name"]);
        Some(pods.ok()).filter(|pods| !pods.is_empty())
    });
    helm(cluster, &["uninstall", "hubspot-listener"]);
    let kinds = "deployments,services,roles,rolebindings,clusterroles,clusterrolebindings,serviceaccounts";
    let left = cluster.kubectl(&["get", kinds, "-n", NAMESPACE, "-l", selector, "-o", "name"]).ok();
    assert_eq!(left, "");
}

#[test]
fn the_listener_in_the_notes_is_one_that_the_api_server_takes() {
    let Some(cluster) = prepared() else { return };
    let path = chart("hubspot-listener");
    for host in [&[][..], &["--set", "listeners.defaultHost=a.example.com"]] {
        let mut arguments = vec!["install", "notes", path.to_str().unwrap(), "--dry-run=server"];
        arguments.extend(host);
        let notes = helm(cluster, &arguments);
        assert!(!notes.contains("has no HubSpotListener resource"), "{notes}");
        let (_, rest) = notes.split_once("<<'END'\n").unwrap();
        let (manifest, _) = rest.split_once("\n  END").unwrap();
        let manifest: String = manifest.lines().map(|line| format!("{}\n", &line[2..])).collect();
        let lines = tried(cluster, &manifest).ok();
        assert!(lines.contains("hubspotlistener.hubspot-listener.dev/contacts"), "{lines}");
    }
}

#[test]
fn uninstalling_the_resource_s_chart_leaves_the_listeners_and_it_can_be_installed_again() {
    let Some(cluster) = prepared() else { return };
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
    helm(cluster, &install);
    served(cluster, name);
    let listener = "
apiVersion: hubspot-listener.dev/v1alpha1
kind: HubSpotListener
metadata: {name: kept, namespace: sales}
spec:
  displayName: Kept
  clientSecrets: [{name: app, key: secret}]
  destinations: [{name: audit, log: {}}]
";
    cluster.apply(listener);
    for _ in 0..2 {
        helm(cluster, &["uninstall", "hubspot-listener-crds"]);
        cluster.kubectl(&["get", "crd", name]).ok();
        cluster.kubectl(&["get", "hubspotlisteners", "-n", "sales", "kept"]).ok();
        helm(cluster, &install[..4]);
    }
}
