//! What the API answers to several commands, as far as people are shown it.

use serde::Deserialize;
use serde_json::Value;

use super::text::{line, lines, pretty};

/// A list.
#[derive(Debug, Deserialize)]
pub(in crate::cli) struct List<T> {
    pub(in crate::cli) items: Vec<T>,
    pub(in crate::cli) next: Option<String>,
}

/// A payload.
#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Payload {
    pub(in crate::cli) text: Option<String>,
    pub(in crate::cli) base64: Option<String>,
}

impl Payload {
    /// JSON with a line for each value; what is no JSON as it is.
    pub(in crate::cli) fn lines(&self) -> String {
        match (&self.text, &self.base64) {
            (Some(text), _) if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => {
                lines(&pretty(text))
            }
            (Some(text), _) => lines(text),
            (None, Some(base64)) => format!("(no text; base64) {}", line(base64)),
            (None, None) => String::new(),
        }
    }
}

/// What a bulk act would do.
#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Plan {
    pub(in crate::cli) id: i64,
    pub(in crate::cli) effect: Effect,
    /// Of errors.
    #[serde(default)]
    pub(in crate::cli) sample: Vec<Value>,
    /// Of records.
    #[serde(default)]
    pub(in crate::cli) records: Vec<Value>,
}

/// In numbers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct Effect {
    pub(in crate::cli) matched: u64,
    pub(in crate::cli) changed: u64,
    pub(in crate::cli) left: u64,
    pub(in crate::cli) without_payload: u64,
}

/// A bulk act.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct Bulk {
    pub(in crate::cli) id: i64,
    pub(in crate::cli) actor: String,
    pub(in crate::cli) act: Act,
    pub(in crate::cli) state: String,
    pub(in crate::cli) total: u64,
    pub(in crate::cli) done: u64,
    pub(in crate::cli) left: u64,
    pub(in crate::cli) started_at_ms: i64,
}

/// Its name.
#[derive(Debug, Deserialize)]
pub(in crate::cli) struct Act {
    pub(in crate::cli) act: String,
}
