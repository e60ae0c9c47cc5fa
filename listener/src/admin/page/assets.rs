//! The style and the script, out of the binary.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use sha2::{Digest, Sha256};

use super::headers;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

pub(super) async fn style(headers: HeaderMap) -> Response {
    asset(STYLE, "text/css; charset=utf-8", &headers)
}

pub(super) async fn script(headers: HeaderMap) -> Response {
    asset(SCRIPT, "text/javascript; charset=utf-8", &headers)
}

/// There is none; browsers ask for it all the same.
pub(super) async fn icon() -> StatusCode {
    StatusCode::NO_CONTENT
}

/// Asked for again each time, and sent again only after an update.
fn asset(text: &'static str, kind: &'static str, asked: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", hex::encode(&Sha256::digest(text)[..8]));
    let is_known = asked.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let caching = [(ETAG, tag.as_str()), (CACHE_CONTROL, "no-cache")];
    headers::add(if is_known {
        (StatusCode::NOT_MODIFIED, caching).into_response()
    } else {
        (caching, [(CONTENT_TYPE, kind)], text).into_response()
    })
}
