//! A scanner over JSON text: checks the grammar and says where values end.
//!
//! The text must be valid UTF-8 already where that matters; the scanner looks at ASCII only and
//! never splits a character. It never recurses and never reads a byte twice, but for the few that
//! follow a string's first eight.

use std::fmt;

/// A place where the text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// Byte position from 0.
    pub(crate) at: usize,
    /// What should have stood there, or what must not.
    pub(crate) what: &'static str,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.what, self.at)
    }
}

/// Reads JSON text from the front.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    nest: Nest,
}

impl<'a> Scanner<'a> {
    /// At the beginning of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, nest: Nest::default() }
    }

    /// Position of the next byte.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// The next byte, if any.
    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The bytes from `start` to here.
    pub(crate) fn since(&self, start: usize) -> &'a [u8] {
        self.bytes.get(start..self.at).unwrap_or_default()
    }

    /// An error at the next byte.
    pub(crate) fn wrong(&self, what: &'static str) -> Wrong {
        Wrong { at: self.at, what }
    }

    /// Takes the next byte if it is `byte`.
    #[inline]
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let is = self.peek() == Some(byte);
        self.at += usize::from(is);
        is
    }

    /// Passes over white space.
    #[inline]
    pub(crate) fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// Passes over a byte order mark.
    pub(crate) fn byte_order_mark(&mut self) {
        if self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(b"\xef\xbb\xbf")) {
            self.at += 3;
        }
    }

    /// Passes over one value of any depth and gives its bytes.
    pub(crate) fn value(&mut self) -> Result<&'a [u8], Wrong> {
        let start = self.at;
        self.nest.clear();
        loop {
            match self.peek() {
                Some(b'"') => self.string()?,
                Some(b'{') => {
                    self.at += 1;
                    self.space();
                    if !self.take(b'}') {
                        self.nest.push(true);
                        self.name()?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.at += 1;
                    self.space();
                    if !self.take(b']') {
                        self.nest.push(false);
                        continue;
                    }
                }
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.word(b"true")?,
                Some(b'f') => self.word(b"false")?,
                Some(b'n') => self.word(b"null")?,
                Some(_) => return Err(self.wrong("a JSON value is expected")),
                None => return Err(self.wrong("the text ends where a JSON value is expected")),
            }
            // A value has ended: close what it closes, up to the next one.
            loop {
                let Some(in_object) = self.nest.top() else { return Ok(self.since(start)) };
                self.space();
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        self.space();
                        if in_object {
                            self.name()?;
                        }
                        break;
                    }
                    Some(b'}') if in_object => {
                        self.at += 1;
                        self.nest.pop();
                    }
                    Some(b']') if !in_object => {
                        self.at += 1;
                        self.nest.pop();
                    }
                    Some(_) if in_object => return Err(self.wrong("`,` or `}` is expected")),
                    Some(_) => return Err(self.wrong("`,` or `]` is expected")),
                    None => return Err(self.wrong("the text ends within an object or array")),
                }
            }
        }
    }

    /// Passes over a member's name, its colon and the white space about it; gives the name as
    /// written, without quotes.
    #[inline]
    pub(crate) fn name(&mut self) -> Result<&'a [u8], Wrong> {
        if self.peek() != Some(b'"') {
            return Err(self.wrong("a name in double quotes is expected"));
        }
        let start = self.at + 1;
        self.string()?;
        let name = self.bytes.get(start..self.at - 1).unwrap_or_default();
        self.space();
        if !self.take(b':') {
            return Err(self.wrong("`:` is expected"));
        }
        self.space();
        Ok(name)
    }

    /// Passes over a string; the next byte is its opening quote.
    #[inline]
    fn string(&mut self) -> Result<(), Wrong> {
        self.at += 1;
        loop {
            // Eight bytes at a time as long as none of them is of interest.
            while let Some(chunk) = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk::<8>) {
                let marks = of_interest(u64::from_le_bytes(*chunk));
                if marks != 0 {
                    self.at += (marks.trailing_zeros() / 8) as usize;
                    break;
                }
                self.at += 8;
            }
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(0..0x20) => return Err(self.wrong("a control character must be escaped")),
                Some(_) => self.at += 1,
                None => return Err(self.wrong("the text ends within a string")),
            }
        }
    }

    /// Passes over one escape; the next byte is its backslash.
    fn escape(&mut self) -> Result<(), Wrong> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => {
                let digits = self.bytes.get(self.at + 2..self.at + 6);
                if digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                    self.at += 6;
                    Ok(())
                } else {
                    Err(self.wrong("four hexadecimal digits are expected after `\\u`"))
                }
            }
            _ => Err(self.wrong("no escape of JSON")),
        }
    }

    fn number(&mut self) -> Result<(), Wrong> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Wrong> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.wrong("a digit is expected")) } else { Ok(()) }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Wrong> {
        if self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            self.at += word.len();
            Ok(())
        } else {
            Err(self.wrong("a JSON value is expected"))
        }
    }
}

/// The highest bit of each byte that is a quote, a backslash or a control character; bytes above
/// the first such one may be marked wrongly, which is why only the first is used.
/// (Known as `haszero` and `hasless`: <https://graphics.stanford.edu/~seander/bithacks.html>.)
#[inline]
fn of_interest(eight: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let zero = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes & HIGHS;
    let control = eight.wrapping_sub(ONES * 0x20) & !eight & HIGHS;
    zero(eight ^ (ONES * u64::from(b'"'))) | zero(eight ^ (ONES * u64::from(b'\\'))) | control
}

/// The brackets that are open: a bit each, set for an object.
#[derive(Debug, Default)]
struct Nest {
    /// Whole words below the last one.
    below: Vec<u64>,
    /// Bits of the innermost brackets, the innermost lowest.
    last: u64,
    /// Brackets in `last`, 0 to 64.
    used: u32,
}

impl Nest {
    #[inline]
    fn clear(&mut self) {
        self.below.clear();
        self.used = 0;
    }

    #[inline]
    fn push(&mut self, object: bool) {
        if self.used == 64 {
            self.below.push(self.last);
            self.used = 0;
        }
        self.last = self.last << 1 | u64::from(object);
        self.used += 1;
    }

    #[inline]
    fn pop(&mut self) {
        self.last >>= 1;
        self.used = self.used.saturating_sub(1);
        if self.used == 0
            && let Some(word) = self.below.pop()
        {
            self.last = word;
            self.used = 64;
        }
    }

    #[inline]
    fn top(&self) -> Option<bool> {
        (self.used > 0).then_some(self.last & 1 == 1)
    }
}
