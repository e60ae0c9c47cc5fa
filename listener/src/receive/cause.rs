//! Why a request is not accepted, besides its signature.

use bytes::Bytes;
use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode, Version};
use http_body_util::Full;

use crate::store::AppendError;

/// Why a request is not accepted. The sender sees the code and nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// No listener has this path.
    NotFound,
    /// Not POST.
    MethodNotAllowed,
    /// The body is over the limit.
    BodyTooLarge,
    /// The body did not come in time.
    BodyTooSlow,
    /// The body broke off, or is not framed as HTTP wants it.
    BadBody,
    /// Too many requests are in flight.
    Busy,
    /// The bodies in flight are too large together.
    BusyBytes,
    /// Too many deliveries wait for the disk.
    StoreBusy,
    /// Too much is accepted and not indexed.
    StoreBacklog,
    /// The store does not take anything.
    StoreUnavailable,
    /// A mistake of ours.
    Internal,
}

impl Cause {
    /// The code that the sender and the metrics see.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::BodyTooLarge => "body_too_large",
            Self::BodyTooSlow => "body_timeout",
            Self::BadBody => "bad_body",
            Self::Busy => "busy",
            Self::BusyBytes => "busy_bytes",
            Self::StoreBusy => "store_busy",
            Self::StoreBacklog => "store_backlog",
            Self::StoreUnavailable => "store_unavailable",
            Self::Internal => "internal",
        }
    }

    /// The status that is answered.
    pub fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BadBody => StatusCode::BAD_REQUEST,
            Self::Busy | Self::BusyBytes | Self::StoreBusy | Self::StoreBacklog | Self::StoreUnavailable => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Seconds after which it makes sense to send again.
    fn retry_after(self) -> Option<&'static str> {
        match self {
            Self::Busy | Self::BusyBytes | Self::StoreBusy => Some("1"),
            Self::StoreBacklog | Self::StoreUnavailable => Some("5"),
            _ => None,
        }
    }

    /// Whether the rest of the body is not worth reading: the connection ends with the answer.
    fn closes(self) -> bool {
        matches!(self, Self::BodyTooLarge | Self::BodyTooSlow | Self::BadBody)
    }

    /// The answer, on a connection of `version`.
    pub(super) fn answer(self, version: Version) -> Response<Full<Bytes>> {
        let mut answer = coded(self.status(), self.code());
        let headers = answer.headers_mut();
        if let Some(seconds) = self.retry_after() {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(seconds));
        }
        if self == Self::MethodNotAllowed {
            headers.insert(ALLOW, HeaderValue::from_static("POST"));
        }
        // HTTP/2 knows no such header: there only the stream ends.
        if self.closes() && version < Version::HTTP_2 {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }
}

impl From<&AppendError> for Cause {
    fn from(error: &AppendError) -> Self {
        match error {
            AppendError::Busy => Self::StoreBusy,
            AppendError::Backlog { .. } => Self::StoreBacklog,
            AppendError::Write(_) | AppendError::Closed => Self::StoreUnavailable,
        }
    }
}

/// `{"cause":"<code>"}`
pub(super) fn coded(status: StatusCode, code: &str) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::from(format!("{{\"cause\":\"{code}\"}}"))));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
