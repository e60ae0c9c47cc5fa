//! Errors as `application/problem+json` (RFC 9457).

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

/// What went wrong, for programs (`title`, `status`) and for people (`detail`).
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    #[serde(skip)]
    pub(super) code: StatusCode,
    pub(super) title: &'static str,
    status: u16,
    pub(super) detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) reasons: Vec<String>,
}

impl Problem {
    pub(super) fn new(code: StatusCode, title: &'static str, detail: impl Into<String>) -> Self {
        Self { code, title, status: code.as_u16(), detail: detail.into(), reasons: Vec::new() }
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
}

/// Such a path, but not for this method.
pub(super) async fn method_not_allowed() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method not allowed", "this path can only be read: GET")
}
