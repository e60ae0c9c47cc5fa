//! What a port allows.

use std::time::Duration;

/// What a port allows. The defaults are those of `docs/`; tests make them small.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at once; further ones are accepted and closed.
    pub connections: usize,
    /// Bytes of a request's line and headers; at least 8192.
    pub header_bytes: usize,
    /// From a head's first byte to its last, and from a connection's beginning to its first head.
    pub header_time: Duration,
    /// How long a connection may be without a request.
    pub idle_time: Duration,
    /// How long a sender may refuse to read its answer.
    pub write_time: Duration,
    /// Bytes of one body.
    pub body_bytes: usize,
    /// From a head's end to the end of its body.
    pub body_time: Duration,
    /// The span in which a body must come on by `progress_bytes`.
    pub progress_time: Duration,
    /// Bytes that must come in each whole `progress_time`.
    pub progress_bytes: usize,
    /// Bytes of all bodies in flight.
    pub bodies_bytes: usize,
    /// Requests in flight.
    pub in_flight: usize,
    /// HTTP/2: requests at once on a connection.
    pub streams: u32,
    /// HTTP/2: between two pings.
    pub ping_interval: Duration,
    /// HTTP/2: how long a ping may stay unanswered.
    pub ping_timeout: Duration,
    /// Bytes that are read and dropped after an early answer, so that the sender can read it.
    pub linger_bytes: usize,
    /// How long they are waited for.
    pub linger_time: Duration,
    /// How long requests in flight may take after the shutdown began.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            header_bytes: 32 * 1024,
            header_time: Duration::from_secs(10),
            // Longer than the 60 seconds after which the usual proxies let go of an
            // idle connection, so that it is not this side that closes first.
            idle_time: Duration::from_secs(75),
            write_time: Duration::from_secs(30),
            body_bytes: crds::limits::DEFAULT_MAX_BODY_BYTES,
            body_time: Duration::from_secs(30),
            progress_time: Duration::from_secs(5),
            progress_bytes: 1024,
            bodies_bytes: 256 * 1024 * 1024,
            in_flight: 512,
            streams: 128,
            ping_interval: Duration::from_secs(20),
            ping_timeout: Duration::from_secs(20),
            linger_bytes: 16 * 1024 * 1024,
            linger_time: Duration::from_secs(2),
            grace: Duration::from_secs(25),
        }
    }
}
