//! Texts. Lengths and positions count Unicode scalar values.

use super::{Helper, Outcome, as_count, helper, spread};
use crate::template::RenderError;
use crate::template::limits;
use crate::template::render::Args;
use crate::template::scan::is_space;
use crate::template::value::{self, Value};

#[rustfmt::skip]
pub(super) const HELPERS: &[Helper] = &[
    helper("join", 2, "separator value ...", "The values with the separator between. Lists are spread; a missing value is an empty part, so that keys of different records stay apart.",
        [r#"{{join "_" portalId objectId}}"#, r#"{"portalId":33,"objectId":1246965}"#, "33_1246965"], join),
    helper("lowercase", 1, "text", "The text in small letters.",
        ["{{lowercase a}}", r#"{"a":"ÀBC"}"#, "àbc"], |args| args.made(args.text(0).to_lowercase())),
    helper("occurrences", 2, "text part", "How often the part is in the text, without overlap.",
        [r#"{{occurrences a "/"}}"#, r#"{"a":"x/y/z"}"#, "2"], occurrences),
    helper("padLeft", 2, "text length [pad=\" \"]", "The text, filled up in front to the length, at most 999,999.",
        [r#"{{padLeft a 6 "0"}}"#, r#"{"a":42}"#, "000042"], |args| pad(args, true)),
    helper("padRight", 2, "text length [pad=\" \"]", "The text, filled up behind to the length, at most 999,999.",
        [r#"{{padRight a 6 "*"}}"#, r#"{"a":"XYZ"}"#, "XYZ***"], |args| pad(args, false)),
    helper("removefirst", 2, "text part", "The text without the first place of the part.",
        [r#"{{removefirst a "a"}}"#, r#"{"a":"a.b.a"}"#, ".b.a"], |args| replace(args, "", 1)),
    helper("replace", 3, "text part by", "The text with every place of the part replaced. Both are plain text; for patterns there is regexReplace.",
        [r#"{{replace a "+" " and "}}"#, r#"{"a":"x+y"}"#, "x and y"], |args| replace(args, &args.text(2), usize::MAX)),
    helper("replacefirst", 3, "text part by", "The text with the first place of the part replaced.",
        [r#"{{replacefirst a "a" "z"}}"#, r#"{"a":"a.b.a"}"#, "z.b.a"], |args| replace(args, &args.text(2), 1)),
    helper("reverse", 1, "text", "The text from its end to its start.",
        ["{{reverse a}}", r#"{"a":"abc"}"#, "cba"], |args| args.made(args.text(0).chars().rev().collect())),
    helper("sanitize", 1, "text", "The text without `<...>` tags.",
        ["{{sanitize a}}", r#"{"a":"<b>Hi</b> you"}"#, "Hi you"], sanitize),
    helper("split", 2, "text separator [index=0]", "One part of the text, the first unless an index is given; empty when there is none.",
        [r#"{{split a "-" 1}}"#, r#"{"a":"one-two"}"#, "two"], split),
    helper("substring", 2, "text from [to]", "The text from one position up to another, or to its end.",
        ["{{substring a 0 4}}", r#"{"a":"itemcode"}"#, "item"], substring),
    helper("trim", 1, "text", "The text without white space around it.",
        ["[{{trim a}}]", r#"{"a":"  x y  "}"#, "[x y]"], |args| args.made(args.text(0).trim_matches(is_space).to_owned())),
    helper("trimLeft", 1, "text", "The text without white space in front.",
        ["[{{trimLeft a}}]", r#"{"a":"  x "}"#, "[x ]"], |args| args.made(args.text(0).trim_start_matches(is_space).to_owned())),
    helper("trimRight", 1, "text", "The text without white space behind.",
        ["[{{trimRight a}}]", r#"{"a":" x  "}"#, "[ x]"], |args| args.made(args.text(0).trim_end_matches(is_space).to_owned())),
    helper("truncateWords", 2, "text count [suffix=\"…\"]", "The first words of the text, and the suffix when there were more.",
        ["{{truncateWords a 2}}", r#"{"a":"one two three"}"#, "one two…"], truncate_words),
    helper("uppercase", 1, "text", "The text in capital letters.",
        ["{{uppercase a}}", r#"{"a":"straße"}"#, "STRASSE"], |args| args.made(args.text(0).to_uppercase())),
];

fn join<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let separator = args.text(0);
    let mut out = String::new();
    for (at, part) in spread(args.values.get(1..).unwrap_or_default()).iter().enumerate() {
        if at > 0 {
            out.push_str(&separator);
        }
        out.push_str(&value::text(part));
        args.fits(out.len())?;
    }
    args.made(out)
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of all helpers")]
fn occurrences<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let (text, part) = (args.text(0), args.text(1));
    let found = if part.is_empty() { 0 } else { text.matches(&*part).count() };
    Ok(value::count(found))
}

/// A number that may be nonsense: `None` then, and for what is missing.
fn lenient(args: &Args<'_, '_>, at: usize) -> Option<f64> {
    args.number(at).ok().flatten()
}

fn pad<'a>(args: &Args<'_, 'a>, left: bool) -> Outcome<'a> {
    let text = args.text(0);
    let Some(length) = lenient(args, 1).and_then(as_count) else { return args.made(text.into_owned()) };
    if length > limits::PAD {
        return Err(args.error(format_args!("length over {}", limits::PAD)));
    }
    let pad = if args.values.len() > 2 { args.text(2) } else { " ".into() };
    let missing = length.saturating_sub(text.chars().count());
    args.fits(text.len() + missing)?;
    let fill: String = pad.chars().cycle().take(if pad.is_empty() { 0 } else { missing }).collect();
    args.made(if left { format!("{fill}{text}") } else { format!("{text}{fill}") })
}

fn replace<'a>(args: &Args<'_, 'a>, by: &str, most: usize) -> Outcome<'a> {
    let (text, part) = (args.text(0), args.text(1));
    if part.is_empty() {
        return args.made(text.into_owned());
    }
    let mut out = String::new();
    let mut rest = &*text;
    for _ in 0..most {
        let Some(at) = rest.find(&*part) else { break };
        out.push_str(rest.get(..at).unwrap_or_default());
        out.push_str(by);
        args.fits(out.len())?;
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    out.push_str(rest);
    args.made(out)
}

fn sanitize<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let text = args.text(0);
    let mut out = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some((before, after)) = rest.split_once('<') {
        let Some((_, behind)) = after.split_once('>') else { break };
        out.push_str(before);
        rest = behind;
    }
    out.push_str(rest);
    args.made(out)
}

fn split<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let (text, separator) = (args.text(0), args.text(1));
    let Some(index) = as_count(args.number(2)?.unwrap_or(0.0)) else { return Ok(Value::Missing) };
    let part = if separator.is_empty() {
        text.chars().nth(index).map(String::from)
    } else {
        text.split(&*separator).nth(index).map(str::to_owned)
    };
    args.made(part.unwrap_or_default())
}

fn substring<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let text = args.text(0);
    let length = text.chars().count();
    let position = |at: usize| -> Result<Option<usize>, RenderError> {
        Ok(args.number(at)?.map(|number| as_count(number.max(0.0)).unwrap_or(0).min(length)))
    };
    let (from, to) = (position(1)?.unwrap_or(0), position(2)?.unwrap_or(length));
    args.made(text.chars().skip(from.min(to)).take(from.abs_diff(to)).collect())
}

fn truncate_words<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let text = args.text(0);
    let Some(count) = lenient(args, 1).and_then(as_count) else { return Ok(Value::Missing) };
    let suffix = if args.values.len() > 2 { args.text(2) } else { "…".into() };
    let mut words = text.split(is_space).filter(|word| !word.is_empty());
    let kept: Vec<&str> = words.by_ref().take(count).collect();
    if words.next().is_none() {
        return args.made(text.into_owned());
    }
    args.made(format!("{}{suffix}", kept.join(" ")))
}
