//! Support shared by the end-to-end tests and the demo: a listener process, a
//! receiving server, a sender that signs as HubSpot does, and a browser.

pub mod browser;
mod client;
pub mod cluster;
mod command;
mod listener;
mod mount;
mod random;
mod receiver;
mod sign;

pub use client::{Answer, Connection, get, get_json, post, send_raw};
pub use command::{bad, good};
pub use listener::{ListenerProcess, Setup, binary, free_port, operator_binary};
pub use mount::{Mount, fill};
pub use random::Random;
pub use receiver::{Page, Receiver, Reply};
pub use sign::{SECRET, hubspot_headers, now_ms, sign_v3};

use std::path::PathBuf;

/// A file of `tests/fixtures/`.
pub fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// The bytes of a file of `tests/fixtures/`.
pub fn fixture_bytes(name: &str) -> Vec<u8> {
    let path = fixture(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Looks again and again, at most for `seconds`, until `look` gives something.
pub fn eventually<T>(seconds: u64, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(seconds);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(std::time::Instant::now() < deadline, "not after {seconds} s: {what}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
