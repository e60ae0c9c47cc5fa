//! Evaluates a [`Plan`] for one event.

use std::borrow::Cow;
use std::cmp::Ordering;

use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, tz::TimeZone};

use super::rule::{Change, Compare, Plan, Rule};
use crate::filter::cel::matches;
use crate::filter::fuel::{Failure, Fuel};
use crate::filter::json;
use crate::filter::surroundings::Surroundings;
use crate::filter::value::Val;

/// Whether `event` passes.
pub(in crate::filter) fn evaluate(
    plan: &Plan,
    event: &[u8],
    surroundings: &Surroundings,
) -> Result<bool, Failure> {
    let fuel = Fuel::new();
    let slots = json::wanted(&fuel, event, &plan.wanted)?;
    Run { slots, surroundings, fuel }.decides(&plan.root)
}

struct Run<'a> {
    slots: Vec<Option<&'a [u8]>>,
    surroundings: &'a Surroundings,
    fuel: Fuel,
}

impl<'a> Run<'a> {
    fn decides(&self, rule: &'a Rule) -> Result<bool, Failure> {
        self.value(rule).map(|value| boolean(&value))
    }

    fn value(&self, rule: &'a Rule) -> Result<Val<'a>, Failure> {
        self.fuel.burn(1)?;
        Ok(match rule {
            Rule::Literal(literal) => literal.value(),
            Rule::Extract(place, way) => self.walk(self.slots.get(*place).copied().flatten(), way)?,
            Rule::Settings(name, way) => self.walk(self.surroundings.settings.member(name), way)?,
            Rule::Change(change, of) => self.change(*change, self.value(of)?)?,
            Rule::And(rules) => Val::Bool(self.first(rules, false)?.is_none()),
            Rule::Or(rules) => Val::Bool(self.first(rules, true)?.is_some()),
            Rule::Not(of) => Val::Bool(!self.decides(of)?),
            Rule::Compare(compare, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                Val::Bool(self.compare(*compare, &left, &right)?)
            }
            Rule::Matches(of, pattern) => {
                let value = self.value(of)?;
                Val::Bool(matches(pattern, &self.text(&value)?, &self.fuel)?)
            }
            Rule::Empty(of) => Val::Bool(self.empty(&self.value(of)?)?),
        })
    }

    /// The first rule that gives `is`.
    fn first(&self, rules: &'a [Rule], is: bool) -> Result<Option<&'a Rule>, Failure> {
        for rule in rules {
            if self.decides(rule)? == is {
                return Ok(Some(rule));
            }
        }
        Ok(None)
    }

    /// Goes from a value along names and places in arrays; empty where the way ends early.
    fn walk(&self, from: Option<&'a [u8]>, way: &[Box<str>]) -> Result<Val<'a>, Failure> {
        let mut here = from;
        for step in way {
            here = match here {
                Some(object) if object.starts_with(b"{") => json::member(&self.fuel, object, step)?,
                Some(list) if list.starts_with(b"[") => match step.parse::<usize>() {
                    Ok(place) => json::elements(&self.fuel, list)?.get(place).copied(),
                    Err(_) => None,
                },
                _ => None,
            };
        }
        here.map_or(Ok(Val::Null), |written| Val::of(&self.fuel, written))
    }

    fn change(&self, change: Change, value: Val<'a>) -> Result<Val<'a>, Failure> {
        Ok(match change {
            Change::String => match value {
                Val::Text(_) => value,
                _ => Val::made(&self.fuel, self.text(&value)?.into_owned())?,
            },
            Change::Lowercase => Val::made(&self.fuel, self.text(&value)?.to_lowercase())?,
            Change::Uppercase => Val::made(&self.fuel, self.text(&value)?.to_uppercase())?,
            Change::Boolean => Val::Bool(boolean(&value)),
            Change::Number => number(value),
            Change::Epochtime => epochtime(value),
            Change::Floor => round(number(value), f64::floor),
            Change::Ceiling => round(number(value), f64::ceil),
            Change::Abs => match number(value) {
                Val::Int(int) => int.checked_abs().map_or(Val::Uint(int.unsigned_abs()), Val::Int),
                Val::Double(double) => Val::Double(double.abs()),
                other => other,
            },
        })
    }

    fn compare(&self, compare: Compare, left: &Val<'a>, right: &Val<'a>) -> Result<bool, Failure> {
        let order = match compare {
            Compare::Equals => return self.equals(left, right),
            Compare::Contains => return self.contains(left, right),
            Compare::StartsWith => return Ok(self.text(left)?.starts_with(&*self.text(right)?)),
            Compare::EndsWith => return Ok(self.text(left)?.ends_with(&*self.text(right)?)),
            _ if matches!((left, right), (Val::Null, _) | (_, Val::Null)) => None,
            _ if is_number(left) && is_number(right) => left.compare_numbers(right),
            _ => Some(self.text(left)?.cmp(&self.text(right)?)),
        };
        Ok(order.is_some_and(match compare {
            Compare::GreaterThan => Ordering::is_gt,
            Compare::GreaterThanEquals => Ordering::is_ge,
            Compare::LessThan => Ordering::is_lt,
            _ => Ordering::is_le,
        }))
    }

    fn equals(&self, left: &Val<'a>, right: &Val<'a>) -> Result<bool, Failure> {
        match (left, right) {
            (Val::Null, other) | (other, Val::Null) => {
                Ok(matches!(other, Val::Null) || matches!(other, Val::Text(text) if text.as_str().is_empty()))
            }
            _ if is_number(left) && is_number(right) => left.equals(right, &self.fuel),
            _ => Ok(self.text(left)? == self.text(right)?),
        }
    }

    /// Whether text has a part, or an array an element.
    fn contains(&self, whole: &Val<'a>, part: &Val<'a>) -> Result<bool, Failure> {
        let Val::Array(_) = whole else {
            return Ok(!matches!(part, Val::Null) && self.text(whole)?.contains(&*self.text(part)?));
        };
        for item in whole.items(&self.fuel)?.unwrap_or_default().iter() {
            if self.equals(item, part)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn empty(&self, value: &Val<'a>) -> Result<bool, Failure> {
        Ok(match value {
            Val::Null => true,
            Val::Text(text) => text.as_str().is_empty(),
            Val::Array(_) | Val::Object(_) => value.items(&self.fuel)?.is_none_or(|items| items.is_empty()),
            _ => false,
        })
    }

    /// A value as text: numbers in figures, objects and arrays as their JSON, empty as nothing.
    fn text<'v>(&self, value: &'v Val<'a>) -> Result<Cow<'v, str>, Failure> {
        let text = match value {
            Val::Null | Val::List(_) => Cow::Borrowed(""),
            Val::Bool(bool) => Cow::Borrowed(if *bool { "true" } else { "false" }),
            Val::Int(int) => Cow::Owned(int.to_string()),
            Val::Uint(uint) => Cow::Owned(uint.to_string()),
            Val::Double(double) => Cow::Owned(double.to_string()),
            Val::Text(text) => Cow::Borrowed(text.as_str()),
            Val::Object(written) | Val::Array(written) => String::from_utf8_lossy(written),
        };
        self.fuel.bytes(text.len())?;
        Ok(text)
    }
}

fn is_number(value: &Val<'_>) -> bool {
    matches!(value, Val::Int(_) | Val::Uint(_) | Val::Double(_))
}

fn boolean(value: &Val<'_>) -> bool {
    match value {
        Val::Bool(is) => *is,
        Val::Text(text) => text.as_str().eq_ignore_ascii_case("true"),
        Val::Int(int) => *int != 0,
        Val::Uint(uint) => *uint != 0,
        Val::Double(double) => *double != 0.0,
        Val::Null | Val::Object(_) | Val::Array(_) | Val::List(_) => false,
    }
}

fn number(value: Val<'_>) -> Val<'_> {
    match value {
        Val::Bool(is) => Val::Int(i64::from(is)),
        Val::Text(text) => match Val::number(text.as_str().trim()) {
            Some(Val::Double(double)) if !double.is_finite() => Val::Null,
            Some(number) => number,
            None => Val::Null,
        },
        value if is_number(&value) => value,
        _ => Val::Null,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "only where nothing is cut off")]
fn round(value: Val<'_>, by: fn(f64) -> f64) -> Val<'_> {
    match value {
        Val::Double(double) if double.abs() < 9_007_199_254_740_992.0 => Val::Int(by(double) as i64),
        Val::Double(double) => Val::Double(by(double)),
        other => other,
    }
}

/// Epoch milliseconds: of a number itself; of text in figures; of a date, a date with time (UTC
/// where it names no offset), as RFC 3339 and ISO 8601 write them.
fn epochtime(value: Val<'_>) -> Val<'_> {
    let Val::Text(text) = &value else { return number(value) };
    let text = text.as_str().trim();
    let utc = |date: DateTime| date.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let time = text
        .parse::<Timestamp>()
        .ok()
        .or_else(|| text.parse::<DateTime>().ok().and_then(utc))
        .or_else(|| text.parse::<Date>().ok().and_then(|date| utc(date.at(0, 0, 0, 0))));
    match time {
        Some(time) => Val::Int(time.as_millisecond()),
        None => number(value),
    }
}
