//! A compiled CEL filter.

use regex::Regex;

use super::function::Function;
use crate::filter::value::Literal;

/// A compiled filter.
#[derive(Debug)]
pub(in crate::filter) struct Plan {
    /// Top-level members of the event that are named.
    pub(super) wanted: Vec<Box<str>>,
    pub(super) root: Node,
}

/// A step of it.
#[derive(Debug)]
pub(super) enum Node {
    Literal(Literal),
    /// `event`, whole.
    Event,
    /// `settings` or `listener`, whole.
    Section(Section),
    /// `event.x`, by its place in `wanted`.
    Member(usize),
    /// `settings.x` or `listener.x`.
    SectionMember(Section, Box<str>),
    /// A variable of a comprehension, by how many enclose it.
    Variable(usize),
    Select(Box<Node>, Box<str>),
    HasMember(usize),
    HasSectionMember(Section, Box<str>),
    Has(Box<Node>, Box<str>),
    Index(Box<Node>, Box<Node>),
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    If(Box<Node>, Box<Node>, Box<Node>),
    Binary(Binary, Box<Node>, Box<Node>),
    Call(Function, Vec<Node>),
    /// `matches` with a pattern that stands in the text.
    Matches(Box<Node>, Regex),
    List(Vec<Node>),
    Each(Box<Each>),
}

/// `settings` or `listener`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Settings,
    Listener,
}

/// An operator between two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// A comprehension: something for each element of a list, or each name of an object.
#[derive(Debug)]
pub(super) struct Each {
    pub(super) what: What,
    pub(super) range: Node,
    /// Elements that count; `map` with three arguments, and `filter`.
    pub(super) only: Option<Node>,
    pub(super) body: Node,
}

/// What a comprehension gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    All,
    Exists,
    ExistsOne,
    List,
}

impl Node {
    /// What it gives where that is plain to see and no boolean.
    pub(super) fn no_boolean(&self) -> Option<&'static str> {
        match self {
            Self::Literal(literal) => match literal {
                Literal::Bool(_) => None,
                Literal::Null => Some("null"),
                Literal::Text(_) => Some("text"),
                Literal::Int(_) | Literal::Uint(_) | Literal::Double(_) => Some("a number"),
            },
            Self::Event | Self::Section(_) => Some("an object"),
            Self::List(_) => Some("a list"),
            Self::Negate(_) => Some("a number"),
            Self::If(_, yes, no) => yes.no_boolean().or_else(|| no.no_boolean()),
            Self::Binary(Binary::Add, ..) => Some("a number or text"),
            Self::Binary(Binary::Subtract | Binary::Multiply | Binary::Divide | Binary::Remainder, ..) => {
                Some("a number")
            }
            Self::Call(function, _) => function.no_boolean(),
            Self::Each(each) if each.what == What::List => Some("a list"),
            _ => None,
        }
    }
}
