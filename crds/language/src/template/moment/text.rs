//! Reads a date that says by itself how it is written: ISO 8601, RFC 2822, JavaScript's own form,
//! and numbers month first.

use jiff::civil::{DateTime, ISOWeekDate, Weekday};

use super::{DAYS, Parts, month_number};

/// Milliseconds since 1970, or `None` when the text is no such date.
pub(in crate::template) fn by_itself(text: &str, today: DateTime) -> Option<i64> {
    let text = text.trim();
    let forms = [iso, mail, names_first, numbers];
    forms.iter().find_map(|form| form(&mut Cursor(text))).and_then(|parts| parts.milliseconds(today))
}

/// Minutes of an offset (`Z`, `+02`, `+0200`, `+02:00`) and its length.
pub(super) fn offset(text: &str) -> Option<(i64, usize)> {
    let mut cursor = Cursor(text);
    if cursor.eat("Z") || cursor.eat("z") {
        return Some((0, 1));
    }
    let sign = if cursor.eat("-") {
        -1
    } else if cursor.eat("+") {
        1
    } else {
        return None;
    };
    let hours = cursor.digits(2)?;
    let colon = cursor.eat(":");
    let minutes = match cursor.digits(2) {
        Some(minutes) => minutes,
        None if colon => return None,
        None => 0,
    };
    Some((sign * (hours * 60 + minutes), text.len() - cursor.0.len()))
}

struct Cursor<'t>(&'t str);

impl<'t> Cursor<'t> {
    fn eat(&mut self, text: &str) -> bool {
        let rest = self.0.strip_prefix(text);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// Exactly `count` digits.
    fn digits(&mut self, count: usize) -> Option<i64> {
        let text = self.0.get(..count)?;
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        self.0 = self.0.get(count..)?;
        text.parse().ok()
    }

    /// Up to `most` digits.
    fn some_digits(&mut self, most: usize) -> Option<i64> {
        let count = self.0.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if count == 0 { None } else { self.digits(count) }
    }

    fn word(&mut self) -> &'t str {
        let word = self.0.split(|letter: char| !letter.is_ascii_alphabetic()).next().unwrap_or_default();
        self.0 = self.0.get(word.len()..).unwrap_or_default();
        word
    }

    fn spaces(&mut self) -> bool {
        let rest = self.0.trim_start();
        let found = rest.len() < self.0.len();
        self.0 = rest;
        found
    }

    fn is_end(&self) -> bool {
        self.0.is_empty()
    }

    /// A fraction of a second after `.` or `,`, in milliseconds.
    fn fraction(&mut self) -> Option<i64> {
        if !self.eat(".") && !self.eat(",") {
            return Some(0);
        }
        let count = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let digits = format!("{}000", self.0.get(..count.min(3))?);
        self.0 = self.0.get(count..)?;
        (count > 0).then(|| digits.get(..3)?.parse().ok()).flatten()
    }
}

fn iso(cursor: &mut Cursor<'_>) -> Option<Parts> {
    let mut parts = Parts::default();
    let sign = match (cursor.eat("-"), cursor.eat("+")) {
        (true, _) => -1,
        (_, true) => 1,
        _ => 0,
    };
    parts.year = Some(if sign == 0 { cursor.digits(4)? } else { sign * cursor.digits(6)? });
    let extended = cursor.eat("-");
    iso_day(cursor, &mut parts, extended)?;
    if cursor.is_end() {
        return Some(parts);
    }
    if !cursor.eat("T") && !cursor.eat(" ") {
        return None;
    }
    let between = if extended { ":" } else { "" };
    parts.hour = cursor.digits(2)?;
    let more = |cursor: &mut Cursor<'_>| {
        let next = cursor.0.strip_prefix(between).unwrap_or_default();
        next.starts_with(|digit: char| digit.is_ascii_digit()) && cursor.eat(between)
    };
    if more(cursor) {
        parts.minute = cursor.digits(2)?;
        if more(cursor) {
            parts.second = cursor.digits(2)?;
            parts.millisecond = cursor.fraction()?;
        }
    }
    cursor.spaces();
    if !cursor.is_end() {
        let (minutes, length) = offset(cursor.0)?;
        parts.offset = Some(minutes);
        cursor.0 = cursor.0.get(length..)?;
    }
    cursor.is_end().then_some(parts)
}

/// Month and day, week and weekday, or the day of the year.
fn iso_day(cursor: &mut Cursor<'_>, parts: &mut Parts, extended: bool) -> Option<()> {
    if cursor.eat("W") {
        let week = cursor.digits(2)?;
        let weekday = if cursor.is_end() || cursor.0.starts_with(['T', ' ']) {
            1
        } else {
            if extended && !cursor.eat("-") {
                return None;
            }
            cursor.digits(1)?
        };
        let day = Weekday::from_monday_one_offset(i8::try_from(weekday).ok()?).ok()?;
        let date =
            ISOWeekDate::new(i16::try_from(parts.year?).ok()?, i8::try_from(week).ok()?, day).ok()?.date();
        parts.year = Some(i64::from(date.year()));
        parts.month = Some(i64::from(date.month()));
        parts.day = Some(i64::from(date.day()));
        return Some(());
    }
    let count = cursor.0.bytes().take_while(u8::is_ascii_digit).count();
    match (count, extended) {
        (3, _) => parts.day_of_year = Some(cursor.digits(3)?),
        (2, true) => {
            parts.month = Some(cursor.digits(2)?);
            if cursor.eat("-") {
                parts.day = Some(cursor.digits(2)?);
            }
        }
        (4, false) => {
            parts.month = Some(cursor.digits(2)?);
            parts.day = Some(cursor.digits(2)?);
        }
        (2, false) => parts.month = Some(cursor.digits(2)?),
        (0, false) => {}
        _ => return None,
    }
    Some(())
}

/// `Thu, 29 Feb 2024 23:05:09 +0100`.
fn mail(cursor: &mut Cursor<'_>) -> Option<Parts> {
    weekday(cursor)?;
    let mut parts = Parts { day: Some(cursor.some_digits(2)?), ..Parts::default() };
    if !cursor.spaces() {
        return None;
    }
    parts.month = Some(month_number(cursor.word())?);
    cursor.spaces();
    parts.year = Some(year(cursor)?);
    rest_of_day(cursor, parts)
}

/// `Thu Feb 29 2024 23:05:09 GMT+0000 (Coordinated Universal Time)`, `February 29, 2024`.
fn names_first(cursor: &mut Cursor<'_>) -> Option<Parts> {
    weekday(cursor)?;
    let mut parts = Parts { month: Some(month_number(cursor.word())?), ..Parts::default() };
    cursor.eat(".");
    cursor.spaces();
    parts.day = Some(cursor.some_digits(2)?);
    cursor.eat(",");
    if !cursor.spaces() {
        return None;
    }
    parts.year = Some(year(cursor)?);
    rest_of_day(cursor, parts)
}

/// `3/10/1990`, month first, perhaps with a time.
fn numbers(cursor: &mut Cursor<'_>) -> Option<Parts> {
    let mut parts = Parts { month: Some(cursor.some_digits(2)?), ..Parts::default() };
    let between = ["/", "-"].into_iter().find(|between| cursor.eat(between))?;
    parts.day = Some(cursor.some_digits(2)?);
    if !cursor.eat(between) {
        return None;
    }
    parts.year = Some(year(cursor)?);
    rest_of_day(cursor, parts)
}

fn year(cursor: &mut Cursor<'_>) -> Option<i64> {
    let before = cursor.0.len();
    let year = cursor.some_digits(4)?;
    match before - cursor.0.len() {
        4 => Some(year),
        2 => Some(year + if year > 49 { 1900 } else { 2000 }),
        _ => None,
    }
}

/// A weekday's name, if one is there, and what stands after it.
fn weekday(cursor: &mut Cursor<'_>) -> Option<()> {
    let before = cursor.0;
    let word = cursor.word();
    let known = word.len() >= 3
        && DAYS.iter().any(|day| day.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)));
    if !known {
        cursor.0 = before;
        return Some(());
    }
    cursor.eat(",");
    cursor.spaces().then_some(())
}

fn rest_of_day(cursor: &mut Cursor<'_>, mut parts: Parts) -> Option<Parts> {
    cursor.eat(",");
    cursor.spaces();
    if cursor.0.starts_with(|digit: char| digit.is_ascii_digit()) {
        parts.hour = cursor.some_digits(2)?;
        if !cursor.eat(":") {
            return None;
        }
        parts.minute = cursor.digits(2)?;
        if cursor.eat(":") {
            parts.second = cursor.digits(2)?;
            parts.millisecond = cursor.fraction()?;
        }
        cursor.spaces();
        let half = cursor.0.get(..2).map(str::to_ascii_lowercase).unwrap_or_default();
        if matches!(half.as_str(), "am" | "pm") {
            if !(1..=12).contains(&parts.hour) {
                return None;
            }
            parts.hour = parts.hour % 12 + if half == "pm" { 12 } else { 0 };
            cursor.0 = cursor.0.get(2..)?;
            cursor.spaces();
        }
    }
    let word_start = cursor.0;
    match cursor.word().to_ascii_uppercase().as_str() {
        "" => {}
        "UT" | "UTC" | "GMT" | "Z" => parts.offset = Some(0),
        "EDT" => parts.offset = Some(-240),
        "EST" | "CDT" => parts.offset = Some(-300),
        "CST" | "MDT" => parts.offset = Some(-360),
        "MST" | "PDT" => parts.offset = Some(-420),
        "PST" => parts.offset = Some(-480),
        _ => cursor.0 = word_start,
    }
    if let Some((minutes, length)) = offset(cursor.0) {
        parts.offset = Some(minutes);
        cursor.0 = cursor.0.get(length..)?;
    }
    cursor.spaces();
    if cursor.eat("(") {
        cursor.0 = cursor.0.split_once(')')?.1;
    }
    cursor.is_end().then_some(parts)
}
