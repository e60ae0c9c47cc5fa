//! The admin port: probes, metrics, and a small read-only API.
//!
//! | Path | Answer |
//! |---|---|
//! | `/livez` | 200 as long as the process runs |
//! | `/readyz` | 200 when a configuration is live and every store can write; else 503 with the reasons |
//! | `/metrics` | metrics as `OpenMetrics` text |
//! | `/report` | counters and the state of the configuration, for the operator |
//! | `/api/v1/status` | listeners, their stores and destinations |
//! | `/api/v1/refused?limit=` | refused requests, newest first, without bodies |
//! | `/api/v1/errors?limit=` | open errors, newest first, without payloads |
//!
//! Where a token is set, everything under `/api/` wants it. Probes, metrics and the report
//! never do: the kubelet, Prometheus and the operator have none. Every error is
//! `application/problem+json` (RFC 9457).

mod auth;
mod lists;
mod probes;
mod problem;
mod report;
mod scrape;
mod serve;
mod status;
mod store_metrics;
mod view;

#[cfg(test)]
mod tests;

pub use serve::{Admin, serve};
pub use view::{Shown, View};
