//! From a configuration file to the running state of a listener, and from one to the next.

pub mod live;
pub mod sorter;

pub use live::{Live, LiveDestination, Target};
pub use sorter::LiveSorter;
