//! From a configuration file to the running state of a listener, and from one to the next.

pub mod live;

pub use live::{Live, LiveDestination, Target};
