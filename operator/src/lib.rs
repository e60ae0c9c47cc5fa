//! The operator: from a `HubSpotListener` to the listener that it describes.
//!
//! A reconcile is a numbered list, and each step says whether it touches the network:
//!
//! 1. [`dereference`] reads everything that the steps after it need (API server, caches).
//! 2. [`validate`] proves that the manifest can be carried out (pure, fallible).
//! 3. [`build`] makes every child (pure, cannot fail).
//! 4. [`apply`] writes what differs, and prunes what the manifest no longer wants (API server).
//! 5. [`status`] makes the status (pure); then one patch, if it differs (API server).
//!
//! [`console`] is a process of its own: a web page that lists the listeners.
//!
//! [`run`] wires the process: lease, watches, the loop over listeners, probes and metrics.
//! A listener whose manifest is refused keeps its children as they are: the last good
//! configuration stays live.

pub mod apply;
pub mod build;
pub mod cli;
pub mod console;
pub mod dereference;
pub mod observed;
pub mod options;
pub mod run;
#[cfg(test)]
mod scene;
mod serve;
pub mod status;
pub mod validate;
