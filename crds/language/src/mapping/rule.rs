//! Rules, applied one after another.

use std::borrow::Cow;

use bytes::Bytes;
use crds::limits::MAX_TRANSFORMED_BYTES;

use super::check::json_of;
use super::tree::{Budget, Halt, Tree};
use super::{MappingError, Part};
use crate::template::{Scope, Template, quoted};

/// The names of a path from the record on.
pub(super) type Path = Vec<Box<str>>;

/// A rule and its number, from 1.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) number: usize,
    pub(super) step: Step,
}

#[derive(Debug)]
pub(super) enum Step {
    Keep(Vec<Path>),
    Rename { from: Path, to: Path },
    Drop(Vec<Path>),
    Set { path: Path, worth: Worth },
}

/// What a field is set to.
#[derive(Debug)]
pub(super) enum Worth {
    /// A template whose output becomes a JSON string.
    Text(Template),
    /// A template whose output is JSON.
    Json(Template),
}

/// Applies all rules to a record.
pub(super) fn apply(rules: &[Rule], record: &Bytes, scope: &Scope<'_>) -> Result<Bytes, MappingError> {
    let mut budget = Budget::new();
    let mut tree = Tree::Written(Cow::Borrowed(record));
    if !tree.is_object() {
        return Err(MappingError::Record);
    }
    let mut last = Part::Template;
    for Rule { number, step } in rules {
        let part = Part::Rule(*number);
        last = part;
        match step {
            Step::Keep(paths) => {
                let paths: Vec<&[Box<str>]> = paths.iter().map(Vec::as_slice).collect();
                tree.keep(&paths, &mut budget).map_err(|halt| error(part, &[], halt))?;
            }
            Step::Drop(paths) => {
                for path in paths {
                    tree.take(path, &mut budget).map_err(|halt| error(part, path, halt))?;
                }
            }
            Step::Rename { from, to } => {
                tree.rename(from, to, &mut budget).map_err(|halt| error(part, to, halt))?;
            }
            Step::Set { path, worth } => {
                let value = worth.of(part, scope)?;
                tree.put(path, Tree::Written(value), &mut budget).map_err(|halt| error(part, path, halt))?;
            }
        }
    }
    let mut out = Vec::with_capacity(record.len());
    tree.write(&mut out, MAX_TRANSFORMED_BYTES).map_err(|halt| error(last, &[], halt))?;
    Ok(out.into())
}

impl Worth {
    fn of<'t>(&'t self, part: Part, scope: &Scope<'_>) -> Result<Cow<'t, [u8]>, MappingError> {
        match self {
            Self::Json(template) => json_of(part, template, scope),
            Self::Text(template) => {
                let text = template
                    .render(scope)
                    .map_err(|error| MappingError::Template { part, reason: error.reason })?;
                Ok(Cow::Owned(quoted(&text).into_bytes()))
            }
        }
    }
}

fn error(part: Part, path: &[Box<str>], halt: Halt) -> MappingError {
    let upto = |names: usize| path.get(..names).unwrap_or_default().join(".");
    match halt {
        Halt::Steps => MappingError::TooManySteps(part),
        Halt::Size => MappingError::TooLarge,
        Halt::Depth => MappingError::TooDeep(part),
        Halt::Broken => MappingError::Record,
        Halt::InTheWay { left, kind } => {
            MappingError::InTheWay { part, path: upto(path.len().saturating_sub(left)), kind }
        }
        Halt::NoElement { left, length } => {
            let names = path.len().saturating_sub(left);
            let name = path.get(names).map(ToString::to_string).unwrap_or_default();
            MappingError::NoElement { part, path: upto(names), length, name }
        }
    }
}
