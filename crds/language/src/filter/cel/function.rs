//! The functions that a CEL filter may call.

use std::str::FromStr;

use regex::{Regex, RegexBuilder};

use crate::filter::fuel::{Failure, Fuel};
use crate::filter::value::{Text, Val};

/// Bytes of a compiled pattern at most.
const PATTERN: usize = 1 << 20;
/// The same, where the pattern is compiled for each event.
const PATTERN_OF_EVENT: usize = 1 << 18;
/// Fuel for compiling one.
const PATTERN_FUEL: usize = 20_000;

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Size,
    String,
    Int,
    Uint,
    Double,
    Bool,
    Contains,
    StartsWith,
    EndsWith,
    Matches,
    LowerAscii,
    UpperAscii,
}

impl Function {
    /// Each with its name and how it is called.
    pub(super) const ALL: [(Self, &'static str, &'static str); 12] = [
        (Self::Size, "size", "`size(x)` or `x.size()`"),
        (Self::String, "string", "`string(x)`"),
        (Self::Int, "int", "`int(x)`"),
        (Self::Uint, "uint", "`uint(x)`"),
        (Self::Double, "double", "`double(x)`"),
        (Self::Bool, "bool", "`bool(x)`"),
        (Self::Contains, "contains", "`text.contains(part)`"),
        (Self::StartsWith, "startsWith", "`text.startsWith(beginning)`"),
        (Self::EndsWith, "endsWith", "`text.endsWith(end)`"),
        (Self::Matches, "matches", "`text.matches(pattern)`"),
        (Self::LowerAscii, "lowerAscii", "`text.lowerAscii()`"),
        (Self::UpperAscii, "upperAscii", "`text.upperAscii()`"),
    ];

    /// Whether it may be called with a target, and with that many values, the target included.
    pub(super) fn takes(self, target: bool, values: usize) -> bool {
        match self {
            Self::Size => values == 1,
            Self::String | Self::Int | Self::Uint | Self::Double | Self::Bool => !target && values == 1,
            Self::Contains | Self::StartsWith | Self::EndsWith => target && values == 2,
            Self::Matches => values == 2,
            Self::LowerAscii | Self::UpperAscii => target && values == 1,
        }
    }

    /// What it gives where that is no boolean.
    pub(super) fn no_boolean(self) -> Option<&'static str> {
        match self {
            Self::Size | Self::Int | Self::Uint | Self::Double => Some("a number"),
            Self::String | Self::LowerAscii | Self::UpperAscii => Some("text"),
            Self::Bool | Self::Contains | Self::StartsWith | Self::EndsWith | Self::Matches => None,
        }
    }

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(function, ..)| *function == self).map_or("", |(_, name, _)| name)
    }

    /// Calls it.
    pub(super) fn call<'a>(self, values: &[Val<'a>], fuel: &Fuel) -> Result<Val<'a>, Failure> {
        let [value, rest @ ..] = values else { return Err(self.unfit(&Val::Null)) };
        match self {
            Self::Size => self.size(value, fuel),
            Self::String => self.string(value, fuel),
            Self::Int => self.int(value).map(Val::Int),
            Self::Uint => self.uint(value).map(Val::Uint),
            Self::Double => self.double(value).map(Val::Double),
            Self::Bool => match value {
                Val::Bool(bool) => Ok(Val::Bool(*bool)),
                Val::Text(text) => self.parse(text.as_str()).map(Val::Bool),
                _ => Err(self.unfit(value)),
            },
            Self::LowerAscii => Val::made(fuel, self.text(value, fuel)?.as_str().to_ascii_lowercase()),
            Self::UpperAscii => Val::made(fuel, self.text(value, fuel)?.as_str().to_ascii_uppercase()),
            Self::Contains | Self::StartsWith | Self::EndsWith | Self::Matches => {
                let text = self.text(value, fuel)?.as_str();
                let part = self.text(rest.first().unwrap_or(&Val::Null), fuel)?.as_str();
                Ok(Val::Bool(match self {
                    Self::StartsWith => text.starts_with(part),
                    Self::EndsWith => text.ends_with(part),
                    Self::Matches => {
                        fuel.burn(PATTERN_FUEL)?;
                        let pattern = compile(part, PATTERN_OF_EVENT)
                            .map_err(|_| Failure::value("`matches` is given a pattern that is none"))?;
                        matches(&pattern, text, fuel)?
                    }
                    _ => text.contains(part),
                }))
            }
        }
    }

    fn text<'v, 'a>(self, value: &'v Val<'a>, fuel: &Fuel) -> Result<&'v Text<'a>, Failure> {
        let Val::Text(text) = value else { return Err(self.unfit(value)) };
        fuel.bytes(text.as_str().len())?;
        Ok(text)
    }

    fn size<'a>(self, value: &Val<'a>, fuel: &Fuel) -> Result<Val<'a>, Failure> {
        let size = match value {
            Val::Text(text) => {
                fuel.bytes(text.as_str().len())?;
                text.as_str().chars().count()
            }
            _ => value.items(fuel)?.ok_or_else(|| self.unfit(value))?.len(),
        };
        i64::try_from(size).map(Val::Int).map_err(|_| Failure::Exhausted)
    }

    fn string<'a>(self, value: &Val<'a>, fuel: &Fuel) -> Result<Val<'a>, Failure> {
        match value {
            Val::Text(_) => Ok(value.clone()),
            Val::Bool(bool) => Val::made(fuel, bool.to_string()),
            Val::Int(int) => Val::made(fuel, int.to_string()),
            Val::Uint(uint) => Val::made(fuel, uint.to_string()),
            Val::Double(double) => Val::made(fuel, double.to_string()),
            Val::Null | Val::Object(_) | Val::Array(_) | Val::List(_) => Err(self.unfit(value)),
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the range is looked at first")]
    fn int(self, value: &Val<'_>) -> Result<i64, Failure> {
        // 2^63, and its negative, are doubles; the first is no i64 any more.
        const END: f64 = 9_223_372_036_854_775_808.0;
        match value {
            Val::Int(int) => Ok(*int),
            Val::Uint(uint) => i64::try_from(*uint).map_err(|_| self.range()),
            Val::Double(double) if (-END..END).contains(double) => Ok(double.trunc() as i64),
            Val::Double(_) => Err(self.range()),
            Val::Text(text) => self.parse(text.as_str()),
            _ => Err(self.unfit(value)),
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is looked at first"
    )]
    fn uint(self, value: &Val<'_>) -> Result<u64, Failure> {
        const END: f64 = 18_446_744_073_709_551_616.0;
        match value {
            Val::Int(int) => u64::try_from(*int).map_err(|_| self.range()),
            Val::Uint(uint) => Ok(*uint),
            Val::Double(double) if (0.0..END).contains(double) => Ok(double.trunc() as u64),
            Val::Double(_) => Err(self.range()),
            Val::Text(text) => self.parse(text.as_str()),
            _ => Err(self.unfit(value)),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "what double() is for")]
    fn double(self, value: &Val<'_>) -> Result<f64, Failure> {
        match value {
            Val::Int(int) => Ok(*int as f64),
            Val::Uint(uint) => Ok(*uint as f64),
            Val::Double(double) => Ok(*double),
            Val::Text(text) => self.parse(text.as_str()),
            _ => Err(self.unfit(value)),
        }
    }

    fn parse<T: FromStr>(self, text: &str) -> Result<T, Failure> {
        text.parse().map_err(|_| Failure::value(format!("`{}` is given text that writes none", self.name())))
    }

    fn range(self) -> Failure {
        Failure::value(format!("`{}` is given a number out of its range", self.name()))
    }

    fn unfit(self, value: &Val<'_>) -> Failure {
        Failure::value(format!("`{}` cannot be used on {}", self.name(), value.kind()))
    }
}

/// Compiles a pattern that stands in a filter.
pub(in crate::filter) fn pattern(text: &str) -> Result<Regex, regex::Error> {
    compile(text, PATTERN)
}

fn compile(text: &str, size: usize) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text).size_limit(size).dfa_size_limit(size).nest_limit(64).build()
}

/// Whether a pattern is found in `text`.
pub(in crate::filter) fn matches(pattern: &Regex, text: &str, fuel: &Fuel) -> Result<bool, Failure> {
    // Linear, but with a larger factor than a look at the bytes.
    fuel.bytes(text.len().saturating_mul(8))?;
    Ok(pattern.is_match(text))
}
