//! The listener: from a signed HubSpot request to a page at a destination.
//!
//! The way of the data, by module:
//! [`receive`] takes a request and keeps its exact bytes, [`verify`] proves it,
//! [`store`] puts it on disk before it is answered, [`event`] splits and keys it,
//! [`filter`] chooses, [`deliver`] cuts pages and hands them on.
//! [`run`] wires one process. [`config`] makes the running state from a configuration file, [`template`]
//! and [`filter`] are the language in it, [`admin`] shows what goes on.

pub mod admin;
pub mod cli;
pub mod clock;
pub mod config;
pub mod deliver;
pub mod event;
pub mod filter;
pub mod manifest;
pub mod metrics;
pub mod mistake;
pub mod receive;
pub mod run;
pub mod send;
pub mod store;
pub mod template;
pub mod verify;
