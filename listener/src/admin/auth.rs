//! The bearer token of the API.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::problem::Problem;

/// The token; none: the API is open.
pub(super) type Token = Arc<Option<SecretString>>;

/// Lets requests under `/api/` through only with the token.
pub(super) async fn check(State(token): State<Token>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let guarded = path == "/api" || path.starts_with("/api/");
    if guarded && let Some(token) = token.as_ref() {
        let given = request.headers().get(AUTHORIZATION).map(http::HeaderValue::as_bytes);
        if !given.and_then(bearer).is_some_and(|given| same(given, token.expose_secret().as_bytes())) {
            return Problem::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "send the admin token: `Authorization: Bearer <token>`",
            )
            .into_response();
        }
    }
    next.run(request).await
}

/// The token in `Bearer <token>`; the scheme's case does not matter (RFC 9110, section 11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

/// In constant time for tokens of one length. An empty token never fits: it would
/// be a file that was forgotten, not a choice.
fn same(given: &[u8], token: &[u8]) -> bool {
    !token.is_empty() && bool::from(given.ct_eq(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_fits() {
        assert!(same(b"abc", b"abc"));
        for given in [&b"ab"[..], b"abcd", b"abd", b""] {
            assert!(!same(given, b"abc"));
        }
        assert!(!same(b"", b""));
    }

    #[test]
    fn the_scheme_is_bearer_in_any_case() {
        assert_eq!(bearer(b"Bearer abc"), Some(&b"abc"[..]));
        assert_eq!(bearer(b"bearer  abc"), Some(&b"abc"[..]));
        assert_eq!(bearer(b"Basic abc"), None);
        assert_eq!(bearer(b"Bearer"), None);
    }
}
