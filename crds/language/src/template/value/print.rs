//! The one printer: what a value's text is, wherever a text is wanted.
//!
//! Lists print their elements with commas between, as JavaScript does; whatever holds a map prints
//! as the compact JSON of the whole. Both walk the nodes of a doc one by one, whatever the nesting.

use std::borrow::Cow;

use super::doc::{Kind, Spot, unescape};
use super::number::js_number;
use super::{List, Map, Value};

/// The text of a value.
pub(in crate::template) fn text<'v>(value: &'v Value<'_>) -> Cow<'v, str> {
    match value {
        Value::Missing | Value::Null => Cow::Borrowed(""),
        Value::Bool(bool) => Cow::Borrowed(if *bool { "true" } else { "false" }),
        Value::Int(text) | Value::Text(text) => Cow::Borrowed(text),
        Value::Num(number) => Cow::Owned(js_number(*number)),
        Value::List(list) if holds_map(list) => Cow::Owned(json_text(value)),
        Value::List(list) => {
            let mut out = String::new();
            with_commas(list, &mut out);
            Cow::Owned(out)
        }
        Value::Map(_) => Cow::Owned(json_text(value)),
    }
}

/// Compact JSON; what is missing is `null`.
pub(in crate::template) fn json_text(value: &Value<'_>) -> String {
    let mut out = String::new();
    write_json(value, &mut out);
    out
}

fn write_json(value: &Value<'_>, out: &mut String) {
    match value {
        Value::Text(text) => quote(text, out),
        Value::Missing | Value::Null => out.push_str("null"),
        Value::List(List::Doc(spot)) | Value::Map(Map(spot)) => write_spot(spot, out),
        // Helpers make flat lists, so this goes one level down.
        Value::List(List::Own(items)) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                comma(at, out);
                write_json(item, out);
            }
            out.push(']');
        }
        other => out.push_str(&text(other)),
    }
}

fn write_spot(spot: &Spot<'_>, out: &mut String) {
    // What is open: where it ends, its closing letter, and how many nodes of it are written.
    let mut open: Vec<(u32, char, usize)> = Vec::new();
    let first = spot.index();
    for (at, (node, raw)) in (first..).zip(spot.walk()) {
        close(&mut open, at, out);
        if let Some((_, closing, written)) = open.last_mut() {
            let is_value = *closing == '}' && *written % 2 == 1;
            if is_value {
                out.push(':');
            } else {
                comma(*written, out);
            }
            *written += 1;
        }
        match node.kind {
            Kind::Null => out.push_str("null"),
            Kind::True => out.push_str("true"),
            Kind::False => out.push_str("false"),
            Kind::Int => out.push_str(if raw == "-0" { "0" } else { raw }),
            Kind::Number => match raw.parse::<f64>() {
                Ok(number) if number.is_finite() => out.push_str(&js_number(number)),
                _ => out.push_str(raw),
            },
            Kind::Text => {
                out.push('"');
                out.push_str(raw);
                out.push('"');
            }
            Kind::Escaped => quote(&unescape(raw), out),
            Kind::List => {
                out.push('[');
                open.push((node.next, ']', 0));
            }
            Kind::Map => {
                out.push('{');
                open.push((node.next, '}', 0));
            }
        }
    }
    close(&mut open, u32::MAX, out);
}

fn close(open: &mut Vec<(u32, char, usize)>, at: u32, out: &mut String) {
    while let Some((_, closing, _)) = open.pop_if(|(end, ..)| *end <= at) {
        out.push(closing);
    }
}

fn comma(before: usize, out: &mut String) {
    if before > 0 {
        out.push(',');
    }
}

fn holds_map(list: &List<'_>) -> bool {
    match list {
        List::Doc(spot) => spot.walk().any(|(node, _)| node.kind == Kind::Map),
        List::Own(items) => items.iter().any(|item| match item {
            Value::Map(_) => true,
            Value::List(list) => holds_map(list),
            _ => false,
        }),
    }
}

/// The elements with commas between; lists in lists lose their brackets.
fn with_commas(list: &List<'_>, out: &mut String) {
    if let List::Doc(spot) = list {
        // As JSON, with brackets and quotes left out: a comma stands before every node that is
        // not the first of its list.
        let mut open: Vec<(u32, usize)> = Vec::new();
        for (at, (node, raw)) in (spot.index()..).zip(spot.walk()) {
            while open.pop_if(|(end, _)| *end <= at).is_some() {}
            if let Some((_, written)) = open.last_mut() {
                comma(*written, out);
                *written += 1;
            }
            match node.kind {
                Kind::List | Kind::Map => open.push((node.next, 0)),
                Kind::Null => {}
                Kind::Text => out.push_str(raw),
                Kind::Escaped => out.push_str(&unescape(raw)),
                Kind::Number => match raw.parse::<f64>() {
                    Ok(number) if number.is_finite() => out.push_str(&js_number(number)),
                    _ => out.push_str(raw),
                },
                Kind::True => out.push_str("true"),
                Kind::False => out.push_str("false"),
                Kind::Int => out.push_str(if raw == "-0" { "0" } else { raw }),
            }
        }
        return;
    }
    for (at, item) in list.items().iter().enumerate() {
        comma(at, out);
        match item {
            Value::List(list) => with_commas(list, out),
            plain => out.push_str(&text(plain)),
        }
    }
}

/// A JSON string with its quotes, escaped as `JSON.stringify` does.
fn quote(text: &str, out: &mut String) {
    out.push('"');
    escape_json(text, out);
    out.push('"');
}

/// The inside of a JSON string.
pub(in crate::template) fn escape_json(text: &str, out: &mut String) {
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            control if control < ' ' => {
                out.push_str("\\u00");
                for half in [u32::from(control) >> 4, u32::from(control) & 15] {
                    out.push(char::from_digit(half, 16).unwrap_or('0'));
                }
            }
            plain => out.push(plain),
        }
    }
}
