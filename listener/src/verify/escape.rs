//! The twelve escapes that HubSpot decodes in a URI before it signs with v3:
//!
//! `%21 !` `%24 $` `%27 '` `%28 (` `%29 )` `%2A *` `%2C ,` `%2F /` `%3A :` `%3B ;` `%3F ?` `%40 @`
//!
//! Decoded once, from the left, hex in either case, in path and query alike. Every other escape and every stray
//! `%` stays as it is. No decoded character is `%` or a hex digit, so that decoding twice is the same as once.

use std::borrow::Cow;

/// The character of one escape, by its two hex digits.
fn character(high: u8, low: u8) -> Option<u8> {
    Some(match (high, low.to_ascii_uppercase()) {
        (b'2', b'1') => b'!',
        (b'2', b'4') => b'$',
        (b'2', b'7') => b'\'',
        (b'2', b'8') => b'(',
        (b'2', b'9') => b')',
        (b'2', b'A') => b'*',
        (b'2', b'C') => b',',
        (b'2', b'F') => b'/',
        (b'3', b'A') => b':',
        (b'3', b'B') => b';',
        (b'3', b'F') => b'?',
        (b'4', b'0') => b'@',
        _ => return None,
    })
}

/// Whether one of the twelve is in it.
pub(super) fn is_in(text: &[u8]) -> bool {
    memchr::memchr_iter(b'%', text).any(|at| at_position(text, at).is_some())
}

fn at_position(text: &[u8], at: usize) -> Option<u8> {
    character(*text.get(at + 1)?, *text.get(at + 2)?)
}

/// Gives the decoded text to `sink`, piece by piece, without an allocation.
pub(super) fn decode_into(text: &[u8], mut sink: impl FnMut(&[u8])) {
    let mut start = 0;
    for at in memchr::memchr_iter(b'%', text) {
        if let Some(character) = at_position(text, at) {
            sink(&text[start..at]);
            sink(&[character]);
            start = at + 3;
        }
    }
    sink(&text[start..]);
}

/// Decodes the twelve escapes.
pub fn decode(text: &str) -> Cow<'_, str> {
    if !is_in(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let mut decoded = Vec::with_capacity(text.len());
    decode_into(text.as_bytes(), |piece| decoded.extend_from_slice(piece));
    // ASCII was replaced by ASCII: what was UTF-8 is UTF-8.
    String::from_utf8(decoded).map_or(Cow::Borrowed(text), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_twelve_are_decoded_in_either_case_and_nothing_else_is() {
        assert_eq!(decode("%21%24%27%28%29%2A%2C%2F%3A%3B%3F%40"), "!$'()*,/:;?@");
        assert_eq!(decode("%2a%2c%2f%3a%3b%3f"), "*,/:;?");
        for other in
            ["%20", "%25", "%253A", "%26", "%3D", "%2B", "%23", "%5B", "%C3%A9", "%", "%3", "%%", "é%é"]
        {
            assert_eq!(decode(other), other);
        }
        assert_eq!(decode("%%3A%3"), "%:%3");
    }

    fn slow(text: &[u8]) -> Vec<u8> {
        let mut decoded = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let escape = text.get(at..at + 3).map(<[u8]>::to_ascii_uppercase);
            let known = [
                "%3A:", "%2F/", "%3F?", "%40@", "%21!", "%24$", "%27'", "%28(", "%29)", "%2A*", "%2C,",
                "%3B;",
            ]
            .iter()
            .find(|pair| escape.as_deref() == Some(&pair.as_bytes()[..3]));
            if let Some(pair) = known {
                decoded.push(pair.as_bytes()[3]);
                at += 3;
            } else {
                decoded.push(text[at]);
                at += 1;
            }
        }
        decoded
    }

    fn fast(text: &[u8]) -> Vec<u8> {
        let mut decoded = Vec::new();
        decode_into(text, |piece| decoded.extend_from_slice(piece));
        decoded
    }

    proptest! {
        #[test]
        fn decoding_agrees_with_the_table_read_byte_by_byte(text in "[%23479aAbBcCfF0é]{0,40}") {
            prop_assert_eq!(fast(text.as_bytes()), slow(text.as_bytes()));
            let decoded = decode(&text);
            prop_assert_eq!(decoded.as_bytes(), slow(text.as_bytes()));
        }

        #[test]
        fn arbitrary_bytes_never_grow_and_decoding_twice_is_decoding_once(text: Vec<u8>) {
            let once = fast(&text);
            prop_assert!(once.len() <= text.len());
            prop_assert_eq!(is_in(&text), once.len() < text.len());
            prop_assert_eq!(&fast(&once), &once);
        }
    }
}
