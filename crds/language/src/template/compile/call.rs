//! Lowers values: literals, paths, and helpers with their arguments.

use std::collections::HashMap;
use std::ops::Range;

use handlebars::template::{HelperTemplate, Parameter, TemplateElement};

use super::{Lower, path_of, unknown};
use crate::template::helpers::{self, Helper};
use crate::template::program::{Base, Call, Expr, Literal, LoopName, Path};
use crate::template::scan::{Fault, Leaf, LeafKind, RawPath};

impl<'s> Lower<'s> {
    /// A tag or a subexpression. In a tag, a name alone may be a field.
    pub(super) fn call(&mut self, head: &'s Leaf, tag: &HelperTemplate, in_tag: bool) -> Result<Expr, Fault> {
        let path = path_of(head);
        let bare = tag.params.is_empty() && tag.hash.is_empty();
        let call = &head.call;
        let name = path.simple().filter(|name| !self.params.contains(name)).map(str::to_owned);
        if let Some(helper) = name.as_deref().and_then(helpers::find) {
            return self.helper(helper, head, tag);
        }
        if let Some(block) = name.as_deref().and_then(helpers::find_block) {
            if bare && in_tag {
                self.bare_helper(block.name, call);
                return Ok(Expr::Literal(Literal::Missing));
            }
            let reason = format!("{} is a block", block.name);
            let remedy = format!("write {{{{#{0} ...}}}}...{{{{/{0}}}}}", block.name);
            return Err(Fault::new(call.start, call.end, reason, remedy));
        }
        if bare && (in_tag || path.simple().is_none()) {
            return Ok(Expr::Path(self.path(&path)));
        }
        Err(unknown(&path, call))
    }

    fn helper(
        &mut self,
        helper: &'static Helper,
        head: &'s Leaf,
        tag: &HelperTemplate,
    ) -> Result<Expr, Fault> {
        let call = &head.call;
        let (mut args, spans) = self.args(&tag.params)?;
        let named = self.named(&tag.hash)?;
        if let Some((reason, remedy)) = helper.count(args.len()) {
            if args.is_empty() && named.is_empty() {
                self.bare_helper(helper.name, call);
                return Ok(Expr::Literal(Literal::Missing));
            }
            return Err(Fault::new(call.start, call.end, reason, remedy));
        }
        Self::check(helper.check, &mut args, &spans, head)?;
        self.reach_of(helper, &args);
        if let Some((text, flags)) = helpers::literal_pattern(helper.name, &args) {
            self.learn(&text, &flags);
        }
        Ok(Expr::Call(Box::new(Call { helper, args, named })))
    }

    /// The arguments, and where each stands.
    pub(super) fn args(&mut self, params: &[Parameter]) -> Result<(Vec<Expr>, Vec<Range<usize>>), Fault> {
        let mut args = Vec::with_capacity(params.len());
        let mut spans = Vec::with_capacity(params.len());
        for param in params {
            let (expr, span) = self.value(param)?;
            args.push(expr);
            spans.push(span);
        }
        Ok((args, spans))
    }

    pub(super) fn named(
        &mut self,
        hash: &HashMap<String, Parameter>,
    ) -> Result<Vec<(Box<str>, Expr)>, Fault> {
        let mut named = Vec::with_capacity(hash.len());
        for (name, value) in hash {
            let name = self.leaf(&Parameter::Name(name.clone()))?;
            let LeafKind::Name(name) = &name.kind else { continue };
            named.push((name.as_str().into(), self.value(value)?.0));
        }
        Ok(named)
    }

    fn value(&mut self, param: &Parameter) -> Result<(Expr, Range<usize>), Fault> {
        if let Parameter::Subexpression(inner) = param
            && let TemplateElement::Expression(tag) = inner.as_element()
        {
            let head = self.leaf(&tag.name)?;
            let expr = self.call(head, tag, false)?;
            return Ok((expr, head.call.clone()));
        }
        let leaf = self.leaf(param)?;
        let literal = match &leaf.kind {
            LeafKind::Path(path) => return Ok((Expr::Path(self.path(path)), leaf.span.clone())),
            LeafKind::Text(text) | LeafKind::Name(text) => Literal::Text(text.as_str().into()),
            LeafKind::Number(text) => number(text),
            LeafKind::Bool(bool) => Literal::Bool(*bool),
            LeafKind::Null => Literal::Null,
            LeafKind::Undefined => Literal::Missing,
        };
        Ok((Expr::Literal(literal), leaf.span.clone()))
    }

    pub(super) fn path(&mut self, path: &RawPath) -> Path {
        let RawPath { data, up, scoped, names } = path;
        let first = names.first().map(String::as_str);
        let rest =
            |from: usize| names.iter().skip(from).map(|name| name.as_str().into()).collect::<Vec<Box<str>>>();
        if *data {
            let name = match first {
                Some("root") => {
                    let names = rest(1);
                    self.reach_path(&names);
                    return Path { base: Base::Root, names };
                }
                Some("index") => LoopName::Index,
                Some("key") => LoopName::Key,
                Some("first") => LoopName::First,
                Some("last") => LoopName::Last,
                _ => return Path { base: Base::Nothing, names: Vec::new() },
            };
            return Path { base: Base::Loop(name, *up), names: rest(1) };
        }
        let param =
            first.filter(|_| !scoped).and_then(|first| self.params.iter().rposition(|name| *name == first));
        if let Some(at) = param {
            return Path { base: Base::Param(at), names: rest(1) };
        }
        let names = rest(0);
        self.reach_path(&names);
        Path { base: Base::Context(*up), names }
    }

    /// Notes what of the roots a path can reach.
    fn reach_path(&mut self, names: &[Box<str>]) {
        let member = match names {
            [first, second, ..] if **first == *"record" => Some(second),
            [first] if **first == *"record" => None,
            [first, ..] => Some(first),
            [] => None,
        };
        match member {
            Some(member) => self.reach.members.push(member.clone()),
            None => self.reach.whole = true,
        }
        // `record.record.x` may also be the path in a context that has a field of that name.
        if let Some(first) = names.first() {
            self.reach.members.push(first.clone());
            self.reach.names.push(first.clone());
        }
    }

    fn reach_of(&mut self, helper: &Helper, args: &[Expr]) {
        if helper.name != "getValue" {
            return;
        }
        match args.first().and_then(Expr::literal_text) {
            Some(path) => {
                let names: Vec<Box<str>> = crate::template::value::path_parts(path).map(Into::into).collect();
                self.reach_path(&names);
            }
            None => self.reach.dynamic = true,
        }
    }
}

/// An integer keeps its digits; `007` and fractions are doubles, as in JavaScript.
fn number(text: &str) -> Literal {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.bytes().all(|digit| digit.is_ascii_digit());
    let leading = digits.len() > 1 && digits.starts_with('0');
    if plain && !leading && text != "-0" {
        return Literal::Int(text.into());
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Literal::Num(number),
        _ => Literal::Int(text.into()),
    }
}
