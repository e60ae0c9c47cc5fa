//! The way of one request: path, method, room, body, signature, store, answer.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;
use futures_util::FutureExt;
use http::header::HOST;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use tracing::{debug, error};
use uuid::Uuid;

use super::answer::Answered;
use super::body::{self, Budget, Share, Unread};
use super::cause::coded;
use super::completing::Completing;
use super::connection::Handler;
use super::endpoint::Current;
use super::refuse::Known;
use super::{Cause, Door, Endpoint, Limits};
use crate::verify::{Received, Rejection, Request as Judged};

/// The public port: the door with its limits.
#[derive(Debug)]
pub(super) struct Front {
    door: Arc<Door>,
    limits: Limits,
    in_flight: AtomicUsize,
    budget: Arc<Budget>,
}

/// A place among the requests in flight; given back on drop.
#[derive(Debug)]
struct Place(Arc<Front>);

impl Place {
    fn take(front: &Arc<Front>) -> Option<Self> {
        let before = front.in_flight.fetch_add(1, Ordering::Relaxed);
        front.door.in_flight().inc();
        let place = Self(Arc::clone(front));
        (before < front.limits.in_flight).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.0.door.in_flight().dec();
    }
}

impl Handler for Front {
    type Body = Full<Bytes>;

    async fn handle(self: Arc<Self>, request: Request<Incoming>, peer: SocketAddr) -> Response<Full<Bytes>> {
        let version = request.version();
        let answer = AssertUnwindSafe(self.answer(request, peer)).catch_unwind().await;
        answer.unwrap_or_else(|_| {
            // The panic hook has said where; one request must not take the others down.
            error!("a request met a mistake of ours and was answered 500");
            self.door.counters().turned_away(Cause::Internal.code());
            Cause::Internal.answer(version)
        })
    }
}

impl Front {
    pub(super) fn new(door: Arc<Door>, limits: Limits) -> Self {
        let budget = Budget::new(limits.bodies_bytes);
        Self { door, limits, in_flight: AtomicUsize::new(0), budget }
    }

    async fn answer(self: &Arc<Self>, request: Request<Incoming>, peer: SocketAddr) -> Response<Full<Bytes>> {
        let (parts, mut incoming) = request.into_parts();
        let Some(endpoint) = self.door.find(parts.uri.path()) else {
            self.door.counters().turned_away(Cause::NotFound.code());
            return Cause::NotFound.answer(parts.version);
        };
        if parts.method != Method::POST {
            endpoint.count_refused(Cause::MethodNotAllowed.code());
            return Cause::MethodNotAllowed.answer(parts.version);
        }
        let Some(place) = Place::take(self) else {
            endpoint.count_refused(Cause::Busy.code());
            return Cause::Busy.answer(parts.version);
        };
        let mut share = Share::of(&self.budget);
        let body = match body::read(&mut incoming, &self.limits, &mut share).await {
            Ok(body) => body,
            Err(unread) => return refuse_unread(&endpoint, &parts, &unread, peer),
        };
        let complete = Instant::now();
        let at_ms = endpoint.now_ms();
        let current = endpoint.current();
        let version = parts.version;
        let received = received(parts, body, at_ms, peer);
        let verified = match current.live.verifier.verify(Judged::new(received), at_ms) {
            Ok(verified) => verified,
            Err(rejection) => return self.refuse_unproven(endpoint, current, rejection, version, peer),
        };

        let bytes = verified.received().body.len();
        let answered = current.answer.needs_delivery().then(|| {
            let received = verified.received();
            Answered { id: received.id, target: received.target.clone(), body: received.body.clone() }
        });
        let store = Arc::clone(endpoint.store());
        let appended = Completing::new(async move {
            let appended = store.append(verified).await;
            drop((share, place));
            appended
        });
        if let Err(error) = appended.await {
            let cause = Cause::from(&error);
            debug!(%error, cause = cause.code(), "a delivery was not stored");
            endpoint.count_refused(cause.code());
            return cause.answer(version);
        }
        let answer = current.answer.answer(&current.live, answered.as_ref(), &mut |failed| {
            endpoint.count_template_error(&current.live, &failed);
        });
        endpoint.accepted.inc();
        endpoint.accepted_bytes.inc_by(bytes as u64);
        endpoint.answer_seconds.observe(complete.elapsed().as_secs_f64());
        answer
    }

    /// 401, and the request goes where what is wrong with it is found out.
    fn refuse_unproven(
        &self,
        endpoint: Arc<Endpoint>,
        current: Arc<Current>,
        rejection: Box<Rejection>,
        version: Version,
        peer: SocketAddr,
    ) -> Response<Full<Bytes>> {
        let code = rejection.cause.code();
        let received = rejection.request.received();
        let refused = Known {
            id: received.id,
            at_ms: received.at_ms,
            status: StatusCode::UNAUTHORIZED.as_u16(),
            cause: code,
            method: received.method.as_str(),
            target: &received.target,
            version,
            headers: &received.headers,
            body: &received.body,
            body_bytes: received.body.len() as u64,
            peer: peer.to_string(),
        }
        .refused();
        debug!(request.id = %refused.id, cause = code, "request {} was refused: {code}", refused.id);
        endpoint.count_refused(code);
        self.door.diagnoser().take(refused, rejection, endpoint, current);
        coded(StatusCode::UNAUTHORIZED, code)
    }
}

/// A body that was not read: counted, and kept unless it is we who had no room.
fn refuse_unread(
    endpoint: &Endpoint,
    parts: &Parts,
    unread: &Unread,
    peer: SocketAddr,
) -> Response<Full<Bytes>> {
    let Unread { cause, begin } = unread;
    endpoint.count_refused(cause.code());
    if matches!(cause, Cause::BodyTooLarge | Cause::BodyTooSlow) {
        let at_ms = endpoint.now_ms();
        let known = Known {
            id: new_id(at_ms),
            at_ms,
            status: cause.status().as_u16(),
            cause: cause.code(),
            method: parts.method.as_str(),
            target: target(parts),
            version: parts.version,
            headers: &parts.headers,
            body: begin,
            body_bytes: begin.len() as u64,
            peer: peer.to_string(),
        };
        endpoint.store().refuse(known.refused());
    }
    cause.answer(parts.version)
}

fn received(parts: Parts, body: Bytes, at_ms: i64, peer: SocketAddr) -> Received {
    Received {
        id: new_id(at_ms),
        at_ms,
        target: target(&parts).to_owned(),
        host: host(&parts),
        method: parts.method,
        headers: parts.headers,
        body,
        peer: Some(peer),
    }
}

/// Path and query as they came; of an absolute-form target the part after the authority.
fn target(parts: &Parts) -> &str {
    parts.uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str)
}

/// `:authority`, or that of an absolute-form target, or the `host` header (RFC 9112, section 3.2.2).
fn host(parts: &Parts) -> Option<String> {
    match parts.uri.authority() {
        Some(authority) => Some(authority.as_str().to_owned()),
        None => parts.headers.get(HOST).and_then(|host| host.to_str().ok()).map(str::to_owned),
    }
}

/// A version 7 id: its first 48 bits are the injected clock's milliseconds.
fn new_id(at_ms: i64) -> Uuid {
    let millis = u64::try_from(at_ms).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &rand::random()).into_uuid()
}
