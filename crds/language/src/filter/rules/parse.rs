//! From a text to a [`Plan`], or to what is wrong with it.

use std::ops::Range;

use super::rule::{Change, Compare, OPERATORS, Plan, Rule};
use crate::event::{Scanner, Wrong, lossy, string};
use crate::filter::MAX_DEPTH;
use crate::filter::cel::{pattern, pattern_mistake};
use crate::filter::fuel::Fuel;
use crate::filter::place::mistake;
use crate::filter::value::{Literal, Val};
use crate::mistake::Mistake;

/// Whether `text` is meant to be rules: it begins as they do, and does not go on as a CEL list does,
/// in `["a", "b"].exists(x, x == event.y)`.
pub(in crate::filter) fn are_meant(text: &str) -> bool {
    let begins = text.trim_start().strip_prefix('[').is_some_and(|inner| {
        let inner = inner.trim_start();
        inner.starts_with(['"', '“', '”']) || matches!(inner.trim_end(), "" | "]")
    });
    let mut scanner = Scanner::new(text.as_bytes());
    scanner.space();
    let array = scanner.value().is_ok();
    scanner.space();
    let goes_on = scanner.peek().is_some_and(|next| b".[=!<>+?&|i".contains(&next));
    begins && !(array && goes_on)
}

/// Compiles `text`.
pub(in crate::filter) fn compile(text: &str) -> Result<Plan, Mistake> {
    check(text)?;
    let mut parser = Parser { text, scanner: Scanner::new(text.as_bytes()), wanted: Vec::new() };
    parser.scanner.space();
    let rule = parser.rule(0)?;
    if !rule.rule.may_decide() {
        let remedy = "put a comparison around it, as in `[\"equals\", [\"extract\", \"status\"], \"open\"]`";
        return Err(mistake(text, rule.at, "the rule gives neither true nor false", remedy));
    }
    Ok(Plan { wanted: parser.wanted, root: rule.rule })
}

/// Whether it is JSON at all.
fn check(text: &str) -> Result<(), Mistake> {
    let mut scanner = Scanner::new(text.as_bytes());
    scanner.space();
    let read = scanner.value().map(|_| scanner.space());
    let wrong = match (read, scanner.peek()) {
        (Err(wrong), _) => wrong,
        (Ok(()), Some(_)) => scanner.wrong("something follows the rule"),
        (Ok(()), None) => return Ok(()),
    };
    let Wrong { at, what } = wrong;
    // Never within a character: the scanner stops at its first byte.
    let end = text.get(at..).and_then(|rest| rest.chars().next()).map_or(at, |next| at + next.len_utf8());
    let quotes = text.get(at..end).is_some_and(|piece| "“”„‘’'".contains(piece) && !piece.is_empty());
    let remedy = if quotes { "write a plain \"" } else { "a filter that begins with `[` has to be JSON" };
    Err(mistake(text, at..end, what, remedy))
}

/// A rule and where it stands.
struct Placed {
    rule: Rule,
    at: Range<usize>,
}

struct Parser<'t> {
    text: &'t str,
    scanner: Scanner<'t>,
    wanted: Vec<Box<str>>,
}

impl Parser<'_> {
    fn rule(&mut self, depth: usize) -> Result<Placed, Mistake> {
        let start = self.scanner.at();
        if depth > MAX_DEPTH {
            let reason = format!("the rules nest more than {MAX_DEPTH} deep");
            return Err(mistake(self.text, start..start + 1, reason, "make the filter simpler"));
        }
        if !self.scanner.take(b'[') {
            return self.literal();
        }
        self.scanner.space();
        let name_at = self.scanner.at();
        let written = self.scanner.value().unwrap_or_default();
        let name_at = name_at..self.scanner.at();
        let Some(name) = string(written).map(lossy) else {
            let remedy = format!("begin with one of: {OPERATORS}");
            return Err(mistake(self.text, name_at, "an operator in quotes is expected", remedy));
        };
        let mut given = Vec::new();
        self.scanner.space();
        while self.scanner.take(b',') {
            self.scanner.space();
            given.push(self.rule(depth + 1)?);
            self.scanner.space();
        }
        self.scanner.take(b']');
        let rule = self.build(&name, name_at, given)?;
        Ok(Placed { rule, at: start..self.scanner.at() })
    }

    fn literal(&mut self) -> Result<Placed, Mistake> {
        let start = self.scanner.at();
        let written = self.scanner.value().unwrap_or_default();
        let at = start..self.scanner.at();
        let literal = match Val::of(&Fuel::new(), written) {
            Ok(Val::Null) => Literal::Null,
            Ok(Val::Bool(bool)) => Literal::Bool(bool),
            Ok(Val::Int(int)) => Literal::Int(int),
            Ok(Val::Uint(uint)) => Literal::Uint(uint),
            Ok(Val::Double(double)) => Literal::Double(double),
            Ok(Val::Text(text)) => Literal::Text(text.as_str().into()),
            _ => {
                let remedy = "write text, a number, true, false, null, or a rule in `[` and `]`";
                return Err(mistake(self.text, at, "an object cannot be used", remedy));
            }
        };
        Ok(Placed { rule: Rule::Literal(literal), at })
    }

    fn build(&mut self, name: &str, at: Range<usize>, given: Vec<Placed>) -> Result<Rule, Mistake> {
        let compare = |compare| {
            move |[left, right]: [Placed; 2]| {
                Rule::Compare(compare, Box::new(left.rule), Box::new(right.rule))
            }
        };
        let change = |change| move |[of]: [Placed; 1]| Rule::Change(change, Box::new(of.rule));
        let not = |rule| Rule::Not(Box::new(rule));
        let empty = |[of]: [Placed; 1]| Rule::Empty(Box::new(of.rule));
        let text = self.text;
        Ok(match name.to_ascii_lowercase().as_str() {
            "and" => Rule::And(deciding(text, at, given)?),
            "or" => Rule::Or(deciding(text, at, given)?),
            "not" => {
                let [of] = exactly(text, at.clone(), given)?;
                not(deciding(text, at, vec![of])?.pop().unwrap_or(Rule::Literal(Literal::Bool(false))))
            }
            "equals" => compare(Compare::Equals)(exactly(text, at, given)?),
            "notequals" => not(compare(Compare::Equals)(exactly(text, at, given)?)),
            "greaterthan" => compare(Compare::GreaterThan)(exactly(text, at, given)?),
            "greaterthanequals" => compare(Compare::GreaterThanEquals)(exactly(text, at, given)?),
            "lessthan" => compare(Compare::LessThan)(exactly(text, at, given)?),
            "lessthanequals" => compare(Compare::LessThanEquals)(exactly(text, at, given)?),
            "contains" => compare(Compare::Contains)(exactly(text, at, given)?),
            "doesnotcontain" => not(compare(Compare::Contains)(exactly(text, at, given)?)),
            "startswith" => compare(Compare::StartsWith)(exactly(text, at, given)?),
            "endswith" => compare(Compare::EndsWith)(exactly(text, at, given)?),
            "matches" => self.matches(at, given)?,
            "empty" => empty(exactly(text, at, given)?),
            "notempty" => not(empty(exactly(text, at, given)?)),
            "extract" => self.extract(at, given)?,
            "settings" => self.settings(at, given)?,
            "string" => change(Change::String)(exactly(text, at, given)?),
            "number" => change(Change::Number)(exactly(text, at, given)?),
            "boolean" => change(Change::Boolean)(exactly(text, at, given)?),
            "epochtime" => change(Change::Epochtime)(exactly(text, at, given)?),
            "lowercase" => change(Change::Lowercase)(exactly(text, at, given)?),
            "uppercase" => change(Change::Uppercase)(exactly(text, at, given)?),
            "floor" => change(Change::Floor)(exactly(text, at, given)?),
            "ceiling" => change(Change::Ceiling)(exactly(text, at, given)?),
            "abs" => change(Change::Abs)(exactly(text, at, given)?),
            _ => {
                let reason = "no operator is called like this";
                return Err(mistake(text, at, reason, format!("use one of: {OPERATORS}")));
            }
        })
    }

    fn matches(&mut self, at: Range<usize>, given: Vec<Placed>) -> Result<Rule, Mistake> {
        let [of, by] = exactly(self.text, at, given)?;
        let Rule::Literal(Literal::Text(text)) = &by.rule else {
            let remedy = "write the pattern in quotes, as in `[\"matches\", [\"extract\", \"email\"], \"@example\\\\.com$\"]`";
            return Err(mistake(self.text, by.at, "a pattern is expected", remedy));
        };
        let pattern = pattern(text).map_err(|error| pattern_mistake(self.text, by.at, &error))?;
        Ok(Rule::Matches(Box::new(of.rule), pattern))
    }

    fn extract(&mut self, at: Range<usize>, given: Vec<Placed>) -> Result<Rule, Mistake> {
        let (first, rest) = self.path(at, given)?;
        let place = self.wanted.iter().position(|wanted| *wanted == first).unwrap_or_else(|| {
            self.wanted.push(first);
            self.wanted.len() - 1
        });
        Ok(Rule::Extract(place, rest))
    }

    fn settings(&mut self, at: Range<usize>, given: Vec<Placed>) -> Result<Rule, Mistake> {
        let (first, rest) = self.path(at, given)?;
        Ok(Rule::Settings(first, rest))
    }

    /// The parts of a path such as `a.b[0].c`.
    fn path(&self, at: Range<usize>, given: Vec<Placed>) -> Result<(Box<str>, Vec<Box<str>>), Mistake> {
        let [path] = exactly(self.text, at, given)?;
        let Rule::Literal(Literal::Text(text)) = &path.rule else {
            let remedy = "write its name in quotes, as in `[\"extract\", \"objectId\"]`";
            return Err(mistake(self.text, path.at, "the name of a member is expected", remedy));
        };
        let mut parts = text.split(['.', '[']).map(|part| part.strip_suffix(']').unwrap_or(part));
        let parts: Vec<Box<str>> = parts.by_ref().filter(|part| !part.is_empty()).map(Box::from).collect();
        let mut parts = parts.into_iter();
        if let Some(first) = parts.next() {
            return Ok((first, parts.collect()));
        }
        let remedy = "write the name of a member, as in `[\"extract\", \"objectId\"]`";
        Err(mistake(self.text, path.at, "the name is empty", remedy))
    }
}

/// Rules that give booleans; at least one.
fn deciding(text: &str, at: Range<usize>, given: Vec<Placed>) -> Result<Vec<Rule>, Mistake> {
    if given.is_empty() {
        return Err(mistake(text, at, "nothing follows this operator", "write a rule after it, or more"));
    }
    let decide = |placed: Placed| {
        if placed.rule.may_decide() {
            return Ok(placed.rule);
        }
        let reason = "a rule that gives true or false is expected";
        Err(mistake(text, placed.at, reason, "put a comparison around it, or `boolean`"))
    };
    given.into_iter().map(decide).collect()
}

fn exactly<const N: usize>(text: &str, at: Range<usize>, given: Vec<Placed>) -> Result<[Placed; N], Mistake> {
    given.try_into().map_err(|given: Vec<Placed>| {
        let values = if N == 1 { "value" } else { "values" };
        let reason = format!("this operator takes {N} {values}, and {} stand here", given.len());
        mistake(text, at, reason, format!("write {N} after it"))
    })
}
