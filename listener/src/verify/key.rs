//! One client secret, made ready: the keyed states of HMAC and of plain SHA-256 are computed once and cloned for
//! each request.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

use super::escape;

/// Bytes of a SHA-256 block.
const BLOCK: usize = 64;

/// The URI of a request in two pieces, so that nothing is joined for a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Uri<'a> {
    /// Scheme, host and path.
    pub(super) base: &'a [u8],
    /// Empty, or from `?` on.
    pub(super) query: &'a [u8],
    /// Whether the twelve escapes are decoded.
    pub(super) decoded: bool,
}

impl<'a> Uri<'a> {
    /// A URI that is already whole.
    pub(super) fn whole(uri: &'a [u8]) -> Self {
        Self { base: uri, query: b"", decoded: false }
    }

    fn feed(&self, mut sink: impl FnMut(&[u8])) {
        if self.decoded {
            // No escape lies across the seam: the query begins with `?`.
            escape::decode_into(self.base, &mut sink);
            escape::decode_into(self.query, &mut sink);
        } else {
            sink(self.base);
            sink(self.query);
        }
    }
}

/// One client secret, made ready. Wiped when it is dropped.
pub(super) struct Key {
    secret: SecretString,
    hmac: Hmac<Sha256>,
    hash: Sha256,
}

impl Key {
    pub(super) fn new(secret: SecretString) -> Self {
        let bytes = secret.expose_secret().as_bytes();
        // RFC 2104: a key longer than a block is hashed first, a shorter one is filled up with zeros.
        let mut block = Zeroizing::new([0_u8; BLOCK]);
        if let Some(start) = block.get_mut(..bytes.len()) {
            start.copy_from_slice(bytes);
        } else {
            let mut hashed: [u8; 32] = Sha256::digest(bytes).into();
            block[..32].copy_from_slice(&hashed);
            hashed.zeroize();
        }
        let hmac = Hmac::new((&*block).into());
        let hash = Sha256::new_with_prefix(bytes);
        Self { secret, hmac, hash }
    }

    /// The text of the secret, for the diagnosis.
    pub(super) fn secret(&self) -> &SecretString {
        &self.secret
    }

    pub(super) fn v1(&self, body: &[u8]) -> [u8; 32] {
        self.hash.clone().chain_update(body).finalize().into()
    }

    pub(super) fn v2(&self, method: &[u8], uri: Uri<'_>, body: &[u8]) -> [u8; 32] {
        let mut hash = self.hash.clone();
        hash.update(method);
        uri.feed(|piece| hash.update(piece));
        hash.update(body);
        hash.finalize().into()
    }

    pub(super) fn v3(&self, method: &[u8], uri: Uri<'_>, body: &[u8], timestamp: &[u8]) -> [u8; 32] {
        let mut hmac = self.hmac.clone();
        hmac.update(method);
        uri.feed(|piece| hmac.update(piece));
        hmac.update(body);
        hmac.update(timestamp);
        hmac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key([redacted])")
    }
}

/// Whether the header's text is this digest as v1 and v2 write it. Constant time for texts of the right length.
pub(super) fn is_hex_of(text: &[u8], digest: &[u8; 32]) -> Choice {
    let mut right = [0_u8; 64];
    let written = Choice::from(u8::from(hex::encode_to_slice(digest, &mut right).is_ok()));
    written & right.as_slice().ct_eq(text)
}

/// Whether the header's text is this digest as v3 writes it. Constant time for texts of the right length.
pub(super) fn is_base64_of(text: &[u8], digest: &[u8; 32]) -> Choice {
    let mut right = [0_u8; 44];
    let written = Choice::from(u8::from(STANDARD.encode_slice(digest, &mut right).is_ok()));
    written & right.as_slice().ct_eq(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_longer_than_a_block_is_keyed_as_the_hmac_crate_keys_it() {
        for length in [0, 1, 36, 63, 64, 65, 200] {
            let secret = "k".repeat(length);
            let key = Key::new(SecretString::from(secret.as_str()));
            let mut theirs = <Hmac<Sha256> as KeyInit>::new_from_slice(secret.as_bytes()).unwrap();
            theirs.update(b"POSThttps://a.example/bcd1");
            let right: [u8; 32] = theirs.finalize().into_bytes().into();
            assert_eq!(key.v3(b"POST", Uri::whole(b"https://a.example/b"), b"cd", b"1"), right, "{length}");
        }
    }

    #[test]
    fn the_debug_form_shows_no_secret() {
        let shown = format!("{:?}", Key::new(SecretString::from("hush-hush")));
        assert!(!shown.contains("hush"), "{shown}");
    }
}
