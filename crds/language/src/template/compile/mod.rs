//! From a template's text to its program: scan, parse, lower.
//!
//! [`super::scan`] checks the text and writes an equal template for the `handlebars` crate, the crate
//! parses it, and the tree that it builds is lowered here: names are resolved to helpers, fields and block
//! parameters, arguments are counted, and literal patterns are compiled. All that the template
//! alone shows to be wrong is found here.

mod call;
mod names;

use std::ops::Range;

use handlebars::template::{BlockParam, HelperTemplate, Parameter, TemplateElement};

use super::helpers;
use super::pattern::Pattern;
use super::program::{Block, Branch, BranchKind, Expr, Known, Node, Program};
use super::scan::{self, Fault, Leaf, LeafKind, RawPath};
use super::value::Wanted;
use crate::mistake::Mistake;
use names::nearest;

/// Compiles a template, or says what is wrong with it.
pub(super) fn compile(text: &str) -> Result<Program, Mistake> {
    program(text).map_err(|fault| fault.in_text(text))
}

fn program(text: &str) -> Result<Program, Fault> {
    let scanned = scan::scan(text)?;
    let mut lower = Lower {
        bodies: &scanned.bodies,
        texts: &scanned.texts,
        leaves: &scanned.leaves,
        params: Vec::new(),
        reach: Reach::default(),
        patterns: Vec::new(),
        bare: None,
    };
    let nodes = lower.body(0)?;
    // A bare helper's name may be a field that was meant: only told when nothing else is wrong.
    if let Some(bare) = lower.bare {
        return Err(bare);
    }
    let Reach { names, dynamic, whole, members } = lower.reach;
    let wanted = if whole || dynamic { Wanted::All } else { Wanted::Only(members) };
    Ok(Program { nodes, wanted, names, dynamic, patterns: lower.patterns })
}

/// What of the record and the other roots a template can reach.
#[derive(Default)]
struct Reach {
    names: Vec<Box<str>>,
    members: Vec<Box<str>>,
    dynamic: bool,
    whole: bool,
}

struct Lower<'s> {
    bodies: &'s [scan::Body],
    texts: &'s [String],
    leaves: &'s [Leaf],
    /// Block parameters in scope, outermost first.
    params: Vec<&'s str>,
    reach: Reach,
    patterns: Vec<Known>,
    bare: Option<Fault>,
}

impl<'s> Lower<'s> {
    /// A body, part by part. Recursion is as deep as blocks nest.
    fn body(&mut self, number: usize) -> Result<Vec<Node>, Fault> {
        let mut nodes = Vec::new();
        for part in self.bodies.get(number).into_iter().flatten() {
            let parsed = handlebars::Template::compile(part).map_err(|error| {
                // The scan lets nothing through that the crate does not parse; should it, this is the message.
                Fault::new(0, 0, format!("does not parse: {}", error.reason()), "check the tags")
            })?;
            self.nodes(&parsed.elements, &mut nodes)?;
        }
        Ok(nodes)
    }

    fn nodes(&mut self, elements: &[TemplateElement], nodes: &mut Vec<Node>) -> Result<(), Fault> {
        for element in elements {
            match element {
                TemplateElement::RawString(raw) => {
                    // Texts that stand side by side come as one string.
                    for mark in raw.split(scan::MARK).filter(|part| !part.is_empty()) {
                        if let Some(body) = mark.strip_prefix(scan::BODY) {
                            nodes.extend(self.body(body.parse().unwrap_or(usize::MAX))?);
                        } else if let Some(text) =
                            mark.parse::<usize>().ok().and_then(|at| self.texts.get(at))
                        {
                            nodes.push(Node::Text(text.as_str().into()));
                        }
                    }
                }
                TemplateElement::Expression(tag) | TemplateElement::HtmlExpression(tag) => {
                    let head = self.leaf(&tag.name)?;
                    let value = self.call(head, tag, true)?;
                    nodes.push(Node::Print { value, raw: head.raw });
                }
                TemplateElement::HelperBlock(block) => nodes.push(Node::Block(self.block(block)?)),
                _ => {}
            }
        }
        Ok(())
    }

    fn collect(&mut self, elements: &[TemplateElement]) -> Result<Vec<Node>, Fault> {
        let mut nodes = Vec::new();
        self.nodes(elements, &mut nodes)?;
        Ok(nodes)
    }

    fn block(&mut self, first: &HelperTemplate) -> Result<Block, Fault> {
        let mut branches = Vec::new();
        let mut block = first;
        loop {
            branches.push(self.branch(block)?);
            let inverse = block.inverse.as_ref().map_or(&[][..], |inverse| inverse.elements.as_slice());
            // The crate nests `else if`; here it is a list, as long as it needs to be.
            match inverse {
                [TemplateElement::HelperBlock(next)] => block = next,
                others => return Ok(Block { branches, otherwise: self.collect(others)? }),
            }
        }
    }

    fn branch(&mut self, block: &HelperTemplate) -> Result<Branch, Fault> {
        let head = self.leaf(&block.name)?;
        let bare = block.params.is_empty() && block.hash.is_empty();
        let kind = self.branch_kind(head, bare)?;
        let (mut args, spans) = self.args(&block.params)?;
        let named = self.named(&block.hash)?;
        if let BranchKind::Helper(helper) = &kind {
            if let Some((reason, remedy)) = helper.count(args.len()) {
                return Err(Fault::new(head.call.start, head.call.end, reason, remedy));
            }
            Self::check(helper.check, &mut args, &spans, head)?;
        }
        let before = self.params.len();
        self.push_params(block.block_param.as_ref());
        let params = self.params.len() - before;
        let body = block.template.as_ref().map_or(&[][..], |template| template.elements.as_slice());
        let body = self.collect(body);
        self.params.truncate(before);
        Ok(Branch { kind, inverted: head.inverted, args, named, params, body: body? })
    }

    fn branch_kind(&mut self, head: &'s Leaf, bare: bool) -> Result<BranchKind, Fault> {
        let path = path_of(head);
        let name = path.simple().filter(|name| !self.params.contains(name)).map(str::to_owned);
        if let Some(helper) = name.as_deref().and_then(helpers::find_block) {
            return Ok(BranchKind::Helper(helper));
        }
        let call = &head.call;
        if let Some(helper) = name.as_deref().and_then(helpers::find) {
            if bare {
                self.bare_helper(helper.name, call);
            } else {
                let reason = format!("{} is not a block", helper.name);
                let remedy =
                    format!("write {{{{#if ({} ...)}}}} or {{{{{} ...}}}}", helper.name, helper.name);
                return Err(Fault::new(call.start, call.end, reason, remedy));
            }
        }
        if !bare {
            return Err(unknown(&path, call));
        }
        Ok(BranchKind::Section(self.path(&path)))
    }

    fn push_params(&mut self, params: Option<&BlockParam>) {
        let mut push = |param: &Parameter| {
            let name = self.leaf(param).map(|leaf| &leaf.kind);
            if let Ok(LeafKind::Name(name)) = name {
                self.params.push(name);
            }
        };
        match params {
            Some(BlockParam::Single(name)) => push(name),
            Some(BlockParam::Pair((value, key))) => {
                push(value);
                push(key);
            }
            _ => {}
        }
    }

    /// Remembers the first helper that stands alone although it needs arguments.
    fn bare_helper(&mut self, name: &str, call: &Range<usize>) {
        let reason = format!("{name} needs arguments; the field is this.{name} or record.{name}");
        let fault =
            Fault::new(call.start, call.end, reason, format!("write {{{{this.{name}}}}} for the field"));
        self.bare.get_or_insert(fault);
    }

    /// The leaf that a name of the crate's tree stands for.
    fn leaf(&self, name: &Parameter) -> Result<&'s Leaf, Fault> {
        name.as_name()
            .and_then(|name| name.strip_prefix('t'))
            .and_then(|number| self.leaves.get(number.parse::<usize>().ok()?))
            .ok_or_else(|| Fault::new(0, 0, "does not parse", "check the tags"))
    }

    fn check(
        check: Option<helpers::Check>,
        args: &mut [Expr],
        spans: &[Range<usize>],
        head: &Leaf,
    ) -> Result<(), Fault> {
        let Some(wrong) = check.and_then(|check| check(args)) else { return Ok(()) };
        let span = wrong.arg.and_then(|arg| spans.get(arg)).unwrap_or(&head.call);
        Err(Fault::new(span.start, span.end, wrong.reason, wrong.remedy))
    }

    fn learn(&mut self, text: &str, flags: &str) {
        let known = self.patterns.iter().any(|known| *known.text == *text && *known.flags == *flags);
        if let (false, Ok(pattern)) = (known, Pattern::new(text, flags)) {
            self.patterns.push(Known { text: text.into(), flags: flags.into(), pattern: pattern.into() });
        }
    }
}

/// A literal at the head of a tag names a field, as in handlebars.js.
fn path_of(head: &Leaf) -> RawPath {
    let name = match &head.kind {
        LeafKind::Path(path) => return path.clone(),
        LeafKind::Text(text) | LeafKind::Number(text) | LeafKind::Name(text) => text.clone(),
        LeafKind::Bool(bool) => bool.to_string(),
        LeafKind::Null => "null".to_owned(),
        LeafKind::Undefined => "undefined".to_owned(),
    };
    RawPath { names: vec![name], ..RawPath::default() }
}

fn unknown(path: &RawPath, call: &Range<usize>) -> Fault {
    let name = path.names.join(".");
    let remedy = match nearest(&name) {
        Some(near) => format!("did you mean {near}?"),
        None => "a field takes no arguments; the helpers are listed in docs/templates.md".to_owned(),
    };
    Fault::new(call.start, call.end, format!("unknown helper {name}"), remedy)
}
