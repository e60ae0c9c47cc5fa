//! A filter's conditions, with the parameters of SQLite.

use rusqlite::types::Value;

use crate::store::desk::condition::{self, Parameter};

/// Conditions over the table `error`.
pub(super) type Conditions = condition::Conditions<Value>;

impl Parameter for Value {
    // SQLite's `lower` knows ASCII only, which is what the filter says.
    const MESSAGE: &'static str =
        "message IN (SELECT id FROM message WHERE instr(lower(text), lower(?)) > 0)";

    fn kept(text: &str) -> String {
        text.to_owned()
    }

    fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
