//! What can go wrong inside the index, before it becomes a [`StoreError`].

use std::io;

use rusqlite::ErrorCode;

use crate::store::StoreError;
use crate::store::packed::Damaged;

pub(in crate::store) use crate::store::numbers::{count, signed, unsigned};

/// A failure inside the index.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// SQLite did not do it.
    #[error("{0}")]
    Sql(#[from] rusqlite::Error),
    /// The journal could not be read.
    #[error("the journal cannot be read: {0}")]
    Journal(#[from] io::Error),
    /// What stands in the index makes no sense.
    #[error("the index is damaged: {0}")]
    Damaged(&'static str),
    /// The caller asked for something that cannot be.
    #[error("{0}")]
    Asked(String),
}

impl Trouble {
    /// Whether the connection that met it should be opened anew: what its page
    /// cache and its locks are worth is unknown.
    pub(super) fn spoils_connection(&self) -> bool {
        let Self::Sql(rusqlite::Error::SqliteFailure(failure, _)) = self else { return false };
        matches!(
            failure.code,
            ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
        )
    }
}

impl Trouble {
    /// Whether it says that the file is not what it should be, rather than out of reach.
    pub(super) fn is_damage(&self) -> bool {
        match self {
            Self::Sql(rusqlite::Error::SqliteFailure(failure, _)) => matches!(
                failure.code,
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown
            ),
            Self::Journal(_) => false,
            Self::Sql(_) | Self::Damaged(_) | Self::Asked(_) => true,
        }
    }
}

impl From<Damaged> for Trouble {
    fn from(damaged: Damaged) -> Self {
        Self::Damaged(damaged.0)
    }
}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> Self {
        Self::Failed(trouble.to_string())
    }
}
