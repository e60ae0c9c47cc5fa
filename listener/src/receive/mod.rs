//! The public port: takes requests, has them proven and stored, and answers.
//!
//! # Invariants
//!
//! 1. Path, query and body are kept exactly as they came. The path is compared
//!    byte for byte; nothing is decoded, nothing normalised.
//! 2. The order of judgement is: path, method, room, body, signature, store. What
//!    is answered is the first of them that fails.
//! 3. A 2xx is answered only after `Store::append` returned `Ok`. An append that has
//!    begun is finished even where the sender has gone.
//! 4. Everything that a stranger can make grow is bounded by [`Limits`]:
//!    connections, heads, bodies, bytes in all, requests in flight, and time.
//! 5. No answer says more than a cause code; no log line holds a body or a header.
//!
//! # Files
//!
//! [`listen`] accepts connections, [`connection`] runs one, [`stream`] is its
//! socket and [`vitals`] what its clocks need. [`door`] finds the [`endpoint`] of a
//! path, [`handle`] is the way of one request, [`body`] reads with limits,
//! [`answer`] makes the success answer and [`refuse`] keeps what was refused.

mod answer;
mod body;
mod cause;
mod completing;
mod connection;
mod door;
mod endpoint;
mod handle;
mod limits;
mod listen;
mod refuse;
mod stream;
mod vitals;

#[cfg(test)]
pub(crate) mod tests;

pub use cause::Cause;
pub use door::{Door, SamePath};
pub use endpoint::Endpoint;
pub use limits::Limits;
pub use listen::serve;

pub(crate) use answer::{Answered, Failed, Made, rehearse};
pub(crate) use connection::Handler;
pub(crate) use listen::{Counters, serve_handler};
