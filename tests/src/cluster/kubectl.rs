//! kubectl and helm on a cluster, as its administrator.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Cluster, process};

/// What a program said.
#[derive(Clone, Debug)]
pub struct Output {
    pub success: bool,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// Standard output of a run that must have gone well.
    ///
    /// # Panics
    ///
    /// Where it did not, with what it said.
    #[track_caller]
    pub fn ok(self) -> String {
        assert!(self.success, "{}{}", self.stdout, self.stderr);
        self.stdout
    }

    /// Standard error of a run that must have been refused.
    ///
    /// # Panics
    ///
    /// Where it went well.
    #[track_caller]
    pub fn refused(self) -> String {
        assert!(!self.success, "went well, but should not: {}", self.stdout);
        self.stderr
    }
}

impl Cluster {
    /// kubectl, as the administrator.
    pub fn kubectl(&self, arguments: &[&str]) -> Output {
        self.run("kubectl", arguments, "")
    }

    /// kubectl with this on its standard input.
    pub fn kubectl_with(&self, arguments: &[&str], input: &str) -> Output {
        self.run("kubectl", arguments, input)
    }

    /// Where a program of the cluster's lies, such as kubectl.
    pub fn program(name: &str) -> std::path::PathBuf {
        process::programs().expect("a running cluster has programs").join(name)
    }

    /// helm, as the administrator.
    pub fn helm(&self, arguments: &[&str]) -> Output {
        self.run("helm", arguments, "")
    }

    /// Applies manifests, server-side.
    ///
    /// # Panics
    ///
    /// Where one is refused.
    #[track_caller]
    pub fn apply(&self, manifests: &str) {
        self.try_apply(manifests).ok();
    }

    /// Applies manifests that may be refused.
    pub fn try_apply(&self, manifests: &str) -> Output {
        self.run("kubectl", &["apply", "--server-side", "--force-conflicts", "-f", "-"], manifests)
    }

    /// Makes a namespace with these labels, and gives its name.
    #[track_caller]
    pub fn namespace(&self, labels: &[(&str, &str)]) -> String {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let name = format!("test-{}", NEXT.fetch_add(1, Ordering::SeqCst));
        let labels: serde_json::Map<_, _> =
            labels.iter().map(|&(key, value)| (key.to_owned(), Value::from(value))).collect();
        let namespace = serde_json::json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels},
        });
        self.apply(&namespace.to_string());
        // Without it no Pod can be made.
        self.wait_until(60, "the default ServiceAccount", || {
            self.kubectl(&["get", "serviceaccount", "default", "-n", &name]).success.then_some(())
        });
        name
    }

    /// An object as JSON; `kind` may be `deployment.apps`, none where there is no such object.
    pub fn get(&self, namespace: &str, kind: &str, name: &str) -> Option<Value> {
        let output = self.kubectl(&["get", kind, name, "-n", namespace, "-o", "json"]);
        output.success.then(|| serde_json::from_str(&output.stdout).expect("JSON"))
    }

    /// Looks again and again, at most for `seconds`, until `look` gives something.
    ///
    /// # Panics
    ///
    /// Where it does not.
    #[track_caller]
    pub fn wait_until<T>(&self, seconds: u64, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        loop {
            if let Some(found) = look() {
                return found;
            }
            assert!(Instant::now() < deadline, "not after {seconds} s: {what}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Waits until Pods of this label are Ready.
    ///
    /// # Panics
    ///
    /// Where they are not in time: with what the cluster says of them.
    #[track_caller]
    pub fn wait_ready(&self, namespace: &str, label: &str, seconds: u64) {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        let ready = || {
            let pods = self.kubectl(&["get", "pods", "-n", namespace, "-l", label, "-o", "json"]).ok();
            let pods: Value = serde_json::from_str(&pods).expect("JSON");
            let pods = pods["items"].as_array().expect("a list").clone();
            let is_ready = |pod: &Value| {
                let conditions = pod["status"]["conditions"].as_array();
                conditions.is_some_and(|all| {
                    all.iter().any(|one| one["type"] == "Ready" && one["status"] == "True")
                })
            };
            !pods.is_empty() && pods.iter().all(is_ready)
        };
        while !ready() {
            if Instant::now() > deadline {
                let pods = self.kubectl(&["describe", "pods", "-n", namespace, "-l", label]).stdout;
                let logs = self.kubectl(&["logs", "-n", namespace, "-l", label, "--tail=20"]).stdout;
                panic!("{label} not Ready after {seconds} s\n{pods}\n{logs}");
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn run(&self, program: &str, arguments: &[&str], input: &str) -> Output {
        let folder = process::programs().expect("a running cluster has programs");
        let dir = &self.process.report.dir;
        let mut child = Command::new(folder.join(program))
            .args(arguments)
            .env("KUBECONFIG", self.kubeconfig())
            // Nothing of the person who runs the tests.
            .env("KUBECACHEDIR", dir.join("kubectl"))
            .env("HELM_CACHE_HOME", dir.join("helm/cache"))
            .env("HELM_CONFIG_HOME", dir.join("helm/config"))
            .env("HELM_DATA_HOME", dir.join("helm/data"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        let mut stdin = child.stdin.take().expect("a pipe");
        let input = input.to_owned();
        let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
        let output = child.wait_with_output().expect("it ends");
        // A program that does not read its input says itself what is wrong.
        let _ = writer.join();
        Output {
            success: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}
