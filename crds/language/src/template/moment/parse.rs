//! Reads a date by moment.js' tokens, as forgiving as moment.js: what stands between is passed over.

use jiff::civil::DateTime;

use super::format::{Piece, pieces};
use super::{DAYS, Parts, month_number};

/// Milliseconds since 1970, or `None` when the text is no such date.
pub(in crate::template) fn by_format(text: &str, format: &str, today: DateTime) -> Option<i64> {
    let mut reader =
        Reader { rest: text, parts: Parts::default(), afternoon: None, found: false, instant: None };
    for piece in pieces(format) {
        match piece {
            Piece::Literal(literal) => reader.literal(&literal),
            Piece::Token(token) => reader.token(&token)?,
        }
    }
    if reader.instant.is_some() {
        return reader.instant;
    }
    let mut parts = reader.parts;
    if let Some(afternoon) = reader.afternoon {
        if parts.hour > 12 {
            return None;
        }
        parts.hour = parts.hour % 12 + if afternoon { 12 } else { 0 };
    }
    reader.found.then(|| parts.milliseconds(today)).flatten()
}

struct Reader<'t> {
    rest: &'t str,
    parts: Parts,
    afternoon: Option<bool>,
    found: bool,
    instant: Option<i64>,
}

impl<'t> Reader<'t> {
    fn literal(&mut self, literal: &str) {
        if let Some(at) = self.rest.find(literal) {
            self.rest = self.rest.get(at + literal.len()..).unwrap_or_default();
        }
    }

    /// The next run of at most `most` digits, wherever it starts.
    fn digits(&mut self, most: usize) -> Option<&'t str> {
        let start = self.rest.find(|letter: char| letter.is_ascii_digit())?;
        let rest = self.rest.get(start..)?;
        let length = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        self.rest = rest.get(length..)?;
        rest.get(..length)
    }

    fn number(&mut self, most: usize) -> Option<i64> {
        self.digits(most)?.parse().ok()
    }

    /// The next word of letters.
    fn word(&mut self) -> Option<&'t str> {
        let start = self.rest.find(char::is_alphabetic)?;
        let rest = self.rest.get(start..)?;
        let word = rest.split(|letter: char| !letter.is_alphabetic()).next()?;
        self.rest = rest.get(word.len()..)?;
        Some(word)
    }

    /// Reads one token. A number that is not there is passed over, a wrong name is an error.
    fn token(&mut self, token: &str) -> Option<()> {
        let before = self.rest.len();
        match token {
            "YYYY" | "YYYYY" | "YYYYYY" | "Y" | "y" | "yyyy" | "GGGG" | "gggg" => {
                let digits = if token == "YYYYYY" { 6 } else { 4 };
                let text = self.digits(digits);
                if let Some(text) = text {
                    let year: i64 = text.parse().ok()?;
                    self.parts.year = Some(if text.len() == 2 { century(year) } else { year });
                }
            }
            "YY" | "yy" => self.parts.year = self.number(2).map(century).or(self.parts.year),
            "Q" => {
                if let Some(quarter) = self.number(1) {
                    self.parts.month = Some((quarter - 1) * 3 + 1);
                }
            }
            "M" | "MM" | "Mo" => self.parts.month = self.number(2).or(self.parts.month),
            "MMM" | "MMMM" => self.parts.month = Some(month_number(self.word()?)?),
            "D" | "DD" | "Do" => self.parts.day = self.number(2).or(self.parts.day),
            "DDD" | "DDDD" | "DDDo" => self.parts.day_of_year = self.number(3).or(self.parts.day_of_year),
            "dd" | "ddd" | "dddd" => {
                let word = self.word()?;
                let known = DAYS.iter().any(|day| {
                    day.get(..word.len().max(2)).is_some_and(|start| start.eq_ignore_ascii_case(word))
                });
                return known.then_some(());
            }
            "H" | "HH" | "h" | "hh" => self.parts.hour = self.number(2).unwrap_or(0),
            "k" | "kk" => {
                self.parts.hour = self.number(2).map_or(0, |hour| if hour == 24 { 0 } else { hour });
            }
            "m" | "mm" => self.parts.minute = self.number(2).unwrap_or(0),
            "s" | "ss" => self.parts.second = self.number(2).unwrap_or(0),
            "Hmm" | "hmm" | "Hmmss" | "hmmss" => self.joined(token.len())?,
            "A" | "a" => {
                let word = self.word()?.to_ascii_lowercase();
                self.afternoon = Some(word.starts_with('p'));
                if !word.starts_with(['a', 'p']) {
                    return None;
                }
            }
            "Z" | "ZZ" | "z" | "zz" => self.offset(),
            "X" | "x" => self.instant = Some(self.epoch(token == "X")?),
            "d" | "e" | "E" | "do" => {
                self.digits(1);
            }
            fraction if fraction.starts_with('S') => {
                let digits = self.digits(fraction.len())?;
                let padded = format!("{digits}000");
                self.parts.millisecond = padded.get(..3)?.parse().ok()?;
            }
            _ => {
                self.digits(2);
            }
        }
        self.found |= self.rest.len() < before;
        Some(())
    }

    /// Hours, minutes and perhaps seconds without anything between.
    fn joined(&mut self, letters: usize) -> Option<()> {
        let seconds = letters == 5;
        let digits = self.digits(if seconds { 6 } else { 4 })?;
        let tail = if seconds { 4 } else { 2 };
        let hour = digits.len().checked_sub(tail).filter(|hour| *hour > 0)?;
        self.parts.hour = digits.get(..hour)?.parse().ok()?;
        self.parts.minute = digits.get(hour..hour + 2)?.parse().ok()?;
        if seconds {
            self.parts.second = digits.get(hour + 2..)?.parse().ok()?;
        }
        Some(())
    }

    fn offset(&mut self) {
        if let Some(start) = self.rest.find(['Z', 'z', '+', '-']) {
            let rest = self.rest.get(start..).unwrap_or_default();
            if let Some((minutes, length)) = super::text::offset(rest) {
                self.parts.offset = Some(minutes);
                self.rest = rest.get(length..).unwrap_or_default();
            }
        }
    }

    /// Seconds or milliseconds since 1970.
    #[expect(clippy::cast_possible_truncation, reason = "dates beyond the year 9999 are refused later")]
    fn epoch(&mut self, seconds: bool) -> Option<i64> {
        let text = self.rest.trim();
        let number: f64 = crate::template::value::numeric_text(text)?;
        self.rest = "";
        let milliseconds = if seconds { number * 1000.0 } else { number };
        (milliseconds.abs() < 1e16).then_some(milliseconds.trunc() as i64)
    }
}

/// Two digits of a year: above 68 they are of the last century.
fn century(year: i64) -> i64 {
    year + if year > 68 { 1900 } else { 2000 }
}
