//! Sends deliveries as HubSpot does: signed, with its headers, over a request target that nothing normalises.
//!
//! [`events`] makes the events, [`delivery`] makes one request of them and signs it, [`client`] sends it, [`run()`]
//! sends many at once, [`report`] counts the answers.
//!
//! What holds:
//! - The request target and the body go over the wire exactly as given.
//! - Each event has an `eventId` of its own, also across runs, unless the same events are wanted again.
//! - Redirects are not followed: HubSpot does not describe that it does.
//! - Nothing grows with the number of deliveries but four bytes each for their times.

pub mod client;
pub mod delivery;
pub mod events;
pub mod report;
pub mod run;

pub use client::{Client, ClientError};
pub use delivery::{Delivery, Signing, Tamper};
pub use events::{Batch, Source, SourceError};
pub use report::Report;
pub use run::{Plan, run};
