//! The public port over real sockets. The store is a fake in memory; signatures are real.

mod answers;
mod bodies;
mod flow;
mod heads;
mod http2;
mod refused;
mod room;
mod shutdown;
pub(crate) mod support;
