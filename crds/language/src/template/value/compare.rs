//! JavaScript's `==`, `===` and `<`, exact for integers of any size.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::number::loose_number;
use super::print::text;
use super::{List, Map, Value};

/// `==`. Lists and maps equal themselves; a list also equals its text.
pub(in crate::template) fn loose_eq(one: &Value<'_>, two: &Value<'_>) -> bool {
    match (one, two) {
        (Value::Missing | Value::Null, other) | (other, Value::Missing | Value::Null) => other.is_nothing(),
        (Value::Text(one), Value::Text(two)) => one == two,
        (Value::List(_) | Value::Map(_), Value::List(_) | Value::Map(_)) => same(one, two),
        (Value::List(_), other) => loose_eq(&Value::Text(text(one)), other),
        (other, Value::List(_)) => loose_eq(other, &Value::Text(text(two))),
        (Value::Map(_), _) | (_, Value::Map(_)) => false,
        _ => numbers(one, two) == Some(Ordering::Equal),
    }
}

/// `===`.
pub(in crate::template) fn strict_eq(one: &Value<'_>, two: &Value<'_>) -> bool {
    match (one, two) {
        (Value::Missing, Value::Missing) | (Value::Null, Value::Null) => true,
        (Value::Bool(one), Value::Bool(two)) => one == two,
        (Value::Text(one), Value::Text(two)) => one == two,
        (Value::Int(_) | Value::Num(_), Value::Int(_) | Value::Num(_)) => {
            numbers(one, two) == Some(Ordering::Equal)
        }
        (Value::List(_) | Value::Map(_), Value::List(_) | Value::Map(_)) => same(one, two),
        _ => false,
    }
}

/// How two values stand to each other, or `None` when no `<` between them holds.
pub(in crate::template) type Order = Option<Ordering>;

/// `<`: two texts as text, all else as numbers.
pub(in crate::template) fn order(one: &Value<'_>, two: &Value<'_>) -> Order {
    let (one, two) = (primitive(one), primitive(two));
    match (&one, &two) {
        (Value::Text(one), Value::Text(two)) => Some(code_units(one, two)),
        _ => numbers(&one, &two),
    }
}

/// Texts by UTF-16 code units, as JavaScript orders them.
pub(in crate::template) fn code_units(one: &str, two: &str) -> Ordering {
    one.encode_utf16().cmp(two.encode_utf16())
}

fn primitive<'v>(value: &'v Value<'_>) -> Value<'v> {
    match value {
        Value::List(_) => Value::Text(text(value)),
        Value::Text(text) => Value::Text(Cow::Borrowed(text)),
        Value::Int(text) => Value::Int(Cow::Borrowed(text)),
        Value::Num(number) => Value::Num(*number),
        Value::Bool(bool) => Value::Bool(*bool),
        Value::Null => Value::Null,
        // An object is no number and no useful text: nothing is before or after it.
        Value::Missing | Value::Map(_) => Value::Missing,
    }
}

fn same(one: &Value<'_>, two: &Value<'_>) -> bool {
    match (one, two) {
        (Value::List(one), Value::List(two)) => List::same(one, two),
        (Value::Map(one), Value::Map(two)) => Map::same(one, two),
        _ => false,
    }
}

/// Both as numbers: exactly when both are integers, as doubles else.
fn numbers(one: &Value<'_>, two: &Value<'_>) -> Order {
    if let (Some(one), Some(two)) = (whole(one), whole(two)) {
        return Some(integers(one, two));
    }
    number(one).partial_cmp(&number(two))
}

fn whole<'v>(value: &'v Value<'_>) -> Option<&'v str> {
    let (Value::Int(text) | Value::Text(text)) = value else { return None };
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    plain.then_some(text)
}

fn integers(one: &str, two: &str) -> Ordering {
    fn split(text: &str) -> (bool, &str) {
        let digits = text.trim_start_matches('-').trim_start_matches('0');
        (text.starts_with('-') && !digits.is_empty(), digits)
    }
    let ((minus_one, one), (minus_two, two)) = (split(one), split(two));
    let sizes = one.len().cmp(&two.len()).then_with(|| one.cmp(two));
    match (minus_one, minus_two) {
        (false, false) => sizes,
        (true, true) => sizes.reverse(),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    }
}

fn number(value: &Value<'_>) -> f64 {
    match value {
        Value::Null => 0.0,
        Value::Bool(bool) => f64::from(u8::from(*bool)),
        Value::Num(number) => *number,
        Value::Int(text) | Value::Text(text) => loose_number(text),
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(text: &str) -> Value<'_> {
        Value::Int(text.into())
    }

    #[test]
    fn integers_beyond_a_double_are_told_apart() {
        assert!(!loose_eq(&int("9007199254740993"), &int("9007199254740992")));
        assert!(loose_eq(&int("9007199254740993"), &Value::text("9007199254740993")));
        assert_eq!(order(&int("-10"), &int("-9")), Some(Ordering::Less));
        assert_eq!(order(&int("100"), &int("99")), Some(Ordering::Greater));
    }

    #[test]
    fn texts_compare_as_text_and_with_numbers_as_numbers() {
        assert_eq!(order(&Value::text("9"), &Value::text("10")), Some(Ordering::Greater));
        assert_eq!(order(&Value::text("9"), &int("10")), Some(Ordering::Less));
        assert_eq!(order(&Value::text("x"), &int("10")), None);
    }
}
