//! Refused requests, before a store keeps them: their bounds, and the codes in them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Refused;

/// Refused requests that may wait to be kept.
const MOST_WAITING: usize = 256;
/// Codes that are remembered at most; a store holds those that verification writes, a few dozen.
const MOST_CODES: usize = 256;

/// Bounds on what is kept.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Bounds {
    /// Requests.
    pub(in crate::store) number: usize,
    /// Bytes of bodies, headers and texts.
    pub(in crate::store) bytes: usize,
}

/// A place among those that wait to be kept. Given up without [`Place::kept`], one more was counted only.
#[derive(Debug)]
pub(in crate::store) struct Place {
    waiting: Arc<AtomicUsize>,
    dropped: Arc<AtomicU64>,
    kept: bool,
}

impl Place {
    /// A place, where there is one; else one more was counted only.
    pub(in crate::store) fn take(waiting: &Arc<AtomicUsize>, dropped: &Arc<AtomicU64>) -> Option<Self> {
        let before = waiting.fetch_add(1, Ordering::SeqCst);
        let place = Self { waiting: Arc::clone(waiting), dropped: Arc::clone(dropped), kept: false };
        (before < MOST_WAITING).then_some(place)
    }

    /// It was kept.
    pub(in crate::store) fn kept(&mut self) {
        self.kept = true;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        if !self.kept {
            self.dropped.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Bytes that one counts for; `headers` as they are kept.
pub(in crate::store) fn size(refused: &Refused, headers: &str) -> usize {
    refused.body.len()
        + headers.len()
        + refused.request_line.len()
        + refused.diagnosis.as_ref().map_or(0, String::len)
}

/// Codes are constants of the program; one read from the file becomes a constant again, each once.
pub(in crate::store) fn known(code: &str) -> &'static str {
    static CODES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut codes = CODES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = codes.get(code) {
        return known;
    }
    if codes.len() >= MOST_CODES {
        return "other";
    }
    let new: &'static str = Box::leak(code.to_owned().into_boxed_str());
    codes.insert(new);
    new
}
