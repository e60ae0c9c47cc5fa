//! The admin port: probes, metrics, the API of the error desk, and its page.
//!
//! | Path | Answer |
//! |---|---|
//! | `/livez` | 200 as long as the process runs |
//! | `/readyz` | 200 when a configuration is live and every store can write; else 503 with the reasons |
//! | `/metrics` | metrics as `OpenMetrics` text |
//! | `/report` | counters and the state of the configuration, for the operator |
//! | `/report/settings...` | settings that are to be saved, for the operator: [`saving`] |
//! | `/api/v1/...` | [`api`]: status, refused requests, errors |
//! | `/`, `/sign-in`, `/listeners/...` | [`page`]: the same for people |
//!
//! Everything under `/api/` wants a token ([`auth`]), and the page a session that was begun with one. Probes,
//! metrics and the report never do: the kubelet, Prometheus and the operator have none. Settings to be saved
//! want a proof ([`crds::saving`]). Every error outside the page is `application/problem+json` (RFC 9457).

mod api;
mod auth;
mod lists;
mod mask;
mod page;
mod probes;
mod problem;
mod report;
mod saving;
mod scrape;
mod serve;
mod status;
mod store_metrics;
mod tokens;
mod view;

#[cfg(test)]
mod tests;

pub use serve::{Admin, serve};
pub(crate) use tokens::MIN_TOKEN;
pub use view::{Shown, View};
