//! Finds the value of a path.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

use super::Render;
use crate::template::RenderError;
use crate::template::program::{Base, LoopName, Path};
use crate::template::value::{self, Json, Value, path_parts};

/// What `encodeURIComponent` encodes.
pub(in crate::template) const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

impl<'a> Render<'a> {
    pub(super) fn look_up(&self, path: &'a Path) -> Result<Value<'a>, RenderError> {
        let names = path.names.iter().map(|name| &**name);
        let start = match path.base {
            Base::Nothing => return Ok(Value::Missing),
            Base::Root => return self.root_path(names),
            Base::Context(up) => {
                let context = self.contexts.len().checked_sub(up + 1).and_then(|at| self.contexts.get(at));
                match context {
                    None => return Ok(Value::Missing),
                    Some(None) => return self.root_path(names),
                    Some(Some(value)) => value.clone(),
                }
            }
            Base::Param(at) => self.params.get(at).cloned().unwrap_or(Value::Missing),
            Base::Loop(name, up) => {
                let round = self.loops.len().checked_sub(up + 1).and_then(|at| self.loops.get(at));
                match (name, round) {
                    (_, None) => Value::Missing,
                    (LoopName::Index, Some(round)) => value::count(round.index),
                    (LoopName::Key, Some(round)) => round.key.clone(),
                    (LoopName::First, Some(round)) => Value::Bool(round.index == 0),
                    (LoopName::Last, Some(round)) => Value::Bool(round.last),
                }
            }
        };
        Ok(names.fold(start, |value, name| value.get(name)))
    }

    /// A path from the root: `record`, `settings` and the other roots, else a field of the record.
    fn root_path<'n>(&self, mut names: impl Iterator<Item = &'n str>) -> Result<Value<'a>, RenderError> {
        let Some(first) = names.next() else { return self.record() };
        let more = |name| self.scope.more.map_or(Value::Missing, |more| more.value().get(name));
        let start = match first {
            "record" => self.record()?,
            "settings" => self.scope.settings.map_or(Value::Missing, Json::value),
            "listener" if self.scope.listener.is_some() => {
                self.scope.listener.map_or(Value::Missing, Json::value)
            }
            name => match more(name) {
                Value::Missing => self.record()?.get(name),
                root => root,
            },
        };
        Ok(names.fold(start, |value, name| value.get(name)))
    }

    /// The value at `a.b[0]`, from the root.
    pub(in crate::template) fn dig(&self, path: &str) -> Result<Value<'a>, RenderError> {
        if path_parts(path).next().is_none() {
            return Ok(Value::Missing);
        }
        self.root_path(path_parts(path))
    }
}
