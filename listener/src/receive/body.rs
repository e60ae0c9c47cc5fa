//! Reads a body with limits on its bytes, on its time, and on the bytes of all bodies.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::time::{Instant, timeout_at};

use super::{Cause, Limits};

/// Bytes that all bodies in flight may have together.
#[derive(Debug)]
pub(super) struct Budget {
    used: AtomicUsize,
    bytes: usize,
}

impl Budget {
    pub(super) fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self { used: AtomicUsize::new(0), bytes })
    }
}

/// A part of the budget; given back on drop.
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Share {
    pub(super) fn of(budget: &Arc<Budget>) -> Self {
        Self { budget: Arc::clone(budget), bytes: 0 }
    }

    /// Takes more, if there is.
    fn grow(&mut self, bytes: usize) -> bool {
        let used = self.budget.used.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        used.saturating_add(bytes) <= self.budget.bytes
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// What there is of a body that was not read to its end.
#[derive(Debug)]
pub(super) struct Unread {
    /// Why.
    pub(super) cause: Cause,
    /// The bytes that came before.
    pub(super) begin: Bytes,
}

/// Reads the whole body, or says why not. Memory is taken as bytes come, not as
/// they are announced: an announcement costs its sender nothing.
pub(super) async fn read(body: &mut Incoming, limits: &Limits, share: &mut Share) -> Result<Bytes, Unread> {
    let announced = body.size_hint().exact().map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    if announced.is_some_and(|bytes| bytes > limits.body_bytes) {
        return Err(Unread { cause: Cause::BodyTooLarge, begin: Bytes::new() });
    }
    let mut read = Read { first: Bytes::new(), rest: BytesMut::new() };
    match fill(body, limits, share, &mut read).await {
        Ok(()) => Ok(read.whole()),
        Err(cause) => Err(Unread { cause, begin: read.whole() }),
    }
}

/// A body of one piece is kept as that piece; only further ones are copied together.
struct Read {
    first: Bytes,
    rest: BytesMut,
}

impl Read {
    fn length(&self) -> usize {
        if self.rest.is_empty() { self.first.len() } else { self.rest.len() }
    }

    fn push(&mut self, piece: Bytes) {
        if self.length() == 0 {
            self.first = piece;
            return;
        }
        if self.rest.is_empty() {
            self.rest.reserve((self.first.len() + piece.len()) * 2);
            self.rest.extend_from_slice(&self.first);
        }
        self.rest.extend_from_slice(&piece);
    }

    fn whole(self) -> Bytes {
        if self.rest.is_empty() { self.first } else { self.rest.freeze() }
    }
}

async fn fill(body: &mut Incoming, limits: &Limits, share: &mut Share, read: &mut Read) -> Result<(), Cause> {
    let began = Instant::now();
    let end = began + limits.body_time;
    let mut span_end = began + limits.progress_time;
    let mut span_began_at = 0;
    while !body.is_end_stream() {
        let frame = match timeout_at(span_end.min(end), body.frame()).await {
            Ok(None) => return Ok(()),
            Ok(Some(Ok(frame))) => Some(frame),
            Ok(Some(Err(_))) => return Err(Cause::BadBody),
            Err(_) => None,
        };
        if let Some(piece) = frame.and_then(|frame| frame.into_data().ok()) {
            if read.length() + piece.len() > limits.body_bytes {
                return Err(Cause::BodyTooLarge);
            }
            if !share.grow(piece.len()) {
                return Err(Cause::BusyBytes);
            }
            read.push(piece);
        }
        // One piece, and it was the last: the usual case needs no look at the clock.
        if body.is_end_stream() {
            return Ok(());
        }
        let now = Instant::now();
        if now >= end {
            return Err(Cause::BodyTooSlow);
        }
        if now >= span_end {
            if read.length() - span_began_at < limits.progress_bytes {
                return Err(Cause::BodyTooSlow);
            }
            span_began_at = read.length();
            span_end = now + limits.progress_time;
        }
    }
    Ok(())
}
