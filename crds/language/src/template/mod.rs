//! Handlebars templates with our own helpers.
//!
//! A template is compiled once, when the configuration is loaded, and rendered for each record.
//! The way of a template: [`scan`] checks its text and cuts it up, the `handlebars` crate builds
//! the tree, [`compile`] resolves the tree to a program, [`render`] walks the program. The
//! evaluator is ours because handlebars.js' values differ from the crate's in every printed
//! number, list and object, and because each record may cost microseconds only.
//!
//! What holds:
//! - A mistake that the template alone shows is refused by [`Template::compile`], with its place.
//! - [`Template::render`] ends within its limits of output, steps and pattern time, whatever the
//!   template and the record are, and neither overflows the stack. Its errors are for one record.
//! - Integers print as they were written, at any size: in the record, the settings and all else.
//!
//! `docs/templates.md` is for people who write templates; its helper part is generated from the
//! tables in [`helpers`].

mod compile;
mod helpers;
mod limits;
mod moment;
mod pattern;
mod program;
mod render;
mod scan;
mod value;

#[cfg(test)]
mod tests;

pub use value::Json;

use crate::clock::Clock;
use crate::mistake::Mistake;
use program::{Node, Program};

/// Where a template's output stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Bodies, headers, trace keys: `{{x}}` is not escaped.
    Raw,
    /// URLs and the data URI: `{{x}}` is encoded like `encodeURIComponent`.
    Uri,
    /// A JSON document: within a JSON string `{{x}}` is escaped for it, outside of one it is not.
    Json,
}

/// What a template can see. Absent members are simply unknown names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope<'a> {
    /// The record's JSON as it came.
    pub record: Option<&'a [u8]>,
    /// The listener's settings, merged.
    pub settings: Option<&'a Json>,
    /// Name, namespace, display name, description and URL of the listener.
    pub listener: Option<&'a Json>,
    /// Further roots: `request`, `count`, `records`, `response`, `error`. An object.
    pub more: Option<&'a Json>,
    /// What `timestamp` and dates without a day read; the system's where there is none.
    pub clock: Option<&'a Clock>,
}

/// Why a template gave nothing for one record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct RenderError {
    /// What went wrong, with the helper's name.
    pub reason: String,
}

/// The names of a path as it stands in a tag, `record` included where it stands there; `a.[b c].0`.
/// Only paths from the record on, without `../` and `@`.
pub(crate) fn path(text: &str) -> Result<Vec<String>, Mistake> {
    scan::path(text).map_err(|fault| fault.in_text(text))
}

/// The inside of a JSON string.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    value::escape_json(text, &mut out);
    out
}

/// A JSON string.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    value::escape_json(text, &mut out);
    out.push('"');
    out
}

/// All helpers with what they give and an example, in Markdown: the second half of
/// `docs/templates.md`.
pub fn reference() -> String {
    helpers::reference()
}

/// A template, compiled once.
#[derive(Debug)]
pub struct Template {
    program: Program,
    place: Place,
    /// The output, where the template has no tags.
    literal: Option<String>,
}

impl Template {
    /// Compiles `text`, or says what is wrong with it.
    pub fn compile(text: &str, place: Place) -> Result<Self, Mistake> {
        let program = compile::compile(text)?;
        let literal = program
            .nodes
            .iter()
            .map(|node| match node {
                Node::Text(text) => Some(&**text),
                _ => None,
            })
            .collect();
        Ok(Self { program, place, literal })
    }

    /// The template's output where it has no tags at all.
    pub fn literal(&self) -> Option<&str> {
        self.literal.as_deref()
    }

    /// Whether a tag names `root` as the first part of a path: `records`, `request`, ….
    ///
    /// True also for a template that makes a path while rendering (`getValue`).
    pub fn mentions(&self, root: &str) -> bool {
        self.program.dynamic || self.program.names.iter().any(|name| **name == *root)
    }

    /// Renders for one record.
    pub fn render(&self, scope: &Scope<'_>) -> Result<String, RenderError> {
        if let Some(literal) = &self.literal {
            return Ok(literal.clone());
        }
        render::render(&self.program, self.place, scope)
    }
}
