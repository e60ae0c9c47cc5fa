//! What went wrong in a handler, on its way to the page that says it.

use axum::response::{IntoResponse, Response};

use crate::admin::problem::Problem;
use crate::desk::DeskError;

/// A problem that [`gate`](super::gate) shows as a page: it knows who asks, and where.
#[derive(Debug)]
pub(super) struct Trouble(pub(super) Problem);

impl<E: Into<Problem>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let mut response = self.0.code.into_response();
        response.extensions_mut().insert(self.0);
        response
    }
}

/// The problem that an answer carries, and no page yet.
pub(super) fn take(response: &mut Response) -> Option<Problem> {
    response.extensions_mut().remove::<Problem>()
}

/// The store of a listener lacks a part.
pub(super) fn absent(what: &str) -> Problem {
    DeskError::Conflict {
        reason: format!("the store of this listener keeps no {what}"),
        remedy: "it comes with a newer version of the listener, or with another kind of store",
    }
    .into()
}
