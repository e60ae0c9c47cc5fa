//! Who asks, and what they may do.
//!
//! Tokens belong to a listener, and count there only; that of `--admin-token-file` counts everywhere.
//! Where there is no token at all, `listener serve` closes the API and `listener dev`, which listens on
//! loopback only, leaves it open to requests that name it by a loopback address: a page of the
//! internet that makes a browser ask does so under a name of its own.

use std::collections::BTreeMap;
use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, HeaderValue, StatusCode};
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;

use super::Admin;
use super::problem::Problem;
use super::tokens::{ADMIN, DEV, Hash, Role, hash};
use crate::desk::Actor;

/// Who asks.
#[derive(Clone, Debug, Default)]
pub(super) struct Caller {
    everywhere: Option<(Role, String)>,
    /// By `namespace/name`.
    listeners: BTreeMap<String, (Role, String)>,
}

impl Caller {
    fn everywhere(role: Role, name: &str) -> Self {
        Self { everywhere: Some((role, name.to_owned())), listeners: BTreeMap::new() }
    }

    /// Their name, for the log.
    pub(super) fn name(&self) -> &str {
        self.everywhere
            .iter()
            .chain(self.listeners.values())
            .map(|(_, name)| name.as_str())
            .next()
            .unwrap_or_default()
    }

    /// What they may do with a listener (`namespace/name`), and as whom.
    pub(super) fn on(&self, listener: &str) -> Option<(Role, Actor)> {
        let (role, name) = self.everywhere.as_ref().or_else(|| self.listeners.get(listener))?;
        Some((*role, Actor(name.clone())))
    }
}

/// Lets requests under `/api/` through only with a token, and says who asks.
pub(super) async fn check(State(admin): State<Admin>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path == "/api" || path.starts_with("/api/") {
        match identify(&admin, request.headers()) {
            Ok(caller) => request.extensions_mut().insert(caller),
            Err(problem) => return problem.into_response(),
        };
    }
    next.run(request).await
}

fn identify(admin: &Admin, headers: &HeaderMap) -> Result<Caller, Problem> {
    if !has_tokens(admin) {
        return without_tokens(admin, headers);
    }
    let given = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).and_then(bearer).unwrap_or_default();
    let given = hash(given);
    whose(admin, |hash| hash.ct_eq(&given).into()).ok_or_else(|| {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "this is for those with a token of this listener",
        )
        .field("authorization")
        .remedy("send one: `Authorization: Bearer <token>`")
    })
}

/// Whether anybody has a token.
pub(super) fn has_tokens(admin: &Admin) -> bool {
    admin.token.is_some() || admin.view.listeners().iter().any(|shown| !shown.tokens().is_empty())
}

/// Whoever has the token that `fits`, which is asked in constant time; nobody: none.
pub(super) fn whose(admin: &Admin, fits: impl Fn(&Hash) -> bool) -> Option<Caller> {
    let mut caller = Caller::default();
    // An empty token never fits: it would be a file that was forgotten, not a choice.
    let token = admin.token.as_ref().map(|token| token.expose_secret().as_bytes());
    if token.is_some_and(|token| !token.is_empty() && fits(&hash(token))) {
        caller = Caller::everywhere(Role::Admin, ADMIN);
    }
    for shown in admin.view.listeners().iter() {
        if let Some((role, name)) = shown.tokens().find_by(&fits) {
            caller.listeners.insert(shown.full_name(), (role, name.to_owned()));
        }
    }
    (caller.everywhere.is_some() || !caller.listeners.is_empty()).then_some(caller)
}

/// Who asks where there is no token at all.
pub(super) fn without_tokens(admin: &Admin, headers: &HeaderMap) -> Result<Caller, Problem> {
    if !admin.open {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "no tokens",
            "the API is closed, because this listener has no tokens",
        )
        .remedy(
            "make a Secret whose keys are <role>.<name>, such as operate.alice, and whose values are tokens of 16 \
             characters or more, and name it in spec.desk.tokens.secretName",
        ));
    }
    if !headers.get(HOST).and_then(|host| host.to_str().ok()).is_some_and(is_loopback) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "foreign host",
            "the API is open without a token to requests for localhost or a loopback address only",
        )
        .field("host")
        .remedy("ask http://127.0.0.1:9090, or give the listener tokens (spec.desk.tokens.secretName)"));
    }
    Ok(Caller::everywhere(Role::Admin, DEV))
}

/// Of `host` or `host:port`.
fn is_loopback(authority: &str) -> bool {
    let Ok(authority) = authority.parse::<http::uri::Authority>() else { return false };
    let host = authority.host();
    host.eq_ignore_ascii_case("localhost")
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The token in `Bearer <token>`; the scheme's case does not matter (RFC 9110, section 11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::View;
    use super::*;

    #[test]
    fn only_the_whole_token_fits_and_an_empty_one_never() {
        let fits = |token: &str, given: &[u8]| {
            let admin =
                Admin { view: View::new(), metrics: Arc::default(), token: Some(token.into()), open: false };
            let given = hash(given);
            whose(&admin, |hash| hash.ct_eq(&given).into()).is_some()
        };
        assert!(fits("abc", b"abc"));
        for given in [&b"ab"[..], b"abcd", b"abd", b""] {
            assert!(!fits("abc", given));
        }
        assert!(!fits("", b""));
    }

    #[test]
    fn the_scheme_is_bearer_in_any_case() {
        assert_eq!(bearer(b"Bearer abc"), Some(&b"abc"[..]));
        assert_eq!(bearer(b"bearer  abc"), Some(&b"abc"[..]));
        assert_eq!(bearer(b"Basic abc"), None);
        assert_eq!(bearer(b"Bearer"), None);
    }

    #[test]
    fn loopback_is_told_from_names_that_lead_there() {
        for host in ["localhost", "LOCALHOST:9090", "127.0.0.1:9090", "127.8.9.1", "[::1]:9090"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["", "localhost.example.com", "127.0.0.1.example.com:9090", "10.0.0.1", "x y"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
