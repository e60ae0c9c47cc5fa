//! A compiled template: what the evaluator walks.

use std::sync::Arc;

use super::helpers::{BlockHelper, Helper};
use super::pattern::Pattern;
use super::value::{Value, Wanted};

#[derive(Debug)]
pub(super) struct Program {
    pub(super) nodes: Vec<Node>,
    /// The members of the record that any tag can reach.
    pub(super) wanted: Wanted,
    /// The first names of all paths.
    pub(super) names: Vec<Box<str>>,
    /// A path is made while rendering, so any name can be reached.
    pub(super) dynamic: bool,
    pub(super) patterns: Vec<Known>,
}

/// A pattern that stands in the template as a literal, compiled.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) text: Box<str>,
    pub(super) flags: Box<str>,
    pub(super) pattern: Arc<Pattern>,
}

#[derive(Debug)]
pub(super) enum Node {
    Text(Box<str>),
    Print {
        value: Expr,
        /// `{{{x}}}` and `{{&x}}`.
        raw: bool,
    },
    Block(Block),
}

/// A block with its chain of branches. The first branch that takes the value wins.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) branches: Vec<Branch>,
    pub(super) otherwise: Vec<Node>,
}

#[derive(Debug)]
pub(super) struct Branch {
    pub(super) kind: BranchKind,
    /// `{{^x}}`: the body is for what the block leaves.
    pub(super) inverted: bool,
    pub(super) args: Vec<Expr>,
    pub(super) named: Vec<(Box<str>, Expr)>,
    /// Block parameters: none, one or two.
    pub(super) params: usize,
    pub(super) body: Vec<Node>,
}

#[derive(Debug)]
pub(super) enum BranchKind {
    Helper(&'static BlockHelper),
    /// `{{#field}}`.
    Section(Path),
}

#[derive(Debug)]
pub(super) enum Expr {
    Literal(Literal),
    Path(Path),
    Call(Box<Call>),
}

#[derive(Debug)]
pub(super) struct Call {
    pub(super) helper: &'static Helper,
    pub(super) args: Vec<Expr>,
    pub(super) named: Vec<(Box<str>, Expr)>,
}

#[derive(Clone, Debug)]
pub(super) enum Literal {
    Missing,
    Null,
    Bool(bool),
    Int(Box<str>),
    Num(f64),
    Text(Box<str>),
}

#[derive(Debug)]
pub(super) struct Path {
    pub(super) base: Base,
    pub(super) names: Vec<Box<str>>,
}

/// Where a path starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// The context, or the one so many levels up.
    Context(usize),
    Root,
    /// `@index` and its like, so many loops up.
    Loop(LoopName, usize),
    /// The block parameter at this place of the stack.
    Param(usize),
    Nothing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LoopName {
    Index,
    Key,
    First,
    Last,
}

impl Literal {
    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Self::Missing => Value::Missing,
            Self::Null => Value::Null,
            Self::Bool(bool) => Value::Bool(*bool),
            Self::Int(digits) => Value::Int((&**digits).into()),
            Self::Num(number) => Value::Num(*number),
            Self::Text(text) => Value::Text((&**text).into()),
        }
    }
}

impl Expr {
    /// The text, where it stands in the template itself.
    pub(super) fn literal_text(&self) -> Option<&str> {
        match self {
            Self::Literal(Literal::Text(text)) => Some(text),
            _ => None,
        }
    }
}
