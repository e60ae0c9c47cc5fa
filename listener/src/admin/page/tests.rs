//! The page over real sockets, on the embedded store.

mod browser;
mod flow;
mod history;
mod security;
mod settings;
