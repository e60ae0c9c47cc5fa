//! The dashboard asks for metrics that there are.

use std::collections::BTreeSet;

use serde_json::Value;
use tests::cluster::Cluster;

use crate::support::{chart, of_kind, render};

/// Names in the tables of `docs/operations.md` under "Metrics", without the common prefix.
fn documented() -> BTreeSet<String> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operations.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once("\n## Metrics\n").unwrap();
    let (section, _) = rest.split_once("\n## ").unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let names = rows.filter_map(|row| row.split_once(" | ")).map(|(cell, _)| cell);
    names.flat_map(|cell| cell.split('`')).filter(|name| name.len() > 2).map(str::to_owned).collect()
}

fn dashboard() -> Value {
    let text = std::fs::read_to_string(chart("hubspot-listener").join("dashboards/listeners.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn every_metric_of_the_dashboard_is_documented() {
    let documented = documented();
    assert!(
        documented.contains("answer_seconds") && documented.contains("unindexed_bytes"),
        "{documented:?}"
    );
    let mut asked = BTreeSet::new();
    for panel in dashboard()["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            let expression = target["expr"].as_str().unwrap();
            for part in expression.split("hubspot_listener_").skip(1) {
                let end = part.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
                asked.insert(part[..end.unwrap_or(part.len())].trim_end_matches("_bucket").to_owned());
            }
            assert!(expression.contains("hubspot_listener_"), "{expression}");
        }
    }
    assert!(asked.len() > 10, "{asked:?}");
    let unknown: Vec<_> = asked.difference(&documented).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn the_config_map_holds_the_dashboard_as_it_stands_in_the_file() {
    let Some(cluster) = Cluster::control_plane() else { return };
    let text = render(cluster, "hubspot-listener", &["--set", "dashboard.enabled=true"]);
    let maps = of_kind(&text, "ConfigMap");
    let held = maps[0]["data"]["hubspot-listeners.json"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(held).unwrap(), dashboard());
    assert_eq!(maps[0]["metadata"]["labels"]["grafana_dashboard"], "1");
}
