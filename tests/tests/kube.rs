//! `listener errors --kube` and `kubectl hubspot` against a real API server without a node: what they say where
//! there is no way to a listener. That the way leads to one is a chapter of `end_to_end`.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::json;
use tempfile::TempDir;
use tests::binary;
use tests::cluster::Cluster;

struct Scene {
    cluster: &'static Cluster,
    namespace: String,
    folder: TempDir,
}

impl Scene {
    fn new() -> Option<Self> {
        static DEFINED: OnceLock<()> = OnceLock::new();
        let cluster = Cluster::control_plane()?;
        DEFINED.get_or_init(|| {
            let crd = format!("{}/../crds/hubspotlisteners.yaml", env!("CARGO_MANIFEST_DIR"));
            cluster.kubectl(&["apply", "--server-side", "-f", &crd]).ok();
            cluster.wait_until(30, "the definition is served", || {
                cluster.kubectl(&["get", "hubspotlisteners", "-A"]).success.then_some(())
            });
        });
        let namespace = cluster.namespace(&[]);
        Some(Self { cluster, namespace, folder: tempfile::tempdir().unwrap() })
    }

    fn listener(&self, name: &str) {
        let manifest = json!({
            "apiVersion": "hubspot-listener.dev/v1alpha1", "kind": "HubSpotListener",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {"displayName": name, "clientSecrets": [{"name": "hubspot-app", "key": "clientSecret"}],
                     "destinations": [{"name": "audit", "log": {}}]},
        });
        self.cluster.apply(&manifest.to_string());
    }

    /// A pod as the operator labels it; no node runs it.
    fn pod(&self, listener: &str) {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": format!("{listener}-1"), "namespace": self.namespace, "labels": {
                "app.kubernetes.io/name": "hubspot-listener", "hubspot-listener.dev/listener": listener}},
            "spec": {"containers": [{"name": "listener", "image": "localhost/hubspot-listener:test"}]},
        });
        self.cluster.apply(&pod.to_string());
    }

    /// Makes that pod one that says it is ready, on a node that is not there.
    fn ready(&self, listener: &str) {
        let (name, status) = (
            format!("{listener}-1"),
            json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}})
                .to_string(),
        );
        self.cluster
            .kubectl(&[
                "patch",
                "pod",
                &name,
                "-n",
                &self.namespace,
                "--subresource=status",
                "--type=merge",
                "-p",
                &status,
            ])
            .ok();
    }

    /// A kubeconfig of a ServiceAccount with these rights, whose context is in this namespace.
    fn kubeconfig(&self, user: &str, rules: &str) -> PathBuf {
        let namespace = &self.namespace;
        self.cluster.apply(&format!(
            "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {user}, namespace: {namespace}}}\n---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: {user}, namespace: {namespace}}}\nrules: {rules}\n---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: {user}, namespace: {namespace}}}\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: {user}}}\n\
             subjects: [{{kind: ServiceAccount, name: {user}, namespace: {namespace}}}]\n"
        ));
        let token = self.cluster.kubectl(&["create", "token", user, "-n", namespace]).ok();
        let path = self.folder.path().join(user);
        std::fs::copy(self.cluster.kubeconfig(), &path).unwrap();
        let file = format!("--kubeconfig={}", path.display());
        let token = format!("--token={}", token.trim());
        self.cluster.kubectl(&[&file, "config", "set-credentials", user, &token]).ok();
        let (user, namespace) = (format!("--user={user}"), format!("--namespace={namespace}"));
        self.cluster.kubectl(&[&file, "config", "set-context", "--current", &user, &namespace]).ok();
        path
    }

    /// What the command says on standard error; it must not go well.
    fn refused(&self, program: &Path, kubeconfig: Option<&Path>, arguments: &[&str]) -> String {
        let output = Command::new(program)
            .args(arguments)
            .env("KUBECONFIG", kubeconfig.unwrap_or(self.cluster.kubeconfig()))
            .env("LISTENER_TOKEN", "a-token-that-no-one-may-see")
            .env_remove("LISTENER_URL")
            .stdin(Stdio::null())
            .output()
            .expect("the command runs");
        assert!(!output.status.success(), "{arguments:?}");
        let said = String::from_utf8(output.stderr).expect("text");
        assert!(!said.contains("no-one-may-see") && !said.contains("panicked"), "{said}");
        said
    }
}

#[track_caller]
fn says(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "{part:?} is not in: {said}");
    }
}

/// What somebody needs to use `--kube`.
const ALL: &str = "[{apiGroups: [''], resources: [pods], verbs: [list]}, \
    {apiGroups: [''], resources: [pods/portforward], verbs: [get, create]}, \
    {apiGroups: [hubspot-listener.dev], resources: [hubspotlisteners], verbs: [get, list]}]";

#[test]
fn a_listener_that_is_not_there_or_has_no_ready_pod_is_told() {
    let Some(scene) = Scene::new() else { return };
    let (binary, namespace) = (binary(), scene.namespace.clone());
    let kube = format!("{namespace}/contacts");
    let list = ["errors", "list", "--kube", &kube];
    says(&scene.refused(binary, None, &list), &["there is no listener", &kube, "nor any other"]);
    scene.listener("deals");
    says(&scene.refused(binary, None, &list), &["in this namespace there are: deals"]);
    scene.listener("contacts");
    says(&scene.refused(binary, None, &list), &["has no pods", "describe hubspotlistener contacts"]);
    scene.pod("contacts");
    says(
        &scene.refused(binary, None, &list),
        &["no pod of", "contacts-1 is Pending", "describe pod contacts-1"],
    );
    let two = ["errors", "list", "--namespace", &namespace];
    says(&scene.refused(binary, None, &two), &["several listeners: contacts, deals", "--listener"]);
    let token = ["errors", "list", "--kube", &kube, "--token-secret", "view.vera"];
    scene.ready("contacts");
    says(&scene.refused(binary, None, &token), &["has no tokens", "spec.desk.tokens.secretName"]);
    let wrong = ["errors", "list", "--kube", "a/b/c"];
    says(&scene.refused(binary, None, &wrong), &["write NAMESPACE/NAME"]);
}

#[test]
fn a_right_that_is_missing_is_named_with_its_verb() {
    let Some(scene) = Scene::new() else { return };
    let binary = binary();
    let kube = format!("{}/contacts", scene.namespace);
    let list = ["errors", "list", "--kube", &kube];
    let nobody = scene.kubeconfig("nobody", "[]");
    says(
        &scene.refused(binary, Some(&nobody), &list),
        &["you may not list pods in namespace", &scene.namespace],
    );
    let pods = scene.kubeconfig("pods", "[{apiGroups: [''], resources: [pods], verbs: [list]}]");
    says(&scene.refused(binary, Some(&pods), &list), &["you may not list listeners there"]);
    scene.pod("contacts");
    scene.ready("contacts");
    says(&scene.refused(binary, Some(&pods), &list), &["you may not create pods/portforward in namespace"]);
    let all = scene.kubeconfig("all", ALL);
    let secret = ["errors", "list", "--kube", &kube, "--token-secret", "view.vera"];
    scene.listener("contacts");
    let tokens = json!({"spec": {"desk": {"tokens": {"secretName": "desk"}}}}).to_string();
    scene
        .cluster
        .kubectl(&[
            "patch",
            "hubspotlistener",
            "contacts",
            "-n",
            &scene.namespace,
            "--type=merge",
            "-p",
            &tokens,
        ])
        .ok();
    says(&scene.refused(binary, Some(&all), &secret), &["you may not get secrets in namespace"]);
    says(&scene.refused(binary, None, &secret), &["there is no Secret desk"]);
    let keys = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "desk", "namespace": scene.namespace},
        "stringData": {"operate.olaf": "a-token-that-no-one-may-see"}});
    scene.cluster.apply(&keys.to_string());
    says(&scene.refused(binary, None, &secret), &["no such key; it has: operate.olaf"]);
}

#[test]
fn an_api_server_or_a_context_that_is_not_there_is_told() {
    let Some(scene) = Scene::new() else { return };
    let binary = binary();
    let path = scene.folder.path().join("gone");
    let text = std::fs::read_to_string(scene.cluster.kubeconfig()).unwrap();
    let gone = format!("https://127.0.0.1:{}", tests::free_port());
    std::fs::write(&path, text.replace(scene.cluster.server(), &gone)).unwrap();
    let list = ["errors", "list", "--kube", "sales/contacts"];
    says(&scene.refused(binary, Some(&path), &list), &[&gone, "does not answer"]);
    let context = ["errors", "list", "--kube", "sales/contacts", "--context", "nowhere"];
    says(&scene.refused(binary, None, &context), &["the kubeconfig cannot be used", "nowhere"]);
    let file = ["errors", "list", "--kube", "sales/contacts", "--kubeconfig", "/nonexistent"];
    says(&scene.refused(binary, None, &file), &["--kubeconfig /nonexistent cannot be read"]);
}

#[test]
fn a_link_named_kubectl_hubspot_is_a_plugin_of_kubectl() {
    let Some(scene) = Scene::new() else { return };
    let plugin = scene.folder.path().join("kubectl-hubspot");
    symlink(binary(), &plugin).unwrap();
    // It looks in the cluster without being told, in the namespace of the context, for the only listener.
    let all = scene.kubeconfig("all", ALL);
    says(
        &scene.refused(&plugin, Some(&all), &["errors", "list"]),
        &["namespace", &scene.namespace, "has no listener"],
    );
    scene.listener("contacts");
    says(&scene.refused(&plugin, Some(&all), &["errors", "list"]), &["/contacts has no pods"]);
    says(
        &scene.refused(&plugin, None, &["errors", "list", "-n", &scene.namespace, "--listener", "contacts"]),
        &["/contacts has no pods"],
    );
    let both = ["errors", "list", "-n", "other", "--listener", "sales/contacts"];
    says(&scene.refused(&plugin, None, &both), &["leave one of them out"]);
    // An address that is given wins.
    let url = format!("http://127.0.0.1:{}", tests::free_port());
    says(&scene.refused(&plugin, None, &["errors", "list", "--url", &url]), &["no answer from", &url]);
    // By kubectl itself, which finds it in PATH.
    let path = format!("{}:{}", scene.folder.path().display(), std::env::var("PATH").unwrap_or_default());
    let help = Command::new(Cluster::program("kubectl"))
        .args(["hubspot", "--help"])
        .env("PATH", &path)
        .output()
        .expect("kubectl");
    let help = String::from_utf8(help.stdout).expect("text");
    says(&help, &["Usage: kubectl hubspot", "errors"]);
    assert!(!help.contains("serve"), "{help}");
    let own = Command::new(binary()).arg("--help").output().expect("it runs");
    says(&String::from_utf8_lossy(&own.stdout), &["Usage: listener", "serve"]);
}
