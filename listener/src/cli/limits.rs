//! Bounds that `serve` and `dev` share.

use std::time::Duration;

use clap::Args;

use crate::receive::Limits;
use crate::store::journal;

/// Bounds of the process.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitArgs {
    /// Bytes of one request's body, at most 64 MiB; more is answered 413
    #[arg(long, value_name = "BYTES", default_value_t = 8 * 1024 * 1024, value_parser = clap::value_parser!(u32).range(1024..=67_108_864))]
    max_body_bytes: u32,
    /// Connections at once on the public port
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    max_connections: u32,
    /// Requests in flight on the public port; more are answered 503
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    max_in_flight: u32,
    /// Seconds that a request's line and headers may take; slower is answered 408
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=600))]
    header_timeout: u32,
    /// Seconds that a request's body may take; slower is answered 408
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=600))]
    body_timeout: u32,
    /// Seconds for requests and pages in flight when the process is told to end
    #[arg(long, value_name = "SECONDS", default_value_t = 25, value_parser = clap::value_parser!(u32).range(0..=3600))]
    grace: u32,
    /// Bytes that may be accepted and not yet indexed; more is answered 503
    #[arg(long, value_name = "BYTES", default_value_t = 4 * 1024 * 1024 * 1024)]
    max_unindexed_bytes: u64,
    /// Bytes after which the journal begins a new file
    #[arg(long, value_name = "BYTES", default_value_t = 64 * 1024 * 1024, value_parser = clap::value_parser!(u64).range(65_536..=4_294_967_296))]
    segment_bytes: u64,
}

impl LimitArgs {
    pub(super) fn public_port(&self) -> Limits {
        Limits {
            body_bytes: self.max_body_bytes as usize,
            connections: self.max_connections as usize,
            in_flight: self.max_in_flight as usize,
            header_time: Duration::from_secs(self.header_timeout.into()),
            body_time: Duration::from_secs(self.body_timeout.into()),
            grace: Duration::from_secs(self.grace.into()),
            ..Limits::default()
        }
    }

    pub(super) fn journal(&self) -> journal::Options {
        journal::Options {
            segment_bytes: self.segment_bytes,
            max_unindexed_bytes: self.max_unindexed_bytes,
            ..journal::Options::default()
        }
    }
}
