//! What operator and listener share: the `HubSpotListener` resource, its limits
//! and defaults, its conditions, and the configuration file in which they meet.
//!
//! No tokio and no IO in here: everything is a type or a pure function.
#![warn(missing_docs)]

pub mod check;
pub mod condition;
pub mod configuration;
pub mod definition;
pub mod limits;
pub mod listener;
pub mod report;
pub mod saving;

pub use configuration::Configuration;
pub use listener::{HubSpotListener, HubSpotListenerSpec, HubSpotListenerStatus};
