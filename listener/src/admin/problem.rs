//! Errors as `application/problem+json` (RFC 9457).

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use super::tokens::Role;
use crate::desk::DeskError;

/// What went wrong, for programs (`title`, `status`) and for people (`detail`, `remedy`).
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct Problem {
    #[serde(skip)]
    pub(super) code: StatusCode,
    /// Short and stable.
    pub(super) title: &'static str,
    /// Status of the answer.
    status: u16,
    /// What is wrong.
    pub(super) detail: String,
    /// The field or parameter that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) field: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remedy: Option<String>,
    /// The role that is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    /// Each reason, where there are several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) reasons: Vec<String>,
}

impl Problem {
    pub(super) fn new(code: StatusCode, title: &'static str, detail: impl Into<String>) -> Self {
        let status = code.as_u16();
        let detail = detail.into();
        Self { code, title, status, detail, field: None, remedy: None, role: None, reasons: Vec::new() }
    }

    /// What was sent makes no sense.
    pub(super) fn invalid(
        field: impl Into<String>,
        reason: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", reason).field(field).remedy(remedy)
    }

    /// Somebody may not do this.
    pub(super) fn role(needed: Role) -> Self {
        let role = needed.as_str();
        let mut problem = Self::new(StatusCode::FORBIDDEN, "role", format!("this needs the role {role}"))
            .remedy(format!("ask with a token whose key begins with {role}."));
        problem.role = Some(needed);
        problem
    }

    pub(super) fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    pub(super) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

impl From<DeskError> for Problem {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::NotFound { .. } => {
                Self::new(StatusCode::NOT_FOUND, "not found", error.to_string()).field("id").remedy(
                    "give the number of the list; what is older than spec.storage.retention allows is gone",
                )
            }
            DeskError::Conflict { reason, remedy } => {
                Self::new(StatusCode::CONFLICT, "conflict", reason).remedy(remedy)
            }
            DeskError::Invalid { field, reason, remedy } => Self::invalid(field, reason, remedy),
            DeskError::Store(error) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "store unavailable", error.to_string())
                    .remedy("ask again in a second; /readyz says what is wrong with the store")
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // Strings and a number: this cannot fail, and an empty body would say the same.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.code, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.code == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"hubspot-listener\""));
        }
        if self.code == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// No such path.
pub(super) async fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not found", "the admin port has no such path")
        .remedy("/api/v1/openapi.json names those that are there")
}

/// Such a path, but not for this method.
pub(super) async fn method_not_allowed() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method not allowed", "this path is not for this method")
        .remedy("use one of those that the header allow names")
}
