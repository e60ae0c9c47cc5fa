//! Why a piece of work of the desk ended: the caller's mistake, or the database's trouble.

use crate::desk::DeskError;
use crate::store::StoreError;
use crate::store::postgres::trouble::Trouble;

/// Why a piece of work ended.
#[derive(Debug)]
pub(in crate::store::postgres) enum Fail {
    /// The caller is told; nothing was changed.
    Desk(DeskError),
    /// The transaction is undone.
    Trouble(Trouble),
}

impl From<Trouble> for Fail {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<DeskError> for Fail {
    fn from(error: DeskError) -> Self {
        Self::Desk(error)
    }
}

impl From<tokio_postgres::Error> for Fail {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Trouble(error.into())
    }
}

impl From<Fail> for DeskError {
    fn from(fail: Fail) -> Self {
        match fail {
            Fail::Desk(error) => error,
            Fail::Trouble(trouble) => StoreError::from(trouble).into(),
        }
    }
}

impl From<Trouble> for DeskError {
    fn from(trouble: Trouble) -> Self {
        StoreError::from(trouble).into()
    }
}
