//! Lists, and values found by name.

use std::collections::HashSet;

use super::{Helper, Outcome, as_count, helper};
use crate::template::render::Args;
use crate::template::value::{self, List, Value, code_units, js_number, numeric_text};

#[rustfmt::skip]
pub(super) const HELPERS: &[Helper] = &[
    helper("after", 2, "list count", "The list without its first elements.",
        ["{{after a 1}}", r#"{"a":["x","y","z"]}"#, "y,z"], |args| part(args, |items, count| items.into_iter().skip(count).collect())),
    helper("arrayify", 1, "value", "The value as a list of one; a list as it is; nothing as an empty list.",
        ["{{{jsonSerialize (arrayify a)}}}", r#"{"a":"x"}"#, r#"["x"]"#], arrayify),
    helper("before", 2, "list count", "The list without its last elements.",
        ["{{before a 1}}", r#"{"a":["x","y","z"]}"#, "x,y"], |args| part(args, |mut items, count| { items.truncate(items.len().saturating_sub(count)); items })),
    helper("first", 1, "list", "The first element.",
        ["{{first a}}", r#"{"a":["x","y"]}"#, "x"], |args| Ok(items(args).into_iter().next().unwrap_or(Value::Missing))),
    helper("getValue", 1, "path [default]", "The value at a path that is given as text, from the root everywhere; the default when there is none or null.",
        [r#"{{getValue "record.items.0.sku" "none"}}"#, r#"{"items":[{"sku":"A1"}]}"#, "A1"], get_value),
    helper("last", 1, "list", "The last element.",
        ["{{last a}}", r#"{"a":["x","y"]}"#, "y"], |args| Ok(items(args).pop().unwrap_or(Value::Missing))),
    helper("lookup", 2, "object name", "The member or element of that name.",
        [r"{{lookup settings.stages stage}}", r#"{"stage":"won","settings":{"stages":{"won":"Closed"}}}"#, "Closed"], lookup),
    helper("pluck", 2, "list path", "The value at the path in each element; null where there is none.",
        [r#"{{pluck a "d.t"}}"#, r#"{"a":[{"d":{"t":"x"}},{"d":{"t":"y"}}]}"#, "x,y"], pluck),
    helper("sort", 1, "list [number=\"true\"] [reverse=\"true\"]", "The list in order, as text unless number says else. The record is not changed.",
        [r#"{{sort a number="true"}}"#, r#"{"a":["10","9","1"]}"#, "1,9,10"], sort),
    helper("unique", 1, "list", "The list with the first of equal elements only; 1 and \"1\" differ.",
        ["{{unique a}}", r#"{"a":["x","y","x"]}"#, "x,y"], unique),
];

fn items<'a>(args: &Args<'_, 'a>) -> Vec<Value<'a>> {
    match args.get(0) {
        Value::List(list) => List::items(list),
        _ => Vec::new(),
    }
}

fn charge(args: &Args<'_, '_>) -> Result<(), crate::template::RenderError> {
    match args.get(0) {
        Value::List(list) => args.render.budget.take(list.len() / 16),
        _ => Ok(()),
    }
}

fn part<'a>(args: &Args<'_, 'a>, cut: fn(Vec<Value<'a>>, usize) -> Vec<Value<'a>>) -> Outcome<'a> {
    charge(args)?;
    let count = args.number(1)?.and_then(as_count).unwrap_or(0);
    if !matches!(args.get(0), Value::List(_)) {
        return Ok(Value::Missing);
    }
    Ok(Value::list(cut(items(args), count)))
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of all helpers")]
fn arrayify<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    Ok(match args.get(0) {
        nothing if nothing.is_nothing() => Value::list(Vec::new()),
        list @ Value::List(_) => list.clone(),
        other => Value::list(vec![other.clone()]),
    })
}

fn get_value<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let found = args.render.dig(&args.text(0))?;
    Ok(if found.is_nothing() { args.get(1).clone() } else { found })
}

/// handlebars.js: what is false is given back as it is.
#[expect(clippy::unnecessary_wraps, reason = "the shape of all helpers")]
fn lookup<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let object = args.get(0);
    if !object.is_true() {
        return Ok(object.clone());
    }
    Ok(object.get(&args.text(1)))
}

fn pluck<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    charge(args)?;
    let path = args.text(1);
    let found = items(args).into_iter().map(|item| match item.dig(&path) {
        Value::Missing => Value::Null,
        found => found,
    });
    Ok(Value::list(found.collect()))
}

fn sort<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    charge(args)?;
    let set = |name| matches!(&*value::text(args.named(name)), "true");
    let mut items: Vec<(String, Value<'a>)> =
        items(args).into_iter().map(|item| (value::text(&item).into_owned(), item)).collect();
    if set("number") {
        let number = |text: &str| numeric_text(text).unwrap_or(f64::INFINITY);
        items.sort_by(|(one, _), (two, _)| number(one).total_cmp(&number(two)));
    } else {
        items.sort_by(|(one, _), (two, _)| code_units(one, two));
    }
    if set("reverse") {
        items.reverse();
    }
    Ok(Value::list(items.into_iter().map(|(_, item)| item).collect()))
}

fn unique<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    charge(args)?;
    let mut seen = HashSet::new();
    let kept = items(args).into_iter().filter(|item| {
        let (kind, text) = match item {
            Value::Text(text) => ('t', text.to_string()),
            Value::Int(text) => {
                ('n', value::numeric_text(text).map_or_else(|| text.to_string(), |n| exact(text, n)))
            }
            Value::Num(number) => ('n', js_number(*number)),
            Value::Bool(bool) => ('b', bool.to_string()),
            Value::Missing | Value::Null => ('0', String::new()),
            // Two objects are never the same one.
            Value::List(_) | Value::Map(_) => return true,
        };
        seen.insert((kind, text))
    });
    Ok(Value::list(kept.collect()))
}

/// An integer that a double holds is written as the double, so that 1 and 1.0 are one.
fn exact(text: &str, number: f64) -> String {
    if text.len() <= 15 { js_number(number) } else { text.to_owned() }
}
