//! The page for people: made here, plain forms, a little script that only helps.
//!
//! | Path | Page |
//! |---|---|
//! | `/` | which listener |
//! | `/sign-in`, `/sign-out` | a token for a session, and its end |
//! | `/listeners/{namespace}/{name}/...` | the pages of a listener, see [`router()`] |
//! | `/assets/...` | style and script |
//!
//! # Invariants
//!
//! 1. Whatever a page shows or does goes through the same functions as the API, under the same roles and masks.
//! 2. Text of others is escaped by `maud`; nothing here makes markup from text.
//! 3. What changes something is a POST that passed [`gate`], and is answered by a redirect, so that loading a
//!    page again does nothing again.
//! 4. Nothing is loaded from elsewhere, and no script or style stands in a page ([`headers`]).

mod acts;
mod assets;
mod attempts;
mod audit;
mod bulk;
mod cookies;
mod csrf;
mod deliveries;
mod diff;
mod editor;
mod error;
mod errors;
mod filter;
mod form;
mod gate;
mod headers;
mod layout;
mod listeners;
mod overview;
mod parts;
mod plan;
mod plot;
mod record;
mod records;
mod refusals;
mod router;
mod session;
mod settings;
mod sign;
mod trouble;
mod visit;

#[cfg(test)]
mod tests;

pub(super) use router::router;
