//! Bodies of requests, bounded in bytes and in time.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::admin::problem::Problem;

/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads a body of at most `limit` bytes.
pub(in crate::admin) async fn read(body: Body, limit: usize) -> Result<Bytes, Problem> {
    let read = timeout(PATIENCE, Limited::new(body, limit).collect()).await.map_err(|_| {
        Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "too slow",
            format!("the body took longer than {PATIENCE:?}"),
        )
        .field("body")
        .remedy("send it again, faster")
    })?;
    read.map(http_body_util::Collected::to_bytes).map_err(|error| {
        if error.is::<LengthLimitError>() {
            let detail = format!("the body is larger than {limit} bytes");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too large", detail)
                .field("body")
                .remedy(format!("send at most {limit} bytes"))
        } else {
            Problem::invalid("body", "it did not come whole", "send it again")
        }
    })
}

/// What JSON text says.
pub(super) fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(text).map_err(|error| {
        Problem::invalid("body", error.to_string(), "send JSON as /api/v1/openapi.json describes it")
    })
}
