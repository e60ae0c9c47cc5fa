//! What a list or a bulk act is about. Every condition that is given must hold.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::store::ErrorClass;

/// State of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits for somebody.
    Open,
    /// Somebody said that it is to wait until a time, or for something.
    Waiting,
    /// On its way to the failed step again.
    Retrying,
    /// Closed, by somebody or by itself.
    Resolved,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Open, Self::Waiting, Self::Retrying, Self::Resolved];

    /// As it stands in the store and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Waiting => "waiting",
            Self::Retrying => "retrying",
            Self::Resolved => "resolved",
        }
    }

    /// The state that is written `text`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// Which errors. The default matches all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ErrorFilter {
    /// Any of these states; empty: any state.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<State>,
    /// Failed here; an empty text: before any destination.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Of this class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<ErrorClass>,
    /// The trace key, whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_key: Option<String>,
    /// The beginning of the trace key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_key_prefix: Option<String>,
    /// Has this tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Assigned to them; an empty text: to nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// Stands in the message; small and capital letters are the same for ASCII.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Last failed at or after, epoch milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_ms: Option<i64>,
    /// Last failed before, epoch milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
}

impl ErrorFilter {
    /// Only what it says of states, destination and class.
    pub(crate) fn places(&self) -> Self {
        Self {
            states: self.states.clone(),
            destination: self.destination.clone(),
            class: self.class,
            ..Self::default()
        }
    }

    /// Only what it says of time.
    pub(crate) fn time(&self) -> Self {
        Self { from_ms: self.from_ms, until_ms: self.until_ms, ..Self::default() }
    }
}
