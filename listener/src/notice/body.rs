//! What is written to a webhook, and to Alertmanager. Counts, names and links; never a payload, and
//! trace keys only where the notice asks for them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::look::{Group, Refusals};
use crate::config::Live;

/// Groups that one notice names at most; the counts hold all.
const MOST_GROUPS: usize = 100;

/// A time as RFC 3339.
pub(super) fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map(|at| at.to_string()).unwrap_or_default()
}

/// What every notice to a webhook says.
pub(super) fn envelope(live: &Live, notice: &str, kind: &str, now_ms: i64, text: &str) -> Value {
    let configuration = &live.configuration;
    let mut body = json!({
        "kind": kind,
        "notice": notice,
        "namespace": configuration.namespace,
        "listener": configuration.name,
        "displayName": configuration.spec.display_name,
        "at": time(now_ms),
        "text": format!("{}: {text}", live.full_name()),
    });
    if let Some(url) = &configuration.spec.desk.url {
        body["url"] = json!(url);
    }
    body
}

/// `errors` of a notice.
pub(super) fn errors(groups: &[Group]) -> Value {
    let shown = |group: &Group| {
        let mut shown = json!({
            "destination": group.destination,
            "class": group.class.as_str(),
            "count": group.count,
        });
        if !group.trace_keys.is_empty() {
            shown["traceKeys"] = json!(group.trace_keys);
        }
        shown
    };
    json!({
        "count": total(groups),
        "groups": groups.iter().take(MOST_GROUPS).map(shown).collect::<Vec<_>>(),
    })
}

/// Errors in all groups.
pub(super) fn total(groups: &[Group]) -> u64 {
    groups.iter().map(|group| group.count).sum()
}

/// `refusals` of a notice.
pub(super) fn refusals(refusals: &Refusals) -> Value {
    json!({
        "count": refusals.count,
        "perMinute": (refusals.per_minute * 10.0).round() / 10.0,
        "mostFrequent": {"code": refusals.code, "count": refusals.of_code, "remedy": refusals.remedy},
    })
}

/// An alert, as Alertmanager takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Alert {
    pub(super) labels: BTreeMap<&'static str, String>,
    pub(super) annotations: BTreeMap<&'static str, String>,
    pub(super) starts_at: String,
    pub(super) ends_at: String,
    #[serde(rename = "generatorURL", skip_serializing_if = "Option::is_none")]
    pub(super) generator_url: Option<String>,
}

impl Alert {
    /// With the labels that every alert has; its times are given when it is sent.
    pub(super) fn new(live: &Live, name: &str, summary: &str) -> Self {
        let configuration = &live.configuration;
        let labels = [
            ("alertname", name.to_owned()),
            ("namespace", configuration.namespace.clone()),
            ("listener", configuration.name.clone()),
            ("severity", "warning".to_owned()),
        ];
        Self {
            labels: labels.into(),
            annotations: [("summary", format!("{}: {summary}", live.full_name()))].into(),
            starts_at: String::new(),
            ends_at: String::new(),
            generator_url: configuration.spec.desk.url.clone(),
        }
    }

    pub(super) fn label(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.labels.insert(name, value.into());
        self
    }

    pub(super) fn annotation(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.annotations.insert(name, value.into());
        self
    }
}
