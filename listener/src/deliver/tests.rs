//! Delivery end to end: a store in memory, real sockets, short waits.

mod answers;
mod desk;
mod flow;
mod mapping;
mod scene;
mod server;
mod store;
