//! From a JSON string as written to its characters.

use std::borrow::Cow;

/// The characters of a JSON string, given as written and without its quotes; as UTF-8, where a lone
/// surrogate becomes the three bytes that UTF-8 would give it (WTF-8), so that two different
/// strings never become one. Escapes that are none are kept as written.
pub(crate) fn decode(written: &[u8]) -> Cow<'_, [u8]> {
    unescape::<false>(written)
}

/// The same as text: what is not UTF-8, also a lone surrogate, becomes U+FFFD.
pub(crate) fn lossy(written: &[u8]) -> Cow<'_, str> {
    match unescape::<true>(written) {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Cow::Owned(text),
            Err(error) => Cow::Owned(String::from_utf8_lossy(error.as_bytes()).into_owned()),
        },
    }
}

/// `REPLACE`: U+FFFD in place of a lone surrogate.
fn unescape<const REPLACE: bool>(written: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr(b'\\', written) else { return Cow::Borrowed(written) };
    let mut out = Vec::with_capacity(written.len());
    let (plain, mut rest) = written.split_at(first);
    out.extend_from_slice(plain);
    while let Some((&byte, after)) = rest.split_first() {
        if byte != b'\\' {
            let plain = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
            out.extend_from_slice(rest.get(..plain).unwrap_or_default());
            rest = rest.get(plain..).unwrap_or_default();
            continue;
        }
        let simple = match after.first() {
            Some(b'b') => b'\x08',
            Some(b'f') => b'\x0c',
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(&byte @ (b'"' | b'\\' | b'/')) => byte,
            _ => {
                rest = unicode::<REPLACE>(rest, &mut out);
                continue;
            }
        };
        out.push(simple);
        rest = after.get(1..).unwrap_or_default();
    }
    Cow::Owned(out)
}

/// Takes `\uXXXX`, or the pair of a high and a low surrogate, and gives what follows.
fn unicode<'a, const REPLACE: bool>(rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let Some(unit) = unit(rest) else {
        out.extend(rest.first());
        return rest.get(1..).unwrap_or_default();
    };
    let after = rest.get(6..).unwrap_or_default();
    if (0xd800..0xdc00).contains(&unit)
        && let Some(low @ 0xdc00..0xe000) = self::unit(after)
    {
        push(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00), out);
        return after.get(6..).unwrap_or_default();
    }
    let lone = (0xd800..0xe000).contains(&unit);
    push(if REPLACE && lone { 0xfffd } else { unit }, out);
    after
}

fn unit(rest: &[u8]) -> Option<u32> {
    let digits = rest.strip_prefix(b"\\u")?.get(..4)?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn push(point: u32, out: &mut Vec<u8>) {
    if let Some(character) = char::from_u32(point) {
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    } else {
        let [_, _, high, low] = point.to_be_bytes();
        out.extend_from_slice(&[0xe0 | high >> 4, 0x80 | (high & 0x0f) << 2 | low >> 6, 0x80 | low & 0x3f]);
    }
}
