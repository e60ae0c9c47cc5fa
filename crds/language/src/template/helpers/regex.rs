//! Patterns: JavaScript's syntax, bounded time.

use super::{Helper, Outcome, Wrong, as_count, helper};
use crate::template::RenderError;
use crate::template::limits::PATTERN_TIME;
use crate::template::pattern::{Match, Matcher, Pattern, Stopped};
use crate::template::program::Expr;
use crate::template::render::Args;
use crate::template::value::Value;

#[rustfmt::skip]
pub(super) const HELPERS: &[Helper] = &[
    helper("regexMatch", 2, "text pattern [index=0] [flags]", "The text of a match, the first unless an index is given; nothing without one. The flags may stand in the index's place.",
        [r#"{{regexMatch a "(?<=id=)\d+"}}"#, r#"{"a":"/m?id=42&x=1"}"#, "42"], find).checked(|args| check(args, "regexMatch", 1)),
    helper("regexReplace", 3, "text replacement pattern [flags]", "The text with the first match replaced, or with flag g all. In the replacement `$1`, `$<name>`, `$&` and `$$` mean groups, the match and a dollar sign.",
        [r#"{{regexReplace a "$2-$1" "(\d+)/(\d+)"}}"#, r#"{"a":"12/34"}"#, "34-12"], replace).checked(|args| check(args, "regexReplace", 2)),
    helper("regexSearch", 2, "text pattern [flags]", "The position of the first match, -1 without one.",
        [r#"{{regexSearch a "\."}}"#, r#"{"a":"Price $14.95"}"#, "9"], search).checked(|args| check(args, "regexSearch", 1)),
];

/// The pattern and flags that stand in the template as literals.
pub(in crate::template) fn literal_pattern(helper: &str, args: &[Expr]) -> Option<(String, String)> {
    let (at, flags) = match helper {
        "regexMatch" => {
            let third = args.get(2).and_then(Expr::literal_text).filter(|text| !is_number(text));
            (1, if third.is_some() { 2 } else { 3 })
        }
        "regexReplace" => (2, 3),
        "regexSearch" => (1, 2),
        _ => return None,
    };
    let pattern = args.get(at)?.literal_text()?;
    let flags = match args.get(flags) {
        None => "",
        Some(flags) => flags.literal_text()?,
    };
    Some((pattern.to_owned(), flags.to_owned()))
}

fn check(args: &mut [Expr], helper: &str, at: usize) -> Option<Wrong> {
    let (pattern, flags) = literal_pattern(helper, args)?;
    let reason = Pattern::new(&pattern, &flags).err()?;
    Some(Wrong {
        arg: Some(at),
        reason,
        remedy: "write a regular expression of JavaScript, without / around".to_owned(),
    })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn stopped(args: &Args<'_, '_>) -> RenderError {
    args.error(format_args!("the pattern took more than {} ms", PATTERN_TIME.as_millis()))
}

/// A pattern's steps are cheap: a thousand cost one of the template's.
fn settle(args: &Args<'_, '_>, matcher: &Matcher<'_, '_>) -> Result<(), RenderError> {
    args.render.budget.take(matcher.spent() / 1000)
}

fn find<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let (text, pattern) = (args.text(0), args.text(1));
    let third = args.get(2);
    let early = matches!(third, Value::Text(flags) if !flags.is_empty() && !is_number(flags));
    let flags = args.text(if early { 2 } else { 3 });
    let index = if early { 0.0 } else { args.number(2)?.unwrap_or(0.0) };
    let pattern = args.render.pattern(&pattern, &flags).map_err(|reason| args.error(reason))?;
    let Some(mut left) = as_count(index) else { return Ok(Value::Missing) };
    let mut matcher = Matcher::new(&pattern, &text);
    let mut from = 0;
    while from <= text.len() {
        let Some(found) = matcher.find(from).map_err(|Stopped| stopped(args))? else { break };
        if left == 0 {
            settle(args, &matcher)?;
            let range = found.group(0).unwrap_or(0..0);
            return args.made(text.get(range).unwrap_or_default().to_owned());
        }
        left -= 1;
        from = matcher.after(&found);
    }
    settle(args, &matcher)?;
    Ok(Value::Missing)
}

fn search<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let (text, pattern, flags) = (args.text(0), args.text(1), args.text(2));
    let pattern = args.render.pattern(&pattern, &flags).map_err(|reason| args.error(reason))?;
    let mut matcher = Matcher::new(&pattern, &text);
    let found = matcher.find(0).map_err(|Stopped| stopped(args))?;
    settle(args, &matcher)?;
    Ok(match found.and_then(|found| found.group(0)) {
        Some(range) => {
            crate::template::value::count(text.get(..range.start).unwrap_or_default().chars().count())
        }
        None => Value::Num(-1.0),
    })
}

fn replace<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let (text, by, pattern, flags) = (args.text(0), args.text(1), args.text(2), args.text(3));
    let pattern = args.render.pattern(&pattern, &flags).map_err(|reason| args.error(reason))?;
    let mut matcher = Matcher::new(&pattern, &text);
    let (mut out, mut from, mut copied) = (String::new(), 0, 0);
    while from <= text.len() {
        let Some(found) = matcher.find(from).map_err(|Stopped| stopped(args))? else { break };
        let range = found.group(0).unwrap_or(0..0);
        out.push_str(text.get(copied..range.start).unwrap_or_default());
        expand(&by, &text, &pattern, &found, &mut out);
        args.fits(out.len())?;
        copied = range.end;
        from = matcher.after(&found);
        if !pattern.is_global() {
            break;
        }
    }
    settle(args, &matcher)?;
    out.push_str(text.get(copied..).unwrap_or_default());
    args.made(out)
}

/// Writes the replacement: `$1`, `$12`, `$<name>`, `$&`, `` $` ``, `$'` and `$$`.
fn expand(by: &str, text: &str, pattern: &Pattern, found: &Match, out: &mut String) {
    let whole = found.group(0).unwrap_or(0..0);
    let group = |number: usize| found.group(number).and_then(|range| text.get(range)).unwrap_or_default();
    let mut rest = by;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let mut letters = after.chars();
        match letters.next() {
            Some('$') => out.push('$'),
            Some('&') => out.push_str(group(0)),
            Some('`') => out.push_str(text.get(..whole.start).unwrap_or_default()),
            Some('\'') => out.push_str(text.get(whole.end..).unwrap_or_default()),
            Some('<') if pattern.has_names() && after.contains('>') => {
                let (name, behind) =
                    after.get(1..).and_then(|after| after.split_once('>')).unwrap_or_default();
                out.push_str(pattern.group(name).map(group).unwrap_or_default());
                rest = behind;
                continue;
            }
            Some(digit @ '0'..='9') => {
                let one = digit.to_digit(10).unwrap_or(0) as usize;
                let two = letters
                    .clone()
                    .next()
                    .and_then(|next| next.to_digit(10))
                    .map(|next| one * 10 + next as usize);
                let known = |number: &usize| (1..found.groups()).contains(number);
                if let Some(number) = two.filter(known) {
                    letters.next();
                    out.push_str(group(number));
                } else if known(&one) {
                    out.push_str(group(one));
                } else {
                    out.push('$');
                    out.push(digit);
                }
            }
            _ => {
                out.push('$');
                rest = after;
                continue;
            }
        }
        rest = letters.as_str();
    }
    out.push_str(rest);
}
