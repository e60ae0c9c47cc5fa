//! Says what is wrong with a spec, offline, as the API server and the operator say it.
//!
//! Three looks, in this order:
//! 1. [`shape`]: types, required and unknown fields, lengths, ranges, enums, read from
//!    the schema of the definition itself. Like the API server, it stops here when the
//!    shape is so wrong that rules could not be run.
//! 2. [`rules`]: the CEL rules of the schema, the same expressions and texts as in the cluster.
//! 3. [`meaning`]: what CEL cannot say and needs no look at the cluster.
//!
//! A refusal says what is wrong (`reason`) and what to do (`remedy`).

mod meaning;
mod nearest;
mod objects;
mod rules;
mod shape;
#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::Value;

use crate::HubSpotListenerSpec;
use crate::definition::spec_schema;
use crate::listener::NAME_MESSAGE;

pub use nearest::nearest;

/// Something in a manifest that is not taken.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Refusal {
    /// Path of the field, such as `spec.destinations[1].http.url`.
    pub field: String,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub remedy: String,
}

impl Refusal {
    /// A refusal of `field`.
    pub fn new(field: impl Into<String>, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into(), remedy: remedy.into() }
    }

    /// From a text of the form `<reason>; <remedy>`.
    fn from_message(field: impl Into<String>, message: &str) -> Self {
        let (reason, remedy) = message.split_once("; ").unwrap_or((message, "mend it"));
        Self::new(field, reason, remedy)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, reason, remedy } = self;
        write!(f, "{field}: {reason}; {remedy}")
    }
}

impl std::error::Error for Refusal {}

/// Everything that is wrong with `spec` as far as can be told without a look at the cluster.
/// Does not compile templates and filters: the listener does.
pub fn check(spec: &HubSpotListenerSpec) -> Vec<Refusal> {
    match serde_json::to_value(spec) {
        Ok(value) => {
            let mut refusals = check_value(&value);
            refusals.extend(check_meaning(spec));
            refusals
        }
        Err(error) => vec![Refusal::new("spec", format!("it is not JSON: {error}"), "mend it")],
    }
}

/// What the API server refuses in `spec`, as a user wrote it: the shape, then the rules.
pub fn check_value(spec: &Value) -> Vec<Refusal> {
    let findings = shape::check(spec_schema(), spec, "spec");
    if findings.iter().any(|finding| finding.blocking) {
        return findings.into_iter().map(|finding| finding.refusal).collect();
    }
    let mut spec = spec.clone();
    drop_nulls(&mut spec);
    let mut refusals = rules::check(&spec);
    // A rule says the same as a range, and says what to do.
    let ranges: Vec<Refusal> = findings
        .into_iter()
        .map(|finding| finding.refusal)
        .filter(|range| refusals.iter().all(|rule| rule.field != range.field))
        .collect();
    refusals.extend(ranges);
    refusals
}

/// What no rule of the API server can say, but needs no look at the cluster.
pub fn check_meaning(spec: &HubSpotListenerSpec) -> Vec<Refusal> {
    meaning::CHECKS.iter().flat_map(|check| check(spec)).collect()
}

/// What is wrong with the resource's own name: the rule on the whole resource, in Rust.
pub fn check_name(name: &str) -> Option<Refusal> {
    let fits = name.len() <= 63
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    (!fits).then(|| Refusal::from_message("metadata.name", NAME_MESSAGE))
}

/// Takes out the fields that are written as null, as the API server does before it
/// gives defaults. Free JSON (`settings`) keeps its nulls.
pub fn drop_nulls(spec: &mut Value) {
    shape::drop_nulls(spec_schema(), spec);
}
