//! Why a piece of work of the desk ended: the caller's mistake, or the index's trouble.

use crate::desk::DeskError;
use crate::store::desk::rules;
use crate::store::index::trouble::Trouble;

/// Why a piece of work ended.
#[derive(Debug)]
pub(super) enum Fail {
    /// The caller is told; nothing was changed.
    Desk(DeskError),
    /// The transaction is undone.
    Trouble(Trouble),
}

impl Fail {
    /// There is no such thing (any more).
    pub(super) fn not_found(what: &'static str, id: i64) -> Self {
        Self::Desk(DeskError::NotFound { what, id: id.to_string() })
    }

    /// Its state does not allow it.
    pub(super) fn conflict(reason: impl Into<String>, remedy: &'static str) -> Self {
        Self::Desk(DeskError::Conflict { reason: reason.into(), remedy })
    }

    /// It makes no sense.
    pub(super) fn invalid(field: &'static str, reason: impl Into<String>, remedy: &'static str) -> Self {
        Self::Desk(DeskError::Invalid { field, reason: reason.into(), remedy })
    }
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

impl From<rules::Unfit> for Fail {
    fn from(unfit: rules::Unfit) -> Self {
        Self::Desk(unfit.into())
    }
}

impl From<rusqlite::Error> for Fail {
    fn from(error: rusqlite::Error) -> Self {
        Self::Trouble(error.into())
    }
}

/// For the threads that read and write, to which only a trouble is a failure.
pub(super) fn told<T>(outcome: Result<T, Fail>) -> Result<Result<T, DeskError>, Trouble> {
    match outcome {
        Ok(value) => Ok(Ok(value)),
        Err(Fail::Desk(error)) => Ok(Err(error)),
        Err(Fail::Trouble(trouble)) => Err(trouble),
    }
}
