//! Handlebars templates with our own helpers.

use serde_json::Value;

use crate::mistake::Mistake;

/// Where a template's output stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Bodies, headers, trace keys: `{{x}}` is not escaped.
    Raw,
    /// URLs and the data URI: `{{x}}` is encoded like `encodeURIComponent`.
    Uri,
}

/// What a template can see. Absent members are simply unknown names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope<'a> {
    /// The record's JSON as it came.
    pub record: Option<&'a [u8]>,
    /// The listener's settings, merged.
    pub settings: Option<&'a Value>,
    /// Name, namespace, display name, description and URL of the listener.
    pub listener: Option<&'a Value>,
    /// Further roots: `request`, `count`, `records`, `response`, `error`. An object.
    pub more: Option<&'a Value>,
}

/// Why a template gave nothing for one record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct RenderError {
    /// What went wrong, with the helper's name.
    pub reason: String,
}

/// A template, compiled once.
#[derive(Debug)]
pub struct Template {
    text: String,
}

impl Template {
    /// Compiles `text`, or says what is wrong with it.
    pub fn compile(text: &str, _place: Place) -> Result<Self, Mistake> {
        Ok(Self { text: text.to_owned() })
    }

    /// The template's output where it has no tags at all.
    pub fn literal(&self) -> Option<&str> {
        (!self.text.contains("{{")).then_some(self.text.as_str())
    }

    /// Whether a tag names `root` as the first part of a path: `records`, `request`, ….
    pub fn mentions(&self, root: &str) -> bool {
        self.text.contains(root)
    }

    /// Renders for one record.
    pub fn render(&self, _scope: &Scope<'_>) -> Result<String, RenderError> {
        Ok(self.text.clone())
    }
}
