//! Helm, the charts, and what they render.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde::Deserialize as _;
use serde_json::Value;

/// Version of the workspace, and so of the charts.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where the operator is installed.
pub(crate) const NAMESPACE: &str = "hubspot-system";

/// Values that a chart is tried with: name, and further arguments.
pub(crate) const VARIANTS: [(&str, &[&str]); 3] =
    [("default", &[]), ("full", &["-f", "full.yaml"]), ("single_namespace", &["-f", "single-namespace.yaml"])];

/// Folder of a chart.
pub(crate) fn chart(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts").join(name)
}

/// Runs helm without a cluster, where the files of values are.
pub(crate) fn helm(arguments: &[&str]) -> Output {
    Command::new(tests::cluster::helm())
        .args(arguments)
        .current_dir(tests::fixture("charts"))
        .env("KUBECONFIG", "/dev/null")
        .output()
        .expect("helm runs")
}

/// What a command printed, where it went well.
pub(crate) fn printed(output: Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}\n{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stdout).unwrap()
}

/// `helm template` of a chart.
pub(crate) fn render(chart_name: &str, arguments: &[&str]) -> String {
    let path = chart(chart_name);
    let mut all = vec!["template", "hubspot-listener", path.to_str().unwrap(), "--namespace", NAMESPACE];
    all.extend(arguments);
    printed(helm(&all))
}

/// The objects in a text of several documents.
pub(crate) fn objects(text: &str) -> Vec<Value> {
    serde_yaml::Deserializer::from_str(text)
        .map(|document| Value::deserialize(document).unwrap())
        .filter(|object| !object.is_null())
        .collect()
}

/// Those of one kind.
pub(crate) fn of_kind(text: &str, kind: &str) -> Vec<Value> {
    objects(text).into_iter().filter(|object| object["kind"] == kind).collect()
}
