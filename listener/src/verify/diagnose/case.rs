//! One refused request, made ready for guessing.

use std::cell::Cell;

use crds::listener::SignatureVersion;
use subtle::ConstantTimeEq;

use super::spelling::{self, Spelling};
use crate::verify::cause::Cause;
use crate::verify::escape;
use crate::verify::headers::{REQUEST_TIMESTAMP, SIGNATURE, SIGNATURE_V3, Single, single};
use crate::verify::key::{Key, Uri};
use crate::verify::request::Received;
use crate::verify::verifier::{Verifier, query};

/// Bytes that are hashed for one diagnosis at most.
pub(super) const BUDGET: usize = 64 * 1024 * 1024;
/// Bytes of a body that is guessed about; a longer one only gets checks that cost no more than a verification.
pub(super) const MAX_GUESSED_BODY: usize = 1024 * 1024;
/// What a guess costs beside its body: the key, the URL, the padding.
const COST_OF_A_GUESS: usize = 1024;

/// One refused request, made ready for guessing.
pub(super) struct Case<'a> {
    pub(super) verifier: &'a Verifier,
    pub(super) received: &'a Received,
    pub(super) cause: Cause,
    pub(super) now_ms: i64,
    /// The versions that were asked: v3, or those of v1 and v2 that are allowed.
    pub(super) versions: Vec<SignatureVersion>,
    /// The signature header's text, where it stands once.
    pub(super) text: Option<&'a [u8]>,
    /// The digest in it, read as liberally as can be.
    pub(super) spelling: Option<Spelling>,
    /// The timestamp header's text, where it stands once.
    pub(super) timestamp: Option<&'a [u8]>,
    /// The registered URLs as they may have been signed: with the query as received.
    pub(super) registered: Vec<Vec<u8>>,
    left: Cell<usize>,
}

/// What a sender may have signed.
#[derive(Clone, Copy)]
pub(super) struct Guess<'g> {
    pub(super) version: SignatureVersion,
    pub(super) method: &'g str,
    pub(super) uri: &'g [u8],
    pub(super) body: &'g [u8],
}

impl<'a> Case<'a> {
    pub(super) fn new(verifier: &'a Verifier, received: &'a Received, cause: Cause, now_ms: i64) -> Self {
        let v3 = single(&received.headers, &SIGNATURE_V3);
        let (versions, header) = if verifier.allowed.v3 && v3 != Single::Absent {
            (vec![SignatureVersion::V3], v3)
        } else {
            let mut versions = Vec::new();
            if verifier.allowed.v2 {
                versions.push(SignatureVersion::V2);
            }
            if verifier.allowed.v1 {
                versions.push(SignatureVersion::V1);
            }
            (versions, single(&received.headers, &SIGNATURE))
        };
        let one = |header| if let Single::One(text) = header { Some(text) } else { None };
        let text = one(header);
        let is_v3 = versions.contains(&SignatureVersion::V3);

        let raw = format!("{}{}", verifier.base, query(&received.target));
        let mut registered = vec![raw.clone().into_bytes()];
        if is_v3 && escape::is_in(raw.as_bytes()) {
            registered.insert(0, escape::decode(&raw).into_owned().into_bytes());
        }
        Self {
            verifier,
            received,
            cause,
            now_ms,
            spelling: text.and_then(|text| spelling::read(text, is_v3)),
            text,
            timestamp: one(single(&received.headers, &REQUEST_TIMESTAMP)),
            registered,
            versions,
            left: Cell::new(BUDGET),
        }
    }

    /// Whether v3 was asked.
    pub(super) fn is_v3(&self) -> bool {
        self.versions.contains(&SignatureVersion::V3)
    }

    /// Whether the work that was granted is used up, so that not every guess was made.
    pub(super) fn is_exhausted(&self) -> bool {
        self.left.get() == 0
    }

    /// The digest that this guess would have. None when the work that was granted is used up.
    pub(super) fn digest(&self, guess: &Guess<'_>, key: &Key) -> Option<[u8; 32]> {
        let Guess { version, method, uri, body } = *guess;
        let cost = COST_OF_A_GUESS + uri.len() + body.len();
        // What costs no more than a verification is always granted; it comes first.
        let Some(left) = self.left.get().checked_sub(cost) else {
            self.left.set(0);
            return None;
        };
        self.left.set(left);
        let uri = Uri::whole(uri);
        Some(match version {
            SignatureVersion::V1 => key.v1(body),
            SignatureVersion::V2 => key.v2(method.as_bytes(), uri, body),
            SignatureVersion::V3 => key.v3(method.as_bytes(), uri, body, self.timestamp.unwrap_or_default()),
        })
    }

    /// Whether this guess, with this key, is what came.
    pub(super) fn fits_with(&self, guess: &Guess<'_>, key: &Key) -> bool {
        let Some(spelling) = &self.spelling else { return false };
        self.digest(guess, key).is_some_and(|digest| bool::from(digest.ct_eq(&spelling.digest)))
    }

    /// Whether this guess, with any of the keys, is what came.
    pub(super) fn fits(&self, guess: &Guess<'_>) -> bool {
        self.verifier.keys.iter().any(|key| self.fits_with(guess, key))
    }

    /// The request as received, in each way it may rightly have been signed.
    pub(super) fn straight(&self) -> impl Iterator<Item = Guess<'_>> {
        self.versions.iter().flat_map(move |version| {
            self.registered.iter().map(move |uri| Guess {
                version: *version,
                method: self.received.method.as_str(),
                uri,
                body: &self.received.body,
            })
        })
    }

    /// Whether the digest that came is right, however it is spelt.
    pub(super) fn is_right(&self) -> bool {
        self.straight().any(|guess| self.fits(&guess))
    }

    /// Whether the v1 signature beside a v3 one fits: None where there is none.
    pub(super) fn v1_beside_fits(&self) -> Option<bool> {
        let Single::One(text) = single(&self.received.headers, &SIGNATURE) else { return None };
        let Spelling { digest, .. } = spelling::read(text, false)?;
        let keys = &self.verifier.keys;
        Some(keys.iter().any(|key| bool::from(key.v1(&self.received.body).ct_eq(&digest))))
    }
}
