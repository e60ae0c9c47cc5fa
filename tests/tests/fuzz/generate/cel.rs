//! CEL by a grammar.

use crate::random::Random;

const LEAVES: [&str; 20] = [
    "event.a",
    "event.b",
    "event.objectId",
    "event.subscriptionType",
    "event.propertyValue",
    "event[\"o d\"]",
    "event.b[0]",
    "event",
    "settings.region",
    "settings.list",
    "settings.n",
    "listener.name",
    "x",
    "null",
    "true",
    "1",
    "-9223372036854775808",
    "18446744073709551615u",
    "1.5e300",
    "\"contact.\"",
];

const BINARY: [&str; 15] =
    ["==", "!=", "<", "<=", ">", ">=", "in", "&&", "||", "+", "-", "*", "/", "%", "&&"];

const METHODS: [&str; 7] =
    ["startsWith", "endsWith", "contains", "matches", "lowerAscii", "upperAscii", "size"];

const MACROS: [&str; 5] = ["all", "exists", "exists_one", "filter", "map"];

const FUNCTIONS: [&str; 7] = ["has", "size", "string", "int", "uint", "double", "bool"];

pub(crate) fn cel(random: &mut Random) -> String {
    let mut text = String::new();
    let depth = if random.one_in(40) { 70 } else { 2 + random.below(3) };
    expression(random, depth, &mut text);
    text
}

fn expression(random: &mut Random, depth: usize, text: &mut String) {
    // A filter has 4096 characters at most; a few more are tried.
    if depth == 0 || text.len() > 5_000 {
        text.push_str(random.of_list(&LEAVES));
        return;
    }
    // Deep ones grow on one side, or they would be too long.
    let other = if depth > 6 { 0 } else { depth - 1 };
    match random.below(12) {
        0..4 => {
            expression(random, depth - 1, text);
            text.push(' ');
            text.push_str(random.of_list(&BINARY));
            text.push(' ');
            expression(random, other, text);
        }
        4 => {
            text.push('!');
            expression(random, depth - 1, text);
        }
        5 => {
            text.push('(');
            expression(random, depth - 1, text);
            text.push(')');
        }
        6 => {
            expression(random, other, text);
            text.push_str(" ? ");
            expression(random, depth - 1, text);
            text.push_str(" : ");
            expression(random, other, text);
        }
        7 => {
            expression(random, other.min(1), text);
            text.push('.');
            text.push_str(random.of_list(&METHODS));
            text.push('(');
            if !random.one_in(3) {
                expression(random, depth - 1, text);
            }
            text.push(')');
        }
        8 => {
            text.push_str(random.of_list(&[
                "event.b",
                "settings.list",
                "[1, 2, \"a\"]",
                "event",
                "[[1], [2]]",
            ]));
            text.push('.');
            text.push_str(random.of_list(&MACROS));
            text.push_str("(x, ");
            expression(random, depth - 1, text);
            text.push(')');
        }
        9 => {
            text.push_str(random.of_list(&FUNCTIONS));
            text.push('(');
            expression(random, depth - 1, text);
            text.push(')');
        }
        10 => {
            text.push('[');
            for _ in 0..random.below(4) {
                expression(random, other.min(1), text);
                text.push(',');
            }
            expression(random, depth - 1, text);
            text.push(']');
        }
        _ => text.push_str(random.of_list(&[
            "\"(a+)+$\"",
            "\"[\"",
            "'x'",
            "r\"\\d\"",
            "{}",
            "{\"a\": 1}",
            "b\"x\"",
        ])),
    }
}
