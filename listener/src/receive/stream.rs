//! The socket of one connection: gives back the bytes that were read to find out
//! the protocol, notes when bytes come, and gives up on a sender that does not read.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::vitals::Vitals;

/// What an HTTP/2 connection begins with (RFC 9113, section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Which HTTP a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// Reads until the protocol is clear. None: the sender went away without a byte.
pub(super) async fn detect(socket: &mut TcpStream) -> io::Result<Option<(Protocol, Bytes)>> {
    let mut seen = BytesMut::with_capacity(4096);
    loop {
        if socket.read_buf(&mut seen).await? == 0 {
            return Ok((!seen.is_empty()).then(|| (Protocol::Http1, seen.freeze())));
        }
        let length = seen.len().min(PREFACE.len());
        if seen[..length] != PREFACE[..length] {
            return Ok(Some((Protocol::Http1, seen.freeze())));
        }
        if length == PREFACE.len() {
            return Ok(Some((Protocol::Http2, seen.freeze())));
        }
    }
}

/// The socket of one connection.
#[derive(Debug)]
pub(super) struct Stream {
    socket: TcpStream,
    seen: Bytes,
    vitals: Arc<Vitals>,
    write_time: Duration,
    stuck: Option<Pin<Box<Sleep>>>,
}

impl Stream {
    pub(super) fn new(socket: TcpStream, seen: Bytes, vitals: Arc<Vitals>, write_time: Duration) -> Self {
        Self { socket, seen, vitals, write_time, stuck: None }
    }

    /// Ends the connection so that the sender can still read what was answered:
    /// a socket that is closed with unread bytes in it resets the connection, and
    /// the reset may overtake the answer. So the way out is closed first, and what
    /// still comes is read and dropped, up to `bytes` and for `time` at most.
    pub(super) async fn linger(mut self, bytes: usize, time: Duration) {
        let until = Instant::now() + time;
        if self.socket.shutdown().await.is_err() {
            return;
        }
        let mut waste = BytesMut::with_capacity(16 * 1024);
        let mut dropped = 0;
        while dropped < bytes {
            waste.clear();
            match tokio::time::timeout_at(until, self.socket.read_buf(&mut waste)).await {
                Ok(Ok(length)) if length > 0 => dropped += length,
                _ => return,
            }
        }
    }

    /// Gives up where `write_time` has passed since the sender stopped reading.
    fn check_stuck(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let write_time = self.write_time;
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(tokio::time::sleep(write_time)));
        match stuck.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Ok(()),
        }
    }

    fn written<T>(&mut self, polled: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if polled.is_pending() {
            self.check_stuck(cx)?;
        } else {
            self.stuck = None;
        }
        polled
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.seen.has_remaining() {
            let length = self.seen.len().min(buf.remaining());
            buf.put_slice(&self.seen[..length]);
            self.seen.advance(length);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.socket).poll_read(cx, buf))?;
        if buf.filled().len() > before {
            self.vitals.bytes_came();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.written(polled, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.socket).poll_write_vectored(cx, bytes);
        self.written(polled, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
