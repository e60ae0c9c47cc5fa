//! Numbers. All arithmetic is in doubles, as JavaScript's.

use rand::Rng;

use super::{Helper, Outcome, as_count, helper, spread};
use crate::template::limits;
use crate::template::render::Args;
use crate::template::value::{Value, exact_digits, exponential, js_number, round_digits};

#[rustfmt::skip]
pub(super) const HELPERS: &[Helper] = &[
    helper("abs", 1, "number", "The number without its sign.",
        ["{{abs a}}", r#"{"a":-12.5}"#, "12.5"], |args| one(args, f64::abs)),
    helper("add", 1, "number ...", "The sum. Lists are spread, missing values are left out.",
        [r#"{{add a "2" 3}}"#, r#"{"a":1}"#, "6"], sum),
    helper("avg", 1, "number ...", "The mean. Lists are spread, missing values are left out.",
        ["{{avg a}}", r#"{"a":[1,2,6]}"#, "3"], avg),
    helper("ceil", 1, "number", "The next whole number up.",
        ["{{ceil a}}", r#"{"a":2.01}"#, "3"], |args| one(args, f64::ceil)),
    helper("divide", 2, "number by", "The quotient. By zero is an error.",
        ["{{divide a 4}}", r#"{"a":10}"#, "2.5"], divide),
    helper("floor", 1, "number", "The next whole number down.",
        ["{{floor a}}", r#"{"a":3.99}"#, "3"], |args| one(args, f64::floor)),
    helper("modulo", 2, "number by", "What is left after a division, with the sign of the number.",
        ["{{modulo a 5}}", r#"{"a":17}"#, "2"], modulo),
    helper("multiply", 2, "number number ...", "The product.",
        [r#"{{multiply a "4.5"}}"#, r#"{"a":2}"#, "9"], multiply),
    helper("random", 1, "kind [length]",
        "Random characters: digits for the kind \"number\", letters and digits for \"crypto\" and \"uuid\". 32 of them unless a length is given, at most 1,024.",
        [r#"{{regexReplace (random "number" 6) "digits" "^\d{6}$"}}"#, "{}", "digits"], random),
    helper("round", 1, "number", "The nearest whole number; halves go up.",
        ["{{round a}} {{round -2.5}}", r#"{"a":2.5}"#, "3 -2"], |args| one(args, round)),
    helper("subtract", 2, "number number", "The first less the second.",
        [r#"{{subtract a "3"}}"#, r#"{"a":6}"#, "3"], |args| two(args, |a, b| a - b)),
    helper("sum", 1, "number ...", "The same as add.",
        ["{{sum amounts}}", r#"{"amounts":[2,"5",7.5]}"#, "14.5"], sum),
    helper("toExponential", 1, "number [digits]", "The number with an exponent; as many digits after the point as asked for, or as are needed.",
        ["{{toExponential a 2}}", r#"{"a":12345}"#, "1.23e+4"], to_exponential),
    helper("toFixed", 1, "number [digits=0]", "The number with so many digits after the point, from its exact value, halves away from zero.",
        ["{{toFixed a 2}}", r#"{"a":"29.7777"}"#, "29.78"], to_fixed),
    helper("toPrecision", 1, "number [digits]", "The number with so many digits in all.",
        ["{{toPrecision a 4}}", r#"{"a":123.456}"#, "123.5"], to_precision),
];

fn finite<'a>(args: &Args<'_, 'a>, number: f64) -> Outcome<'a> {
    if number.is_finite() { Ok(Value::Num(number)) } else { Err(args.error("not finite")) }
}

fn one<'a>(args: &Args<'_, 'a>, compute: fn(f64) -> f64) -> Outcome<'a> {
    match args.number(0)? {
        Some(number) => finite(args, compute(number)),
        None => Ok(Value::Missing),
    }
}

fn two<'a>(args: &Args<'_, 'a>, compute: fn(f64, f64) -> f64) -> Outcome<'a> {
    match (args.number(0)?, args.number(1)?) {
        (Some(first), Some(second)) => finite(args, compute(first, second)),
        _ => Ok(Value::Missing),
    }
}

/// `Math.round`: halves go up, and 0.49999999999999994 goes down.
fn round(number: f64) -> f64 {
    let floor = number.floor();
    if number - floor >= 0.5 { floor + 1.0 } else { floor }
}

fn numbers(args: &Args<'_, '_>) -> Result<Vec<f64>, crate::template::RenderError> {
    let mut numbers = Vec::new();
    for value in spread(args.values) {
        numbers.extend(args.number_of(&value)?);
    }
    Ok(numbers)
}

fn sum<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let numbers = numbers(args)?;
    if numbers.is_empty() {
        return Ok(Value::Missing);
    }
    finite(args, numbers.iter().sum())
}

#[expect(clippy::cast_precision_loss, reason = "a list is far shorter than 2^53")]
fn avg<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let numbers = numbers(args)?;
    if numbers.is_empty() {
        return Ok(Value::Missing);
    }
    finite(args, numbers.iter().sum::<f64>() / numbers.len() as f64)
}

fn multiply<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let mut product = 1.0;
    for at in 0..args.values.len() {
        match args.number(at)? {
            Some(number) => product *= number,
            None => return Ok(Value::Missing),
        }
    }
    finite(args, product)
}

fn divide<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    if args.number(1)? == Some(0.0) && args.number(0)?.is_some() {
        return Err(args.error("division by zero"));
    }
    two(args, |a, b| a / b)
}

fn modulo<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    if args.number(1)? == Some(0.0) && args.number(0)?.is_some() {
        return Err(args.error("division by zero"));
    }
    two(args, |a, b| a % b)
}

fn random<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let letters: &[u8] = match &*args.text(0) {
        "number" => b"0123456789",
        "crypto" | "uuid" => b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        other => return Err(args.error(format_args!("unknown kind {other}: number, crypto or uuid"))),
    };
    let length =
        match args.number_of(if args.values.len() > 1 { args.get(1) } else { args.named("length") })? {
            None => 32,
            Some(length) => as_count(length).ok_or_else(|| args.error("the length is below zero"))?,
        };
    if length > limits::RANDOM {
        return Err(args.error(format_args!("length over the limit of {}", limits::RANDOM)));
    }
    let mut rng = rand::rng();
    let text: String = (0..length)
        .filter_map(|_| letters.get(rng.random_range(0..letters.len())).copied().map(char::from))
        .collect();
    args.made(text)
}

/// The digits argument, from `least` to 100.
fn digits(args: &Args<'_, '_>, least: usize) -> Result<Option<usize>, crate::template::RenderError> {
    let Some(number) = args.number(1)? else { return Ok(None) };
    match as_count(number.trunc()) {
        Some(digits) if (least..=100).contains(&digits) => Ok(Some(digits)),
        _ => Err(args.error(format_args!("digits must be {least} to 100"))),
    }
}

fn signed(number: f64, text: String) -> String {
    let negative = number < 0.0 && text.bytes().any(|digit| matches!(digit, b'1'..=b'9'));
    if negative { format!("-{text}") } else { text }
}

fn to_fixed<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let digits = digits(args, 0)?.unwrap_or(0);
    let Some(number) = args.number(0)? else { return Ok(Value::Missing) };
    args.made(fixed(number, digits))
}

/// `toFixed` of JavaScript, without its `-0`.
pub(super) fn fixed(number: f64, digits: usize) -> String {
    if number.abs() >= 1e21 {
        return js_number(number);
    }
    let (exact, first) = exact_digits(number);
    // Digits before the point, which may be below zero for small fractions.
    let keep = i64::from(first) + 1 + i64::try_from(digits).unwrap_or(0);
    let mut text = match usize::try_from(keep) {
        Ok(keep) => round_digits(&exact, keep).0,
        Err(_) => String::new(),
    };
    let least = digits + 1;
    if text.len() < least {
        text = format!("{}{text}", "0".repeat(least - text.len()));
    }
    let (before, after) = text.split_at(text.len() - digits);
    let text = if digits == 0 { before.to_owned() } else { format!("{before}.{after}") };
    signed(number, text)
}

/// The first digits of a number, rounded, and the power of ten of the first.
fn significant(number: f64, count: usize) -> (String, i32) {
    if number == 0.0 {
        return ("0".repeat(count), 0);
    }
    let (exact, first) = exact_digits(number);
    let (mut rounded, carried) = round_digits(&exact, count);
    rounded.truncate(count);
    (rounded, first + i32::from(carried))
}

fn to_exponential<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let digits = digits(args, 0)?;
    let Some(number) = args.number(0)? else { return Ok(Value::Missing) };
    let (text, exponent) = if let Some(digits) = digits {
        significant(number, digits + 1)
    } else {
        let shortest = format!("{:e}", number.abs());
        let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
        (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
    };
    args.made(signed(number, exponential(&text, exponent)))
}

fn to_precision<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let Some(precision) = digits(args, 1)? else { return one(args, |number| number) };
    let Some(number) = args.number(0)? else { return Ok(Value::Missing) };
    let (text, exponent) = significant(number, precision);
    let count = i32::try_from(precision).unwrap_or(i32::MAX);
    let text = if exponent < -6 || exponent >= count {
        exponential(&text, exponent)
    } else if exponent < 0 {
        format!("0.{}{text}", "0".repeat(usize::try_from(-exponent - 1).unwrap_or(0)))
    } else {
        let (whole, fraction) = text.split_at(usize::try_from(exponent + 1).unwrap_or(0).min(text.len()));
        if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
    };
    args.made(signed(number, text))
}
