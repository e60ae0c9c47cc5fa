//! The scan before the crate parses.
//!
//! The crate's grammar takes less than handlebars.js and loses positions, and its parser recurses
//! as deep as a template nests. So the template is first cut into texts and tags here, without
//! recursion: every mistake of syntax is found with its place, the depth is bounded, white space is
//! taken out as handlebars.js does it, and what stands in tags is cut into leaves. The crate then
//! gets an equal template and builds the tree of it: in it a leaf is `t` and its number, and a text
//! or the body of a block is its number between two [`MARK`]s (`^` here).
//!
//! ```text
//! Hi {{#each a.[b c]}}{{join "_" this 1}}{{/each}}
//! ^0^{{#t0 t1}}^b1^{{/t0}}        and body 1: {{t2 t3 t4 t5}}
//! ```

mod fault;
mod leaf;
mod space;
mod tag;
mod write;

use std::ops::Range;

pub(super) use fault::Fault;
pub(super) use leaf::{Leaf, LeafKind, RawPath, is_space};
pub(super) use write::{BODY, Body, MARK};

use super::limits;
use tag::{End, too_deep};

/// A template, scanned.
#[derive(Debug)]
pub(super) struct Scanned {
    /// The equal template for the crate; the first body is the whole.
    pub(super) bodies: Vec<Body>,
    pub(super) texts: Vec<String>,
    pub(super) leaves: Vec<Leaf>,
}

/// A text or a tag, in the order of the template.
enum Piece {
    Text(String),
    Tag(Tag),
}

struct Tag {
    kind: Kind,
    /// `{{~` and `~}}`.
    strip: (bool, bool),
    /// For the crate.
    code: String,
    /// Blocks around it.
    depth: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Comment,
    Open,
    Else,
    Close,
}

/// A block, by the indexes of its tags.
struct Block {
    open: usize,
    /// With true for `else other ...`.
    branches: Vec<(usize, bool)>,
    close: usize,
    depth: usize,
}

/// A block that is not closed yet.
struct Opened {
    block: Block,
    name: String,
    head: usize,
    tag: Range<usize>,
}

struct Scan<'t> {
    text: &'t str,
    at: usize,
    pieces: Vec<Piece>,
    leaves: Vec<Leaf>,
    open: Vec<Opened>,
    blocks: Vec<Block>,
}

/// Scans a template, or says what is wrong with it.
pub(super) fn scan(text: &str) -> Result<Scanned, Fault> {
    if text.len() > limits::SOURCE {
        let reason = format!("the template has more than {} bytes", limits::SOURCE);
        return Err(Fault::new(0, 0, reason, "shorten it"));
    }
    let mut scan =
        Scan { text, at: 0, pieces: Vec::new(), leaves: Vec::new(), open: Vec::new(), blocks: Vec::new() };
    scan.run()?;
    let Scan { mut pieces, leaves, blocks, .. } = scan;
    space::strip(&mut pieces, &blocks);
    let (bodies, texts) = write::write(pieces);
    Ok(Scanned { bodies, texts, leaves })
}

/// The names of a path that stands alone, from the record on.
pub(super) fn path(text: &str) -> Result<Vec<String>, Fault> {
    let (path, end) = leaf::path(text, 0)?;
    if end < text.len() {
        let remedy = "write names with . between, other names in brackets: a.[b c].0";
        return Err(Fault::new(end, text.len(), "something follows the path", remedy));
    }
    if path.data || path.up > 0 {
        let remedy = "leave out ../ and @; begin with a field of the record";
        return Err(Fault::new(0, text.len(), "the path does not begin at the record", remedy));
    }
    Ok(path.names)
}

impl<'t> Scan<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Levels that are open.
    fn depth(&self) -> usize {
        self.open.len()
    }

    fn run(&mut self) -> Result<(), Fault> {
        while let Some(offset) = self.rest().find("{{") {
            let before = self.rest().get(..offset).unwrap_or_default();
            let tag = self.at + offset;
            // Two backslashes are one and a tag; one backslash makes the tag text.
            if let Some(text) = before.strip_suffix('\\').filter(|text| !text.ends_with('\\')) {
                self.push_text(text);
                self.escaped(tag);
                continue;
            }
            self.push_text(if before.ends_with("\\\\") { &before[..before.len() - 1] } else { before });
            self.at = tag;
            self.tag()?;
        }
        self.push_text(self.rest());
        match self.open.last() {
            Some(open) => Err(Fault::new(
                open.tag.start,
                open.tag.end,
                format!("block {} is not closed", open.name),
                format!("close it with {{{{/{}}}}}", open.name),
            )),
            None => Ok(()),
        }
    }

    fn push_text(&mut self, text: &str) {
        if !text.is_empty() {
            self.pieces.push(Piece::Text(text.to_owned()));
        }
    }

    /// Text from an escaped `{{` at `tag` to the next one.
    fn escaped(&mut self, tag: usize) {
        let least = tag + 2;
        let rest = self.text.get(least..).unwrap_or_default();
        let end = match rest.find("{{") {
            Some(offset) => {
                let text = rest.get(..offset).unwrap_or_default();
                let text = text.strip_suffix('\\').unwrap_or(text);
                least + text.strip_suffix('\\').unwrap_or(text).len()
            }
            None => self.text.len(),
        };
        self.push_text(self.text.get(tag..end).unwrap_or_default());
        self.at = end;
    }

    fn eat(&mut self, prefix: &str) -> bool {
        let found = self.rest().starts_with(prefix);
        self.at += if found { prefix.len() } else { 0 };
        found
    }

    fn tag(&mut self) -> Result<(), Fault> {
        let start = self.at;
        if self.eat("{{{{") {
            return self.raw_block(start);
        }
        self.at += 2;
        let left = self.eat("~");
        if self.eat("!") {
            return self.comment(start, left);
        }
        let offered = ["#>", "#*", "# >", "# *", ">", "*"].iter().all(|sign| !self.rest().starts_with(sign));
        if !offered {
            let end = self.rest().find("}}").map_or(self.text.len(), |offset| self.at + offset + 2);
            let remedy = "write the text into the template itself";
            return Err(Fault::new(start, end, "partials are not offered", remedy));
        }
        if self.eat("{") {
            return self.print(start, left, End::Triple, true);
        }
        if self.eat("&") {
            return self.print(start, left, End::Double, true);
        }
        if self.eat("#") {
            return self.open(start, left, false);
        }
        if self.eat("/") {
            return self.close(start, left);
        }
        let caret = self.eat("^");
        self.skip_space();
        let word = caret || self.starts_else();
        if word {
            self.at += if caret { 0 } else { "else".len() };
            self.skip_space();
            let bare = self.rest().starts_with("}}") || self.rest().starts_with("~}}");
            return match (bare, caret) {
                (true, _) => self.branch(start, left, false),
                (false, true) => self.open(start, left, true),
                (false, false) => self.branch(start, left, true),
            };
        }
        self.print(start, left, End::Double, false)
    }

    fn starts_else(&self) -> bool {
        let after = self.rest().strip_prefix("else").map(|rest| rest.chars().next());
        matches!(after, Some(next) if next.is_none_or(|next| !leaf::is_name(next) && !matches!(next, '.' | '/' | '=')))
    }

    fn push_tag(&mut self, kind: Kind, strip: (bool, bool), code: String) {
        let depth = self.open.len();
        self.pieces.push(Piece::Tag(Tag { kind, strip, code, depth }));
    }

    fn print(&mut self, start: usize, left: bool, end: End, raw: bool) -> Result<(), Fault> {
        let inside = self.inside(start, end, false)?;
        let Some(head) = inside.head else {
            return Err(Fault::new(start, self.at, "empty tag", "write a name between {{ and }}"));
        };
        if let Some(leaf) = self.leaves.get_mut(head) {
            leaf.raw = raw;
        }
        self.push_tag(Kind::Plain, (left, inside.strip), format!("{{{{{}}}}}", inside.code));
        Ok(())
    }

    fn open(&mut self, start: usize, left: bool, inverted: bool) -> Result<(), Fault> {
        let inside = self.inside(start, End::Double, true)?;
        let Some(head) = inside.head else {
            return Err(Fault::new(start, self.at, "empty tag", "write the block's name: {{#if name}}"));
        };
        if self.open.len() >= limits::DEPTH {
            return Err(too_deep(start));
        }
        let mut name = String::new();
        if let Some(leaf) = self.leaves.get_mut(head) {
            leaf.inverted = inverted;
            self.text.get(leaf.span.clone()).unwrap_or_default().clone_into(&mut name);
        }
        let block = Block { open: self.pieces.len(), branches: Vec::new(), close: 0, depth: self.open.len() };
        self.push_tag(Kind::Open, (left, inside.strip), format!("{{{{#{}}}}}", inside.code));
        self.open.push(Opened { block, name, head, tag: start..self.at });
        Ok(())
    }

    fn branch(&mut self, start: usize, left: bool, chained: bool) -> Result<(), Fault> {
        let inside = self.inside(start, End::Double, true)?;
        let (at, here) = (self.pieces.len(), self.at);
        let Some(open) = self.open.last_mut() else {
            return Err(Fault::new(start, here, "else outside a block", "open a block first: {{#if name}}"));
        };
        if open.block.branches.last().is_some_and(|(_, chained)| !chained) {
            let remedy = "the last branch of a block is {{else}}: remove one";
            return Err(Fault::new(start, here, "a branch after {{else}}", remedy));
        }
        if open.block.branches.len() >= limits::BRANCHES {
            let reason = format!("more than {} branches in one block", limits::BRANCHES);
            return Err(Fault::new(start, here, reason, "use {{lookup}} with a table in the settings"));
        }
        open.block.branches.push((at, chained));
        let code = if chained { format!("{{{{else {}}}}}", inside.code) } else { "{{else}}".to_owned() };
        self.push_tag(Kind::Else, (left, inside.strip), code);
        Ok(())
    }

    fn close(&mut self, start: usize, left: bool) -> Result<(), Fault> {
        let inside = self.inside(start, End::Double, false)?;
        let tag = start..self.at;
        let Some(mut open) = self.open.pop() else {
            return Err(Fault::new(
                start,
                self.at,
                "nothing to close",
                "remove it, or open the block before it",
            ));
        };
        let span = inside.head.and_then(|head| self.leaves.get(head)).map(|leaf| leaf.span.clone());
        let name = span.and_then(|span| self.text.get(span)).unwrap_or_default();
        if name != open.name || inside.more > 0 {
            return Err(Fault::new(
                tag.start,
                tag.end,
                format!("{} is closed by {name}", open.name),
                format!("close it with {{{{/{}}}}} first", open.name),
            ));
        }
        open.block.close = self.pieces.len();
        self.push_tag(Kind::Close, (left, inside.strip), format!("{{{{/t{}}}}}", open.head));
        self.blocks.push(open.block);
        Ok(())
    }

    fn comment(&mut self, start: usize, left: bool) -> Result<(), Fault> {
        let rest = self.rest();
        let long = rest.starts_with("--");
        let found = if long {
            rest.match_indices("--").find_map(|(offset, _)| {
                let after = rest.get(offset + 2..)?;
                [("}}", 2), ("~}}", 3)]
                    .iter()
                    .find(|(end, _)| after.starts_with(end))
                    .map(|(_, n)| offset + 2 + n)
            })
        } else {
            rest.find("}}").map(|offset| offset + 2)
        };
        let Some(length) = found else {
            let remedy = if long { "close it with --}}" } else { "close it with }}" };
            return Err(Fault::new(start, self.text.len(), "unclosed comment", remedy));
        };
        let right = rest.get(..length).is_some_and(|comment| comment.ends_with("~}}"));
        self.at += length;
        self.push_tag(Kind::Comment, (left, right), String::new());
        Ok(())
    }

    /// `{{{{name}}}}text{{{{/name}}}}`: the text stays as it is.
    fn raw_block(&mut self, start: usize) -> Result<(), Fault> {
        let unclosed = |end| {
            let remedy = "close it with {{{{/name}}}}, with the name that opened it";
            Fault::new(start, end, "unclosed {{{{", remedy)
        };
        let rest = self.rest();
        let Some(head) = rest.find("}}}}").and_then(|end| rest.get(..end)) else {
            return Err(unclosed(self.text.len()));
        };
        let name = head.split(is_space).find(|word| !word.is_empty()).unwrap_or_default();
        if name.is_empty() || name.starts_with('/') {
            return Err(Fault::new(
                start,
                self.at + head.len() + 4,
                "nothing to close",
                "open it with {{{{name}}}}",
            ));
        }
        self.at += head.len() + 4;
        let from = self.at;
        let mut depth = 1_usize;
        while let Some(offset) = self.rest().find("{{{{") {
            let tag = self.at + offset;
            self.at = tag + 4;
            if !self.eat("/") {
                depth += 1;
                continue;
            }
            depth -= 1;
            if depth > 0 {
                continue;
            }
            self.skip_space();
            let named = self.eat(name);
            self.skip_space();
            if !named || !self.eat("}}}}") {
                return Err(unclosed(self.at));
            }
            // An empty tag on both sides keeps the white space around apart from the text.
            self.push_tag(Kind::Plain, (false, false), String::new());
            self.push_text(self.text.get(from..tag).unwrap_or_default());
            self.push_tag(Kind::Plain, (false, false), String::new());
            return Ok(());
        }
        Err(unclosed(self.text.len()))
    }
}
