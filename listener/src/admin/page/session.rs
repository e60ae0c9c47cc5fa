//! Who is signed in: a signed cookie, so that each replica behind one Service knows the same people.
//!
//! # Format
//!
//! base64url without padding of: end (epoch seconds, 8 bytes, big endian), number (16 random bytes), tag (32
//! bytes) = HMAC-SHA256 of end and number. The key is derived from SHA-256 of the token that was signed in
//! with; so the cookie holds no token, whoever finds the token that fits knows name and role as they are now,
//! and a token that is gone from its Secret takes its sessions along.
//!
//! # Invariants
//!
//! 1. A session ends [`HOURS`] after it began, however it is used.
//! 2. Signing out takes the cookie away, and this process also remembers the number, at most [`MAX_ENDED`] of
//!    them: a copy of the cookie would count in another replica until it ends by itself.
//! 3. Nothing is kept for a session, so that any number of them costs nothing.
//!
//! Whoever is not signed in has a guest's cookie: a random number alone, which forms are bound to.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::admin::tokens::Hash;

/// How long a session lasts: a working day.
pub(super) const HOURS: u64 = 8;
/// Ended sessions that are remembered.
const MAX_ENDED: usize = 4_096;
const LENGTH: usize = 8 + 16 + 32;

/// A session as its cookie says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    end_s: u64,
    number: [u8; 16],
    tag: [u8; 32],
}

impl Ticket {
    /// A new session of the token with this hash.
    pub(super) fn issue(token: &Hash, now_s: u64) -> Self {
        let (end_s, number) = (now_s + HOURS * 3_600, rand::random());
        let tag = tag(token, end_s, &number).finalize().into_bytes().into();
        Self { end_s, number, tag }
    }

    /// What a cookie holds; none: it is no session's, or one that is over.
    pub(super) fn read(cookie: &str, now_s: u64) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(cookie).ok()?;
        let bytes: [u8; LENGTH] = bytes.try_into().ok()?;
        let (end, rest) = bytes.split_first_chunk::<8>()?;
        let (number, tag) = rest.split_first_chunk::<16>()?;
        let ticket = Self { end_s: u64::from_be_bytes(*end), number: *number, tag: tag.try_into().ok()? };
        (now_s < ticket.end_s && ticket.end_s <= now_s + HOURS * 3_600).then_some(ticket)
    }

    pub(super) fn cookie(&self) -> String {
        let Self { end_s, number, tag } = self;
        URL_SAFE_NO_PAD.encode([&end_s.to_be_bytes()[..], number, tag].concat())
    }

    /// Whether it was issued for the token with this hash; in constant time.
    pub(super) fn is_of(&self, token: &Hash) -> bool {
        tag(token, self.end_s, &self.number).verify_slice(&self.tag).is_ok()
    }
}

fn tag(token: &Hash, end_s: u64, number: &[u8; 16]) -> Hmac<Sha256> {
    let key: [u8; 32] = keyed(token).chain_update(b"hubspot-listener session").finalize().into_bytes().into();
    keyed(&key).chain_update(end_s.to_be_bytes()).chain_update(number)
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    // A key of 32 bytes fits into the block of SHA-256 as it is.
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    Hmac::new(&block.into())
}

/// A cookie of somebody who is not signed in.
pub(super) fn guest() -> String {
    format!("guest-{}", hex::encode(rand::random::<[u8; 16]>()))
}

/// Whether a cookie is a guest's.
pub(super) fn is_guest(cookie: &str) -> bool {
    let number = cookie.strip_prefix("guest-").unwrap_or_default();
    number.len() == 32 && number.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What the forms of a session carry: only who can read the cookie, or a page, knows it.
pub(super) fn form_token(cookie: &str) -> String {
    hex::encode(Sha256::new().chain_update(b"hubspot-listener form").chain_update(cookie).finalize())
}

/// Sessions that were ended by hand, by number, with the time when they would have ended.
#[derive(Debug, Default)]
pub(super) struct Ended(Mutex<BTreeMap<[u8; 16], u64>>);

impl Ended {
    pub(super) fn end(&self, ticket: &Ticket, now_s: u64) {
        let mut ended = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ended.retain(|_, end_s| *end_s > now_s);
        if ended.len() >= MAX_ENDED {
            let first = ended.iter().min_by_key(|(_, end_s)| **end_s).map(|(number, _)| *number);
            first.and_then(|number| ended.remove(&number));
        }
        ended.insert(ticket.number, ticket.end_s);
    }

    pub(super) fn has(&self, ticket: &Ticket) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&ticket.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::tokens::hash;

    const NOW_S: u64 = 1_790_000_000;

    #[test]
    fn a_session_is_of_its_token_alone_and_says_nothing_of_it() {
        let (own, other) = (hash(b"operate-token-0123456789"), hash(b"view-token-0123456789"));
        let ticket = Ticket::issue(&own, NOW_S);
        let read = Ticket::read(&ticket.cookie(), NOW_S).unwrap();
        assert_eq!(read, ticket);
        assert!(read.is_of(&own) && !read.is_of(&other));
        let bytes = URL_SAFE_NO_PAD.decode(ticket.cookie()).unwrap();
        for secret in [&own[..], b"operate-token"] {
            assert!(!bytes.windows(8).any(|window| secret.windows(8).any(|part| part == window)));
        }
    }

    #[test]
    fn a_session_ends_in_time_and_cannot_be_made_longer() {
        let token = hash(b"operate-token-0123456789");
        let ticket = Ticket::issue(&token, NOW_S);
        assert!(Ticket::read(&ticket.cookie(), NOW_S + HOURS * 3_600 - 1).is_some());
        assert!(Ticket::read(&ticket.cookie(), NOW_S + HOURS * 3_600).is_none());
        let changed = Ticket { end_s: ticket.end_s - 1, ..ticket };
        assert!(!Ticket::read(&changed.cookie(), NOW_S).unwrap().is_of(&token));
        let endless = Ticket { end_s: u64::MAX, ..ticket };
        assert!(Ticket::read(&endless.cookie(), NOW_S).is_none());
    }

    #[test]
    fn nonsense_is_no_session() {
        for cookie in ["", "x", "guest-", "AAAA", &"A".repeat(75), &"A".repeat(100_000)] {
            assert!(Ticket::read(cookie, NOW_S).is_none(), "{cookie}");
        }
        assert!(is_guest(&guest()) && !is_guest("guest-x") && !is_guest(""));
    }

    #[test]
    fn ended_sessions_are_remembered_in_bounds() {
        let ended = Ended::default();
        let token = hash(b"operate-token-0123456789");
        let last = Ticket::issue(&token, NOW_S + 1);
        ended.end(&last, NOW_S);
        for _ in 0..MAX_ENDED + 10 {
            ended.end(&Ticket::issue(&token, NOW_S), NOW_S);
        }
        assert!(ended.has(&last));
        assert_eq!(ended.0.lock().unwrap().len(), MAX_ENDED);
        let later = NOW_S + HOURS * 3_600 + 1;
        ended.end(&Ticket::issue(&token, later), later);
        assert_eq!(ended.0.lock().unwrap().len(), 1);
    }
}
