//! The values that templates work with.
//!
//! JavaScript's kinds, with two differences: an integer keeps the digits that the JSON had, at any
//! size, and texts are counted in Unicode scalar values. Lists and maps are never copied out of
//! the record: they point into its [`Doc`], or into that of the settings.

mod compare;
mod doc;
mod json;
mod number;
mod print;
mod reader;

use std::borrow::Cow;
use std::rc::Rc;

pub(super) use compare::{code_units, loose_eq, order, strict_eq};
pub(super) use doc::{Doc, Spot, Wanted};
pub use json::Json;
pub(super) use number::{exact_digits, exponential, js_number, numeric_text, round_digits};
pub(super) use print::{escape_json, json_text, text};

/// One value.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    /// Not there at all: JavaScript's `undefined`.
    Missing,
    Null,
    Bool(bool),
    /// An integer, as it was written. Also a number beyond what a double holds.
    Int(Cow<'a, str>),
    /// Finite.
    Num(f64),
    Text(Cow<'a, str>),
    List(List<'a>),
    Map(Map<'a>),
}

#[derive(Clone, Debug)]
pub(super) enum List<'a> {
    Doc(Spot<'a>),
    /// Made by a helper.
    Own(Rc<[Value<'a>]>),
}

#[derive(Clone, Debug)]
pub(super) struct Map<'a>(pub(super) Spot<'a>);

/// A value that is not there, to be borrowed.
pub(super) const MISSING: Value<'static> = Value::Missing;

impl<'a> Value<'a> {
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn list(items: Vec<Value<'a>>) -> Self {
        Self::List(List::Own(items.into()))
    }

    /// Missing, null and the empty text.
    pub(super) fn is_blank(&self) -> bool {
        match self {
            Self::Missing | Self::Null => true,
            Self::Text(text) => text.is_empty(),
            _ => false,
        }
    }

    /// Missing and null.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Self::Missing | Self::Null)
    }

    /// JavaScript's truth: lists and maps are true, empty or not.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Missing | Self::Null => false,
            Self::Bool(bool) => *bool,
            Self::Int(digits) => digits.bytes().any(|digit| matches!(digit, b'1'..=b'9')),
            Self::Num(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(_) | Self::Map(_) => true,
        }
    }

    /// The truth of `if`, `unless` and `with`: an empty list is false too.
    pub(super) fn is_true_in_blocks(&self) -> bool {
        match self {
            Self::List(list) => list.len() > 0,
            other => other.is_true(),
        }
    }

    /// The member, element or character called `name`; `length` of lists and texts.
    pub(super) fn get(&self, name: &str) -> Value<'a> {
        match self {
            Self::Map(map) => map.get(name),
            Self::List(list) if name == "length" => count(list.len()),
            Self::List(list) => index(name).map_or(Value::Missing, |at| list.get(at)),
            Self::Text(text) if name == "length" => count(text.chars().count()),
            Self::Text(text) => index(name)
                .and_then(|at| text.chars().nth(at))
                .map_or(Value::Missing, |letter| Value::text(letter.to_string())),
            _ => Value::Missing,
        }
    }

    /// The value at the end of `a.b.0`.
    pub(super) fn dig(&self, path: &str) -> Value<'a> {
        let mut value = self.clone();
        for name in path_parts(path) {
            value = value.get(name);
        }
        value
    }

    /// Bytes that must be read to print the value: what it costs.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Text(text) | Self::Int(text) => text.len(),
            Self::List(List::Doc(spot)) | Self::Map(Map(spot)) => spot.weight(),
            Self::List(List::Own(items)) => items.len().saturating_mul(16),
            _ => 8,
        }
    }
}

impl<'a> List<'a> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Doc(spot) => spot.len(),
            Self::Own(items) => items.len(),
        }
    }

    pub(super) fn get(&self, at: usize) -> Value<'a> {
        match self {
            Self::Doc(spot) => spot.element(at),
            Self::Own(items) => items.get(at).cloned().unwrap_or(Value::Missing),
        }
    }

    pub(super) fn items(&self) -> Vec<Value<'a>> {
        match self {
            Self::Doc(spot) => spot.elements(),
            Self::Own(items) => items.to_vec(),
        }
    }

    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Doc(one), Self::Doc(two)) => one.same(two),
            (Self::Own(one), Self::Own(two)) => Rc::ptr_eq(one, two),
            _ => false,
        }
    }
}

impl<'a> Map<'a> {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn get(&self, name: &str) -> Value<'a> {
        self.0.member(name)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        !matches!(self.get(name), Value::Missing)
    }

    pub(super) fn members(&self) -> Vec<(Cow<'a, str>, Value<'a>)> {
        self.0.members()
    }

    fn same(&self, other: &Self) -> bool {
        self.0.same(&other.0)
    }
}

/// A count as a value.
pub(super) fn count<'a>(count: usize) -> Value<'a> {
    Value::Int(count.to_string().into())
}

/// `0`, `1`, `27`, but not `01`.
fn index(name: &str) -> Option<usize> {
    let plain = name == "0" || !name.starts_with(['0', '+']);
    plain.then(|| name.parse().ok()).flatten()
}

/// The parts of `a.b[0].c`.
pub(super) fn path_parts(path: &str) -> impl Iterator<Item = &str> {
    path.split(['.', '[', ']']).filter(|part| !part.is_empty())
}
