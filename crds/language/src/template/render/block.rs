//! Renders blocks: which branch takes the value, and with which context.

use super::{Args, Render, Round};
use crate::template::RenderError;
use crate::template::helpers::{BlockRun, Choice, matches_in};
use crate::template::program::{Block, Branch, BranchKind};
use crate::template::value::{self, List, Map, Value};

impl<'a> Render<'a> {
    pub(super) fn block(&mut self, block: &'a Block) -> Result<(), RenderError> {
        for branch in &block.branches {
            match self.branch(branch)? {
                Choice::Yes | Choice::Neither => return Ok(()),
                Choice::No => {}
            }
        }
        self.nodes(&block.otherwise)
    }

    /// Renders the branch if it takes the value.
    fn branch(&mut self, branch: &'a Branch) -> Result<Choice, RenderError> {
        if branch.inverted {
            return self.inverted(branch);
        }
        match &branch.kind {
            BranchKind::Section(path) => {
                let value = self.look_up(path)?;
                self.section(branch, value)
            }
            BranchKind::Helper(helper) => {
                let values = self.eval_all(&branch.args)?;
                let value = values.first().cloned().unwrap_or(Value::Missing);
                match helper.run {
                    BlockRun::Test(_) => {
                        let choice = self.test(branch, &values)?;
                        if choice == Choice::Yes {
                            self.body(branch, None)?;
                        }
                        Ok(choice)
                    }
                    BlockRun::Each => self.each(branch, &value),
                    BlockRun::With if value.is_true_in_blocks() || is_zero(&value) => {
                        self.within(branch, value)?;
                        Ok(Choice::Yes)
                    }
                    BlockRun::With => Ok(Choice::No),
                    BlockRun::Filter => self.filter(branch, &values),
                }
            }
        }
    }

    /// `{{^x}}`: the body is rendered where the block would have taken its `else`.
    fn inverted(&mut self, branch: &'a Branch) -> Result<Choice, RenderError> {
        let values = self.eval_all(&branch.args)?;
        let value = match &branch.kind {
            BranchKind::Section(path) => self.look_up(path)?,
            BranchKind::Helper(_) => values.first().cloned().unwrap_or(Value::Missing),
        };
        let taken = match &branch.kind {
            BranchKind::Helper(helper) => match helper.run {
                BlockRun::Test(_) => self.test(branch, &values)?,
                BlockRun::Each => Choice::from(!entries(&value).is_empty()),
                BlockRun::With => Choice::from(value.is_true_in_blocks() || is_zero(&value)),
                BlockRun::Filter => {
                    matches_in(&values).map_or(Choice::Neither, |found| Choice::from(!found.is_empty()))
                }
            },
            BranchKind::Section(_) => Choice::from(!section_is_empty(&value)),
        };
        Ok(match taken {
            Choice::No => {
                self.body(branch, None)?;
                Choice::Yes
            }
            Choice::Yes => Choice::No,
            Choice::Neither => Choice::Neither,
        })
    }

    fn test(&mut self, branch: &'a Branch, values: &[Value<'a>]) -> Result<Choice, RenderError> {
        let BranchKind::Helper(helper) = &branch.kind else { return Ok(Choice::No) };
        let BlockRun::Test(test) = helper.run else { return Ok(Choice::No) };
        self.budget.take(1)?;
        for value in values {
            self.budget.take_bytes(value.weight())?;
        }
        let named = self.eval_named(&branch.named)?;
        test(&Args { name: helper.name, values, named: &named, render: self })
    }

    /// handlebars.js' `blockHelperMissing`: a list is gone through, `false` and nothing take the
    /// `else`, anything else becomes the context.
    fn section(&mut self, branch: &'a Branch, value: Value<'a>) -> Result<Choice, RenderError> {
        match &value {
            Value::List(_) => self.each(branch, &value),
            Value::Bool(true) => {
                self.body(branch, None)?;
                Ok(Choice::Yes)
            }
            empty if section_is_empty(empty) => Ok(Choice::No),
            _ => {
                self.within(branch, value)?;
                Ok(Choice::Yes)
            }
        }
    }

    fn each(&mut self, branch: &'a Branch, value: &Value<'a>) -> Result<Choice, RenderError> {
        let entries = entries(value);
        self.budget.take(entries.len() / 16)?;
        self.rounds(branch, entries)
    }

    fn filter(&mut self, branch: &'a Branch, values: &[Value<'a>]) -> Result<Choice, RenderError> {
        let Some(found) = matches_in(values) else { return Ok(Choice::Neither) };
        self.budget.take(found.len())?;
        if found.is_empty() {
            return Ok(Choice::No);
        }
        for value in found {
            self.within(branch, value)?;
        }
        Ok(Choice::Yes)
    }

    fn rounds(
        &mut self,
        branch: &'a Branch,
        entries: Vec<(Value<'a>, Value<'a>)>,
    ) -> Result<Choice, RenderError> {
        let Some(last) = entries.len().checked_sub(1) else { return Ok(Choice::No) };
        for (index, (key, value)) in entries.into_iter().enumerate() {
            let written = self.out.len();
            self.loops.push(Round { index, key: key.clone(), last: index == last });
            let before = self.params.len();
            let given = [value.clone(), key];
            self.params.extend(given.into_iter().take(branch.params));
            let pushed = self.enter(value)?;
            let result = self.nodes(&branch.body);
            self.leave(pushed);
            self.params.truncate(before);
            self.loops.pop();
            result?;
            // A round that writes is bounded by the output.
            if self.out.len() == written {
                self.budget.take(1)?;
            }
        }
        Ok(Choice::Yes)
    }

    /// The body with `value` as its context.
    fn within(&mut self, branch: &'a Branch, value: Value<'a>) -> Result<(), RenderError> {
        let pushed = self.enter(value.clone())?;
        let result = self.body(branch, Some(value));
        self.leave(pushed);
        result
    }

    /// The body, with block parameters where it has any.
    fn body(&mut self, branch: &'a Branch, value: Option<Value<'a>>) -> Result<(), RenderError> {
        let before = self.params.len();
        let given = [value.unwrap_or(Value::Missing), Value::Missing];
        self.params.extend(given.into_iter().take(branch.params));
        let result = self.nodes(&branch.body);
        self.params.truncate(before);
        result
    }

    /// Makes `value` the context, unless it is already; true when `leave` must undo it.
    fn enter(&mut self, value: Value<'a>) -> Result<bool, RenderError> {
        let whole = match &value {
            Value::Map(Map(spot)) | Value::List(List::Doc(spot)) => spot.is_whole(),
            _ => false,
        };
        let is_root = whole && value::strict_eq(&value, &self.record()?);
        let same = match self.contexts.last() {
            Some(None) => is_root,
            // `!=` of JavaScript, as handlebars.js compares: ["z"] and "z" are one context.
            Some(Some(context)) => value::loose_eq(&value, context),
            None => false,
        };
        if !same {
            self.contexts.push(if is_root { None } else { Some(value) });
        }
        Ok(!same)
    }

    fn leave(&mut self, pushed: bool) {
        if pushed {
            self.contexts.pop();
        }
    }
}

/// Keys and values of what can be gone through.
fn entries<'a>(value: &Value<'a>) -> Vec<(Value<'a>, Value<'a>)> {
    match value {
        Value::List(list) => {
            list.items().into_iter().enumerate().map(|(at, item)| (value::count(at), item)).collect()
        }
        Value::Map(map) => {
            map.members().into_iter().map(|(key, member)| (Value::Text(key), member)).collect()
        }
        _ => Vec::new(),
    }
}

fn section_is_empty(value: &Value<'_>) -> bool {
    match value {
        Value::List(list) => list.len() == 0,
        Value::Bool(bool) => !bool,
        other => other.is_nothing(),
    }
}

/// `with` takes 0, as handlebars.js' `isEmpty` does.
fn is_zero(value: &Value<'_>) -> bool {
    matches!(value, Value::Int(_) | Value::Num(_)) && !value.is_true()
}
