//! How far a copy is, as the target notes it.

use super::{Row, VERSION, refusal};
use crate::store::StoreError;

/// How far a copy is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct Mark {
    /// Place of the table in [`TABLES`](super::TABLES).
    pub(in crate::store) stage: usize,
    /// The key of its last row that is there.
    pub(in crate::store) key: Option<Row>,
}

impl Mark {
    /// The key, as it is kept.
    pub(in crate::store) fn key_text(&self) -> Result<String, StoreError> {
        serde_json::to_string(&self.key).map_err(|error| StoreError::Failed(error.to_string()))
    }
}

/// A mark as it stands in a target.
#[derive(Debug)]
pub(in crate::store) struct Kept {
    /// Name of the store that is copied.
    pub(in crate::store) source: String,
    /// Version of the stream of rows.
    pub(in crate::store) version: i64,
    /// Place of the table.
    pub(in crate::store) stage: i64,
    /// The key.
    pub(in crate::store) key: Option<String>,
    /// Whether the copy is whole.
    pub(in crate::store) finished: bool,
}

impl Kept {
    /// How far the copy of this source is, in the target of this name; `remedy` says how to get rid of it.
    pub(in crate::store) fn mark(self, source: &str, place: &str, remedy: &str) -> Result<Mark, StoreError> {
        let Self { source: of, version, stage, key, finished } = self;
        let what = match (finished, of != source, version != VERSION) {
            (true, ..) => Some("a whole copy, which a listener may have worked on since"),
            (false, true, _) => Some("part of a copy of another store"),
            (false, false, true) => Some("part of a copy by another version of this program"),
            (false, false, false) => None,
        };
        if let Some(what) = what {
            return Err(refusal::held(place, what, remedy));
        }
        let key = key.map(|key| serde_json::from_str(&key)).transpose().map_err(|_| {
            StoreError::Open(format!("the mark of the copy in {place} is damaged: {remedy}, and copy again"))
        })?;
        // What it does not know is no table: nothing is copied, and comparing tells.
        Ok(Mark { stage: usize::try_from(stage).unwrap_or(usize::MAX), key: key.flatten() })
    }
}
