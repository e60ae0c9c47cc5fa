//! What a route is.

use axum::routing::MethodRouter;
use http::Method;
use schemars::{Schema, SchemaGenerator};

use super::query::Parameter;
use crate::admin::Admin;
use crate::admin::tokens::Role;

/// Makes the schema of a type.
pub(super) type Shape = fn(&mut SchemaGenerator) -> Schema;

/// What is answered when all goes well.
pub(super) enum Answer {
    /// JSON of this shape.
    Json(Shape),
    /// A file, as `text/csv` or `application/x-ndjson`.
    File,
}

/// What a route is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// The process: one path.
    Process,
    /// A listener: two paths.
    Listener,
}

/// One method of one path.
pub(super) struct Route {
    pub(super) method: Method,
    /// After the prefix.
    pub(super) path: &'static str,
    pub(super) about: About,
    /// The role that it needs at least.
    pub(super) needs: Role,
    /// In a sentence.
    pub(super) summary: &'static str,
    /// Of the query.
    pub(super) parameters: &'static [Parameter],
    /// Of the request, where it has one.
    pub(super) body: Option<Shape>,
    pub(super) answer: Answer,
    pub(super) handler: MethodRouter<Admin>,
}

/// Before each path.
pub(super) const PREFIX: &str = "/api/v1";
/// Between the prefix and the path, for a listener that is named.
pub(super) const LISTENER: &str = "/listeners/{namespace}/{name}";

impl Route {
    /// Its paths.
    pub(super) fn paths(&self) -> Vec<String> {
        let Self { path, about, .. } = self;
        match about {
            About::Process => vec![format!("{PREFIX}{path}")],
            About::Listener => vec![format!("{PREFIX}{LISTENER}{path}"), format!("{PREFIX}{path}")],
        }
    }
}
