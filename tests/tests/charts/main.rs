//! The charts, by real helm and on a real API server.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod cluster;
mod dashboard;
mod render;
mod schema;
mod support;
