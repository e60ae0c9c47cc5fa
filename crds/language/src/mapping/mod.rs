//! What a destination gets in the place of a record: a template, or rules.
//!
//! A mapping is compiled once, when the configuration is loaded, and applied to each record on its
//! way to one destination. What holds:
//!
//! - It works on the JSON text. What no rule touches stays as it was written: integers of any size,
//!   the spelling of numbers and strings, the white space within a value.
//! - What it gives is one JSON value, or an error of this one record. White space about it is cut
//!   off; nothing is not a value.
//! - It ends within its bounds: [`MAX_TRANSFORMED_BYTES`] of output (a template and each value that
//!   is set have the templates' own bound of 1 MiB), [`MAX_TRANSFORMED_DEPTH`] levels in what it
//!   makes, and a number of steps. Neither a record nor a manifest overflows the stack.
//! - The same record under the same configuration gives the same, unless a template asks for
//!   the time or for chance.
//!
//! # Rules
//!
//! They run in order, each on what the one before left; templates in `set` see the record as it
//! came. A path is that of templates: names with `.` between, `record.` before it or not, `[any
//! name]` in brackets, and a number for an element of a list.
//!
//! | Rule | Field is there | Field is absent |
//! |---|---|---|
//! | `keep` | stays, in the record's order | nothing |
//! | `drop` | goes; later elements of a list move up | nothing |
//! | `rename` | goes to its new path; within one object it keeps its place | nothing |
//! | `set` | its value is replaced, at its place | it is added as the last one, objects on the way are made |
//!
//! An object that a rule looks into holds each name once afterwards: of a repeated name the last
//! one counts, as everywhere. A value on the way that is neither object nor list has no fields for
//! `keep`, `drop` and the source of `rename`; `set` and the target of `rename` put an object in the
//! place of null and refuse to overwrite anything else. In a list they may replace an element or
//! add one at the end.
//!
//! [`MAX_TRANSFORMED_BYTES`]: crds::limits::MAX_TRANSFORMED_BYTES
//! [`MAX_TRANSFORMED_DEPTH`]: crds::limits::MAX_TRANSFORMED_DEPTH

mod check;
mod compile;
mod rule;
#[cfg(test)]
mod tests;
mod tree;

use bytes::Bytes;
use crds::listener::Transform;

use crate::mistake::Mistake;
use crate::template::{Json, Scope, Template};
use rule::Rule;

/// A compiled transform of one destination.
#[derive(Debug)]
pub struct Mapping(Kind);

#[derive(Debug)]
enum Kind {
    Template(Template),
    Rules(Vec<Rule>),
}

/// A part of a transform that does not compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Its field below the transform: `template`, `rules[2].set.json`.
    pub field: String,
    /// What its text is: `template`, `path`, `JSON`.
    pub what: &'static str,
    /// What is wrong with it, and where in its text.
    pub mistake: Mistake,
}

/// Why a record has no mapped form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// A template failed.
    #[error("{part}: {reason}")]
    Template {
        /// `the template`, or `rule 3`.
        part: Part,
        /// What the template says.
        reason: String,
    },
    /// A template gave nothing.
    #[error("{0} gave nothing for this record; JSON is expected, null at least")]
    Empty(Part),
    /// A template gave something else.
    #[error("{part} gave no JSON: {reason}, in line {line}, column {column} of what it gave")]
    NotJson {
        /// `the template`, or `rule 3`.
        part: Part,
        /// What is wrong with the text.
        reason: &'static str,
        /// Line in the text, from 1.
        line: usize,
        /// Column in the line in characters, from 1.
        column: usize,
    },
    /// The result would be nested too deep.
    #[error("{0} nests objects and lists more than {max} deep", max = crds::limits::MAX_TRANSFORMED_DEPTH)]
    TooDeep(Part),
    /// The result would be too large.
    #[error("the mapped record has more than {max} bytes", max = crds::limits::MAX_TRANSFORMED_BYTES)]
    TooLarge,
    /// Too much work.
    #[error("{0}: the record has too many fields for these rules")]
    TooManySteps(Part),
    /// A rule would put a field into something that is no object.
    #[error("{part}: `{path}` is {kind}, and a field cannot be put into it")]
    InTheWay {
        /// `rule 3`.
        part: Part,
        /// What is in the way.
        path: String,
        /// `text`, `a number`.
        kind: &'static str,
    },
    /// A rule would put an element where a list has a gap.
    #[error("{part}: the list `{path}` has {length} elements, so that `{name}` cannot be set in it")]
    NoElement {
        /// `rule 3`.
        part: Part,
        /// The list.
        path: String,
        /// Its length.
        length: usize,
        /// What was to be set.
        name: String,
    },
    /// The record itself is no JSON object.
    #[error("the record is no JSON object")]
    Record,
}

/// The part of a transform that an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The template that makes the whole document.
    Template,
    /// The rule with this number, from 1.
    Rule(usize),
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Template => f.write_str("the template"),
            Self::Rule(number) => write!(f, "rule {number}"),
        }
    }
}

impl MappingError {
    /// Short and stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Template { .. } => "transform_error",
            Self::Empty(_) => "transform_empty",
            Self::NotJson { .. } => "transform_not_json",
            Self::TooDeep(_) => "transform_too_deep",
            Self::TooLarge => "transform_too_large",
            Self::TooManySteps(_) => "transform_too_many_steps",
            Self::InTheWay { .. } | Self::NoElement { .. } => "transform_in_the_way",
            Self::Record => "transform_no_object",
        }
    }
}

impl Mapping {
    /// Compiles a transform, or says everything that is wrong with it.
    pub fn compile(transform: &Transform) -> Result<Self, Vec<Wrong>> {
        compile::compile(transform).map(Self)
    }

    /// What the destination gets in the place of `record`.
    pub fn apply(&self, record: &Bytes, settings: &Json, listener: &Json) -> Result<Bytes, MappingError> {
        let scope = Scope {
            record: Some(record),
            settings: Some(settings),
            listener: Some(listener),
            ..Scope::default()
        };
        match &self.0 {
            Kind::Template(template) => {
                Ok(check::json_of(Part::Template, template, &scope)?.into_owned().into())
            }
            Kind::Rules(rules) => rule::apply(rules, record, &scope),
        }
    }
}
