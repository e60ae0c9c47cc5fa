//! The charts, by real helm and on a real API server.

mod cluster;
mod dashboard;
mod render;
mod schema;
mod support;
