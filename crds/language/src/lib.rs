//! What a user writes into a manifest: reads it, judges it, and gives it its meaning.
//!
//! [`manifest`] reads the YAML that `kubectl apply` takes, with line and column. [`template`] and
//! [`filter`] are the languages in it, over an [`event`] and the merged [`settings`]; [`mapping`] is
//! what a destination's `transform` makes of a record. The listener
//! runs by this crate and the operator judges by it, so that a condition in the cluster, `operator
//! check` and `listener check` say the same.
//!
//! No tokio and no IO, but for the files that a command names ([`manifest::read_files`]).

pub mod clock;
pub mod event;
pub mod filter;
pub mod manifest;
pub mod mapping;
pub mod mistake;
pub mod settings;
pub mod template;
