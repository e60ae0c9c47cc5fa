//! Whether a form was sent by our own page.
//!
//! Three looks, each enough for a browser of today: the session's cookie is `SameSite=Strict`; the browser says
//! where the request comes from (`Sec-Fetch-Site`, and where it says nothing, `Origin`); and the form carries a
//! number that is bound to the session. `Origin: null` is let through to the third look: it is what a browser
//! sends where pages forbid the referrer, as ours do.

use http::header::{CONTENT_TYPE, HOST, ORIGIN};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use subtle::ConstantTimeEq;

use super::session::form_token;
use crate::admin::problem::Problem;

/// The field of each form.
pub(super) const FIELD: &str = "csrf";
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses what another site made the browser send, and what is no form.
pub(super) fn check_origin(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: HeaderName| headers.get(name).map(HeaderValue::to_str).and_then(Result::ok);
    let is_own = match (headers.get(SITE).map(HeaderValue::as_bytes), text(ORIGIN)) {
        (Some(site), _) => matches!(site, b"same-origin" | b"none"),
        (None, None | Some("null")) => true,
        (None, Some(origin)) => {
            let authority = origin.split_once("://").map(|(_, authority)| authority);
            authority.is_some() && authority == text(HOST)
        }
    };
    if !is_own {
        return Err(refused("another page made the browser send this"));
    }
    let kind = text(CONTENT_TYPE).and_then(|kind| kind.split(';').next()).unwrap_or_default();
    if !kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media type",
            "this page takes forms; programs use the API",
        )
        .remedy("see /api/v1/openapi.json"));
    }
    Ok(())
}

/// Refuses a form that was not made for this session; in constant time.
pub(super) fn check_token(cookie: &str, given: &str) -> Result<(), Problem> {
    let fits = form_token(cookie).as_bytes().ct_eq(given.as_bytes());
    if bool::from(fits) { Ok(()) } else { Err(refused("the form is not of this session")) }
}

fn refused(why: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "not allowed", format!("{why}; nothing was done"))
        .remedy("open the page once more, and send the form from there")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(headers: &[(&'static str, &'static str)]) -> bool {
        let mut map = HeaderMap::new();
        map.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_static(value));
        }
        check_origin(&map).is_ok()
    }

    #[test]
    fn another_site_is_told_by_what_the_browser_says() {
        let host = ("host", "127.0.0.1:9090");
        for headers in [
            &[host][..],
            &[host, ("sec-fetch-site", "same-origin"), ("origin", "null")],
            &[host, ("origin", "http://127.0.0.1:9090")],
            &[host, ("origin", "null")],
        ] {
            assert!(judged(headers), "{headers:?}");
        }
        for headers in [
            &[host, ("sec-fetch-site", "cross-site")][..],
            &[host, ("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1:9090")],
            &[host, ("origin", "http://127.0.0.1:9091")],
            &[host, ("origin", "https://evil.example.com")],
            &[host, ("origin", "nonsense")],
        ] {
            assert!(!judged(headers), "{headers:?}");
        }
    }

    #[test]
    fn what_is_no_form_is_refused() {
        assert!(!judged(&[("content-type", "text/plain")]));
        assert!(judged(&[("content-type", "application/x-www-form-urlencoded; charset=utf-8")]));
    }

    #[test]
    fn a_form_is_bound_to_its_session() {
        let token = form_token("guest-1");
        assert!(check_token("guest-1", &token).is_ok());
        for given in ["", &token[1..], &form_token("guest-2")] {
            assert!(check_token("guest-1", given).is_err());
        }
    }
}
