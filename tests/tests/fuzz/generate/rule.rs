//! Prefix rules, with as many arguments as they take mostly.

use serde_json::{Value, json};

use tests::Random;

const COMPARE: [&str; 10] = [
    "equals",
    "notequals",
    "greaterthan",
    "greaterthanequals",
    "lessthan",
    "lessthanequals",
    "contains",
    "doesnotcontain",
    "startswith",
    "endswith",
];

const CHANGE: [&str; 9] =
    ["string", "number", "boolean", "epochtime", "lowercase", "uppercase", "floor", "ceiling", "abs"];

/// A rule that decides.
pub(crate) fn rule(random: &mut Random) -> Value {
    let depth = if random.one_in(40) { 70 } else { random.below(4) };
    decision(random, depth)
}

fn decision(random: &mut Random, depth: usize) -> Value {
    if random.one_in(60) {
        return json!([*random.of_list(&["nonsense", "", "extract", "and"])]);
    }
    // Deep ones grow on one side, or they would be too long.
    let other = if depth > 4 { 0 } else { depth.saturating_sub(1) };
    match if depth == 0 { 3 + random.below(3) } else { random.below(6) } {
        0 => json!(["and", decision(random, depth - 1), decision(random, other)]),
        1 => json!(["or", decision(random, other), decision(random, depth - 1)]),
        2 => json!(["not", decision(random, depth - 1)]),
        3 => {
            let patterns = ["^a", "(a|b)*c", "[", "\\d{3}", "\u{1f600}", "", "(?=x)", "(a{99}){99}"];
            json!(["matches", value(random, depth), *random.of_list(&patterns)])
        }
        4 => json!([*random.of_list(&["empty", "notempty"]), value(random, depth)]),
        _ => json!([*random.of_list(&COMPARE), value(random, depth), value(random, other)]),
    }
}

fn value(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 4 } else { 6 }) {
        0 => {
            let paths =
                ["a", "a.b[0].c", "propertyValue", "objectId", "b.0", "subscriptionType", "", "..", "[["];
            let known = if random.one_in(20) { paths.len() } else { 6 };
            json!(["extract", *random.of_list(&paths[..known])])
        }
        1 => json!(["settings", *random.of_list(&["region", "list.1.a", "n", "x"])]),
        2 => json!(*random.of_list(&["a", "2026-02-29", "9007199254740993", "contact.", "1e400", ""])),
        3 => {
            random.of_list(&[json!(null), json!(true), json!(1.5), json!(9_007_199_254_740_993_u64)]).clone()
        }
        _ => json!([*random.of_list(&CHANGE), value(random, depth - 1)]),
    }
}
