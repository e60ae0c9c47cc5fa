//! The API over real sockets, on the embedded store.

mod description;
mod history;
mod lists;
mod payloads;
mod roles;
pub(in crate::admin) mod scene;
