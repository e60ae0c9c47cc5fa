//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::Limits;
use super::listen::Counters;
use super::stream::{Protocol, Stream, detect};
use super::vitals::{Verdict, Vitals};

/// What answers the requests of a port.
pub(crate) trait Handler: Send + Sync + 'static {
    /// Bodies of its answers.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static;

    /// Answers one request.
    fn handle(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> impl Future<Output = Response<Self::Body>> + Send;
}

/// Answered by hand where a head does not come: the server has no request to answer.
const SLOW_HEAD: &[u8] = b"HTTP/1.1 408 Request Timeout\r\ncontent-type: application/json\r\n\
    content-length: 26\r\nconnection: close\r\n\r\n{\"cause\":\"header_timeout\"}";

/// What the connections of a port share.
#[derive(Debug)]
pub(super) struct Shared<H> {
    handler: Arc<H>,
    limits: Limits,
    counters: Counters,
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
}

impl<H: Handler> Shared<H> {
    pub(super) fn new(handler: Arc<H>, limits: Limits, counters: Counters) -> Self {
        let mut http1 = http1::Builder::new();
        // The heads' time is kept in `vitals`. A buffer is what bounds a head: the server
        // answers 431 when it is full. `max_headers` stays at its default, 100, which costs
        // nothing. No `pipeline_flush`: with it the server's own 400 and 431 are never sent.
        // Half-closed senders get their answer, and no read is spent on looking for them.
        http1.header_read_timeout(None).max_buf_size(limits.header_bytes.max(8192)).half_close(true);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams)
            .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
            .keep_alive_interval(limits.ping_interval)
            .keep_alive_timeout(limits.ping_timeout)
            // What a connection may send unread counts against no budget, so it is small.
            .initial_stream_window_size(64 * 1024)
            .initial_connection_window_size(128 * 1024);
        Self { handler, limits, counters, http1, http2 }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Serves one connection until it ends, or until `shutdown` and its requests in flight are through.
    pub(super) async fn run(
        self: Arc<Self>,
        mut socket: TcpStream,
        peer: SocketAddr,
        shutdown: CancellationToken,
    ) {
        // Answers are small and whole; waiting to fill a packet only makes them late.
        if let Err(error) = socket.set_nodelay(true) {
            debug!(%error, "cannot set TCP_NODELAY");
        }
        let detected = tokio::select! {
            detected = timeout(self.limits.header_time, detect(&mut socket)) => detected,
            () = shutdown.cancelled() => return,
        };
        match detected {
            Ok(Ok(Some((protocol, seen)))) => {
                let vitals = Vitals::new();
                let stream = Stream::new(socket, seen, Arc::clone(&vitals), self.limits.write_time);
                match protocol {
                    Protocol::Http1 => self.run_http1(stream, peer, vitals, shutdown).await,
                    Protocol::Http2 => self.run_http2(stream, peer, vitals, shutdown).await,
                }
            }
            Ok(Ok(None)) => {}
            Ok(Err(error)) => debug!(%error, "a connection broke before its first request"),
            Err(_) => self.counters.turned_away("header_timeout"),
        }
    }

    /// Hands each request to the handler and lets the connection's clocks know that it is served.
    fn service(
        &self,
        peer: SocketAddr,
        vitals: &Arc<Vitals>,
    ) -> impl HttpService<Incoming, ResBody = H::Body, Error = Infallible, Future: Send + 'static> + Send + use<H>
    {
        let handler = Arc::clone(&self.handler);
        let notes = Arc::clone(vitals);
        service_fn(move |request| {
            let serving = notes.serve();
            let answer = Arc::clone(&handler).handle(request, peer);
            async move {
                let answer = answer.await;
                drop(serving);
                Ok::<_, Infallible>(answer)
            }
        })
    }

    async fn run_http1(
        &self,
        stream: Stream,
        peer: SocketAddr,
        vitals: Arc<Vitals>,
        shutdown: CancellationToken,
    ) {
        let service = self.service(peer, &vitals);
        let mut connection = self.http1.serve_connection(TokioIo::new(stream), service);
        let mut shut = pin!(shutdown.cancelled());
        let mut timer = pin!(sleep(self.limits.header_time / 4));
        let mut ending = false;
        let mut slow = false;
        loop {
            tokio::select! {
                biased;
                ended = &mut connection => {
                    if let Err(error) = ended {
                        self.note(&error);
                    }
                    break;
                }
                () = &mut shut, if !ending => {
                    ending = true;
                    Pin::new(&mut connection).graceful_shutdown();
                }
                () = &mut timer => match vitals.look(&self.limits, true) {
                    Verdict::Wait(time) => timer.as_mut().reset(Instant::now() + time),
                    Verdict::SlowHead => {
                        slow = true;
                        break;
                    }
                    Verdict::Idle => break,
                },
            }
        }
        let mut stream = connection.into_parts().io.into_inner();
        if slow {
            self.counters.turned_away("header_timeout");
            let written = timeout(self.limits.linger_time, stream.write_all(SLOW_HEAD)).await;
            debug!(written = matches!(written, Ok(Ok(()))), "a head took too long");
        }
        stream.linger(self.limits.linger_bytes, self.limits.linger_time).await;
    }

    async fn run_http2(
        &self,
        stream: Stream,
        peer: SocketAddr,
        vitals: Arc<Vitals>,
        shutdown: CancellationToken,
    ) {
        let service = self.service(peer, &vitals);
        let mut connection = pin!(self.http2.serve_connection(TokioIo::new(stream), service));
        let mut shut = pin!(shutdown.cancelled());
        let mut timer = pin!(sleep(self.limits.header_time / 4));
        let mut ending = false;
        loop {
            tokio::select! {
                biased;
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        self.note(&error);
                    }
                    return;
                }
                () = &mut shut, if !ending => {
                    ending = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = &mut timer => match vitals.look(&self.limits, false) {
                    Verdict::Wait(time) => timer.as_mut().reset(Instant::now() + time),
                    // Said goodbye, and still here: the other side does not want to go.
                    _ if ending => return,
                    _ => {
                        ending = true;
                        connection.as_mut().graceful_shutdown();
                        timer.as_mut().reset(Instant::now() + self.limits.linger_time);
                    }
                },
            }
        }
    }

    fn note(&self, error: &hyper::Error) {
        if error.is_parse_too_large() {
            self.counters.turned_away("headers_too_large");
        } else if error.is_parse() {
            self.counters.turned_away("not_http");
        }
        debug!(%error, "a connection ended");
    }
}
