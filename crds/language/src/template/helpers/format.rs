//! Numbers for people.

use super::math::fixed;
use super::{Helper, Outcome, as_count, helper};
use crate::template::render::Args;
use crate::template::value::{self, Value, js_number};

#[rustfmt::skip]
pub(super) const HELPERS: &[Helper] = &[
    helper("addCommas", 1, "number", "The number with commas between thousands, before the point only. Nothing for what is no number.",
        ["{{addCommas a}}", r#"{"a":1234567.125}"#, "1,234,567.125"], add_commas),
    helper("bytes", 1, "number [digits=2]", "A number of bytes with its unit, in steps of 1000. Text that is no number counts its own bytes.",
        ["{{bytes a}}", r#"{"a":13661855}"#, "13.66 MB"], bytes),
    helper("ordinalize", 1, "number", "The number as 1st, 2nd, 3rd.",
        ["{{ordinalize a}}", r#"{"a":22}"#, "22nd"], ordinalize),
];

/// The number's text: integers as written.
fn number_text(args: &Args<'_, '_>) -> Option<String> {
    match args.get(0) {
        Value::Int(text) => Some(text.to_string()),
        Value::Num(number) => Some(js_number(*number)),
        Value::Text(text) => {
            let text = text.trim();
            let digits = text.strip_prefix('-').unwrap_or(text);
            let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            if whole { Some(text.to_owned()) } else { value::numeric_text(text).map(js_number) }
        }
        _ => None,
    }
}

fn add_commas<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let Some(text) = number_text(args) else { return Ok(Value::Missing) };
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest.to_owned()),
        None => ("", text),
    };
    let whole = text.bytes().take_while(u8::is_ascii_digit).count();
    let mut out = String::from(sign);
    for (at, letter) in text.chars().enumerate() {
        if at > 0 && at < whole && (whole - at) % 3 == 0 {
            out.push(',');
        }
        out.push(letter);
    }
    args.made(out)
}

#[expect(clippy::cast_precision_loss, reason = "a text is far shorter than 2^53")]
fn bytes<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let value = args.get(0);
    if value.is_blank() {
        return Ok(Value::Missing);
    }
    let number = match (args.number(0), value) {
        (Ok(Some(number)), _) => number,
        (_, Value::Text(text)) => text.len() as f64,
        (Err(error), _) => return Err(error),
        (Ok(None), _) => return Ok(Value::Missing),
    };
    let digits = match args.number(1)? {
        None => 2,
        Some(digits) => as_count(digits)
            .filter(|digits| *digits <= 100)
            .ok_or_else(|| args.error("digits must be 0 to 100"))?,
    };
    let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
    let mut scaled = number.abs();
    let mut unit = 0;
    while scaled >= 1000.0 && unit + 1 < units.len() {
        scaled /= 1000.0;
        unit += 1;
    }
    let text = fixed(scaled, digits);
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    let sign = if number < 0.0 { "-" } else { "" };
    args.made(format!("{sign}{text} {}", units.get(unit).copied().unwrap_or_default()))
}

fn ordinalize<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    if args.number(0)?.is_none() {
        return Ok(Value::Missing);
    }
    let text = number_text(args).unwrap_or_default();
    let ending = ordinal(&text);
    args.made(format!("{text}{ending}"))
}

/// st, nd, rd or th, by the last two digits.
pub(in crate::template) fn ordinal(number: &str) -> &'static str {
    let bytes = number.as_bytes();
    let last = bytes.last().copied().unwrap_or(b'0');
    let tens = bytes.len().checked_sub(2).and_then(|at| bytes.get(at)).copied();
    match (tens, last) {
        (Some(b'1'), _) => "th",
        (_, b'1') => "st",
        (_, b'2') => "nd",
        (_, b'3') => "rd",
        _ => "th",
    }
}
