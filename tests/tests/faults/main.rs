//! What can break is broken, on real parts: replicas of a listener, a real PostgreSQL, the network
//! between them, the clock. Each story has a load that never stops, and ends with the judgement of
//! [`history`]: what was acknowledged = delivered + open + ignored, each with its bytes.
//!
//! `make soak` mixes the faults for an hour.

mod clock;
mod database;
mod fleet;
mod history;
mod hog;
mod load;
mod network;
mod proxy;
mod random;
mod replicas;
mod soak;
mod story;
