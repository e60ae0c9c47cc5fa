//! Values that filters reckon with.
//!
//! Objects and arrays of an event or of the settings stay JSON text; a copy of a value is always
//! cheap.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::rc::Rc;

use super::MAX_DEPTH;
use super::fuel::{Failure, Fuel};
use super::json;
use crate::event::{lossy, string};

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Val<'a> {
    Null,
    Bool(bool),
    Int(i64),
    /// Above `i64::MAX`, or made by `uint()`.
    Uint(u64),
    Double(f64),
    Text(Text<'a>),
    /// An object of an event or of the settings.
    Object(&'a [u8]),
    /// An array of an event or of the settings.
    Array(&'a [u8]),
    /// A list that the filter made.
    List(Rc<Vec<Val<'a>>>),
}

/// Characters, borrowed or shared.
#[derive(Clone, Debug)]
pub(super) enum Text<'a> {
    Borrowed(&'a str),
    Shared(Rc<str>),
}

impl Text<'_> {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Shared(text) => text,
        }
    }
}

impl<'a> Val<'a> {
    /// The value of JSON text. Integers of 64 bits stay exact, any other number becomes a double.
    pub(super) fn of(fuel: &Fuel, written: &'a [u8]) -> Result<Self, Failure> {
        Ok(match written.first() {
            Some(b'"') => {
                fuel.bytes(written.len())?;
                lossy(string(written).unwrap_or_default()).into()
            }
            Some(b'{') => Self::Object(written),
            Some(b'[') => Self::Array(written),
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'n') | None => Self::Null,
            Some(_) => {
                fuel.bytes(written.len())?;
                std::str::from_utf8(written).ok().and_then(Self::number).unwrap_or(Self::Null)
            }
        })
    }

    /// The number that `text` writes.
    pub(super) fn number(text: &str) -> Option<Self> {
        if let Ok(int) = text.parse() {
            return Some(Self::Int(int));
        }
        if let Ok(uint) = text.parse() {
            return Some(Self::Uint(uint));
        }
        text.parse().ok().map(Self::Double)
    }

    /// What kind of value it is, for people.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Uint(_) | Self::Double(_) => "a number",
            Self::Text(_) => "text",
            Self::Object(_) => "an object",
            Self::Array(_) | Self::List(_) => "a list",
        }
    }

    /// Text made by a filter.
    pub(super) fn made(fuel: &Fuel, text: String) -> Result<Self, Failure> {
        fuel.bytes(text.len())?;
        Ok(Self::Text(Text::Shared(text.into())))
    }

    /// The elements of a list, or the names of an object; none of anything else.
    pub(super) fn items(&self, fuel: &Fuel) -> Result<Option<Rc<Vec<Val<'a>>>>, Failure> {
        Ok(match self {
            Self::List(list) => Some(Rc::clone(list)),
            Self::Array(written) => {
                let elements = json::elements(fuel, written)?;
                let values: Result<_, _> =
                    elements.into_iter().map(|element| Self::of(fuel, element)).collect();
                Some(Rc::new(values?))
            }
            Self::Object(written) => {
                let members = json::members(fuel, written)?;
                Some(Rc::new(members.into_keys().map(Self::from).collect()))
            }
            _ => None,
        })
    }

    /// Whether both are one value: numbers by what they count, everything else by kind and content.
    pub(super) fn equals(&self, other: &Self, fuel: &Fuel) -> Result<bool, Failure> {
        self.equals_within(other, fuel, 0)
    }

    fn equals_within(&self, other: &Self, fuel: &Fuel, depth: usize) -> Result<bool, Failure> {
        if depth > MAX_DEPTH {
            return Err(Failure::value("objects are compared that are nested too deep"));
        }
        fuel.burn(1)?;
        match (self, other) {
            (Self::Null, Self::Null) => Ok(true),
            (Self::Bool(left), Self::Bool(right)) => Ok(left == right),
            (Self::Text(left), Self::Text(right)) => {
                fuel.bytes(left.as_str().len().min(right.as_str().len()))?;
                Ok(left.as_str() == right.as_str())
            }
            (Self::Object(left), Self::Object(right)) => {
                let (left, right) = (json::members(fuel, left)?, json::members(fuel, right)?);
                if !left.keys().eq(right.keys()) {
                    return Ok(false);
                }
                for (left, right) in left.values().zip(right.values()) {
                    if !Self::of(fuel, left)?.equals_within(&Self::of(fuel, right)?, fuel, depth + 1)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (Self::Array(_) | Self::List(_), Self::Array(_) | Self::List(_)) => {
                let (left, right) = (self.items(fuel)?, other.items(fuel)?);
                let (left, right) = (left.unwrap_or_default(), right.unwrap_or_default());
                if left.len() != right.len() {
                    return Ok(false);
                }
                for (left, right) in left.iter().zip(right.iter()) {
                    if !left.equals_within(right, fuel, depth + 1)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            _ => Ok(self.compare_numbers(other) == Some(Ordering::Equal)),
        }
    }

    /// The order of two numbers, of whatever kinds; none where one is no number, or not a number.
    pub(super) fn compare_numbers(&self, other: &Self) -> Option<Ordering> {
        match (self.integer(), other.integer(), self, other) {
            (Some(left), Some(right), ..) => Some(left.cmp(&right)),
            (Some(left), _, _, Self::Double(right)) => compare_mixed(left, *right),
            (_, Some(right), Self::Double(left), _) => compare_mixed(right, *left).map(Ordering::reverse),
            (.., Self::Double(left), Self::Double(right)) => left.partial_cmp(right),
            _ => None,
        }
    }

    fn integer(&self) -> Option<i128> {
        match self {
            Self::Int(int) => Some(i128::from(*int)),
            Self::Uint(uint) => Some(i128::from(*uint)),
            _ => None,
        }
    }

    /// The order of two values of one kind that has an order.
    pub(super) fn compare(&self, other: &Self, fuel: &Fuel) -> Result<Option<Ordering>, Failure> {
        Ok(match (self, other) {
            (Self::Text(left), Self::Text(right)) => {
                fuel.bytes(left.as_str().len().min(right.as_str().len()))?;
                Some(left.as_str().cmp(right.as_str()))
            }
            (Self::Bool(left), Self::Bool(right)) => Some(left.cmp(right)),
            _ => self.compare_numbers(other),
        })
    }
}

impl<'a> From<Cow<'a, str>> for Val<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self::Text(match text {
            Cow::Borrowed(text) => Text::Borrowed(text),
            Cow::Owned(text) => Text::Shared(text.into()),
        })
    }
}

/// The order of an integer of 64 bits and a double, exact also beyond 2^53.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "settled exactly below")]
fn compare_mixed(int: i128, double: f64) -> Option<Ordering> {
    match (int as f64).partial_cmp(&double)? {
        // Both round to one double, so that `double` is whole, or has too small an integer to differ.
        Ordering::Equal => Some(int.cmp(&(double as i128))),
        unequal => Some(unequal),
    }
}

/// A value that stands in a filter's text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(Box<str>),
}

impl Literal {
    pub(super) fn value(&self) -> Val<'_> {
        match self {
            Self::Null => Val::Null,
            Self::Bool(bool) => Val::Bool(*bool),
            Self::Int(int) => Val::Int(*int),
            Self::Uint(uint) => Val::Uint(*uint),
            Self::Double(double) => Val::Double(*double),
            Self::Text(text) => Val::Text(Text::Borrowed(text)),
        }
    }
}
