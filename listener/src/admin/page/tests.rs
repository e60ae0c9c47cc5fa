//! The page over real sockets, on the embedded store.

mod browser;
mod flow;
mod security;
