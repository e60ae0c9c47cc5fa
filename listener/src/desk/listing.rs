//! Lists that end.

use schemars::JsonSchema;
use serde::Serialize;

use super::DeskError;

/// Entries in a list at most.
pub const MAX_LIMIT: usize = 1_000;

/// Where a list goes on. Opaque to whoever holds it; made and read by the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    /// A cursor of the store's own making.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// What a caller gave back: letters, digits, `-`, `_` and `.`, at most 200.
    pub fn parse(text: &str) -> Result<Self, DeskError> {
        let fits = text.len() <= 200
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        if fits {
            return Ok(Self(text.to_owned()));
        }
        Err(DeskError::Invalid {
            field: "cursor",
            reason: "it is none that this API gave".to_owned(),
            remedy: "begin again without a cursor",
        })
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a list is asked for.
#[derive(Clone, Debug, Default)]
pub struct Query<F> {
    /// What belongs in it.
    pub filter: F,
    /// Where it goes on; none: the newest.
    pub cursor: Option<Cursor>,
    /// Entries at most, 1 to [`MAX_LIMIT`]; more is taken as [`MAX_LIMIT`].
    pub limit: usize,
}

impl<F> Query<F> {
    /// The same with another filter.
    pub fn with<G>(self, filter: G) -> Query<G> {
        let Self { filter: _, cursor, limit } = self;
        Query { filter, cursor, limit }
    }
}

/// A part of a list.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "ListingOf{T}")]
pub struct Listing<T> {
    /// In order.
    pub items: Vec<T>,
    /// Where it goes on; none: this is the end.
    pub next: Option<Cursor>,
}

impl<T> Listing<T> {
    /// The first `limit` of what was read, which is one more where there is one; it goes on behind the
    /// number of the last.
    pub(crate) fn of(mut items: Vec<T>, limit: usize, number: impl FnOnce(&T) -> i64) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more);
        let next = last.map(|item| Cursor::new(number(item).to_string()));
        Self { items, next }
    }
}
