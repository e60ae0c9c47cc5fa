//! Renders a program for one record.
//!
//! Contexts, loops and block parameters are three stacks, as in handlebars.js: `../` goes one
//! context up, `@../index` one loop up, and a block opens a context only when its value is not
//! already the context. Recursion is as deep as the template nests, which the scan bounds.

mod block;
mod json;
mod path;

pub(super) use path::COMPONENT;

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use super::limits::{self, Budget};
use super::pattern::Pattern;
use super::program::{Expr, Node, Program};
use super::value::{self, Doc, Value, escape_json};
use super::{Place, RenderError, Scope};
use crate::clock::Clock;
use json::Within;

static SYSTEM: Clock = Clock::System;

/// Patterns made while rendering that are kept for the next round of a loop.
const PATTERNS: usize = 8;

/// One rendering.
pub(super) struct Render<'a> {
    pub(super) program: &'a Program,
    pub(super) scope: &'a Scope<'a>,
    pub(super) budget: Budget,
    pub(super) clock: &'a Clock,
    place: Place,
    /// Where in a JSON document the output stands; followed for [`Place::Json`] alone.
    within: Within,
    record: OnceCell<Value<'a>>,
    /// The context is the root where there is no value.
    contexts: Vec<Option<Value<'a>>>,
    loops: Vec<Round<'a>>,
    params: Vec<Value<'a>>,
    out: String,
    patterns: RefCell<Vec<Made>>,
}

/// A pattern made while rendering.
struct Made {
    text: String,
    flags: String,
    pattern: Rc<Pattern>,
}

/// One round of a loop.
#[derive(Clone, Debug)]
struct Round<'a> {
    index: usize,
    key: Value<'a>,
    last: bool,
}

/// The arguments of one call of a helper.
pub(super) struct Args<'s, 'a> {
    pub(super) name: &'static str,
    pub(super) values: &'s [Value<'a>],
    pub(super) named: &'s [(&'a str, Value<'a>)],
    pub(super) render: &'s Render<'a>,
}

/// A compiled pattern, from the template or from this rendering.
pub(super) enum Held<'a> {
    Known(&'a Arc<Pattern>),
    Made(Rc<Pattern>),
}

impl std::ops::Deref for Held<'_> {
    type Target = Pattern;

    fn deref(&self) -> &Pattern {
        match self {
            Self::Known(pattern) => pattern,
            Self::Made(pattern) => pattern,
        }
    }
}

/// Renders `program`, or says why it gives nothing.
pub(super) fn render(program: &Program, place: Place, scope: &Scope<'_>) -> Result<String, RenderError> {
    let mut render = Render {
        program,
        scope,
        budget: Budget::new(),
        clock: scope.clock.unwrap_or(&SYSTEM),
        place,
        within: Within::default(),
        record: OnceCell::new(),
        contexts: vec![None],
        loops: Vec::new(),
        params: Vec::new(),
        out: String::new(),
        patterns: RefCell::new(Vec::new()),
    };
    render.nodes(&program.nodes)?;
    Ok(render.out)
}

impl<'a> Render<'a> {
    /// The record, read when something asks for it first.
    pub(super) fn record(&self) -> Result<Value<'a>, RenderError> {
        if let Some(record) = self.record.get() {
            return Ok(record.clone());
        }
        let record = match self.scope.record {
            None => Value::Missing,
            Some(bytes) => {
                let text = std::str::from_utf8(bytes)
                    .map_err(|_| RenderError { reason: "the record is not UTF-8".to_owned() })?;
                Doc::read(Cow::Borrowed(text), &self.program.wanted)
                    .map_err(|at| RenderError { reason: format!("the record is not JSON at byte {at}") })?
            }
        };
        Ok(self.record.get_or_init(|| record).clone())
    }

    pub(super) fn pattern(&self, text: &str, flags: &str) -> Result<Held<'a>, String> {
        let known = self.program.patterns.iter().find(|known| *known.text == *text && *known.flags == *flags);
        if let Some(known) = known {
            return Ok(Held::Known(&known.pattern));
        }
        let mut made = self.patterns.borrow_mut();
        if let Some(known) = made.iter().find(|made| made.text == text && made.flags == flags) {
            return Ok(Held::Made(Rc::clone(&known.pattern)));
        }
        let pattern = Rc::new(Pattern::new(text, flags)?);
        if made.len() >= PATTERNS {
            made.remove(0);
        }
        made.push(Made { text: text.to_owned(), flags: flags.to_owned(), pattern: Rc::clone(&pattern) });
        Ok(Held::Made(pattern))
    }

    fn nodes(&mut self, nodes: &'a [Node]) -> Result<(), RenderError> {
        for node in nodes {
            match node {
                // Costs no step: the output is bounded, and no text is empty.
                Node::Text(text) => self.push(text)?,
                Node::Print { value, raw } => {
                    self.budget.take(1)?;
                    let value = self.eval(value)?;
                    self.budget.take_bytes(value.weight())?;
                    let text = value::text(&value);
                    match (self.place, raw) {
                        (Place::Uri, false) => {
                            let encoded = percent_encoding::utf8_percent_encode(&text, path::COMPONENT);
                            for part in encoded {
                                self.push(part)?;
                            }
                        }
                        (Place::Json, false) if self.within.is_string() => {
                            let mut escaped = String::with_capacity(text.len());
                            escape_json(&text, &mut escaped);
                            self.push(&escaped)?;
                        }
                        _ => self.push(&text)?,
                    }
                }
                Node::Block(block) => {
                    self.budget.take(1)?;
                    self.block(block)?;
                }
            }
        }
        Ok(())
    }

    fn push(&mut self, text: &str) -> Result<(), RenderError> {
        if self.out.len() + text.len() > limits::OUTPUT {
            let reason = format!("output over the limit of {} bytes", limits::OUTPUT);
            return Err(RenderError { reason });
        }
        self.out.push_str(text);
        if self.place == Place::Json {
            self.within.pass(text);
        }
        Ok(())
    }

    fn eval(&self, expr: &'a Expr) -> Result<Value<'a>, RenderError> {
        match expr {
            Expr::Literal(literal) => Ok(literal.value()),
            Expr::Path(path) => self.look_up(path),
            Expr::Call(call) => {
                let values = self.eval_all(&call.args)?;
                let named = self.eval_named(&call.named)?;
                self.budget.take(1)?;
                for value in &values {
                    self.budget.take_bytes(value.weight())?;
                }
                let helper = call.helper;
                let args = Args { name: helper.name, values: &values, named: &named, render: self };
                let value = (helper.run)(&args)?;
                self.budget.take_bytes(value.weight())?;
                Ok(value)
            }
        }
    }

    fn eval_all(&self, exprs: &'a [Expr]) -> Result<Vec<Value<'a>>, RenderError> {
        exprs.iter().map(|expr| self.eval(expr)).collect()
    }

    fn eval_named(&self, named: &'a [(Box<str>, Expr)]) -> Result<Vec<(&'a str, Value<'a>)>, RenderError> {
        named.iter().map(|(name, expr)| Ok((&**name, self.eval(expr)?))).collect()
    }
}

impl<'s, 'a> Args<'s, 'a> {
    /// The argument, `Missing` where there is none.
    pub(super) fn get(&self, at: usize) -> &'s Value<'a> {
        self.values.get(at).unwrap_or(&value::MISSING)
    }

    /// The argument's text: empty for what is missing.
    pub(super) fn text(&self, at: usize) -> Cow<'s, str> {
        value::text(self.get(at))
    }

    pub(super) fn named(&self, name: &str) -> &'s Value<'a> {
        self.named.iter().find(|(known, _)| *known == name).map_or(&value::MISSING, |(_, value)| value)
    }

    /// An error with the helper's name.
    pub(super) fn error(&self, reason: impl std::fmt::Display) -> RenderError {
        RenderError { reason: format!("{}: {reason}", self.name) }
    }

    /// The argument as a number; `None` for missing, null and empty text.
    pub(super) fn number(&self, at: usize) -> Result<Option<f64>, RenderError> {
        self.number_of(self.get(at))
    }

    pub(super) fn number_of(&self, value: &Value<'_>) -> Result<Option<f64>, RenderError> {
        let number = match value {
            value if value.is_blank() => return Ok(None),
            Value::Num(number) => Some(*number),
            Value::Int(text) | Value::Text(text) => value::numeric_text(text),
            _ => None,
        };
        match number {
            Some(number) if number.is_finite() => Ok(Some(number)),
            Some(_) => Err(self.error("not finite")),
            None => Err(self.error("not a number")),
        }
    }

    /// A text that a helper made, within the limit of values.
    pub(super) fn made(&self, text: String) -> Result<Value<'a>, RenderError> {
        self.fits(text.len())?;
        Ok(Value::Text(Cow::Owned(text)))
    }

    pub(super) fn fits(&self, bytes: usize) -> Result<(), RenderError> {
        if bytes > limits::VALUE {
            return Err(self.error(format_args!("output over the limit of {} bytes", limits::VALUE)));
        }
        Ok(())
    }
}
