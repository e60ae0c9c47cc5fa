//! Helm, the charts, and what they render.

use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use serde_json::Value;
use tests::cluster::Cluster;

/// Version of the workspace, and so of the charts.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where the operator is installed.
pub(crate) const NAMESPACE: &str = "hubspot-system";

/// Values that the chart is tried with, files of `tests/fixtures/charts`; none for the defaults.
pub(crate) const VARIANTS: [(&str, Option<&str>); 3] =
    [("default", None), ("full", Some("full.yaml")), ("single_namespace", Some("single-namespace.yaml"))];

/// Folder of a chart.
pub(crate) fn chart(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts").join(name)
}

/// Arguments that give helm a file of values.
pub(crate) fn file_of(values: Option<&str>) -> Vec<String> {
    let path = |name| tests::fixture("charts").join(name).display().to_string();
    values.map_or_else(Vec::new, |name| vec!["--values".to_owned(), path(name)])
}

/// `helm template` of a chart.
pub(crate) fn render(cluster: &Cluster, chart_name: &str, arguments: &[&str]) -> String {
    let path = chart(chart_name);
    let mut all = vec!["template", "hubspot-listener", path.to_str().unwrap(), "--namespace", NAMESPACE];
    all.extend(arguments);
    cluster.helm(&all).ok()
}

/// The operator's chart with a file of values.
pub(crate) fn render_variant(cluster: &Cluster, values: Option<&str>) -> String {
    let arguments = file_of(values);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    render(cluster, "hubspot-listener", &arguments)
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
