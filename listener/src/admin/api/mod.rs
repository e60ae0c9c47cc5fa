//! `/api/v1`: the error desk for programs. For its users: `docs/api.md`.
//!
//! Every route stands once, in [`routes`], with the role that it needs and the shape of what goes in and
//! comes out. The router and the description at `/api/v1/openapi.json` are made from that table, so that
//! neither has what the other lacks.
//!
//! A route of a listener has two paths: under `/api/v1/listeners/{namespace}/{name}`, and directly under
//! `/api/v1` where the process runs exactly one listener. [`target`] finds the listener, judges the role
//! and hands both on; no handler runs before that.

pub(super) mod acts;
pub(super) mod audit;
pub(super) mod body;
mod bulk;
mod deliveries;
pub(super) mod errors;
mod export;
mod openapi;
pub(super) mod payload;
pub(super) mod query;
pub(super) mod records;
pub(super) mod refusals;
mod route;
mod routes;
mod series;
mod settings;
mod table;
mod target;

#[cfg(test)]
pub(super) mod tests;

pub(super) use table::router;
