//! Questions that give true or false, and kinds of values.

use super::{Helper, helper};
use crate::template::value::{self, Value, loose_eq};

#[rustfmt::skip]
pub(super) const HELPERS: &[Helper] = &[
    helper("eq", 2, "value value", "Whether the two are equal as `==` in JavaScript: 5 equals \"5\".",
        [r#"{{eq a "5"}}"#, r#"{"a":5}"#, "true"], |args| Ok(Value::Bool(loose_eq(args.get(0), args.get(1))))),
    helper("hasNoItems", 1, "value", "Whether a list or object is empty, or there is none.",
        ["{{hasNoItems a}}", r#"{"a":[]}"#, "true"], |args| Ok(Value::Bool(has_no_items(args.get(0))))),
    helper("hasOwn", 2, "object name", "Whether the object has a member of that name, null or not.",
        [r#"{{hasOwn a "b"}}"#, r#"{"a":{"b":null}}"#, "true"], |args| Ok(Value::Bool(has_own(args.get(0), &args.text(1))))),
    helper("isFalsey", 1, "value", "Whether the value is false, 0, empty text, null or missing.",
        ["{{isFalsey a}}", r#"{"a":0}"#, "true"], |args| Ok(Value::Bool(!args.get(0).is_true()))),
    helper("isTruthy", 1, "value", "The opposite of isFalsey. Lists and objects are true, empty or not.",
        ["{{isTruthy a}}", r#"{"a":"0"}"#, "true"], |args| Ok(Value::Bool(args.get(0).is_true()))),
    helper("typeOf", 1, "value", "string, number, boolean, array, object (null too) or undefined.",
        ["{{typeOf a}}", r#"{"a":[1]}"#, "array"], |args| Ok(Value::text(type_of(args.get(0))))),
];

fn has_no_items(value: &Value<'_>) -> bool {
    match value {
        Value::List(list) => list.len() == 0,
        Value::Map(map) => map.len() == 0,
        other => other.is_blank(),
    }
}

fn has_own(value: &Value<'_>, name: &str) -> bool {
    match value {
        Value::Map(map) => map.has(name),
        list @ Value::List(_) => !matches!(list.get(name), Value::Missing),
        _ => false,
    }
}

fn type_of(value: &Value<'_>) -> &'static str {
    match value {
        Value::Missing => "undefined",
        Value::Null | Value::Map(_) => "object",
        Value::Bool(_) => "boolean",
        Value::Int(_) | Value::Num(_) => "number",
        Value::Text(_) => "string",
        Value::List(_) => "array",
    }
}

/// The conditions of `some`.
pub(super) const CONDITIONS: [&str; 7] =
    ["isFalsy", "isTruthy", "isArray", "isString", "isObject", "isNumber", "isBoolean"];

/// Whether a condition of `some` holds; `None` when there is none of that name.
pub(super) fn holds(condition: &str, value: &Value<'_>) -> Option<bool> {
    Some(match condition {
        "isFalsy" => !value.is_true(),
        "isTruthy" => value.is_true(),
        "isArray" => matches!(value, Value::List(_)),
        "isString" => matches!(value, Value::Text(_)),
        "isObject" => matches!(value, Value::Map(_)),
        "isNumber" => matches!(value, Value::Int(_) | Value::Num(_)),
        "isBoolean" => matches!(value, Value::Bool(_)),
        _ => return None,
    })
}

/// The operators of `compare`.
pub(super) const OPERATORS: [&str; 8] = ["==", "===", "!=", "!==", "<", ">", "<=", ">="];

/// Whether `one op two` holds; `None` when there is no such operator.
pub(super) fn compare(one: &Value<'_>, operator: &str, two: &Value<'_>) -> Option<bool> {
    let order = || value::order(one, two);
    Some(match operator {
        "==" => loose_eq(one, two),
        "===" => value::strict_eq(one, two),
        "!=" => !loose_eq(one, two),
        "!==" => !value::strict_eq(one, two),
        "<" => order().is_some_and(std::cmp::Ordering::is_lt),
        ">" => order().is_some_and(std::cmp::Ordering::is_gt),
        "<=" => order().is_some_and(std::cmp::Ordering::is_le),
        ">=" => order().is_some_and(std::cmp::Ordering::is_ge),
        _ => return None,
    })
}
