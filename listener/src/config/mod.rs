//! From a configuration file to the running state of a listener, and from one to the next.
//!
//! [`source`] reads everything that a listener runs by (configuration, Secrets,
//! ConfigMaps), [`compile()`] makes a [`Live`] of it or says what is wrong. A
//! listener that runs keeps its last good `Live` until a better one is made.

mod compile;
pub mod faults;
mod files;
mod from_manifests;
pub mod live;
mod notices;
mod public_url;
pub mod sorter;
pub mod source;

pub use compile::compile;
pub use files::ConfigurationFiles;
pub use from_manifests::ManifestFiles;
pub use live::{Answer, Live, LiveDestination, Target};
pub use notices::{LiveNotice, NoticeShape};
pub use sorter::LiveSorter;
pub use source::{Inputs, ListenerKey, Reading, Refused, Source};
