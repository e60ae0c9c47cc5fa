//! The API server's audit log: who called what, and what the answer was.

use serde_json::Value;

use super::Cluster;

/// A request to the API server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditEvent {
    /// For example `system:serviceaccount:NAMESPACE:NAME`, `testcluster-admin`.
    pub user: String,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub verb: String,
    /// API group, empty for the core.
    pub group: String,
    /// Plural of the kind, empty for paths such as `/version`.
    pub resource: String,
    pub subresource: String,
    pub namespace: String,
    pub name: String,
    /// Path and query as requested.
    pub uri: String,
    pub user_agent: String,
    /// Status code of the answer.
    pub code: u16,
    /// RFC 3339, with microseconds.
    pub time: String,
}

impl Cluster {
    /// All requests that were answered so far, in the order of their answers. A request
    /// is there before its caller has the answer; a watch from its beginning.
    pub fn audit_log(&self) -> Vec<AuditEvent> {
        let text = std::fs::read_to_string(&self.process.report.audit_log).unwrap_or_default();
        // The last line may be half written.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().filter_map(parse).collect()
    }
}

fn parse(line: &str) -> Option<AuditEvent> {
    let event: Value = serde_json::from_str(line).ok()?;
    let verb = event["verb"].as_str()?;
    // What stays open has a line when it starts and one when it ends. A watch counts when it
    // starts, for it may never end in a test.
    if (event["stage"] == "ResponseStarted") != (verb == "watch") {
        return None;
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let object = &event["objectRef"];
    Some(AuditEvent {
        user: text(&event["user"]["username"]),
        verb: verb.to_owned(),
        group: text(&object["apiGroup"]),
        resource: text(&object["resource"]),
        subresource: text(&object["subresource"]),
        namespace: text(&object["namespace"]),
        name: text(&object["name"]),
        uri: text(&event["requestURI"]),
        user_agent: text(&event["userAgent"]),
        code: event["responseStatus"]["code"].as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or(0),
        time: text(&event["stageTimestamp"]),
    })
}
