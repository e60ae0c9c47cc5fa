//! CEL by a grammar. Kinds fit mostly: what a check of types refuses is never evaluated.

use tests::Random;

/// What an expression is to be.
#[derive(Clone, Copy)]
enum Kind {
    Bool,
    Number,
    Text,
    List,
}

const BOOLS: [&str; 5] = ["true", "false", "has(event.a)", "event.b", "has(settings.x)"];
const NUMBERS: [&str; 9] = [
    "event.objectId",
    "event.a",
    "settings.n",
    "1",
    "0",
    "-9223372036854775808",
    "9223372036854775807",
    "size(event.b)",
    "x",
];
const TEXTS: [&str; 9] = [
    "event.subscriptionType",
    "event.propertyValue",
    "settings.region",
    "listener.name",
    "event[\"o d\"]",
    "\"contact.\"",
    "'é😀'",
    "r\"\\d+\"",
    "x",
];
const LISTS: [&str; 6] = ["event.b", "settings.list", "[1, 2]", "[\"a\"]", "[]", "[[1], [2]]"];
/// Right in form, and mostly wrong where they stand.
const ODD: [&str; 9] =
    ["event", "null", "x", "{}", "18446744073709551615u", "1.5e300", "b\"x\"", "event.b[0]", "\"(a+)+$\""];

pub(crate) fn cel(random: &mut Random) -> String {
    let mut text = String::new();
    let depth = if random.one_in(40) { 70 } else { 1 + random.below(4) };
    expression(random, Kind::Bool, depth, &mut text);
    text
}

fn expression(random: &mut Random, kind: Kind, depth: usize, text: &mut String) {
    if random.one_in(40) {
        text.push_str(random.word(&ODD));
        return;
    }
    // A filter has 4096 characters at most; a few more are tried.
    if depth == 0 || text.len() > 5_000 {
        text.push_str(random.word(match kind {
            Kind::Bool => &BOOLS,
            Kind::Number => &NUMBERS,
            Kind::Text => &TEXTS,
            Kind::List => &LISTS,
        }));
        return;
    }
    // Deep ones grow on one side, or they would be too long.
    let other = if depth > 5 { 0 } else { depth - 1 };
    if random.one_in(12) {
        text.push('(');
        expression(random, Kind::Bool, other, text);
        text.push_str(" ? ");
        expression(random, kind, depth - 1, text);
        text.push_str(" : ");
        expression(random, kind, other, text);
        text.push(')');
        return;
    }
    match kind {
        Kind::Bool => bool(random, depth - 1, other, text),
        Kind::Number => number(random, depth - 1, other, text),
        Kind::Text => self::text(random, depth - 1, other, text),
        Kind::List => list(random, depth - 1, other, text),
    }
}

fn bool(random: &mut Random, depth: usize, other: usize, text: &mut String) {
    match random.below(8) {
        0 | 1 => {
            text.push('(');
            expression(random, Kind::Bool, depth, text);
            text.push_str(random.word(&[" && ", " || ", " == ", " != "]));
            expression(random, Kind::Bool, other, text);
            text.push(')');
        }
        2 | 3 => {
            let kind = *random.of_list(&[Kind::Number, Kind::Text, Kind::List]);
            expression(random, kind, depth, text);
            let operators = if matches!(kind, Kind::List) {
                &[" == ", " != "][..]
            } else {
                &[" == ", " != ", " < ", " <= ", " > ", " >= "]
            };
            text.push_str(random.word(operators));
            expression(random, kind, other, text);
        }
        4 => {
            text.push_str("!(");
            expression(random, Kind::Bool, depth, text);
            text.push(')');
        }
        5 => {
            expression(random, Kind::Text, other, text);
            text.push_str(random.word(&[".startsWith(", ".endsWith(", ".contains(", ".matches("]));
            expression(random, Kind::Text, depth, text);
            text.push(')');
        }
        6 => {
            expression(random, Kind::List, other.min(1), text);
            text.push_str(random.word(&[".all(x, ", ".exists(x, ", ".exists_one(x, "]));
            expression(random, Kind::Bool, depth, text);
            text.push(')');
        }
        _ => {
            expression(random, Kind::Number, other, text);
            text.push_str(" in ");
            expression(random, Kind::List, depth, text);
        }
    }
}

fn number(random: &mut Random, depth: usize, other: usize, text: &mut String) {
    match random.below(4) {
        0 | 1 => {
            text.push('(');
            expression(random, Kind::Number, depth, text);
            text.push_str(random.word(&[" + ", " - ", " * ", " / ", " % "]));
            expression(random, Kind::Number, other, text);
            text.push(')');
        }
        2 => {
            text.push_str(random.word(&["size(", "int("]));
            expression(random, Kind::Text, depth, text);
            text.push(')');
        }
        _ => {
            expression(random, Kind::List, depth.min(2), text);
            text.push_str(".size()");
        }
    }
}

fn text(random: &mut Random, depth: usize, other: usize, text: &mut String) {
    match random.below(3) {
        0 => {
            text.push('(');
            expression(random, Kind::Text, depth, text);
            text.push_str(" + ");
            expression(random, Kind::Text, other, text);
            text.push(')');
        }
        1 => {
            text.push_str("string(");
            expression(random, Kind::Number, depth, text);
            text.push(')');
        }
        _ => {
            expression(random, Kind::Text, depth, text);
            text.push_str(random.word(&[".lowerAscii()", ".upperAscii()"]));
        }
    }
}

fn list(random: &mut Random, depth: usize, other: usize, text: &mut String) {
    match random.below(4) {
        0 => {
            expression(random, Kind::List, other.min(1), text);
            text.push_str(".map(x, ");
            expression(random, Kind::Number, depth, text);
            text.push(')');
        }
        1 => {
            expression(random, Kind::List, other.min(1), text);
            text.push_str(".filter(x, ");
            expression(random, Kind::Bool, depth, text);
            text.push(')');
        }
        2 => {
            text.push('[');
            for _ in 0..random.below(3) {
                expression(random, Kind::Number, other.min(1), text);
                text.push_str(", ");
            }
            expression(random, Kind::Number, depth, text);
            text.push(']');
        }
        _ => {
            text.push('(');
            expression(random, Kind::List, depth, text);
            text.push_str(" + ");
            expression(random, Kind::List, other, text);
            text.push(')');
        }
    }
}
