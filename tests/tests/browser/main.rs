//! The web page in a real Chromium, over a real listener and a real destination.
//!
//! Pictures of every page are kept in `target/pictures/`: light and dark, wide and narrow. Where a test
//! fails there is one of what was seen last, and the page's text, as `failed-*`.
//!
//! Needs Chromium and its driver (`tests/packages` installs them) and axe-core (`tests/browser/axe`
//! fetches it). Without them the tests fail where `CI` is set, and are skipped elsewhere.

mod axe;
mod browser;
mod bulk;
mod driver;
mod harness;
mod keyboard;
mod mend;
mod pages;
mod scene;
