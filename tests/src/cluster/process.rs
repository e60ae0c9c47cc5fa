//! The process behind a cluster: found or built, started, and ended with its standard input.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use super::{Options, images, root};
use crate::listener::as_outside_cargo;

/// What `testcluster up` says of itself.
pub(super) struct Report {
    pub(super) server: String,
    pub(super) kubeconfig: PathBuf,
    pub(super) admin_token: String,
    pub(super) dir: PathBuf,
    pub(super) audit_log: PathBuf,
    pub(super) control: PathBuf,
    pub(super) node: String,
    pub(super) node_address: String,
    pub(super) ingress_http: String,
    pub(super) ingress_https: String,
}

pub(super) struct Process {
    pub(super) report: Report,
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Process {
    pub(super) fn start(options: &Options) -> Result<Self, String> {
        if options.node {
            script("tests/cluster/node-tools")?;
        }
        let programs = programs()?;
        let archives = if options.images { images()? } else { Vec::new() };
        // Short: paths of unix sockets in it have at most 107 bytes.
        let folder = tempfile::Builder::new().prefix("hsl-").tempdir().map_err(|error| error.to_string())?;
        let dir = folder.keep();
        let mut command = Command::new(programs.join("testcluster"));
        command.args(["up", "--exit-on-stdin-eof", "--timeout=300s", "--dir"]).arg(&dir);
        // The directory goes when the cluster ends as it should; CLUSTER_KEEP leaves it to look at.
        if std::env::var_os("CLUSTER_KEEP").is_none() {
            command.arg("--remove-dir");
        }
        if options.node {
            // A test that stops the API server for a minute is about the listener, not about a node that is
            // taken for lost meanwhile; see docs/failure-modes.md.
            command.arg("--controller-manager-arg=--node-monitor-grace-period=3m");
            command.args(["--node", "node1"]);
        }
        if options.ingress {
            command.arg("--ingress");
        }
        if options.gateway_api {
            command.arg("--gateway-api");
        }
        for crds in &options.crds {
            command.arg("--crds").arg(crds);
        }
        for image in archives {
            command.arg("--image").arg(&image.archive);
        }
        let errors = std::fs::File::create(dir.join("errors")).map_err(|error| error.to_string())?;
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .map_err(|error| error.to_string())?;
        let stdin = child.stdin.take();
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).map_err(|error| error.to_string())?;
        let Some(report) = report(&line) else {
            let _ = child.wait();
            let said = tail(&dir.join("errors"));
            return Err(format!("it did not start; its logs are in {}: {said}", dir.display()));
        };
        Ok(Self { report, child, stdin })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

fn report(line: &str) -> Option<Report> {
    let report: Value = serde_json::from_str(line).ok()?;
    let text = |name: &str| report[name].as_str().unwrap_or_default().to_owned();
    Some(Report {
        server: text("server"),
        kubeconfig: text("kubeconfig").into(),
        admin_token: text("adminToken"),
        dir: text("dir").into(),
        audit_log: text("auditLog").into(),
        control: text("control").into(),
        node: text("node"),
        node_address: text("nodeAddress"),
        ingress_http: text("ingressHTTP"),
        ingress_https: text("ingressHTTPS"),
    })
}

/// The folder of the cluster's programs; built at the first use ever.
pub(super) fn programs() -> Result<&'static Path, String> {
    static FOLDER: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| script("tests/cluster/build").map(PathBuf::from));
    folder.as_ref().map(PathBuf::as_path).map_err(Clone::clone)
}

/// Runs a script of the project: its output, or what it complained of. What it says
/// meanwhile is seen at once, for a build may take minutes.
pub(super) fn script(path: &str) -> Result<String, String> {
    let mut command = Command::new(root().join(path));
    let mut child = as_outside_cargo(&mut command)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{path}: {error}"))?;
    let mut said = String::new();
    for line in BufReader::new(child.stderr.take().expect("a pipe")).lines().map_while(Result::ok) {
        eprintln!("{line}");
        said = line;
    }
    let output = child.wait_with_output().map_err(|error| format!("{path}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{said} ({path}: {})", output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The last lines of a file.
pub(super) fn tail(path: &Path) -> String {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
