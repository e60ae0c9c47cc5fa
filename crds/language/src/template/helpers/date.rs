//! Dates, with moment.js' tokens.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::{Helper, Outcome, Wrong, helper};
use crate::template::RenderError;
use crate::template::moment::{self, Moment};
use crate::template::program::Expr;
use crate::template::render::Args;
use crate::template::value::{self, Value};

#[rustfmt::skip]
pub(super) const HELPERS: &[Helper] = &[
    helper("dateAdd", 1, "date [milliseconds] [zone]", "The date, moved, in ISO 8601 with milliseconds: in UTC, or in an IANA zone with its offset.",
        [r#"{{dateAdd a "86400000"}}"#, r#"{"a":"2024-02-29T23:05:09.042Z"}"#, "2024-03-01T23:05:09.042Z"], add).checked(|args| check(args, 2)),
    helper("dateFormat", 2, "format date [inputFormat] [zone]", "The date by moment.js' tokens, `[text]` as it is, in UTC or an IANA zone. A JSON number is milliseconds; text is ISO 8601, RFC 2822, JavaScript's own form or month/day/year, else give its format (`x` and `X` are milliseconds and seconds in text). Without an offset a date is UTC. A zone may stand third.",
        [r#"{{dateFormat "D MMMM YYYY HH:mm z" occurredAt "" "America/New_York"}}"#, r#"{"occurredAt":1709247909042}"#, "29 February 2024 18:05 EST"], format_date).checked(|args| check(args, 3)),
    helper("timestamp", 0, "[format] [zone]", "The time now, in ISO 8601 or by a format, in UTC or an IANA zone.",
        [r#"{{timestamp "[now in] Z" "Asia/Kolkata"}}"#, "{}", "now in +05:30"], timestamp).checked(|args| check(args, 1)),
];

fn check(args: &mut [Expr], at: usize) -> Option<Wrong> {
    let name = args.get(at).and_then(Expr::literal_text).filter(|name| !name.is_empty())?;
    moment::zone(name).is_none().then(|| Wrong {
        arg: Some(at),
        reason: format!("unknown time zone {name}"),
        remedy: "write an IANA zone, as Europe/Berlin".to_owned(),
    })
}

fn zone(args: &Args<'_, '_>, at: usize) -> Result<Option<TimeZone>, RenderError> {
    let name = args.text(at);
    if name.is_empty() {
        return Ok(None);
    }
    moment::zone(&name).map(Some).ok_or_else(|| args.error(format_args!("unknown time zone {name}")))
}

fn seen(args: &Args<'_, '_>, at: i64, zone: Option<&TimeZone>) -> Result<Moment, RenderError> {
    Moment::new(at, zone).ok_or_else(|| args.error("date out of range"))
}

fn now(args: &Args<'_, '_>) -> i64 {
    args.render.clock.now_ms()
}

fn today(args: &Args<'_, '_>) -> DateTime {
    jiff::Timestamp::from_millisecond(now(args))
        .map_or(DateTime::default(), |now| jiff::tz::Offset::UTC.to_datetime(now))
}

/// Milliseconds since 1970 of a value that is not blank.
fn read(args: &Args<'_, '_>, value: &Value<'_>, pattern: &str) -> Result<i64, RenderError> {
    let text = value::text(value);
    if !pattern.is_empty() {
        let found = moment::by_format(&text, pattern, today(args));
        return found.ok_or_else(|| args.error(format_args!("not a date of the form {pattern}")));
    }
    if matches!(value, Value::Int(_) | Value::Num(_)) {
        return whole(args, args.number_of(value)?.unwrap_or(0.0));
    }
    if let Some(at) = moment::by_itself(&text, today(args)) {
        return Ok(at);
    }
    let digits = text.len() > 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    Err(args.error(if digits {
        "not a date: give \"x\" (milliseconds) or \"X\" (seconds) as input format"
    } else {
        "not a date"
    }))
}

/// A number of milliseconds, within what dates can be.
#[expect(clippy::cast_possible_truncation, reason = "checked")]
fn whole(args: &Args<'_, '_>, number: f64) -> Result<i64, RenderError> {
    if number.abs() > 8.64e15 { Err(args.error("date out of range")) } else { Ok(number.trunc() as i64) }
}

fn format_date<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let value = args.get(1);
    let third = args.text(2);
    // A third argument that is a zone is the zone.
    let early = if args.text(3).is_empty() && !third.is_empty() { moment::zone(&third) } else { None };
    let late = zone(args, 3)?;
    if value.is_blank() {
        return Ok(Value::Missing);
    }
    let at = read(args, value, if early.is_some() { "" } else { &third })?;
    let moment = seen(args, at, early.or(late).as_ref())?;
    args.made(moment::format(&moment, &args.text(0)))
}

fn add<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let zone = zone(args, 2)?;
    if args.get(0).is_blank() {
        return Ok(Value::Missing);
    }
    let more = whole(args, args.number(1)?.unwrap_or(0.0))?;
    let at = read(args, args.get(0), "")? + more;
    args.made(seen(args, at, zone.as_ref())?.iso())
}

fn timestamp<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let zone = zone(args, 1)?;
    let moment = seen(args, now(args), zone.as_ref())?;
    let pattern = args.text(0);
    args.made(if pattern.is_empty() { moment.iso() } else { moment::format(&moment, &pattern) })
}
