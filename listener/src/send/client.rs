//! A client that sends a request target exactly as it is written, and follows no redirect.

use std::error::Error as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::delivery::Delivery;

/// Bytes of an answer that are read; the rest is of no interest.
const MAX_ANSWER: usize = 64 * 1024;

/// Sends to one URL over kept connections.
#[derive(Clone, Debug)]
pub struct Client {
    pool: Connections,
    uri: Uri,
    timeout: Duration,
}

#[derive(Clone, Debug)]
enum Connections {
    Plain(Pool<HttpConnector, Full<Bytes>>),
    Tls(Pool<HttpsConnector<HttpConnector>, Full<Bytes>>),
}

/// Why nothing can be sent.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The URL is not one that can be posted to.
    #[error("`{url}` is not a URL to post to: {reason}; it looks like http://127.0.0.1:8080/sales/contacts")]
    Url {
        /// As given.
        url: String,
        /// Why.
        reason: String,
    },
    /// The certificates that the machine trusts cannot be read.
    #[error("cannot prepare TLS: {0}")]
    Tls(#[source] std::io::Error),
}

/// An answer, whole.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// As much of the body as is of interest; empty where it is longer or broke off.
    pub body: Bytes,
}

/// What came of one request.
#[derive(Debug)]
pub struct Outcome {
    /// An answer, or why there is none.
    pub answer: Result<Answer, String>,
    /// From the first byte sent to the last received.
    pub took: Duration,
}

impl Client {
    /// For this URL, with so many connections kept.
    pub fn new(url: &str, connections: usize, timeout: Duration) -> Result<Self, ClientError> {
        let bad = |reason: String| ClientError::Url { url: url.to_owned(), reason };
        let uri: Uri = url.parse().map_err(|error: http::uri::InvalidUri| bad(error.to_string()))?;
        if url.contains('#') {
            return Err(bad("a fragment is never sent".to_owned()));
        }
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(timeout));
        let mut builder = Pool::builder(TokioExecutor::new());
        // Where the server closed a kept connection meanwhile, the request never left: it goes over another one.
        builder.pool_max_idle_per_host(connections).retry_canceled_requests(true);
        let pool = match (uri.scheme_str(), uri.host()) {
            (Some("http"), Some(_)) => Connections::Plain(builder.build(http)),
            (Some("https"), Some(_)) => {
                let connector = hyper_rustls::HttpsConnectorBuilder::new()
                    .with_provider_and_platform_verifier(Arc::new(rustls::crypto::ring::default_provider()))
                    .map_err(ClientError::Tls)?
                    .https_only()
                    .enable_http1()
                    .wrap_connector(http);
                Connections::Tls(builder.build(connector))
            }
            _ => return Err(bad("it must begin with http:// or https:// and name a host".to_owned())),
        };
        Ok(Self { pool, uri, timeout })
    }

    /// Posts one delivery.
    pub async fn post(&self, delivery: Delivery) -> Outcome {
        let begun = Instant::now();
        let answer = match tokio::time::timeout(self.timeout, self.exchange(delivery)).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("no answer within {} s", self.timeout.as_secs_f64())),
        };
        Outcome { answer, took: begun.elapsed() }
    }

    async fn exchange(&self, delivery: Delivery) -> Result<Answer, String> {
        let Delivery { headers, body } = delivery;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        let response = match &self.pool {
            Connections::Plain(pool) => pool.request(request).await,
            Connections::Tls(pool) => pool.request(request).await,
        }
        .map_err(|error| innermost(&error))?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
        let body = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        Ok(Answer { status, body })
    }
}

/// The error at the root of a chain: the only one that says something, as "connection refused".
fn innermost(error: &hyper_util::client::legacy::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(inner) = next {
        text = inner.to_string();
        next = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_cannot_be_posted_to_is_refused() {
        for url in [
            "",
            "localhost:8080/a",
            "/a",
            "ftp://a.example/b",
            "http://",
            "http://a.example/b#c",
            "http://a b/",
        ] {
            let refused = Client::new(url, 1, Duration::from_secs(1));
            assert!(matches!(refused, Err(ClientError::Url { .. })), "{url}");
        }
    }
}
