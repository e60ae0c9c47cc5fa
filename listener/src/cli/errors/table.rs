//! Errors as a table.

use super::shape::Shown;
use crate::cli::remote::print::table;
use crate::cli::remote::text::{short, time};

/// A table of errors.
pub(super) fn errors(errors: &[Shown]) -> String {
    let rows: Vec<Vec<String>> = errors
        .iter()
        .map(|error| {
            vec![
                error.id.to_string(),
                short(&error.state, 10),
                short(error.destination.as_deref().unwrap_or("-"), 20),
                short(&error.class, 12),
                short(&error.trace_key, 32),
                error.attempts.to_string(),
                time(error.last_at_ms),
                short(error.assignee.as_deref().unwrap_or("-"), 16),
                short(&error.message, 60),
            ]
        })
        .collect();
    let head = [
        "ID",
        "STATE",
        "DESTINATION",
        "CLASS",
        "TRACE KEY",
        "ATTEMPTS",
        "LAST FAILED",
        "ASSIGNEE",
        "MESSAGE",
    ];
    table(&head, &rows)
}
