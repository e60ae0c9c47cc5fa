//! What may be done to an error, and who did it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::State;

/// Characters of a note at most.
pub const MAX_NOTE: usize = 4_000;
/// Characters of a tag at most.
pub const MAX_TAG: usize = 63;
/// Tags of one error at most.
pub const MAX_TAGS: usize = 32;

/// Who acts: a name for the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Actor(pub String);

/// What is done to an error.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "act", deny_unknown_fields)]
pub enum Act {
    /// Sends it to the failed step again. Needs its payload.
    Retry,
    /// Closes it without sending.
    Resolve,
    /// Opens what was closed or waits.
    Reopen,
    /// Says that it is to wait.
    Wait {
        /// Until then, epoch milliseconds, and it opens by itself; none: until somebody opens it.
        #[serde(default, rename = "untilMs")]
        until_ms: Option<i64>,
    },
    /// Gives it to somebody; none: to nobody.
    Assign {
        /// Their name.
        to: Option<String>,
    },
    /// Adds and removes tags.
    Tag {
        /// Added.
        #[serde(default)]
        add: Vec<String>,
        /// Removed.
        #[serde(default)]
        remove: Vec<String>,
    },
    /// Writes a note.
    Note {
        /// At most [`MAX_NOTE`] characters.
        text: String,
    },
    /// Puts another payload beside the original. Not for bulk.
    Edit {
        /// The text of a JSON object, kept as it is written; none: back to the original.
        payload: Option<String>,
    },
    /// Hands delivered records to one destination once more. For [`Selection::Records`](super::Selection) alone.
    Replay {
        /// The destination.
        to: String,
    },
}

impl Act {
    /// Name in the audit log and the API.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Resolve => "resolve",
            Self::Reopen => "reopen",
            Self::Wait { .. } => "wait",
            Self::Assign { .. } => "assign",
            Self::Tag { .. } => "tag",
            Self::Note { .. } => "note",
            Self::Edit { .. } => "edit",
            Self::Replay { .. } => "replay",
        }
    }
}

/// An act that is done.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Acted {
    /// The error's state now.
    pub state: State,
}

/// A line of the audit log.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Number, from 1.
    pub id: i64,
    /// Epoch milliseconds.
    pub at_ms: i64,
    /// Who.
    pub actor: String,
    /// [`Act::name`], or `bulk`, `cancel`, `settings`.
    pub act: String,
    /// The error, where it was one.
    pub error: Option<i64>,
    /// The bulk act, where it was part of one.
    pub bulk: Option<i64>,
    /// What in short; never a payload.
    pub detail: String,
}
