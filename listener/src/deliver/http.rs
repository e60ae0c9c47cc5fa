//! Sends one page to an HTTP destination and reads the answer, within bounds.
//!
//! Headers of each request: `content-type` by format, `user-agent`,
//! `x-hubspot-listener-page-id` (the same in every attempt of a page: what a
//! destination makes itself idempotent with), `x-hubspot-listener-attempt` (from 1),
//! `x-hubspot-listener-records`, and those of the manifest. The manifest's win,
//! but for the page's id and for what frames the body.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::classify::{Answer, BodyEnd, Reply};
use super::client::Client;
use super::guard::Barred;
use super::retry::parse_retry_after;
use crate::store::PageId;
use language::clock::Clock;

/// Names the page; the same in every attempt.
pub const PAGE_ID: HeaderName = HeaderName::from_static("x-hubspot-listener-page-id");
/// Number of the attempt, from 1.
pub const ATTEMPT: HeaderName = HeaderName::from_static("x-hubspot-listener-attempt");
/// Records in the page.
pub const RECORDS: HeaderName = HeaderName::from_static("x-hubspot-listener-records");

/// Bytes of an answer that are read, whatever the page.
const ANSWER_BYTES: usize = 64 * 1024;
/// Bytes that are read besides for each record of the page: it may have failed.
const ANSWER_BYTES_PER_RECORD: usize = 1024;
/// Bytes that are read at most.
const LONGEST_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// A page on its way.
pub(super) struct Request<'a> {
    pub(super) url: &'a Url,
    pub(super) headers: &'a [(HeaderName, HeaderValue)],
    pub(super) timeout: Duration,
    pub(super) content_type: &'static str,
    pub(super) page: &'a PageId,
    pub(super) attempt: u32,
    pub(super) records: usize,
    pub(super) body: Bytes,
    /// Bytes of the answer that are read.
    pub(super) answer_bytes: usize,
}

/// Sends it; never longer than its timeout.
pub(super) async fn send(client: &Client, clock: &Clock, request: Request<'_>) -> Reply {
    let headers = match headers(&request) {
        Ok(headers) => headers,
        Err(error) => return Reply::Unsendable(error.to_string()),
    };
    let Request { url, timeout, body, answer_bytes, .. } = request;
    let sent = match client.post(url) {
        Ok(builder) => builder.headers(headers).timeout(timeout).body(body).send().await,
        Err(barred) => return Reply::Barred(barred.to_string()),
    };
    match sent {
        Ok(response) => Reply::Answer(read(response, answer_bytes, clock).await),
        Err(error) => no_answer(error, timeout),
    }
}

fn headers(request: &Request<'_>) -> Result<HeaderMap, header::InvalidHeaderValue> {
    let mut headers = HeaderMap::with_capacity(request.headers.len() + 4);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(request.content_type));
    headers.insert(ATTEMPT, HeaderValue::from(request.attempt));
    headers.insert(RECORDS, HeaderValue::from(request.records));
    let mut seen: Vec<&HeaderName> = Vec::new();
    for (name, value) in request.headers {
        if [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION].contains(name) {
            continue;
        }
        if seen.contains(&name) {
            headers.append(name, value.clone());
        } else {
            headers.insert(name, value.clone());
            seen.push(name);
        }
    }
    headers.insert(PAGE_ID, HeaderValue::from_str(&request.page.to_string())?);
    Ok(headers)
}

/// Bytes that are read of a destination's answer to a page of `records`.
pub(super) fn answer_bytes(records: usize) -> usize {
    ANSWER_BYTES.saturating_add(records.saturating_mul(ANSWER_BYTES_PER_RECORD)).min(LONGEST_ANSWER_BYTES)
}

async fn read(mut response: reqwest::Response, limit: usize, clock: &Clock) -> Answer {
    let header = |name| response.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let retry_after = header(header::RETRY_AFTER).and_then(|text| parse_retry_after(text, clock.now_ms()));
    let location = header(header::LOCATION).map(ToOwned::to_owned);
    let status = response.status().as_u16();
    let mut body = Vec::new();
    // Where there is more than the limit the response is dropped, and its connection with it.
    let end = loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > limit => {
                body.extend_from_slice(&chunk[..limit - body.len()]);
                break BodyEnd::TooLong;
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break BodyEnd::Whole,
            Err(_) => break BodyEnd::Broken,
        }
    };
    Answer { status, retry_after, location, body, end }
}

/// Why nothing was answered, for people.
pub(super) fn explain_no_answer(error: reqwest::Error, timeout: Duration) -> String {
    match no_answer(error, timeout) {
        Reply::Barred(reason)
        | Reply::Unsendable(reason)
        | Reply::NoConnection(reason)
        | Reply::NoAnswerInTime(reason)
        | Reply::Broken(reason) => reason,
        Reply::Answer(answer) => format!("it was answered {}", answer.status),
    }
}

fn no_answer(error: reqwest::Error, timeout: Duration) -> Reply {
    // The URL may hold what nobody should read.
    let error = error.without_url();
    if let Some(barred) = find::<Barred>(&error) {
        return Reply::Barred(barred.to_string());
    }
    if error.is_builder() {
        return Reply::Unsendable(explain(&error));
    }
    if error.is_connect() {
        return Reply::NoConnection(format!("no connection to the destination: {}", explain(&error)));
    }
    if error.is_timeout() {
        return Reply::NoAnswerInTime(format!("the destination did not answer within {timeout:?}"));
    }
    Reply::Broken(format!("the connection to the destination broke: {}", explain(&error)))
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    chain(error).find_map(|error| error.downcast_ref())
}

/// The innermost causes say what happened; the outer ones that something did.
fn explain(error: &(dyn Error + 'static)) -> String {
    let mut causes: Vec<String> = chain(error).map(ToString::to_string).collect();
    causes.dedup();
    let skip = causes.len().saturating_sub(2);
    causes.split_off(skip).join(": ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn headers_with(configured: &[(HeaderName, HeaderValue)]) -> HeaderMap {
        let page = PageId { store: Arc::from("5f0c9a7be13d4c28"), number: 42 };
        headers(&Request {
            url: &Url::parse("http://example.com").unwrap(),
            headers: configured,
            timeout: Duration::from_secs(1),
            content_type: "application/json",
            page: &page,
            attempt: 3,
            records: 20,
            body: Bytes::new(),
            answer_bytes: 0,
        })
        .unwrap()
    }

    #[test]
    fn a_request_says_page_attempt_and_records() {
        let headers = headers_with(&[]);
        assert_eq!(headers[PAGE_ID], "5f0c9a7be13d4c28-42");
        assert_eq!(headers[ATTEMPT], "3");
        assert_eq!(headers[RECORDS], "20");
        assert_eq!(headers[header::CONTENT_TYPE], "application/json");
    }

    #[test]
    fn the_manifests_headers_win_but_not_over_the_page_id_and_the_framing() {
        let value = HeaderValue::from_static;
        let headers = headers_with(&[
            (header::CONTENT_TYPE, value("application/vnd.x+json")),
            (header::USER_AGENT, value("ours/1")),
            (PAGE_ID, value("mine")),
            (header::CONTENT_LENGTH, value("1")),
            (HeaderName::from_static("x-tag"), value("a")),
            (HeaderName::from_static("x-tag"), value("b")),
        ]);
        assert_eq!(headers[header::CONTENT_TYPE], "application/vnd.x+json");
        assert_eq!(headers[header::USER_AGENT], "ours/1");
        assert_eq!(headers.get_all(PAGE_ID).iter().collect::<Vec<_>>(), ["5f0c9a7be13d4c28-42"]);
        assert!(!headers.contains_key(header::CONTENT_LENGTH));
        assert_eq!(headers.get_all("x-tag").iter().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn what_is_read_of_an_answer_grows_with_the_page_up_to_a_bound() {
        assert_eq!(answer_bytes(0), 64 * 1024);
        assert_eq!(answer_bytes(20), 84 * 1024);
        assert_eq!(answer_bytes(usize::MAX), LONGEST_ANSWER_BYTES);
    }
}
