//! A request before and after its proof. Only [`Request<Verified>`] can be stored
//! as a delivery, and only verification makes one.

use std::marker::PhantomData;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Method};
use uuid::Uuid;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// Ours, time-ordered; shown as `request.id`.
    pub id: Uuid,
    /// Epoch milliseconds when its body was complete.
    pub at_ms: i64,
    /// Method.
    pub method: Method,
    /// Path and query, exactly as they came.
    pub target: String,
    /// The authority that the process sees: the `host` header or `:authority`.
    pub host: Option<String>,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, exactly as it came.
    pub body: Bytes,
    /// Where it came from.
    pub peer: Option<SocketAddr>,
}

/// Nothing is known of who sent it.
#[derive(Debug)]
pub enum Unverified {}

/// Signed with one of the listener's client secrets.
#[derive(Debug)]
pub enum Verified {}

/// A request in one of these states.
#[derive(Debug)]
pub struct Request<State> {
    received: Received,
    state: PhantomData<State>,
}

impl Request<Unverified> {
    /// A request of which nothing is known.
    pub fn new(received: Received) -> Self {
        Self { received, state: PhantomData }
    }

    /// For the verifier alone, after the proof.
    pub(super) fn into_verified(self) -> Request<Verified> {
        Request { received: self.received, state: PhantomData }
    }
}

impl<State> Request<State> {
    /// What came.
    pub fn received(&self) -> &Received {
        &self.received
    }

    /// Gives up the state.
    pub fn into_received(self) -> Received {
        self.received
    }
}

#[cfg(test)]
impl Request<Verified> {
    /// A proven request, for tests of what comes after the proof.
    pub(crate) fn proven(received: Received) -> Self {
        Self { received, state: PhantomData }
    }
}
