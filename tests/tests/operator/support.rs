//! A namespace with an operator of its own: under a ServiceAccount that has exactly the rights
//! that the operator is said to need, so that a call beyond them is refused, and its calls are
//! found in the audit log by their user.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tests::cluster::{AuditEvent, Cluster};
use tests::{eventually, free_port, get, operator_binary};

/// Seconds of the lease in these tests.
pub const LEASE: u64 = 5;

/// What the operator may do with listeners and their children: what the chart grants.
pub fn rules(name: &str) -> &'static str {
    let chart = include_str!("../../../charts/hubspot-listener/templates/_permissions.tpl");
    let begin = format!("{{{{- define \"hubspot-listener.{name}\" -}}}}");
    let (_, rest) = chart.split_once(&begin).expect("the chart has these rules");
    rest.split_once("{{- end -}}").expect("an end").0
}

/// Of the chart's, but for the lease's name, which each test chooses.
const LEASE_RULES: &str =
    "\n- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, create, update]}\n";

/// A namespace of a cluster.
pub struct Scene<'a> {
    pub cluster: &'a Cluster,
    pub namespace: String,
    /// Only this namespace, or all of them.
    pub alone: bool,
}

impl Scene<'static> {
    /// In the shared cluster, with the definition; none where no cluster can run.
    pub fn new() -> Option<Self> {
        static DEFINED: OnceLock<()> = OnceLock::new();
        let cluster = Cluster::control_plane()?;
        DEFINED.get_or_init(|| define(cluster, &definition()));
        Some(Scene::within(cluster, true))
    }
}

impl<'a> Scene<'a> {
    pub fn within(cluster: &'a Cluster, alone: bool) -> Self {
        let scene = Self { cluster, namespace: cluster.namespace(&[]), alone };
        scene.apply(
            "apiVersion: v1\nkind: Secret\nmetadata: {name: hubspot-app}\nstringData: {clientSecret: s}\n",
        );
        scene
    }

    pub fn apply(&self, manifest: &str) {
        let arguments = ["apply", "--server-side", "--force-conflicts", "-n", &self.namespace, "-f", "-"];
        self.cluster.kubectl_with(&arguments, manifest).ok();
    }

    /// A listener with more of a spec (YAML, two spaces of indent).
    pub fn listener(&self, name: &str, more: &str) {
        self.apply(&format!(
            "apiVersion: hubspot-listener.dev/v1alpha1\nkind: HubSpotListener\nmetadata: {{name: {name}}}\n\
             spec:\n  displayName: {name}\n  clientSecrets: [{{name: hubspot-app, key: clientSecret}}]\n  \
             destinations: [{{name: audit, log: {{}}}}]\n{more}"
        ));
    }

    pub fn get(&self, kind: &str, name: &str) -> Option<Value> {
        self.cluster.get(&self.namespace, kind, name)
    }

    pub fn kubectl(&self, arguments: &[&str]) -> String {
        let mut all = vec!["-n", self.namespace.as_str()];
        all.extend_from_slice(arguments);
        self.cluster.kubectl(&all).ok()
    }

    /// Status, reason and message of a condition.
    pub fn condition(&self, listener: &str, condition: &str) -> Option<(String, String, String)> {
        let object = self.get("hubspotlistener", listener)?;
        let all = object["status"]["conditions"].as_array()?.clone();
        let one = all.into_iter().find(|one| one["type"] == condition)?;
        let text = |field: &str| one[field].as_str().unwrap_or_default().to_owned();
        Some((text("status"), text("reason"), text("message")))
    }

    /// Waits until a condition has this reason; gives its message.
    #[track_caller]
    pub fn wait_reason(&self, listener: &str, condition: &str, reason: &str) -> String {
        let what = format!("{condition} of {listener} is {reason}");
        self.cluster.wait_until(30, &what, || {
            self.condition(listener, condition)
                .filter(|(_, now, _)| now == reason)
                .map(|(_, _, message)| message)
        })
    }

    /// Starts an operator with this name.
    pub fn operator(&self, name: &str) -> Operator {
        self.operator_with(name, &[], "")
    }

    /// One with more flags and more rights.
    pub fn operator_with(&self, name: &str, flags: &[&str], more_rules: &str) -> Operator {
        let (namespace, cluster) = (&self.namespace, self.cluster);
        let subject = format!("{{kind: ServiceAccount, name: {name}, namespace: {namespace}}}");
        let rules = format!("{}{more_rules}", rules("permissions"));
        let wide = if self.alone { ("Role", "RoleBinding") } else { ("ClusterRole", "ClusterRoleBinding") };
        self.cluster.apply(&format!(
            "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {name}, namespace: {namespace}}}\n---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: {}\nmetadata: {{name: operator, namespace: {namespace}}}\nrules:{rules}\n---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: {}\nmetadata: {{name: {name}, namespace: {namespace}}}\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: {}, name: operator}}\nsubjects: [{subject}]\n---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: lease, namespace: {namespace}}}\nrules:{LEASE_RULES}\n---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: lease-{name}, namespace: {namespace}}}\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: lease}}\nsubjects: [{subject}]\n",
            wide.0, wide.1, wide.0,
        ));
        let token = self.kubectl(&["create", "token", name]);
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::copy(cluster.kubeconfig(), &kubeconfig).unwrap();
        let file = format!("--kubeconfig={}", kubeconfig.display());
        let token = format!("--token={}", token.trim());
        cluster.kubectl(&[&file, "config", "set-credentials", "operator", &token]).ok();
        cluster.kubectl(&[&file, "config", "set-context", "--current", "--user=operator"]).ok();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let log = File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new(operator_binary());
        command.args([
            "run",
            "--listener-image",
            "localhost/listener:test",
            "--default-host",
            "hooks.example.com",
        ]);
        command.args([
            "--identity",
            name,
            "--lease-namespace",
            namespace,
            "--lease-seconds",
            &LEASE.to_string(),
        ]);
        command.args(["--listen", &address.to_string()]);
        command.args(flags);
        if self.alone {
            command.args(["--namespace", namespace]);
        }
        let child = command
            .env("KUBECONFIG", &kubeconfig)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let user = format!("system:serviceaccount:{namespace}:{name}");
        Operator { address, user, child, folder }
    }

    /// Every call of an operator.
    pub fn calls(&self, operator: &Operator) -> Vec<AuditEvent> {
        let all = self.cluster.audit_log();
        all.into_iter().filter(|event| event.user == operator.user).collect()
    }

    /// Its writes, but for the lease.
    pub fn writes(&self, operator: &Operator) -> Vec<AuditEvent> {
        let reads = ["get", "list", "watch"];
        let all = self.calls(operator).into_iter();
        all.filter(|event| !reads.contains(&event.verb.as_str()) && event.resource != "leases").collect()
    }

    /// No call was one that it has no right to.
    #[track_caller]
    pub fn nothing_forbidden(&self, operator: &Operator) {
        let forbidden: Vec<_> = self.calls(operator).into_iter().filter(|event| event.code == 403).collect();
        assert!(forbidden.is_empty(), "{forbidden:#?}");
    }
}

/// A running operator; killed with the value.
pub struct Operator {
    pub address: SocketAddr,
    pub user: String,
    child: Child,
    folder: tempfile::TempDir,
}

impl Operator {
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// What `/readyz` says; empty where nobody answers.
    pub fn ready(&self) -> String {
        get(self.address, "/readyz")
            .map(|answer| String::from_utf8_lossy(&answer.body).into_owned())
            .unwrap_or_default()
    }

    #[track_caller]
    pub fn wait_ready(&self, what: &str) {
        eventually(30, &format!("{what}; it says {}", self.ready()), || {
            self.ready().contains(what).then_some(())
        });
    }

    /// A value of `/metrics`, by the whole of its name and labels.
    pub fn metric(&self, name: &str) -> Option<f64> {
        let answer = get(self.address, "/metrics").ok()?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }

    /// What it holds in memory now, and held at most.
    pub fn memory(&self) -> String {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).unwrap_or_default();
        let line = |name: &str| {
            let found = status.lines().find_map(|line| line.strip_prefix(name));
            found.unwrap_or(" unknown").trim().to_owned()
        };
        format!("memory {} (at most {})", line("VmRSS:"), line("VmHWM:"))
    }

    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for its end.
    pub fn ended(&mut self, within: Duration) -> ExitStatus {
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "not ended within {within:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- the log of {}\n{}", self.user, self.log());
        }
    }
}

/// The definition, as it is installed.
pub fn definition() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../crds/hubspotlisteners.yaml");
    std::fs::read_to_string(path).unwrap()
}

/// Installs a definition and waits until it is served.
pub fn define(cluster: &Cluster, definition: &str) {
    cluster.apply(definition);
    let name = "crd/hubspotlisteners.hubspot-listener.dev";
    cluster.kubectl(&["wait", "--for=condition=Established", "--timeout=60s", name]).ok();
}
