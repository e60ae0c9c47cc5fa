//! What goes in and out of a store: a file for each noun.

mod delivery;
mod failure;
mod lease;
mod page;
mod places;
mod record;
mod refused;
mod settlement;
mod status;

pub use delivery::*;
pub use failure::*;
pub use lease::*;
pub use page::*;
pub use places::*;
pub use record::*;
pub use refused::*;
pub use settlement::*;
pub use status::*;
