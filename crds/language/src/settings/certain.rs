//! What is wrong whatever stands in a ConfigMap that is not known.
//!
//! The listener's own settings lie over the shared ones, so what an unknown ConfigMap can change is:
//! members that are absent from objects on the way into its scope. A value that is no object, and a
//! member that the schema does not know, stay as they are.

use super::violation::{Kind, Violation};

/// Whether `violation` stays, whatever the settings of the scopes `unknown` are.
pub(super) fn is_certain(violation: &Violation, unknown: &[&str]) -> bool {
    if unknown.is_empty() {
        return true;
    }
    let unknown_scope = violation.first.as_deref().is_some_and(|first| unknown.contains(&first));
    match &violation.kind {
        _ if violation.depends => false,
        Kind::Unknown(names) => {
            violation.first.is_some() || !names.iter().all(|name| unknown.contains(&name.as_str()))
        }
        // At the outermost place `first` is the absent member itself.
        Kind::Absent => !unknown_scope,
        // The whole, which an unknown scope is part of.
        Kind::Other if violation.first.is_none() => false,
        Kind::Other => !unknown_scope || !violation.is_object,
    }
}
