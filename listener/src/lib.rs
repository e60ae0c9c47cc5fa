//! The listener: from a signed HubSpot request to a page at a destination.
//!
//! The way of the data, by module:
//! [`receive`] takes a request and keeps its exact bytes, [`verify`] proves it,
//! [`store`] puts it on disk before it is answered, [`language::event`] splits and keys it,
//! [`language::filter`] chooses, [`deliver`] cuts pages and hands them on.
//! [`run`] wires one process. [`config`] makes the running state from a configuration file, [`language`]
//! is what a user writes into it, [`admin`] shows what goes on, [`preview`] what would.

pub mod admin;
pub mod cli;
pub mod config;
pub mod deliver;
pub mod desk;
pub mod metrics;
pub mod notice;
pub mod preview;
pub mod receive;
pub mod run;
pub mod sample;
pub mod send;
pub mod store;
pub mod verify;
