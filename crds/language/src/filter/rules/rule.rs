//! Compiled prefix rules.

use regex::Regex;

use crate::filter::value::Literal;

/// A compiled filter.
#[derive(Debug)]
pub(in crate::filter) struct Plan {
    /// Top-level members of the event that are named.
    pub(super) wanted: Vec<Box<str>>,
    pub(super) root: Rule,
}

#[derive(Debug)]
pub(super) enum Rule {
    Literal(Literal),
    /// A member of the event: its place in `wanted`, and the way from there.
    Extract(usize, Vec<Box<str>>),
    /// A member of the settings, and the way from there.
    Settings(Box<str>, Vec<Box<str>>),
    Change(Change, Box<Rule>),
    And(Vec<Rule>),
    Or(Vec<Rule>),
    Not(Box<Rule>),
    Compare(Compare, Box<Rule>, Box<Rule>),
    Matches(Box<Rule>, Regex),
    Empty(Box<Rule>),
}

/// Makes one value of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    String,
    Number,
    Boolean,
    Epochtime,
    Lowercase,
    Uppercase,
    Floor,
    Ceiling,
    Abs,
}

/// Compares two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    Equals,
    GreaterThan,
    GreaterThanEquals,
    LessThan,
    LessThanEquals,
    Contains,
    StartsWith,
    EndsWith,
}

impl Rule {
    /// Whether it may give a boolean.
    pub(super) fn may_decide(&self) -> bool {
        match self {
            Self::Literal(literal) => matches!(literal, Literal::Bool(_)),
            Self::Change(change, _) => *change == Change::Boolean,
            _ => true,
        }
    }
}

/// Every operator that can be written.
pub(super) const OPERATORS: &str = "and, or, not, equals, notequals, greaterthan, greaterthanequals, lessthan, \
    lessthanequals, contains, doesnotcontain, startswith, endswith, matches, empty, notempty, extract, settings, \
    string, number, boolean, epochtime, lowercase, uppercase, floor, ceiling, abs";
