//! The session's cookie, in and out.
//!
//! Its name carries a hash of the listeners behind it: a browser that looks at two listeners through two ports of
//! 127.0.0.1 sends the cookies of both to both.

use axum::response::Response;
use cookie::{Cookie, SameSite};
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Uri};
use sha2::{Digest, Sha256};

use super::session::HOURS;
use crate::admin::View;

/// Of the cookie.
pub(super) fn name(view: &View) -> String {
    let mut hash = Sha256::new();
    for shown in view.listeners().iter() {
        hash.update(shown.full_name());
        hash.update([0]);
    }
    let hash = hash.finalize();
    format!("hubspot-listener-{}", hex::encode(&hash[..4]))
}

/// What the browser sent.
pub(super) fn read(headers: &HeaderMap, name: &str) -> Option<String> {
    let sent = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies = sent.flat_map(Cookie::split_parse).filter_map(Result::ok);
    cookies.find(|cookie| cookie.name() == name).map(|cookie| cookie.value().to_owned())
}

/// Whether the browser came over https, by itself or through a proxy.
pub(super) fn is_secure(uri: &Uri, headers: &HeaderMap) -> bool {
    let forwarded = headers.get("x-forwarded-proto").map(HeaderValue::as_bytes).unwrap_or_default();
    uri.scheme_str() == Some("https") || forwarded.eq_ignore_ascii_case(b"https")
}

/// Hands it out.
pub(super) fn set(response: &mut Response, name: &str, value: &str, is_secure: bool) {
    let seconds = i64::try_from(HOURS * 3_600).unwrap_or(i64::MAX);
    add(response, Cookie::build((name, value)).max_age(cookie::time::Duration::seconds(seconds)), is_secure);
}

/// Takes it away.
pub(super) fn remove(response: &mut Response, name: &str, is_secure: bool) {
    add(response, Cookie::build((name, "")).max_age(cookie::time::Duration::ZERO), is_secure);
}

fn add(response: &mut Response, cookie: cookie::CookieBuilder<'_>, is_secure: bool) {
    let cookie = cookie.path("/").http_only(true).same_site(SameSite::Strict).secure(is_secure).build();
    if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}
