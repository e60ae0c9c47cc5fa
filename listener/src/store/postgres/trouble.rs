//! What can go wrong inside the PostgreSQL store, before it becomes a [`StoreError`].

use tokio_postgres::error::SqlState;

use super::tls;
use crate::store::StoreError;
use crate::store::packed::Damaged;

pub(in crate::store) use crate::store::numbers::{count, signed, unsigned};

/// A failure inside the PostgreSQL store.
#[derive(Debug, thiserror::Error)]
pub(in crate::store) enum Trouble {
    /// PostgreSQL did not do it, or the way to it broke.
    #[error("{}", told(.0))]
    Sql(#[from] tokio_postgres::Error),
    /// There was no connection to be had in time.
    #[error("no connection to PostgreSQL: {0}")]
    Pool(String),
    /// What stands in the tables makes no sense.
    #[error("the tables are damaged: {0}")]
    Damaged(&'static str),
    /// The caller asked for something that cannot be.
    #[error("{0}")]
    Asked(String),
}

/// What helps where the server has no connection left, in all or for this user or database.
const FEWER: &str = "let the server allow more (max_connections, CONNECTION LIMIT of the user and of the database), or \
    write a smaller pool_size in the URL";

/// The database's own words; the driver's alone say only "db error".
fn told(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        // Never the detail: it may hold values of the row.
        Some(db) => {
            let told = format!("{} ({})", db.message(), db.code().code());
            with(told, (*db.code() == SqlState::TOO_MANY_CONNECTIONS).then_some(FEWER))
        }
        None => match std::error::Error::source(error) {
            Some(source) => with(format!("{error}: {source}"), tls::remedy(error)),
            None => error.to_string(),
        },
    }
}

fn with(reason: String, remedy: Option<&str>) -> String {
    match remedy {
        Some(remedy) => format!("{reason}; {remedy}"),
        None => reason,
    }
}

impl Trouble {
    /// Whether the same transaction, begun anew, may well succeed: it was in the way of another.
    pub(in crate::store) fn is_passing(&self) -> bool {
        let Self::Sql(error) = self else { return false };
        error.code().is_some_and(|code| {
            *code == SqlState::T_R_DEADLOCK_DETECTED
                || *code == SqlState::T_R_SERIALIZATION_FAILURE
                || *code == SqlState::LOCK_NOT_AVAILABLE
        })
    }
}

impl Trouble {
    /// Whether a part of a table was removed by another process.
    pub(in crate::store) fn lacks_slice(&self) -> bool {
        let Self::Sql(error) = self else { return false };
        error.as_db_error().is_some_and(|db| {
            *db.code() == SqlState::CHECK_VIOLATION || *db.code() == SqlState::UNDEFINED_TABLE
        })
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
